//! Jobs, with a service, a callback API, a table and a queue that do what each test sets. Time is tokio's paused clock.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use kakao_webhooks::{
    skill::{CallbackOrigin, CallbackUrl, DirectQuestion, DirectReply, Place, QuestionKind},
    wire::Time,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{Answerer, AskService, CallbackEdge, CallbackReply, Claim, Claims, Event, Lease, Question, Response};
use crate::{
    batch::Batch,
    edges::{CallError, Deletion, EdgeError, Visibility},
    heard::logged,
};

const NOT_ANNOUNCED: &str = "skill server settings are incorrect, use callback true";

const FALLBACK: &str = "나중에 다시";

/// When the gateway received the messages.
const RECEIVED: i64 = 1_790_660_097_000;

/// What the service does with a question.
#[derive(Clone, Debug)]
enum Does {
    Says(&'static str),
    SaysAfter(u64, &'static str),
    Fails,
    /// Until this second it takes no questions; then it answers.
    DeclinesUntil(u64, &'static str),
    Hangs,
    Panics,
}

/// What becomes of a post.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Shown,
    /// It is shown, and the response is lost.
    ShownUnheard,
    /// Kakao says that it isn't.
    Refused(&'static str),
    /// No response.
    Lost,
    Hangs,
}

/// Everything around an answerer. Kakao's URL works once, for a minute.
struct World {
    begun: Instant,
    service: Does,
    questions: Mutex<Vec<String>>,
    fates: Mutex<VecDeque<Fate>>,
    posts: Mutex<Vec<String>>,
    shown: Mutex<Vec<(String, u64)>>,
    lifetime: Duration,
    /// From this second on Kakao knows that a callback follows.
    announced: u64,
    table_is_down: bool,
    claim_takes: Duration,
    /// So often the queue fails to hide a message.
    hides_fail: AtomicUsize,
    claims: Mutex<BTreeMap<String, (String, Time)>>,
    hidden: Mutex<Vec<(String, Duration)>>,
    /// When the queue brings the message again; not at all once it is deleted.
    visible: Mutex<Option<Instant>>,
    deleted: AtomicUsize,
}

impl World {
    fn new(service: Does) -> Self {
        Self {
            begun: Instant::now(),
            service,
            questions: Mutex::default(),
            fates: Mutex::default(),
            posts: Mutex::default(),
            shown: Mutex::default(),
            lifetime: Duration::from_secs(60),
            announced: 0,
            table_is_down: false,
            claim_takes: Duration::ZERO,
            hides_fail: AtomicUsize::new(0),
            claims: Mutex::default(),
            hidden: Mutex::default(),
            visible: Mutex::new(Some(Instant::now())),
            deleted: AtomicUsize::new(0),
        }
    }

    fn answerer(&self) -> Answerer<&Self, &Self, &Self, &Self> {
        let (origin, fallback) = (CallbackOrigin::default(), FALLBACK.to_owned());
        Answerer { service: self, callback: self, claims: self, queue: self, origin, fallback }
    }

    /// The time by the functions' clock.
    fn now(&self) -> Time {
        Time::clamped(RECEIVED + i64::try_from(self.begun.elapsed().as_millis()).unwrap())
    }

    /// The ids of the messages that come again.
    async fn handle(&self, worker: &str, records: &[Value]) -> Vec<String> {
        let event = Event::Jobs(serde_json::from_value::<Batch>(json!({"Records": records})).unwrap());
        let deadline = Instant::now() + Duration::from_secs(298);
        let response = self.answerer().handle(event, worker, self.now(), deadline).await;
        let Response::Jobs(response) = response else { panic!("not of the jobs") };
        let response = serde_json::to_value(response).unwrap();
        let failures = response["batchItemFailures"].as_array().unwrap();
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
    }

    /// What the user sees, with the second.
    fn shown(&self) -> Vec<(String, u64)> {
        self.shown.lock().unwrap().clone()
    }

    fn posts(&self) -> usize {
        self.posts.lock().unwrap().len()
    }

    fn questions(&self) -> usize {
        self.questions.lock().unwrap().len()
    }
}

impl AskService for &World {
    async fn ask(&self, question: Question, _now: Time, _until: Instant) -> Result<String, CallError> {
        self.questions.lock().unwrap().push(question.body);
        match self.service {
            Does::Says(text) => Ok(text.to_owned()),
            Does::SaysAfter(seconds, text) => {
                sleep(Duration::from_secs(seconds)).await;
                Ok(text.to_owned())
            }
            Does::Fails => Err(CallError::Failed("the answerer answered 500".to_owned())),
            Does::DeclinesUntil(second, text) if self.begun.elapsed().as_secs() >= second => Ok(text.to_owned()),
            Does::DeclinesUntil(..) => Err(CallError::NotBegun("the answerer answered 503".to_owned())),
            Does::Hangs => pending().await,
            Does::Panics => panic!("a test's"),
        }
    }
}

impl CallbackEdge for &World {
    async fn post(&self, url: &CallbackUrl, json: &str) -> Result<CallbackReply, EdgeError> {
        self.posts.lock().unwrap().push(json.to_owned());
        let reply = |status: &str, message: &str| {
            let body = json!({"taskId": "t", "status": status, "message": message, "timestamp": 1}).to_string();
            Ok(CallbackReply { status: if status == "SUCCESS" { 200 } else { 400 }, body: Bytes::from(body) })
        };
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Shown);
        assert!(url.expose().starts_with("https://bot-api.kakao.com/"));
        if self.begun.elapsed().as_secs() < self.announced {
            return reply("FAIL", NOT_ANNOUNCED);
        }
        match fate {
            Fate::Shown | Fate::ShownUnheard => {
                let mut shown = self.shown.lock().unwrap();
                if !shown.is_empty() || self.begun.elapsed() >= self.lifetime {
                    return reply("FAIL", "Invalid callback token");
                }
                shown.push((words(json), self.begun.elapsed().as_secs()));
            }
            Fate::Refused(message) => return reply("FAIL", message),
            Fate::Lost => return Err(EdgeError("connection reset".to_owned())),
            Fate::Hangs => pending().await,
        }
        if fate == Fate::Shown { reply("SUCCESS", "") } else { Err(EdgeError("connection reset".to_owned())) }
    }
}

impl Claims for &World {
    async fn claim(&self, lease: Lease<'_>) -> Result<Claim, EdgeError> {
        if self.table_is_down {
            return Err(EdgeError("no table".to_owned()));
        }
        sleep(self.claim_takes).await;
        let mut claims = self.claims.lock().unwrap();
        let held = claims.get(lease.request_id).cloned();
        let claim = match held {
            Some((worker, until)) if until > lease.now && worker != lease.worker => return Ok(Claim::Held { until }),
            Some((worker, _)) if worker != lease.worker => Claim::Abandoned,
            _ => Claim::First,
        };
        claims.insert(lease.request_id.to_owned(), (lease.worker.to_owned(), lease.until));
        Ok(claim)
    }
}

impl Visibility for &World {
    async fn hide(&self, receipt: &str, pause: Duration) -> Result<(), EdgeError> {
        if self.hides_fail.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Err(EdgeError("no queue".to_owned()));
        }
        self.hidden.lock().unwrap().push((receipt.to_owned(), pause));
        let mut visible = self.visible.lock().unwrap();
        *visible = visible.map(|_| Instant::now() + pause);
        Ok(())
    }
}

impl Deletion for &World {
    async fn delete(&self, _receipt: &str) -> Result<(), EdgeError> {
        self.deleted.fetch_add(1, Ordering::Relaxed);
        *self.visible.lock().unwrap() = None;
        Ok(())
    }
}

/// The words of an answer.
fn words(json: &str) -> String {
    let answer: Value = serde_json::from_str(json).unwrap();
    answer["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap().to_owned()
}

fn job(request_id: &str, room: bool) -> Value {
    json!({
        "v": 1, "request_id": request_id, "bot_id": "64f0", "received_at": Time::clamped(RECEIVED), "room": room,
        "callback_url": "https://bot-api.kakao.com/v1/bots/64f0/callback/0d9f",
        "payload": {"userRequest": {"utterance": "무엇?"}},
    })
}

fn record_of(job: &Value) -> Value {
    let id = job["request_id"].as_str().unwrap();
    json!({"messageId": id, "receiptHandle": format!("receipt-{id}"), "body": job.to_string()})
}

fn record(request_id: &str) -> Value {
    record_of(&job(request_id, false))
}

#[tokio::test(start_paused = true)]
async fn quick_replies_are_posted_and_an_ignored_member_is_logged_by_its_name() {
    let answer = r#"{"text":"그것.","quick_replies":["위치"],"quickReplies":["비밀"]}"#;
    let world = World::new(Does::Says(answer));
    let (log, _) = logged(world.handle("w", &[record("r")])).await;
    assert!(world.posts.lock().unwrap()[0].contains(r#""label":"위치""#));
    assert_eq!(log.matches("answer_partly_unknown").count(), 1, "{log}");
    assert!(log.contains(r#"fields="quickReplies""#) && !log.contains("비밀"), "{log}");
    let (log, _) = logged(seen(&World::new(Does::Says(r#"{"text":"그것.","quick_replies":["위치"]}"#)))).await;
    assert!(!log.contains("answer_partly_unknown"), "{log}");
}

/// What a user sees of one job of a world.
async fn seen(world: &World) -> Vec<(String, u64)> {
    assert_eq!(world.handle("w", &[record("r")]).await, [""; 0]);
    world.shown()
}

fn said(words: &str, second: u64) -> Vec<(String, u64)> {
    vec![(words.to_owned(), second)]
}

#[tokio::test(start_paused = true)]
async fn the_services_answer_is_posted_when_it_is_there() {
    let world = World::new(Does::SaysAfter(20, r#"{"text":"그것."}"#));
    assert_eq!(seen(&world).await, said("그것.", 20));
    let question: Value = serde_json::from_str(&world.questions.lock().unwrap()[0]).unwrap();
    assert_eq!(question, json!({"userRequest": {"utterance": "무엇?"}, "deadline_ms": RECEIVED + 55_000}));
    assert_eq!(*world.hidden.lock().unwrap(), [("receipt-r".to_owned(), Duration::from_secs(57))]);
    assert_eq!(world.deleted.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_of_the_service_the_user_hears_the_fallback_text() {
    for (does, second) in [
        (Does::Hangs, 55),
        (Does::SaysAfter(56, r#"{"text":"늦었다"}"#), 55),
        (Does::Fails, 0),
        (Does::Panics, 0),
        (Does::Says("no JSON"), 0),
        (Does::Says(r#"{"version":"2.0","template":{"outputs":7}}"#), 0),
        (Does::Says(r#"{"status":"SUCCESS"}"#), 0),
    ] {
        let world = World::new(does.clone());
        assert_eq!((seen(&world).await, world.questions()), (said(FALLBACK, second), 1), "{does:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_service_certainly_has_not_begun_is_asked_again_while_there_is_time() {
    let answer = r#"{"text":"그것."}"#;
    for (second, questions, expected) in [
        (1, 2, said("그것.", 1)),
        (10, 5, said("그것.", 12)),
        (52, 13, said("그것.", 52)),
        (53, 13, said(FALLBACK, 52)),
    ] {
        let world = World::new(Does::DeclinesUntil(second, answer));
        assert_eq!((seen(&world).await, world.questions()), (expected, questions), "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_has_five_minutes() {
    let mut world = World::new(Does::SaysAfter(280, r#"{"text":"그것."}"#));
    world.lifetime = Duration::from_secs(300);
    assert_eq!(world.handle("w", &[record_of(&job("r", true))]).await, [""; 0]);
    assert_eq!(world.shown(), said("그것.", 280));
    assert_eq!(world.hidden.lock().unwrap()[0].1, Duration::from_secs(292));
}

#[tokio::test(start_paused = true)]
async fn each_refusal_of_kakaos_leads_to_what_its_row_says() {
    use Fate::{Hangs, Lost, Refused, Shown, ShownUnheard};
    let internal = Refused("Internal server error 504");
    let early = Refused(NOT_ANNOUNCED);
    let (reply, token) = (Refused("Invalid json response"), Refused("Invalid callback token"));
    let nothing = vec![];
    for (fates, posts, expected) in [
        (vec![internal, internal, Shown], 3, said("그것.", 3)),
        (vec![early, Shown], 2, said("그것.", 1)),
        (vec![early, early, Shown], 3, said("그것.", 2)),
        (vec![early; 99], 7, nothing.clone()),
        (vec![reply, Shown], 2, said(FALLBACK, 0)),
        (vec![reply, reply], 2, nothing.clone()),
        (vec![token], 1, nothing.clone()),
        (vec![Refused("Invalid callback token for testing purposes")], 1, nothing.clone()),
        (vec![Refused("Invalid bot ID")], 1, nothing.clone()),
        (vec![Refused("Something new")], 1, nothing.clone()),
        (vec![Lost, Shown], 2, said("그것.", 1)),
        (vec![Hangs, Shown], 2, said("그것.", 6)),
        (vec![ShownUnheard, Shown], 2, said("그것.", 0)),
        (vec![internal; 99], 17, nothing),
    ] {
        let world = World::new(Does::Says(r#"{"text":"그것."}"#));
        *world.fates.lock().unwrap() = fates.clone().into();
        assert_eq!((seen(&world).await, world.posts()), (expected, posts), "{fates:?}");
        assert_eq!(world.deleted.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_that_kakao_does_not_take_is_said_in_words_once() {
    const CARD: &str =
        r#"{"version":"2.0","template":{"outputs":[{"textCard":{"title":"그것","description":"이것"}}]}}"#;
    let refused = Fate::Refused("Invalid skill-json format");
    for (fates, posts, expected) in [(vec![refused], 2, said("그것\n이것", 0)), (vec![refused; 2], 2, vec![])] {
        let world = World::new(Does::Says(CARD));
        *world.fates.lock().unwrap() = fates.into();
        assert_eq!((seen(&world).await, world.posts()), (expected, posts));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_worker_that_was_killed_the_next_one_says_the_fallback_text() {
    let world = World::new(Does::Hangs);
    let killed = timeout(Duration::from_secs(30), world.handle("a", &[record("r")])).await;
    assert!(killed.is_err() && world.shown().is_empty());
    sleep(Duration::from_secs(26)).await;
    // The queue brings the message a little before the lease ends.
    assert_eq!(world.handle("b", &[record("r")]).await, [""; 0]);
    assert_eq!((world.shown(), world.questions()), (said(FALLBACK, 57), 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_delivered_twice_is_asked_and_answered_once() {
    let world = World::new(Does::SaysAfter(10, r#"{"text":"그것."}"#));
    let records = [record("r")];
    let (first, second) = tokio::join!(world.handle("a", &records), world.handle("b", &records));
    assert_eq!((first, second), (vec![], vec!["r".to_owned()]));
    assert_eq!((world.questions(), world.posts(), world.shown()), (1, 1, said("그것.", 10)));
    let hidden = world.hidden.lock().unwrap().clone();
    assert_eq!(hidden, vec![("receipt-r".to_owned(), Duration::from_secs(57)); 2]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stands_twice_in_a_batch_is_asked_and_answered_once() {
    let world = World::new(Does::SaysAfter(10, r#"{"text":"그것."}"#));
    assert_eq!(world.handle("w", &[record("r"), record("r")]).await, ["r"]);
    assert_eq!((world.questions(), world.posts(), world.shown()), (1, 1, said("그것.", 10)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_arrive_before_the_message_that_announces_it() {
    for late in 0..=6 {
        let world = World { announced: late, ..World::new(Does::Says(r#"{"text":"그것."}"#)) };
        assert_eq!(seen(&world).await, said("그것.", late));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_of_another_version_gets_the_fallback_text() {
    let world = World::new(Does::Says(r#"{"text":"그것."}"#));
    let mut other = job("r", false);
    (other["v"], other["payload"]) = (json!(2), json!("packed"));
    assert_eq!(world.handle("w", &[record_of(&other)]).await, [""; 0]);
    assert_eq!((world.shown(), world.questions()), (said(FALLBACK, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_posted_until_its_url_is_dead() {
    let world = World::new(Does::SaysAfter(54, r#"{"text":"그것."}"#));
    *world.fates.lock().unwrap() = vec![Fate::Refused("Internal server error 504"); 3].into();
    assert_eq!(seen(&world).await, said("그것.", 58));
}

#[tokio::test(start_paused = true)]
async fn a_post_that_hangs_leaves_room_for_another() {
    for (second, hung, expected) in [(0, 1, 6), (0, 3, 22), (54, 1, 58), (54, 2, 59), (58, 1, 59)] {
        let world = World::new(Does::SaysAfter(second, r#"{"text":"그것."}"#));
        *world.fates.lock().unwrap() = vec![Fate::Hangs; hung].into();
        let words = if second < 55 { "그것." } else { FALLBACK };
        sleep(Duration::from_secs(if second < 55 { 0 } else { second })).await;
        assert_eq!(seen(&world).await, said(words, expected), "{second}, {hung}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_at_the_urls_end_is_dropped_and_called_unanswered_by_no_one() {
    let world = World::new(Does::Hangs);
    sleep(Duration::from_millis(59_300)).await;
    *world.fates.lock().unwrap() = vec![Fate::Hangs].into();
    let records = [record("r")];
    let (log, _) = logged(async { tokio::join!(world.handle("a", &records), world.handle("b", &records)) }).await;
    assert_eq!(log.matches("unanswered").count(), 1, "{log}");
}

#[tokio::test(start_paused = true)]
async fn the_claim_of_a_young_job_may_take_longer() {
    let takes = Duration::from_secs(4);
    let world = World { claim_takes: takes, ..World::new(Does::Says(r#"{"text":"그것."}"#)) };
    assert_eq!(seen(&world).await, said("그것.", 4));
    assert_eq!(world.claims.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn hiding_a_message_is_tried_again() {
    let world = World { hides_fail: AtomicUsize::new(2), ..World::new(Does::SaysAfter(20, r#"{"text":"그것."}"#)) };
    assert_eq!(seen(&world).await, said("그것.", 20));
    assert_eq!(*world.hidden.lock().unwrap(), [("receipt-r".to_owned(), Duration::from_secs(55))]);
}

#[tokio::test(start_paused = true)]
async fn each_user_who_hears_nothing_is_logged_as_unanswered() {
    use Fate::{Lost, Refused, Shown, ShownUnheard};
    let token = Refused("Invalid callback token");
    let internal = Refused("Internal server error 999");
    for (fates, unanswered, replied) in [
        (vec![Shown], 0, 1),
        (vec![ShownUnheard], 0, 1),
        // It may be shown although Kakao says that it failed.
        (vec![internal, token], 0, 1),
        (vec![Lost, token], 0, 1),
        (vec![token], 1, 0),
        (vec![Refused("Something new")], 1, 0),
        (vec![Refused("Invalid json response"); 2], 1, 0),
        (vec![Refused(NOT_ANNOUNCED); 99], 1, 0),
        (vec![internal; 99], 1, 0),
        (vec![Lost; 99], 1, 0),
    ] {
        let world = World::new(Does::Says(r#"{"text":"그것."}"#));
        *world.fates.lock().unwrap() = fates.clone().into();
        let (log, _) = logged(world.handle("w", &[record("r")])).await;
        let count = |event: &str| log.matches(&format!(r#""{event}""#)).count();
        assert_eq!((count("unanswered"), count("replied")), (unanswered, replied), "{fates:?}: {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_up_url_that_may_have_expired_is_no_reply() {
    let world = World::new(Does::SaysAfter(54, r#"{"text":"그것."}"#));
    *world.fates.lock().unwrap() = vec![Fate::Hangs, Fate::Hangs, Fate::Refused("Invalid callback token")].into();
    sleep(Duration::from_millis(400)).await;
    let (log, _) = logged(world.handle("w", &[record("r")])).await;
    assert!(log.contains("unanswered") && !log.contains("replied"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn while_the_table_is_down_jobs_are_worked_on_without_a_claim() {
    let world = World { table_is_down: true, ..World::new(Does::SaysAfter(3, r#"{"text":"그것."}"#)) };
    assert_eq!(seen(&world).await, said("그것.", 3));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_comes_late_gets_the_fallback_text_and_one_that_comes_too_late_nothing() {
    for (second, expected) in [(56, said(FALLBACK, 56)), (59, said(FALLBACK, 59)), (60, vec![]), (400, vec![])] {
        let world = World::new(Does::Says(r#"{"text":"그것."}"#));
        sleep(Duration::from_secs(second)).await;
        assert_eq!((seen(&world).await, world.questions()), (expected, 0), "{second}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_job_is_dropped_and_delays_nothing() {
    let world = World::new(Does::Says(r#"{"text":"그것."}"#));
    let mut elsewhere = job("c", false);
    elsewhere["callback_url"] = json!("https://example.com/v1/bots/64f0/callback/0d9f");
    let odd = json!({"messageId": "a", "receiptHandle": "x", "body": "no job"});
    assert_eq!(world.handle("w", &[odd, json!({}), record("r"), record_of(&elsewhere)]).await, [""; 0]);
    assert_eq!((world.shown(), world.posts()), (said("그것.", 0), 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_job_delays_no_other_of_its_batch() {
    struct Slow;
    impl AskService for Slow {
        async fn ask(&self, question: Question, _now: Time, _until: Instant) -> Result<String, CallError> {
            if question.id == "slow" {
                sleep(Duration::from_secs(30)).await;
            }
            Ok(format!(r#"{{"text":"{}"}}"#, question.id))
        }
    }
    let world = World::new(Does::Hangs);
    let Answerer { callback, claims, queue, origin, fallback, .. } = world.answerer();
    let answerer = Answerer { service: Slow, callback, claims, queue, origin, fallback };
    let records = json!({"Records": [record("slow"), record("quick")]});
    let event: Event = serde_json::from_value(records).unwrap();
    answerer.handle(event, "w", world.now(), Instant::now() + Duration::from_secs(298)).await;
    assert_eq!(world.shown(), said("quick", 0));
}

async fn ask(does: Does, asked: QuestionKind) -> DirectReply {
    ask_in(&World::new(does), asked).await
}

async fn ask_in(world: &World, asked: QuestionKind) -> DirectReply {
    let payload = json!({"userRequest": {}}).as_object().unwrap().clone();
    let deadline = Time::clamped(RECEIVED + 3_000);
    let event = Event::Direct(DirectQuestion { request_id: "r".to_owned(), asked, deadline, payload });
    let response = world.answerer().handle(event, "w", world.now(), Instant::now() + Duration::from_secs(60)).await;
    assert!(world.begun.elapsed() <= Duration::from_secs(3));
    let Response::Direct(reply) = response else { panic!("not to the question") };
    reply
}

#[tokio::test(start_paused = true)]
async fn the_skill_gets_the_answer_or_the_reason_in_time() {
    let failed = |reply| matches!(reply, DirectReply::Failed(_));
    for place in [Place::Chat, Place::Room] {
        let DirectReply::Answer(answer) = ask(Does::Says(r#"{"text":"그것."}"#), QuestionKind::Message(place)).await
        else {
            panic!("no answer")
        };
        assert_eq!(words(&answer), "그것.");
        for does in [Does::Hangs, Does::Fails, Does::Panics, Does::Says("{}")] {
            assert!(failed(ask(does, QuestionKind::Message(place)).await));
        }
    }
    let DirectReply::Answer(status) = ask(Does::Says(r#"{"status":"FAIL"}"#), QuestionKind::Validation).await else {
        panic!("no status")
    };
    assert_eq!(status, r#"{"status":"FAIL"}"#);
    assert!(failed(ask(Does::Says(r#"{"text":"x"}"#), QuestionKind::Validation).await));
}

#[tokio::test(start_paused = true)]
async fn while_the_skill_waits_the_service_is_asked_twice_at_most() {
    for (second, answers) in [(1, true), (2, false)] {
        let world = World::new(Does::DeclinesUntil(second, r#"{"text":"그것."}"#));
        let reply = ask_in(&world, QuestionKind::Message(Place::Chat)).await;
        assert_eq!((matches!(reply, DirectReply::Answer(_)), world.questions()), (answers, 2));
    }
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        Just(Fate::Shown),
        Just(Fate::ShownUnheard),
        Just(Fate::Refused("Internal server error 999")),
        Just(Fate::Lost),
        Just(Fate::Hangs),
    ];
    prop::collection::vec(fate, 0..4)
}

fn service() -> impl Strategy<Value = Does> {
    let answer = r#"{"text":"그것."}"#;
    prop_oneof![
        (0..70_u64).prop_map(move |after| Does::SaysAfter(after, answer)),
        Just(Does::Fails),
        (0..70_u64).prop_map(move |second| Does::DeclinesUntil(second, answer)),
        Just(Does::Hangs),
        Just(Does::Panics),
        Just(Does::Says("odd")),
    ]
}

/// The queue: it brings the message whenever it is visible. Of the workers the first may be killed.
async fn deliver(world: &World, killed_after: Option<u64>) {
    let mut killed_after = killed_after.map(Duration::from_secs);
    let mut workers = FuturesUnordered::new();
    for number in 0.. {
        // A worker may hide or delete it at any time.
        let tick = sleep(Duration::from_millis(500));
        tokio::select! {
            () = tick => {}
            Some(()) = workers.next() => {}
        }
        let mut visible = world.visible.lock().unwrap();
        match *visible {
            None => break,
            Some(at) if at > Instant::now() => continue,
            Some(_) => {}
        }
        *visible = Some(Instant::now() + Duration::from_secs(300));
        let lives = killed_after.take().unwrap_or(Duration::from_secs(300));
        workers.push(async move {
            if timeout(lives, world.handle(&number.to_string(), &[record("r")]))
                .await
                .is_ok_and(|failed| failed.is_empty())
            {
                *world.visible.lock().unwrap() = None;
            }
        });
    }
    while workers.next().await.is_some() {}
}

proptest! {
    /// The first worker may be killed, Kakao may fail until the last seconds of the URL, and the message may stand twice
    /// in the queue.
    #[test]
    fn the_user_hears_one_answer_whatever_happens(
        service in service(),
        fates in fates(),
        announced in 0..6_u64,
        table_is_down in any::<bool>(),
        killed_after in prop::option::of(0..60_u64),
        stands_twice in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let shown = runtime.block_on(async {
            let world = World { table_is_down, announced, ..World::new(service) };
            *world.fates.lock().unwrap() = fates.into();
            let other = async {
                if stands_twice {
                    world.handle("other", &[record("r")]).await;
                }
            };
            let recovery = async {
                sleep(Duration::from_secs(56)).await;
                world.fates.lock().unwrap().clear();
            };
            tokio::join!(deliver(&world, killed_after), other, recovery);
            world.shown()
        });
        prop_assert!(shown.len() <= 1, "{:?}", shown);
        prop_assert!(shown.len() == 1, "nothing was said");
    }
}
