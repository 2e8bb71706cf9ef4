use std::{
    collections::VecDeque,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use kakao_webhooks::{erasure::DepartureChange, wire::Time};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::time::Instant;

use super::{Deliverer, Endpoint, Reply, SignedRequest};
use crate::{
    batch::Batch,
    clock,
    edges::{Acknowledgements, EdgeError, Visibility},
    signing::{HeldSecrets, SecretSource},
};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What the endpoint does with a request.
#[derive(Clone, Copy)]
enum Does {
    Answers(u16),
    AnswersAfter(u16, Duration),
    /// It answers, and its response never ends.
    NeverEnds(u16),
    Fails,
    Hangs,
    Panics,
}

/// It does the first of these whose text the request's body holds, else it answers 204.
#[derive(Default)]
struct Service {
    does: Vec<(&'static str, Does)>,
    taken: Mutex<Vec<SignedRequest>>,
}

impl Endpoint for &Service {
    async fn post(&self, request: SignedRequest) -> Result<Reply, EdgeError> {
        let does = self.does.iter().find(|(text, _)| request.body.contains(text)).map(|(_, does)| *does);
        self.taken.lock().unwrap().push(request);
        let reply = |status| Reply { status: StatusCode::from_u16(status).unwrap(), rest: async {}.boxed() };
        match does.unwrap_or(Does::Answers(204)) {
            Does::Answers(status) => Ok(reply(status)),
            Does::AnswersAfter(status, time) => {
                tokio::time::sleep(time).await;
                Ok(reply(status))
            }
            Does::NeverEnds(status) => Ok(Reply { rest: tokio::time::sleep(SHORT).boxed(), ..reply(status) }),
            Does::Fails => Err(EdgeError("connection refused".to_owned())),
            Does::Hangs => pending().await,
            Does::Panics => panic!("a test's"),
        }
    }
}

/// As long as the real endpoint waits for the rest of a response.
const SHORT: Duration = Duration::from_millis(250);

/// Which messages were hidden, for how long, and when.
#[derive(Default)]
struct Hidden {
    hangs: bool,
    pauses: Mutex<Vec<(String, Duration, Instant)>>,
}

impl Visibility for &Hidden {
    async fn hide(&self, receipt: &str, pause: Duration) -> Result<(), EdgeError> {
        if self.hangs {
            pending::<()>().await;
        }
        self.pauses.lock().unwrap().push((receipt.to_owned(), pause, Instant::now()));
        Ok(())
    }
}

/// The texts that are read, one after the other; the last one for ever.
struct Texts {
    texts: Mutex<VecDeque<Option<String>>>,
    reads: AtomicUsize,
}

impl Texts {
    fn new<const N: usize>(texts: [Option<&str>; N]) -> Self {
        let texts = texts.map(|text| text.map(str::to_owned));
        Self { texts: Mutex::new(texts.into()), reads: AtomicUsize::new(0) }
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl SecretSource for &Texts {
    async fn read(&self) -> Result<String, EdgeError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut texts = self.texts.lock().unwrap();
        let text = if texts.len() > 1 { texts.pop_front() } else { texts.front().cloned() };
        text.flatten().ok_or_else(|| EdgeError("not now".to_owned()))
    }
}

/// What was noted of departures: by member, since when, and when the endpoint accepted it. The first ones are refused.
#[derive(Default)]
struct Notes {
    refuses: AtomicUsize,
    hangs: bool,
    taken: Mutex<Vec<(String, Time, Time)>>,
}

impl Acknowledgements for &Notes {
    async fn note(&self, departure: &DepartureChange, acknowledged_at: Time) -> Result<(), EdgeError> {
        if self.hangs {
            pending::<()>().await;
        }
        if self.refuses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Err(EdgeError("throttled".to_owned()));
        }
        self.taken.lock().unwrap().push((departure.user.digits(), departure.at, acknowledged_at));
        Ok(())
    }
}

/// A deliverer with its surroundings.
struct Run {
    service: Service,
    hidden: Hidden,
    texts: Texts,
    notes: Notes,
}

impl Run {
    fn new<const N: usize>(does: [(&'static str, Does); N]) -> Self {
        let service = Service { does: does.into(), ..Service::default() };
        Self { service, hidden: Hidden::default(), texts: Texts::new([Some(OLD)]), notes: Notes::default() }
    }

    fn deliverer(&self) -> Deliverer<&Service, &Hidden, &Texts, &Notes> {
        let secrets = HeldSecrets::new("DELIVERY_SECRET", &self.texts);
        Deliverer::new(&self.service, &self.hidden, secrets, Some(&self.notes))
    }

    /// The ids of the messages that come again.
    async fn deliver(&self, records: &[Value]) -> Vec<String> {
        deliver(&self.deliverer(), records, clock::now(), USUAL).await
    }

    /// The seconds for which each message is hidden, in the order of their receipts.
    fn pauses(&self) -> Vec<(String, u64)> {
        let mut pauses: Vec<_> = self
            .hidden
            .pauses
            .lock()
            .unwrap()
            .iter()
            .map(|(receipt, pause, _)| (receipt.clone(), pause.as_secs()))
            .collect();
        pauses.sort();
        pauses
    }

    fn taken(&self) -> Vec<SignedRequest> {
        self.service.taken.lock().unwrap().clone()
    }
}

/// What is left of the function's 30 seconds.
const USUAL: Duration = Duration::from_millis(28_500);

async fn deliver<E: Endpoint, V: Visibility, S: SecretSource, A: Acknowledgements>(
    deliverer: &Deliverer<E, V, S, A>,
    records: &[Value],
    now: Time,
    left: Duration,
) -> Vec<String> {
    let batch: Batch = serde_json::from_value(json!({"Records": records})).unwrap();
    let response = deliverer.deliver(batch, now, Instant::now() + left, || 0.5).await;
    let response = serde_json::to_value(response).unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// The whole event of the bus, as a rule sends it to a queue.
fn event(user: &str) -> Value {
    json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "user-changed",
        "source": "kakao-webhooks", "account": "123456789012", "time": "2025-03-01T03:30:01Z",
        "region": "ap-northeast-2", "resources": [],
        "detail": {
            "v": 2, "id": format!("123456:{user}:1740799800000"), "app_id": "123456", "user_id": user,
            "version": 1_740_799_800_000_u64, "written_at": "2025-03-01T03:30:00.123Z", "changed": ["access"],
            "state": {"access": "allowed"},
        },
    })
}

fn record(id: &str, attempt: u32, body: &str) -> Value {
    json!({
        "messageId": id, "receiptHandle": format!("receipt-{id}"), "body": body,
        "attributes": {"ApproximateReceiveCount": attempt.to_string(), "SentTimestamp": "1740799801000"},
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "ap-northeast-2",
        "eventSourceARN": "arn:aws:sqs:ap-northeast-2:123456789012:delivery",
    })
}

fn change(id: &str, attempt: u32, user: &str) -> Value {
    record(id, attempt, &event(user).to_string())
}

/// Whether the receiver's library accepts a request with one of its secrets.
fn is_signed(request: &SignedRequest, secret: &str) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", request.id.parse().unwrap());
    headers.insert("webhook-timestamp", request.timestamp.to_string().parse().unwrap());
    headers.insert("webhook-signature", request.signature.parse().unwrap());
    Webhook::new(secret).unwrap().verify(request.body.as_bytes(), &headers).is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_change_is_posted_signed_with_its_detail_as_it_is() {
    let run = Run::new([]);
    assert_eq!(run.deliver(&[change("a", 1, "3142857901")]).await, [""; 0]);
    let taken = run.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].id, "123456:3142857901:1740799800000");
    assert!((clock::now().as_seconds() - taken[0].timestamp).abs() <= 1);
    assert!(is_signed(&taken[0], OLD) && !is_signed(&taken[0], NEW));
    let body: Value = serde_json::from_str(&taken[0].body).unwrap();
    let expected =
        json!({"type": "user.changed", "timestamp": "2025-03-01T03:30:00.123Z", "data": event("3142857901")["detail"]});
    assert_eq!(body, expected);
    assert_eq!(run.pauses(), []);
}

#[tokio::test(start_paused = true)]
async fn the_detail_keeps_its_bytes() {
    let run = Run::new([]);
    let detail = r#"{ "written_at":"2025-03-01T03:30:00Z",  "n":1.10, "big":123456789012345678901, "id":"1:2:3","이름":"\u00e9" }"#;
    let body = format!(r#"{{"detail-type":"user-changed","detail":{detail}}}"#);
    assert_eq!(run.deliver(&[record("a", 1, &body)]).await, [""; 0]);
    let expected = format!(r#"{{"type":"user.changed","timestamp":"2025-03-01T03:30:00Z","data":{detail}}}"#);
    assert_eq!(run.taken()[0].body, expected);
}

#[tokio::test(start_paused = true)]
async fn while_the_secret_rotates_either_secret_verifies_a_request() {
    let mut run = Run::new([]);
    run.texts = Texts::new([Some(&format!("{NEW} {OLD}"))]);
    run.deliver(&[change("a", 1, "1")]).await;
    assert!(is_signed(&run.taken()[0], OLD) && is_signed(&run.taken()[0], NEW));
    assert_eq!(run.taken()[0].signature.split(' ').count(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_a_status_of_2xx_is_a_delivery() {
    for status in [200, 201, 202, 204, 299] {
        let run = Run::new([("", Does::Answers(status))]);
        assert_eq!(run.deliver(&[change("a", 1, "1")]).await, [""; 0], "{status}");
        assert_eq!(run.pauses(), [], "{status}");
    }
    for status in [300, 301, 302, 304, 307, 308, 400, 401, 404, 409, 410, 429, 500, 503] {
        let run = Run::new([("", Does::Answers(status))]);
        assert_eq!(run.deliver(&[change("a", 1, "1")]).await, ["a"], "{status}");
        assert_eq!(run.pauses(), [("receipt-a".to_owned(), 5)], "{status}");
        assert_eq!(run.taken().len(), 1, "{status}");
    }
    let run = Run::new([("", Does::Fails)]);
    assert_eq!(run.deliver(&[change("a", 1, "1")]).await, ["a"]);
    assert_eq!(run.pauses(), [("receipt-a".to_owned(), 5)]);
}

#[tokio::test(start_paused = true)]
async fn the_pause_follows_the_number_of_receives() {
    for (attempt, expected) in [(1, 5), (2, 30), (3, 120), (4, 600), (5, 3_600), (6, 10_800), (7, 21_600), (8, 39_600)]
    {
        let run = Run::new([("", Does::Answers(500))]);
        assert_eq!(run.deliver(&[change("a", attempt, "1")]).await, ["a"]);
        assert_eq!(run.pauses(), [("receipt-a".to_owned(), expected)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_count_of_receives_may_be_a_number_and_without_one_it_is_the_first() {
    for (count, expected) in [(json!(3), 120), (json!("3"), 120), (json!("many"), 5), (Value::Null, 5)] {
        let run = Run::new([("", Does::Answers(500))]);
        let mut record = change("a", 1, "1");
        record["attributes"]["ApproximateReceiveCount"] = count;
        assert_eq!(run.deliver(&[record]).await, ["a"]);
        assert_eq!(run.pauses(), [("receipt-a".to_owned(), expected)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_has_ten_seconds_from_the_start_of_its_request() {
    let almost = Does::AnswersAfter(200, Duration::from_millis(9_900));
    let run = Run::new([("late", Does::AnswersAfter(200, Duration::from_millis(10_100))), ("", almost)]);
    let begun = Instant::now();
    assert_eq!(run.deliver(&[change("a", 1, "late"), change("b", 1, "1")]).await, ["a"]);
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(run.pauses(), [("receipt-a".to_owned(), 5)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_hangs_delays_only_itself() {
    let run = Run::new([("slow", Does::Hangs), ("broken", Does::Answers(500)), ("crash", Does::Panics)]);
    let begun = Instant::now();
    let records = [change("a", 1, "slow"), change("b", 1, "broken"), change("c", 1, "1"), change("d", 1, "crash")];
    assert_eq!(run.deliver(&records).await, ["a", "b", "d"]);
    assert_eq!(run.taken().len(), 4);
    let hidden = run.hidden.pauses.lock().unwrap().clone();
    let when = |receipt: &str| hidden.iter().find(|(of, ..)| of == receipt).map(|(.., at)| (*at - begun).as_secs());
    assert_eq!((when("receipt-a"), when("receipt-b"), when("receipt-c")), (Some(10), Some(0), None));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_never_ends_is_a_delivery() {
    let run = Run::new([("", Does::NeverEnds(200))]);
    assert_eq!(run.deliver(&[change("a", 1, "1")]).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_pauses_are_set_and_the_report_is_there_before_the_deadline() {
    let run = Run::new([("slow", Does::Hangs)]);
    let left = Duration::from_secs(6);
    let begun = Instant::now();
    let failed = deliver(&run.deliverer(), &[change("a", 3, "slow"), change("b", 1, "1")], clock::now(), left).await;
    assert_eq!(failed, ["a"]);
    assert_eq!(run.pauses(), [("receipt-a".to_owned(), 120)]);
    assert_eq!(begun.elapsed().as_secs(), 4);

    // Of a short time, half is for the endpoint.
    let run = Run::new([("slow", Does::Hangs)]);
    let (left, begun) = (Duration::from_secs(1), Instant::now());
    let failed = deliver(&run.deliverer(), &[change("a", 1, "slow"), change("b", 1, "1")], clock::now(), left).await;
    assert_eq!((failed, run.taken().len()), (vec!["a".to_owned()], 2));
    assert_eq!((begun.elapsed().as_millis() / 100, run.pauses().len()), (5, 1));

    // Without time nothing is posted.
    let run = Run::new([]);
    assert_eq!(deliver(&run.deliverer(), &[change("a", 1, "1")], clock::now(), Duration::ZERO).await, ["a"]);
    assert_eq!(run.taken().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_costs_nothing_but_the_pause() {
    let mut run = Run::new([("broken", Does::Answers(500))]);
    run.hidden.hangs = true;
    let begun = Instant::now();
    assert_eq!(run.deliver(&[change("a", 1, "broken"), change("b", 1, "1")]).await, ["a"]);
    assert!(begun.elapsed() <= USUAL, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_fails_alone_and_is_never_posted() {
    let mut odd = event("1");
    odd["detail"]["id"] = json!("a\nb");
    let mut without_time = event("1");
    without_time["detail"]["written_at"] = json!("yesterday");
    let mut other = event("1");
    other["detail-type"] = json!("link-changed");
    let bodies = [
        "".to_owned(),
        "no JSON".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        event("1")["detail"].to_string(),
        r#"{"detail-type":"user-changed","detail":null}"#.to_owned(),
        r#"{"detail-type":"user-changed","detail":{}}"#.to_owned(),
        r#"{"detail-type":"user-changed","detail":{"id":"","written_at":"2025-03-01T03:30:00Z"}}"#.to_owned(),
        r#"{"detail-type":"user-changed","detail":{"id":7,"written_at":"2025-03-01T03:30:00Z"}}"#.to_owned(),
        odd.to_string(),
        without_time.to_string(),
        other.to_string(),
    ];
    for body in bodies {
        let run = Run::new([]);
        assert_eq!(run.deliver(&[record("a", 7, &body), change("b", 1, "1")]).await, ["a"], "{body}");
        assert_eq!(run.taken().len(), 1, "{body}");
        assert_eq!(run.pauses(), [("receipt-a".to_owned(), 5)], "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_without_its_ids_brings_the_batch_again_and_drops_nothing() {
    let run = Run::new([("", Does::Answers(500))]);
    let bare = json!({"body": event("1").to_string()});
    assert_eq!(run.deliver(&[bare, json!({}), json!(7)]).await, ["", "", ""]);
    assert_eq!(run.pauses(), []);
}

fn later(now: Time, seconds: i64) -> Time {
    Time::clamped(now.as_millis() + seconds * 1_000)
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_read_at_the_start_and_when_it_is_older_than_five_minutes() {
    let mut run = Run::new([]);
    run.texts = Texts::new([Some(OLD), Some(NEW)]);
    let (deliverer, now) = (run.deliverer(), clock::now());
    deliverer.prepare(now).await;
    assert_eq!(run.texts.reads(), 1);
    for (seconds, reads) in [(1, 1), (299, 1), (301, 2), (599, 2), (602, 3)] {
        deliver(&deliverer, &[change("a", 1, "1")], later(now, seconds), USUAL).await;
        assert_eq!(run.texts.reads(), reads, "after {seconds} s");
    }
    assert!(is_signed(&run.taken()[1], OLD));
}

#[tokio::test(start_paused = true)]
async fn after_a_401_the_secret_is_read_again_but_once_in_thirty_seconds() {
    let mut run = Run::new([("", Does::Answers(401))]);
    run.texts = Texts::new([Some(OLD), Some(NEW)]);
    let (deliverer, now) = (run.deliverer(), clock::now());
    deliverer.prepare(now).await;
    let both = [change("a", 1, "1"), change("b", 1, "2")];
    for (seconds, reads) in [(1, 2), (6, 2), (29, 2), (32, 3)] {
        assert_eq!(deliver(&deliverer, &both, later(now, seconds), USUAL).await, ["a", "b"]);
        assert_eq!(run.texts.reads(), reads, "after {seconds} s");
    }
    let signed: Vec<_> = run.taken().iter().map(|request| request.signature.clone()).collect();
    assert_ne!(signed[0], signed[2]);
}

#[tokio::test(start_paused = true)]
async fn an_older_secret_is_used_on_where_a_read_fails() {
    for broken in [None, Some("no secret")] {
        let mut run = Run::new([]);
        run.texts = Texts::new([Some(OLD), broken]);
        let (deliverer, now) = (run.deliverer(), clock::now());
        deliverer.prepare(now).await;
        for (seconds, reads) in [(400, 2), (410, 2), (431, 3)] {
            assert_eq!(deliver(&deliverer, &[change("a", 1, "1")], later(now, seconds), USUAL).await, [""; 0]);
            assert_eq!(run.texts.reads(), reads, "after {seconds} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_secret_each_message_waits_and_nothing_is_posted_unsigned() {
    let mut run = Run::new([]);
    run.texts = Texts::new([None, None, Some("a typing error"), Some(OLD)]);
    let deliverer = run.deliverer();
    deliverer.prepare(clock::now()).await;
    for _ in 0..2 {
        assert_eq!(deliver(&deliverer, &[change("a", 2, "1")], clock::now(), USUAL).await, ["a"]);
    }
    assert_eq!((run.taken().len(), run.pauses()), (0, vec![("receipt-a".to_owned(), 30); 2]));
    assert_eq!(deliver(&deliverer, &[change("a", 4, "1")], clock::now(), USUAL).await, [""; 0]);
}

/// A source that never answers.
struct Silent(Arc<AtomicUsize>);

impl SecretSource for Silent {
    async fn read(&self) -> Result<String, EdgeError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_leaves_time_to_set_the_pauses() {
    let (service, hidden) = (Service::default(), Hidden::default());
    let secrets = HeldSecrets::new("DELIVERY_SECRET", Silent(Arc::default()));
    let deliverer = Deliverer::new(&service, &hidden, secrets, None::<&Notes>);
    let begun = Instant::now();
    assert_eq!(deliver(&deliverer, &[change("a", 1, "1")], clock::now(), USUAL).await, ["a"]);
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert_eq!(hidden.pauses.lock().unwrap().len(), 1);
}

/// The change that reports a departure.
fn departure(id: &str, attempt: u32, user: &str) -> Value {
    let mut event = event(user);
    event["detail"]["changed"] = json!(["access", "link", "erased"]);
    event["detail"]["state"] =
        json!({"access": "gone", "link": {"status": "unlinked", "at": "2025-03-01T03:29:59.000Z"}});
    record(id, attempt, &event.to_string())
}

#[tokio::test(start_paused = true)]
async fn what_the_endpoint_accepts_of_departures_is_noted_and_nothing_else() {
    let run = Run::new([("\"3\"", Does::Answers(500))]);
    let now = clock::now();
    let records = [change("a", 1, "1"), departure("b", 1, "2"), departure("c", 1, "3")];
    assert_eq!(deliver(&run.deliverer(), &records, now, USUAL).await, ["c"]);
    let [(user, at, acknowledged_at)] = run.notes.taken.lock().unwrap().clone().try_into().unwrap();
    assert_eq!((user.as_str(), at.to_string().as_str()), ("2", "2025-03-01T03:29:59.000Z"));
    assert!(acknowledged_at >= now);
}

#[tokio::test(start_paused = true)]
async fn a_departure_whose_acknowledgement_cannot_be_noted_comes_again_and_holds_up_no_other() {
    let run = Run { notes: Notes { refuses: 1.into(), ..Notes::default() }, ..Run::new([]) };
    assert_eq!(run.deliver(&[departure("a", 1, "1"), change("b", 1, "2")]).await, ["a"]);
    assert_eq!(run.pauses(), [("receipt-a".to_owned(), 5)]);
    assert_eq!(run.deliver(&[departure("a", 2, "1")]).await, [""; 0]);
    assert_eq!(run.notes.taken.lock().unwrap().len(), 1);
    let ids: Vec<String> = run.taken().into_iter().map(|request| request.id).collect();
    assert_eq!(ids.iter().filter(|id| id.contains(":1:")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_note_that_hangs_leaves_time_to_set_the_pause() {
    let run = Run { notes: Notes { hangs: true, ..Notes::default() }, ..Run::new([]) };
    assert_eq!(run.deliver(&[departure("a", 1, "1")]).await, ["a"]);
    assert_eq!(run.pauses().len(), 1);
}
