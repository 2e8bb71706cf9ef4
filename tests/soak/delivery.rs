//! The way of a change to the service: stream → publisher → bus → rule → DeliveryQueue → deliverer → endpoint, with an
//! endpoint that fails at times and deliverers that are killed. The queue's clock is advanced instead of waited for:
//! [`DeliveryClock`].

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use end_to_end::{
    bus,
    delivery::{Delivery, NEW, Received},
    lambda::Lambda,
    proxy::{ConnectionFault, CutAnswer, Proxy},
    queue::Message,
    seeded_random::SeededRandom,
};
use tokio::time::{Instant, sleep};

use crate::service::Service;

/// The endpoint's faults one after the other: each begins when the endpoint got so many requests, and lasts for so many
/// seconds of the queue's clock. All of it is shorter than nine attempts with their pauses.
pub(crate) const ENDPOINT: [(usize, u64, EndpointFault); 5] = [
    (10, 30, EndpointFault::Status(500)),
    (40, 1, EndpointFault::Hangs),
    (70, 20, EndpointFault::Refuses),
    (100, 5, EndpointFault::LosesAnswers),
    (140, 1, EndpointFault::Hangs),
];
/// From here on the endpoint accepts only the new secret.
const ROTATION: usize = 120;
/// How many seconds of the queue's clock a batch takes.
const OF_A_BATCH: u64 = 1;
/// After so many seconds a message without a pause comes again, as template.yaml has it.
const VISIBILITY: u64 = 180;
/// After so many batches one is lost with its deliverer.
const KILLED: usize = 8;
/// No deliverer is killed with a message received more often than this: it is to be delivered in the end.
const SPARED: u32 = 4;
/// How long the stream's poller waits when there is nothing.
const BETWEEN_POLLS: Duration = Duration::from_millis(100);
/// How long the delivery queue's poller waits.
const A_MOMENT: Duration = Duration::from_millis(20);
/// Longer than it takes on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy)]
pub(crate) enum EndpointFault {
    /// Something before it answers.
    Status(u16),
    Refuses,
    Hangs,
    /// It accepts the request, and the connection is reset.
    LosesAnswers,
}

impl EndpointFault {
    fn of_connection(self) -> ConnectionFault {
        match self {
            Self::Status(status) => {
                ConnectionFault::Answers(format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n"))
            }
            Self::Refuses => ConnectionFault::Refuses,
            Self::Hangs => ConnectionFault::Hangs,
            Self::LosesAnswers => ConnectionFault::Cuts(CutAnswer::Reset),
        }
    }
}

/// What happened to the deliveries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deliveries {
    /// Attempts that came back, and had a pause.
    pub(crate) paused: usize,
    /// How often the endpoint failed for some time.
    pub(crate) faults: usize,
    /// Deliverers killed at work.
    pub(crate) killed: usize,
    /// The time that passed on the queue's clock, in seconds.
    pub(crate) seconds: usize,
}

/// Passes the writes of the table to the publisher, and what it puts on the bus to the queue.
pub(crate) async fn publish(service: Arc<Service>) {
    let bus = &service.bus;
    let mut stream = service.stream.clone();
    let variables = [("EVENT_BUS_NAME", bus::NAME), ("AWS_ENDPOINT_URL_EVENTBRIDGE", &bus.endpoint())];
    let mut publisher = service.pipeline.start_function_with("publisher", &variables).await.unwrap();
    let mut routed = 0;
    loop {
        // Asked before the stream is read: what is written afterwards is read by the next round.
        let is_last = service.is_done();
        let has_more = stream.poll(&service.pipeline.table, &mut publisher).await.unwrap();
        for change in bus.taken_since(routed) {
            service.delivery.route(&change);
            routed += 1;
        }
        if is_last && !has_more {
            return service.all_is_published();
        }
        if !has_more {
            sleep(BETWEEN_POLLS).await;
        }
    }
}

/// Lambda's poller of the delivery queue, until every change is delivered.
pub(crate) async fn deliver(service: Arc<Service>, mut random: SeededRandom) {
    let mut endpoint = FailingEndpoint::before(&service.delivery).await;
    let (mut clock, mut deliverer) = (DeliveryClock::default(), endpoint.start_deliverer(&service).await);
    // Since the last one that was lost.
    let mut batches = 0;
    loop {
        let is_last = service.is_published();
        clock.advance(&service.delivery, is_last);
        let received = service.delivery.receive();
        if received.messages.is_empty() {
            if is_last && clock.hidden.is_empty() {
                break;
            }
            sleep(A_MOMENT).await;
            continue;
        }
        endpoint.set(&service.delivery, clock.now).await;
        let is_spared = received.receipts.iter().any(|receipts| *receipts > SPARED);
        batches += 1;
        if !is_spared && batches > KILLED {
            batches = 0;
            kill_at(&service.delivery, &deliverer, &received, &mut random).await;
            // Its process gets SIGKILL.
            deliverer = endpoint.start_deliverer(&service).await;
            clock.deliveries.killed += 1;
            clock.hide(received.messages, &BTreeMap::new());
            continue;
        }
        let seen = service.delivery.queue.hidden().len();
        let outcome = deliverer.invoke(&received.event()).await.unwrap();
        let failed = received.failed(outcome).unwrap();
        let pauses: BTreeMap<_, _> = service.delivery.queue.hidden().split_off(seen).into_iter().collect();
        clock.hide(failed, &pauses);
    }
    clock.deliveries.faults = endpoint.faults;
    service.count(|account| account.deliveries_of_changes = clock.deliveries);
}

/// The endpoint behind a proxy.
struct FailingEndpoint {
    proxy: Proxy,
    /// How many of its faults have begun.
    faults: usize,
    /// Until when the last of them lasts.
    until: u64,
}

impl FailingEndpoint {
    async fn before(delivery: &Delivery) -> Self {
        Self { proxy: Proxy::before(&delivery.endpoint.url()).await.unwrap(), faults: 0, until: 0 }
    }

    async fn start_deliverer(&self, service: &Service) -> Lambda {
        let url = [("DELIVERY_URL", &*self.proxy.url())];
        service.delivery.start_deliverer(&service.pipeline, &url).await.unwrap()
    }

    /// A batch begins at this second.
    async fn set(&mut self, delivery: &Delivery, now: u64) {
        let posts = delivery.endpoint.posts();
        if posts >= ROTATION {
            delivery.secrets.set(NEW);
            delivery.endpoint.wants(NEW);
        }
        if now < self.until {
            return;
        }
        let next = ENDPOINT.get(self.faults).filter(|(from, ..)| *from <= posts);
        let fault = next.map(|(_, seconds, fault)| {
            (self.faults, self.until) = (self.faults + 1, now + seconds);
            fault.of_connection()
        });
        self.proxy.set(fault.unwrap_or_default()).await.unwrap();
    }
}

/// Waits until the endpoint has some of the batch.
async fn kill_at(delivery: &Delivery, deliverer: &Lambda, received: &Received, random: &mut SeededRandom) {
    let posts = delivery.endpoint.posts() + random.place(received.messages.len() + 1);
    let invocation = deliverer.begin(&received.event()).await;
    deliverer.taken(&invocation).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while delivery.endpoint.posts() < posts && !deliverer.has_ended(&invocation).await {
        assert!(Instant::now() < deadline, "it neither delivers nor ends");
        sleep(Duration::from_millis(1)).await;
    }
}

/// The queue's clock. It goes on by a second with every batch, and when nothing can be received it is put forward to
/// where something can.
#[derive(Default)]
struct DeliveryClock {
    now: u64,
    /// What can't be received, by when it can again.
    hidden: BTreeMap<u64, Vec<Message>>,
    deliveries: Deliveries,
}

impl DeliveryClock {
    /// Time passes. What is hidden no longer can be received.
    fn advance(&mut self, delivery: &Delivery, is_put_forward: bool) {
        match self.hidden.first_key_value() {
            Some((next, _)) if is_put_forward && delivery.queue.is_empty() => self.now = self.now.max(*next),
            _ if !delivery.queue.is_empty() => self.now += OF_A_BATCH,
            _ => {}
        }
        let later = self.hidden.split_off(&(self.now + 1));
        let due = std::mem::replace(&mut self.hidden, later);
        delivery.queue.give_back(due.into_values().flatten());
        self.deliveries.seconds = usize::try_from(self.now).unwrap();
    }

    /// These come again after their pauses, or after the queue's visibility timeout.
    fn hide(&mut self, messages: Vec<Message>, pauses: &BTreeMap<String, u64>) {
        for message in messages {
            let pause = pauses.get(&message.id);
            self.deliveries.paused += usize::from(pause.is_some());
            let due = self.now + pause.copied().unwrap_or(VISIBILITY);
            self.hidden.entry(due).or_default().push(message);
        }
    }
}
