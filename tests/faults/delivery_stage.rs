//! Where the deliverer's cases are played, each in a service of its own.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use end_to_end::{
    Pipeline,
    bus::{self, Bus},
    delivery::{Delivery, NEW, OLD, about, event},
    faults::Fault,
    khook_binary,
    lambda::Lambda,
    patience::becomes,
    proxy::Proxy,
    queue::Message,
    service::APP_ID,
    stream::Stream,
    table,
    tls::{AuthorityFile, Tls},
};

use crate::{
    delivery_case::{DeliveryCase, DeliveryFault, DeliveryPlace},
    edge_fault::{Edge, EdgeFault},
    function::{Function, new_user},
    request_case::Process,
    service::{Measured, TRIES},
};

/// A service that has changes delivered. Its deliverer reaches the endpoint through the proxy.
struct Stage {
    delivery: Delivery,
    proxy: Proxy,
    /// Before the endpoint, with a certificate that only those trust who know the authority.
    tls: Tls,
    authority: AuthorityFile,
    /// Dropped last: it searches what the others wrote.
    pipeline: Pipeline,
}

impl DeliveryCase {
    /// Plays it. What it returns has lost nothing that isn't found again; anything else is an error.
    pub(crate) async fn play(&self) -> Result<Measured<bool, DeliveryPlace>> {
        let mut stage = Stage::start().await?;
        match self.fault {
            DeliveryFault::Purged => stage.purge().await,
            DeliveryFault::Killed => stage.kill(self.process).await,
            fault => stage.deliver(fault, self.process).await,
        }
    }
}

impl Stage {
    async fn start() -> Result<Self> {
        let pipeline = Pipeline::start().await?;
        let delivery = Delivery::start(&pipeline).await?;
        // An answer with a body, so that it can end in its middle.
        delivery.endpoint.answers(200);
        let proxy = Proxy::before(&delivery.endpoint.url()).await?;
        let authority = AuthorityFile::new(&format!("delivery-{}", new_user()))?;
        let tls = Tls::before(&delivery.endpoint.url(), &authority).await?;
        Ok(Self { delivery, proxy, tls, authority, pipeline })
    }

    async fn start_deliverer(&self, fault: DeliveryFault) -> Result<Lambda> {
        let url = if fault == DeliveryFault::Certificate { self.tls.url() } else { self.proxy.url() };
        self.delivery.start_deliverer(&self.pipeline, &[("DELIVERY_URL", &url)]).await
    }

    /// A deliverer that has delivered something, if it is to be warm.
    async fn warm_up(&self, fault: DeliveryFault, process: Process) -> Result<Option<Lambda>> {
        if process == Process::Cold {
            return Ok(None);
        }
        let mut deliverer = self.start_deliverer(fault).await?;
        self.send(&new_user());
        self.all_arrive(&mut deliverer).await.context("warming up failed")?;
        Ok(Some(deliverer))
    }

    fn send(&self, user: &str) -> String {
        self.delivery.queue.put(&event(user).to_string())
    }

    async fn deliver(&mut self, fault: DeliveryFault, process: Process) -> Result<Measured<bool, DeliveryPlace>> {
        let warm = self.warm_up(fault, process).await?;
        let users = [new_user(), new_user()];
        let ids = users.each_ref().map(|user| self.send(user));
        self.begin(fault, &users[0]).await?;
        let (seen, start) = (self.delivery.queue.hidden().len(), Instant::now());
        let mut deliverer = match warm {
            Some(deliverer) => deliverer,
            None => self.start_deliverer(fault).await?,
        };
        let failed = self.delivery.deliver(&mut deliverer).await?;
        let time = start.elapsed();
        self.check_pauses(fault, seen, &failed)?;
        if let DeliveryFault::NoSecret(_) | DeliveryFault::DoubtedSecret(_) = fault {
            // It was asked for, and there was no answer.
            deliverer.line("event", "secret_not_read").await?;
        }
        if let DeliveryFault::OneUser(_) = fault {
            ensure!(failed.iter().map(|message| &message.id).eq([&ids[0]]), "one delays the other: {failed:?}");
            ensure!(self.has_arrived(&users[1]), "the other is not delivered");
        }
        let has_arrived =
            |message: &Message| users.iter().any(|who| message.body.contains(who) && self.has_arrived(who));
        let at_endpoint = if failed.is_empty() {
            users.iter().all(|who| self.has_arrived(who))
        } else {
            failed.iter().any(has_arrived)
        };
        let is_delivered = failed.is_empty();
        let place = DeliveryPlace::of(!is_delivered, at_endpoint);
        self.end(fault).await?;
        self.delivery.queue.give_back(failed);
        if fault == DeliveryFault::Certificate {
            let (url, file) = (self.tls.url(), self.authority.file());
            let trusting = [("DELIVERY_URL", url.as_str()), ("AWS_CA_BUNDLE", file)];
            deliverer = self.delivery.start_deliverer(&self.pipeline, &trusting).await?;
        }
        self.all_arrive(&mut deliverer).await?;
        for who in &users {
            ensure!(self.has_arrived(who), "after the fault a change is not delivered");
        }
        Ok(Measured { status: is_delivered, time, place })
    }

    async fn begin(&mut self, fault: DeliveryFault, user: &str) -> Result<()> {
        let Delivery { endpoint, queue, secrets } = &self.delivery;
        match fault {
            DeliveryFault::Endpoint(EdgeFault::LosesConnections) => self.proxy.lose_connections(),
            DeliveryFault::Endpoint(fault) => self.proxy.set(fault.fault(Edge::Endpoint)).await?,
            DeliveryFault::OneUser(fault) => endpoint.gate().set_for(user, fault),
            DeliveryFault::Redirects => endpoint.answers(307),
            DeliveryFault::SecretRotated => {
                secrets.set(NEW);
                endpoint.wants(NEW);
            }
            DeliveryFault::NoSecret(fault) | DeliveryFault::HeldSecret(fault) => secrets.gate().set(fault),
            DeliveryFault::DoubtedSecret(fault) => {
                secrets.gate().set(fault);
                endpoint.answers(401);
            }
            DeliveryFault::Pause(fault) => {
                queue.gate().set(fault);
                endpoint.answers(503);
            }
            DeliveryFault::Certificate | DeliveryFault::Killed | DeliveryFault::Purged => {}
        }
        Ok(())
    }

    /// Ends it; but Secrets Manager goes on failing where a secret is held.
    async fn end(&mut self, fault: DeliveryFault) -> Result<()> {
        let Delivery { endpoint, queue, secrets } = &self.delivery;
        self.proxy.set(EdgeFault::Works.fault(Edge::Endpoint)).await?;
        endpoint.gate().set(Fault::None);
        endpoint.answers(200);
        queue.gate().set(Fault::None);
        if let DeliveryFault::NoSecret(_) = fault {
            secrets.gate().set(Fault::None);
        }
        Ok(())
    }

    /// Whether each that failed waits for the first pause; without one it waits for the queue's visibility timeout.
    fn check_pauses(&self, fault: DeliveryFault, seen: usize, failed: &[Message]) -> Result<()> {
        if let DeliveryFault::Pause(_) = fault {
            ensure!(self.delivery.queue.hidden().len() == seen, "a pause was set");
            return Ok(());
        }
        let pauses = self.delivery.pauses(seen, failed)?;
        ensure!(pauses.iter().all(|pause| about(5).contains(pause)), "{pauses:?}");
        Ok(())
    }

    /// Whether the endpoint accepted the change of a user, whole and signed.
    fn has_arrived(&self, user: &str) -> bool {
        let expected = &event(user)["detail"];
        self.delivery.endpoint.posted().iter().any(|posted| {
            posted.status.is_success()
                && (posted.is_signed(OLD) || posted.is_signed(NEW))
                && posted.json()["data"] == *expected
        })
    }

    /// Delivers until nothing is left in the queue; only the machine's load can delay it.
    async fn all_arrive(&self, deliverer: &mut Lambda) -> Result<()> {
        for _ in 0..TRIES {
            let failed = self.delivery.deliver(deliverer).await?;
            self.delivery.queue.give_back(failed);
            if self.delivery.queue.is_empty() {
                return Ok(());
            }
        }
        bail!("nothing fails, and {:?} is not delivered: {:?}", self.delivery.queue.bodies(), deliverer.lines())
    }

    /// Kills the deliverer when one of two changes is delivered. The queue brings both again.
    async fn kill(&mut self, process: Process) -> Result<Measured<bool, DeliveryPlace>> {
        let warm = self.warm_up(DeliveryFault::Killed, process).await?;
        let [stuck, other] = [new_user(), new_user()];
        self.send(&stuck);
        self.send(&other);
        self.delivery.endpoint.gate().set_for(&stuck, Fault::Hangs);
        let deliverer = match warm {
            Some(deliverer) => deliverer,
            None => self.start_deliverer(DeliveryFault::Killed).await?,
        };
        let received = self.delivery.receive();
        deliverer.begin(&received.event()).await;
        becomes("the other is delivered", &true, async || self.has_arrived(&other)).await;
        drop(deliverer);
        let place = DeliveryPlace::of(true, self.has_arrived(&stuck));
        self.delivery.endpoint.gate().set(Fault::None);
        self.delivery.queue.give_back(received.messages);
        let start = Instant::now();
        let mut next = self.start_deliverer(DeliveryFault::Killed).await?;
        self.all_arrive(&mut next).await?;
        let time = start.elapsed();
        ensure!(self.has_arrived(&stuck), "after the kill a change is not delivered");
        Ok(Measured { status: false, time, place })
    }

    /// Purges the queue after a change was published. `khook publish` publishes the same version again.
    async fn purge(&mut self) -> Result<Measured<bool, DeliveryPlace>> {
        let who = new_user();
        let bus = Bus::start(&self.pipeline.table).await?;
        let mut stream = Stream::begin(&self.pipeline.table)?;
        let variables = [("EVENT_BUS_NAME", bus::NAME), ("AWS_ENDPOINT_URL_EVENTBRIDGE", &bus.endpoint())];
        let mut publisher = self.pipeline.start_function_with("publisher", &variables).await?;
        let unlinked = Function::Unlink.request(&who, self.pipeline.keys.key());
        self.pipeline.deliver(&unlinked).await?;
        self.pipeline.settle().await?;
        stream.drain(&self.pipeline.table, &mut publisher).await?;
        let [published] = &bus.taken()[..] else { bail!("{:?} was published", bus.ids()) };
        self.delivery.route(published);
        self.delivery.queue.take();

        let (mut deliverer, start) = (self.start_deliverer(DeliveryFault::Purged).await?, Instant::now());
        self.publish_again(&bus, &who).await?;
        let [again] = &bus.taken_since(1)[..] else { bail!("not published again") };
        self.delivery.route(again);
        self.all_arrive(&mut deliverer).await?;
        let time = start.elapsed();
        let posted = self.delivery.endpoint.posted();
        let [posted] = &posted[..] else { bail!("{} deliveries", posted.len()) };
        ensure!(posted.header("webhook-id") == published.id() && posted.is_signed(OLD), "another: {posted:?}");
        ensure!(posted.json()["data"]["state"] == published.detail["state"], "another state: {posted:?}");
        Ok(Measured { status: false, time, place: DeliveryPlace::Nowhere })
    }

    async fn publish_again(&self, bus: &Bus, who: &str) -> Result<()> {
        let variables = [
            ("TABLE_NAME", table::NAME.to_owned()),
            ("EVENT_BUS_NAME", bus::NAME.to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.pipeline.table.endpoint()),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", bus.endpoint()),
        ];
        let done = khook_binary::run(&variables, &["publish", "--user", APP_ID, who]).await?;
        ensure!(done.code == Some(0), "khook publish: {}", done.error);
        Ok(())
    }
}
