//! A service of its own in which cases are played one after another, each about a new user.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use end_to_end::{
    Answer, Pipeline,
    lambda::{Lambda, Outcome},
    proxy::{ConnectionFault, Proxy},
};
use serde_json::{Map, Value};

use crate::{
    edge_fault::{Edge, EdgeFault},
    function::{Function, new_user},
    request_case::{Place, Process, RequestCase},
    worker_case::PROCESSOR_LIMIT,
};

/// The service. Its processor and its janitor reach queue and table past the proxies; who is tried goes through them.
pub(crate) struct Service {
    pub(crate) pipeline: Pipeline,
    queue: Proxy,
    table: Proxy,
    keys: Proxy,
    /// Where the janitor asks for keys: it is not to store any.
    _nowhere: Proxy,
}

/// The result of a request or an invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<S, P = Place> {
    pub(crate) status: S,
    pub(crate) time: Duration,
    pub(crate) place: P,
}

type Item = Map<String, Value>;

/// How many events an outage before a case has: more than the SDK would by itself make second attempts for.
const OUTAGE: usize = 60;
/// How often something is tried that works, on a machine that may have no time for it.
pub(crate) const TRIES: usize = 5;

impl Service {
    pub(crate) async fn start() -> Result<Self> {
        let pipeline = Pipeline::start().await?.processor_limit(PROCESSOR_LIMIT);
        let queue = Proxy::before(&pipeline.queue.endpoint()).await?;
        let table = Proxy::before(&pipeline.table.endpoint()).await?;
        let keys = Proxy::before(&pipeline.keys.url()).await?;
        let mut nowhere = Proxy::before(&pipeline.keys.url()).await?;
        nowhere.set(ConnectionFault::Refuses).await?;
        let pipeline = pipeline.with("KAKAO_JWKS_URL", &nowhere.url());
        Ok(Self { pipeline, queue, table, keys, _nowhere: nowhere })
    }

    /// A function whose edges can fail.
    pub(crate) async fn start_function(&self, name: &str) -> Result<Lambda> {
        let (queue, table) = (self.queue.url(), self.table.url());
        let keys = format!("{}/jwks.json", self.keys.url());
        let variables = [
            ("AWS_ENDPOINT_URL_SQS", queue.as_str()),
            ("AWS_ENDPOINT_URL_DYNAMODB", table.as_str()),
            ("KAKAO_JWKS_URL", keys.as_str()),
        ];
        self.pipeline.start_function_with(name, &variables).await
    }

    pub(crate) async fn fails(&mut self, edge: Edge, fault: EdgeFault) -> Result<()> {
        let proxy = match edge {
            Edge::Queue => &mut self.queue,
            Edge::Table => &mut self.table,
            Edge::Keys => &mut self.keys,
            Edge::Endpoint => bail!("only the deliverer's cases have an endpoint"),
        };
        if fault == EdgeFault::LosesConnections {
            proxy.lose_connections();
        }
        proxy.set(fault.fault(edge)).await
    }

    pub(crate) async fn works_again(&mut self) -> Result<()> {
        for edge in [Edge::Queue, Edge::Table, Edge::Keys] {
            self.fails(edge, EdgeFault::Works).await?;
        }
        Ok(())
    }

    /// Plays a case. What it returns has lost nothing; anything else is an error.
    pub(crate) async fn play(&mut self, case: &RequestCase) -> Result<Measured<u16>> {
        let (who, function) = (new_user(), case.function);
        self.store_key_set(case.key_set_stored)?;
        let mut concerned = vec![];
        let warm = match case.process {
            Process::Cold => None,
            process => Some(self.warm_up(function, process, &mut concerned).await?),
        };
        for (edge, fault) in [(Edge::Queue, case.queue), (Edge::Table, case.table), (Edge::Keys, case.keys)] {
            self.fails(edge, fault).await?;
        }
        let request = function.request(&who, self.pipeline.keys.key());
        let start = Instant::now();
        let mut lambda = match warm {
            Some(lambda) => lambda,
            None => self.start_function(function.name()).await?,
        };
        let answer = answer(&mut lambda, &request.event()).await?;
        let time = start.elapsed();
        let place = self.place(&who)?;
        self.works_again().await?;

        let is_retriable = answer.status == 503;
        ensure!(is_retriable || answer.status == function.accepted(), "an authentic event was answered {answer:?}");
        ensure!(is_retriable || place != Place::Nowhere, "acknowledged, and the event is nowhere");
        ensure!(is_retriable == answer.headers.contains_key("retry-after"), "Retry-After belongs to 503: {answer:?}");
        // An endpoint that failed isn't asked again for ten seconds; the pipeline's tests see to that.
        let is_well_again = case.process != Process::Cold || case.keys == EdgeFault::Works;
        if is_retriable && is_well_again {
            // An unlink is sent once and dated by its receipt, so the next one is another event.
            let again = || if function == Function::Unlink { new_user() } else { who.clone() };
            concerned.push(self.takes(&mut lambda, function, again).await?);
        }
        if place != Place::Nowhere {
            concerned.push(who.clone());
        }
        self.pipeline.settle().await?;
        self.has_once(function, &concerned)?;
        let items = self.pipeline.table.partition(&function.partition(&who))?;
        ensure!(concerned.contains(&who) || items.is_empty(), "what was nowhere came from somewhere: {items:?}");
        Ok(Measured { status: answer.status, time, place })
    }

    /// A stored key set, as fresh as can be, or none.
    fn store_key_set(&self, is_there: bool) -> Result<()> {
        const KEYSET: &str = "KEYSET";
        if !is_there {
            return self.pipeline.table.remove(KEYSET, KEYSET);
        }
        let document = play_kakao::key_set([self.pipeline.keys.key()]).to_string();
        let now = jiff::Timestamp::now().to_string();
        self.pipeline.table.set(KEYSET, KEYSET, "document", &document)?;
        self.pipeline.table.set(KEYSET, KEYSET, "fetched_at", &now)
    }

    /// A process that is connected to queue, table and key endpoint.
    async fn warm_up(&mut self, function: Function, process: Process, concerned: &mut Vec<String>) -> Result<Lambda> {
        let mut lambda = self.start_function(function.name()).await?;
        let refused = if process == Process::AfterOutage { OUTAGE } else { 1 };
        for number in 0..=refused {
            // The good one comes last: a connection on which a 503 came isn't used again.
            self.fails(Edge::Queue, if number == refused { EdgeFault::Works } else { EdgeFault::Status(503) }).await?;
            concerned.push(self.takes(&mut lambda, function, new_user).await?);
        }
        Ok(lambda)
    }

    /// Sends an event about a user until it is acknowledged; only the machine's load can delay it.
    pub(crate) async fn takes(
        &self,
        lambda: &mut Lambda,
        function: Function,
        about: impl Fn() -> String,
    ) -> Result<String> {
        let mut answers = vec![];
        for _ in 0..TRIES {
            let who = about();
            let answer = answer(lambda, &function.request(&who, self.pipeline.keys.key()).event()).await?;
            if answer.status == function.accepted() {
                return Ok(who);
            }
            answers.push(answer);
        }
        bail!("{} acknowledges nothing although nothing fails: {answers:?}", function.name())
    }

    /// Where the user's event is now.
    pub(crate) fn place(&self, who: &str) -> Result<Place> {
        let in_queue = self.pipeline.queue.bodies().iter().any(|body| body.contains(who));
        let is_about = |item: &Item| item["envelope"].as_str().is_some_and(|envelope| envelope.contains(who));
        Ok(Place::of(in_queue, self.pipeline.inbox()?.iter().any(is_about)))
    }

    /// Whether the events about these are in the table, each exactly once.
    pub(crate) fn has_once(&self, function: Function, concerned: &[String]) -> Result<()> {
        for who in concerned {
            let partition = function.partition(who);
            let items = self.pipeline.table.partition(&partition)?;
            let of = |item: &&Item, sort: &str| item["sk"].as_str().is_some_and(|sk| sk.starts_with(sort));
            let history = items.iter().filter(|item| of(item, "EVENT#")).count();
            ensure!(history == 1, "{partition} has {history} lines of history: {items:?}");
            let (sort, pointer, expected) = function.effect();
            let item =
                items.iter().find(|item| of(item, sort)).with_context(|| format!("{partition} has no {sort}"))?;
            let item = Value::Object(item.clone());
            ensure!(item.pointer(pointer) == Some(&expected), "{partition} is not {expected} at {pointer}: {item}");
        }
        Ok(())
    }
}

async fn answer(lambda: &mut Lambda, event: &Value) -> Result<Answer> {
    match lambda.invoke(event).await? {
        Outcome::Response(response) => Answer::of_response(&response),
        Outcome::Error(error) => bail!("the function failed: {error}"),
    }
}
