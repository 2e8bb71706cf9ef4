//! A server before the table or the queue: it forwards every call, counts it in the units that AWS bills, and finds out
//! for how many calls one after the other a caller waits.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use end_to_end::{
    faults::{Gate, Server},
    units::Units,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Held calls are answered once none has arrived for so long. It is far longer than a process takes to make two calls at
/// once, also on a machine that has other work, and shorter than the functions wait for the table.
const QUIET: Duration = Duration::from_millis(500);
const JSON: &str = "application/x-amz-json-1.0";
const TABLE: &str = "DynamoDB_20120810";

/// What was called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) requests: usize,
    /// Of the table.
    pub(crate) units: Units,
    /// While calls are held: how many groups of calls there were, each made after the group before was answered.
    pub(crate) round_trips: u32,
    /// While calls are held: the size of the largest of these groups. HTTP/1.1 needs a connection for each of its calls.
    pub(crate) at_once: u32,
}

#[derive(Debug, Default)]
struct Counted {
    calls: Calls,
    holds: bool,
    /// The number of the group that is being held, how many calls it has, and when the last one arrived.
    group: u64,
    size: u32,
    last: Option<Instant>,
    /// How many of the next calls are refused, and whether the last one was.
    refusals: u32,
    was_refused: bool,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrived {
    Passed,
    /// It is held together with all others of this group.
    Held(u64),
    Refused,
}

/// A server that forwards everything.
pub(crate) struct Meter {
    server: Server,
    counted: Arc<Mutex<Counted>>,
}

#[derive(Clone)]
struct Shared {
    client: reqwest::Client,
    target: String,
    counted: Arc<Mutex<Counted>>,
}

fn lock(counted: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Meter {
    pub(crate) async fn before(target: &str) -> Result<Self> {
        let counted = Arc::<Mutex<Counted>>::default();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let shared = Shared { client, target: target.to_owned(), counted: Arc::clone(&counted) };
        let router = Router::new().fallback(hand_on).with_state(shared);
        Ok(Self { server: Server::start(router, Gate::default()).await?, counted })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The calls since the last call of this function.
    pub(crate) fn take(&self) -> Calls {
        std::mem::take(&mut lock(&self.counted).calls)
    }

    /// Starts or stops holding calls. A held call waits until no other one arrives, which distinguishes calls that are made
    /// at once from those that wait for each other.
    pub(crate) fn hold(&self, holds: bool) {
        lock(&self.counted).holds = holds;
    }

    /// Plants a cost: the next call is refused once, so that the caller repeats it.
    pub(crate) fn refuse_next(&self) {
        lock(&self.counted).refusals = 1;
    }
}

impl Counted {
    /// Counts a call that has arrived.
    fn arrive(&mut self, now: Instant, is_repeated: bool) -> Arrived {
        // The client repeats a call that was refused. One that it repeats otherwise took too long on this machine.
        let was_refused = std::mem::take(&mut self.was_refused);
        self.calls.requests += usize::from(!is_repeated || was_refused);
        if self.refusals > 0 {
            self.refusals -= 1;
            self.was_refused = true;
            return Arrived::Refused;
        }
        if !self.holds {
            return Arrived::Passed;
        }
        self.size += 1;
        self.last = Some(now);
        Arrived::Held(self.group)
    }

    /// How long a call of this group has to wait at least. The first one that need not ends the group, so that no call that
    /// arrives later can join it.
    fn wait_of(&mut self, group: u64, now: Instant) -> Option<Duration> {
        if self.group != group {
            return None;
        }
        let quiet = self.last.map(|last| now.duration_since(last));
        let left = quiet.and_then(|quiet| QUIET.checked_sub(quiet)).filter(|left| !left.is_zero());
        if left.is_none() {
            self.calls.round_trips += 1;
            self.calls.at_once = self.calls.at_once.max(self.size);
            (self.group, self.size) = (group + 1, 0);
        }
        left
    }
}

async fn hand_on(State(shared): State<Shared>, mut headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let (service, operation) = target.split_once('.').unwrap_or_default();
    // A connection that is opened early is no call.
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if service == TABLE {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
    }
    let attempt = headers.get("amz-sdk-request").and_then(|attempt| attempt.to_str().ok());
    let is_repeated =
        attempt.is_some_and(|attempt| attempt.starts_with("attempt=") && !attempt.starts_with("attempt=1"));
    let arrived = lock(&shared.counted).arrive(Instant::now(), is_repeated);
    if arrived == Arrived::Refused {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    // The request has become longer.
    headers.remove(CONTENT_LENGTH);
    let sent = shared.client.post(&shared.target).headers(headers);
    let Ok(answer) = sent.body(request.to_string()).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    let Ok(answer) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let reported = status.is_success().then(|| serde_json::from_slice(&answer).unwrap_or_default());
    if let Arrived::Held(group) = arrived {
        loop {
            let left = lock(&shared.counted).wait_of(group, Instant::now());
            let Some(left) = left else { break };
            sleep(left).await;
        }
    }
    if service == TABLE {
        lock(&shared.counted).calls.units += Units::of(operation, &request, reported.as_ref());
    }
    (status, [(CONTENT_TYPE, JSON)], answer).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call that arrives so long after `start`. The group that it belongs to.
    fn arrive(counted: &mut Counted, start: Instant, millis: u64) -> u64 {
        match counted.arrive(start + Duration::from_millis(millis), false) {
            Arrived::Held(group) => group,
            other => panic!("{other:?}"),
        }
    }

    fn wait_of(counted: &mut Counted, group: u64, start: Instant, millis: u64) -> Option<u128> {
        counted.wait_of(group, start + Duration::from_millis(millis)).map(|left| left.as_millis())
    }

    fn held() -> (Counted, Instant) {
        (Counted { holds: true, ..Counted::default() }, Instant::now())
    }

    #[test]
    fn calls_that_arrive_before_any_is_answered_are_one_round_trip() {
        let (mut counted, start) = held();
        let [first, second] = [0, 300].map(|millis| arrive(&mut counted, start, millis));
        assert_eq!(wait_of(&mut counted, first, start, 500), Some(300));
        assert_eq!([second, first].map(|group| wait_of(&mut counted, group, start, 800)), [None, None]);
        assert_eq!((counted.calls.round_trips, counted.calls.at_once), (1, 2));
    }

    #[test]
    fn a_call_that_is_repeated_counts_once_unless_it_was_refused() {
        let mut counted = Counted { refusals: 1, ..Counted::default() };
        let now = Instant::now();
        for (is_repeated, requests) in [(false, 1), (true, 2), (true, 2), (false, 3)] {
            counted.arrive(now, is_repeated);
            assert_eq!(counted.calls.requests, requests);
        }
    }

    #[test]
    fn a_call_that_follows_an_answer_is_another_round_trip_even_if_others_are_not_yet_answered() {
        let (mut counted, start) = held();
        let [first, second] = [0, 0].map(|millis| arrive(&mut counted, start, millis));
        assert_eq!(wait_of(&mut counted, first, start, 500), None);
        let next = arrive(&mut counted, start, 501);
        assert_eq!(wait_of(&mut counted, second, start, 502), None);
        assert_eq!(wait_of(&mut counted, next, start, 1_001), None);
        assert_eq!((counted.calls.round_trips, counted.calls.at_once), (2, 2));
    }
}
