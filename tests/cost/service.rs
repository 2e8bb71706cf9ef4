//! The whole service with its publisher, and the AWS calls that a request causes.

use std::{
    collections::BTreeSet,
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use end_to_end::{
    Pipeline, Request,
    bus::{self, Bus},
    lambda::{Lambda, Outcome},
    queue::Queue,
    service::{ADMIN_KEY, APP_ID},
    stream::Stream,
    table::Table,
    units::Units,
};
use serde_json::{Value, json};

use crate::meter::Meter;

/// The AWS calls of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    pub(crate) requests: usize,
    pub(crate) invocations: usize,
    /// Those of the functions are counted; the event source receives and deletes each message.
    pub(crate) sqs_requests: usize,
    pub(crate) units: Units,
    pub(crate) changes: usize,
    /// As CloudWatch counts them.
    pub(crate) log_bytes: usize,
    /// For how many calls of the table, one after the other, the processor waits.
    pub(crate) round_trips: u32,
    /// How many calls of the table are made at once, each on a connection of its own.
    pub(crate) at_once: u32,
}

/// The AWS calls of one batch of the recorder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recording {
    pub(crate) departures: Use,
    pub(crate) links: Use,
}

/// CloudWatch adds this many bytes for each log event ("PutLogEvents").
pub(crate) const OF_AN_EVENT: usize = 26;
/// What Lambda itself writes of an invocation: nothing, since template.yaml asks for its warnings only.
const OF_LAMBDA: usize = 0;
/// A line of the API's access log, as template.yaml has it.
const OF_GATEWAY: usize = 250 + OF_AN_EVENT;
/// What Lambda's event source asks of SQS for a message that comes alone: it receives and deletes it. In a test the harness
/// does its work.
const OF_EVENT_SOURCE: usize = 2;
/// A line comes from a process that may have no time just now.
const PATIENCE: Duration = Duration::from_secs(20);
/// After the cold starts, all lines are there once none has come for so long.
const NO_LINE: Duration = Duration::from_millis(500);

pub(crate) struct Service {
    pub(crate) pipeline: Pipeline,
    meter: Meter,
    queue: Meter,
    bus: Bus,
    stream: Stream,
    publisher: Lambda,
    /// Of the log so far: its bytes, and how many lines of invocations it has.
    log: (usize, usize),
    _unpublished: Queue,
}

impl Service {
    /// As template.yaml has it without `KakaoReaderKeys`: the table has no index.
    pub(crate) async fn start() -> Result<Self> {
        Self::around(Table::start_without_roster().await?).await
    }

    /// As template.yaml has it with `KakaoReaderKeys`.
    pub(crate) async fn start_with_index() -> Result<Self> {
        Self::around(Table::start().await?).await
    }

    async fn around(table: Table) -> Result<Self> {
        let pipeline = Pipeline::around(table).await?;
        let meter = Meter::before(&pipeline.table.endpoint()).await?;
        let queue = Meter::before(&pipeline.queue.endpoint()).await?;
        let pipeline = pipeline
            .with("AWS_ENDPOINT_URL_DYNAMODB", &meter.url())
            .with("AWS_ENDPOINT_URL_SQS", &queue.url())
            .with("WATCH_SILENCE", "true");
        let stream = Stream::begin(&pipeline.table)?;
        let (bus, unpublished) = (Bus::start(&pipeline.table).await?, Queue::start().await?);
        let variables = [
            ("EVENT_BUS_NAME", bus::NAME),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &bus.endpoint()),
            ("AWS_ENDPOINT_URL_SQS", &unpublished.endpoint()),
            ("UNPUBLISHED_QUEUE_URL", &unpublished.url()),
        ];
        let publisher = pipeline.start_function_with("publisher", &variables).await?;
        Ok(Self { pipeline, meter, queue, bus, stream, publisher, log: (0, 0), _unpublished: unpublished })
    }

    /// Starts every function that these requests need.
    pub(crate) async fn warm_up(&mut self, requests: &[Request]) -> Result<()> {
        for request in requests {
            let answer = self.pipeline.deliver(request).await?;
            ensure!((200..300).contains(&answer.status), "{answer:?}");
            let failed = self.pipeline.drain().await?;
            ensure!(failed.is_empty(), "{failed:?}");
            while self.stream.poll(&self.pipeline.table, &mut self.publisher).await? {}
        }
        let mut lines = 0;
        while lines < self.all_lines().len() {
            lines = self.all_lines().len();
            tokio::time::sleep(NO_LINE).await;
        }
        self.log = size(&self.all_lines());
        Ok(())
    }

    /// A member whose link the table knows, before the functions are warm.
    pub(crate) async fn link(&mut self, user: &str) -> Result<()> {
        let at = "2025-02-01T00:00:00Z";
        self.pipeline.queue.put(&link(user, at).to_string());
        let failed = self.pipeline.drain().await?;
        ensure!(failed.is_empty(), "{failed:?}");
        Ok(())
    }

    /// Plants a cost: SQS refuses the next message once, so that the function sends it again.
    pub(crate) fn refuse_next_message(&self) {
        self.queue.refuse_next();
    }

    /// What a request asks for, all the way to the bus. It comes alone: in a burst up to ten messages are one
    /// invocation of the processor.
    pub(crate) async fn use_of(&mut self, request: &Request, status: Range<u16>) -> Result<Use> {
        self.meter.take();
        self.queue.take();
        let before = self.bus.taken().len();
        let answer = self.pipeline.deliver(request).await?;
        ensure!(status.contains(&answer.status), "{answer:?}");
        let messages = self.pipeline.queue.len();
        let mut units = self.meter.take().units;
        self.meter.hold(true);
        let failed = self.pipeline.drain().await?;
        self.meter.hold(false);
        ensure!(failed.is_empty(), "{failed:?}");
        let processed = self.meter.take();
        units += processed.units;
        let mut published = 0;
        while !self.stream.next(&self.pipeline.table)?.is_empty() {
            self.stream.poll(&self.pipeline.table, &mut self.publisher).await?;
            published += 1;
        }
        let invocations = 1 + messages.min(1) + published;
        let changes = self.bus.taken().len() - before;
        // The publisher writes no line of a write that changed nothing for a consumer.
        let silent = published.saturating_sub(changes);
        let lines = self.lines_of(invocations - silent).await?;
        units += self.meter.take().units;
        Ok(Use {
            requests: 1,
            invocations,
            sqs_requests: self.queue.take().requests + messages * OF_EVENT_SOURCE,
            units,
            changes,
            log_bytes: OF_GATEWAY + invocations * OF_LAMBDA + lines,
            round_trips: processed.round_trips,
            at_once: processed.at_once,
        })
    }

    /// The AWS calls by which the recorder records so many departures at once, and so many links, besides those that the
    /// events themselves cause.
    pub(crate) async fn recording(&mut self, number: usize) -> Result<Recording> {
        let mut recorder = self.pipeline.start_function("recorder").await?;
        let mut stream = self.stream.of_departures();
        stream.drain(&self.pipeline.table, &mut recorder).await?;
        let users = 9_007_199_254_740_993..9_007_199_254_740_993 + number;
        for user in users.clone() {
            let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id={user}&referrer_type=UNLINK_FROM_APPS");
            let unlink = Request::new("GET", &path).header("Authorization", &format!("KakaoAK {ADMIN_KEY}"));
            let answer = self.pipeline.deliver(&unlink.id(&user.to_string())).await?;
            ensure!(answer.status == 200, "{answer:?}");
        }
        let departures = self.recorded(&mut stream, &mut recorder).await?;
        for user in users {
            // Not later than the queue's time of the message.
            let at = "2025-03-01T03:30:00Z";
            self.pipeline.queue.put(&link(&user.to_string(), at).to_string());
        }
        let links = self.recorded(&mut stream, &mut recorder).await?;
        Ok(Recording { departures, links })
    }

    /// The AWS calls by which the recorder records what is in the queue.
    async fn recorded(&mut self, stream: &mut Stream, recorder: &mut Lambda) -> Result<Use> {
        let failed = self.pipeline.drain().await?;
        ensure!(failed.is_empty(), "{failed:?}");
        let seen = invocations_in(recorder);
        self.meter.take();
        ensure!(!stream.poll(&self.pipeline.table, recorder).await?, "more than one batch");
        let deadline = Instant::now() + PATIENCE;
        while invocations_in(recorder) <= seen {
            ensure!(Instant::now() < deadline, "no line of the recorder: {:?}", recorder.lines());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let last = recorder.raw_lines().pop().context("no line")?;
        let log_bytes = last.to_string().len() + OF_AN_EVENT;
        Ok(Use { invocations: 1, units: self.meter.take().units, log_bytes, ..Use::default() })
    }

    /// The AWS calls of five minutes without requests.
    pub(crate) async fn five_minutes(&mut self) -> Result<Use> {
        let mut all = Use::default();
        // The first is the cold start.
        for minute in 4..10 {
            self.meter.take();
            self.meter.hold(true);
            let event = json!({"source": "aws.events", "time": format!("2026-01-01T00:{minute:02}:00Z")});
            let outcome = self.pipeline.function("janitor").await?.invoke(&event).await?;
            self.meter.hold(false);
            ensure!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
            // A cold start writes a line of its own.
            let log_bytes = self.lines_of(if minute == 4 { 2 } else { 1 }).await?;
            if minute > 4 {
                let calls = self.meter.take();
                all.invocations += 1;
                all.units += calls.units;
                all.at_once = all.at_once.max(calls.at_once);
                all.log_bytes += OF_LAMBDA + log_bytes;
            }
        }
        Ok(all)
    }

    fn all_lines(&self) -> Vec<Value> {
        [self.pipeline.raw_lines(), self.publisher.raw_lines()].concat()
    }

    /// The bytes of what so many invocations wrote. Each writes one line.
    async fn lines_of(&mut self, invocations: usize) -> Result<usize> {
        let deadline = Instant::now() + PATIENCE;
        let (before, ends) = self.log;
        loop {
            let all = self.all_lines();
            let (bytes, found) = size(&all);
            if found >= ends + invocations {
                self.log = (bytes, found);
                return Ok(bytes - before);
            }
            ensure!(Instant::now() < deadline, "{found} lines of invocations, and not {}: {all:?}", ends + invocations);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The names of all metrics that were written: those of each minute, and those of the webhooks.
    pub(crate) async fn metrics(&mut self) -> Result<[BTreeSet<String>; 2]> {
        let of_minutes = names(&self.pipeline.function("janitor").await?.raw_lines())?;
        let all = names(&self.all_lines())?;
        let of_webhooks = all.difference(&of_minutes).cloned().collect();
        Ok([of_minutes, of_webhooks])
    }
}

/// The service itself reports that a user linked.
fn link(user: &str, at: &str) -> Value {
    json!({"v": 1, "kind": "service", "id": format!("link-of-{user}"), "app_id": APP_ID, "received_at": at,
        "event": {"type": "service-linked", "user_id": user, "at": at}})
}

/// The bytes of these lines, as CloudWatch counts them, and how many of them are lines of invocations.
fn size(lines: &[Value]) -> (usize, usize) {
    let bytes = lines.iter().map(|line| line.to_string().len() + OF_AN_EVENT).sum();
    (bytes, lines.iter().filter(|line| line.get("events").is_some()).count())
}

/// How many invocations of a function have written their line.
fn invocations_in(function: &Lambda) -> usize {
    function.raw_lines().iter().filter(|line| line.get("events").is_some()).count()
}

/// The metrics in these lines, as CloudWatch distinguishes them: by name and dimensions.
fn names(lines: &[Value]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for line in lines {
        let directives = line.pointer("/_aws/CloudWatchMetrics").and_then(Value::as_array);
        for directive in directives.into_iter().flatten() {
            let metrics = directive["Metrics"].as_array().context("no metrics")?;
            for set in directive["Dimensions"].as_array().context("no dimensions")? {
                let names = set.as_array().context("no set")?.iter().filter_map(Value::as_str);
                let of: Vec<_> = names.map(|name| format!("{name}={}", line[name])).collect();
                all.extend(metrics.iter().map(|metric| format!("{} {of:?}", metric["Name"])));
            }
        }
    }
    Ok(all)
}
