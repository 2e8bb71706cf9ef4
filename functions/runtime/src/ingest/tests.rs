//! The one path, with edges that hold, refuse and hang. Time is tokio's paused clock.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Method, StatusCode, header::AUTHORIZATION};
use kakao_webhooks::{
    auth::{Apps, Digest, SkillAuth},
    envelope::Event,
    skill::{CallbackOrigin, Echo, Job, Place, RuleSet, Rules},
    wire::{EventId, Payload},
};
use lambda_http::RequestExt;
use tokio::time::sleep;

use super::*;
use crate::{
    edges::{CallError, Function, RuleSource},
    heard::logged,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// How an edge behaves.
#[derive(Clone, Copy, PartialEq)]
enum Behaviour {
    Holds,
    Refuses,
    Hangs,
    /// Until this moment; then it holds.
    RefusesUntil(Instant),
}

#[derive(Clone)]
struct Edge(Behaviour, Arc<Mutex<Vec<String>>>);

impl Edge {
    fn new(behaviour: Behaviour) -> Self {
        Self(behaviour, Arc::default())
    }

    async fn hold(&self, envelope: &str) -> Result<(), EdgeError> {
        match self.0 {
            Behaviour::RefusesUntil(then) if Instant::now() < then => return Err(EdgeError("refused".to_owned())),
            Behaviour::Holds | Behaviour::RefusesUntil(_) => self.1.lock().unwrap().push(envelope.to_owned()),
            Behaviour::Refuses => return Err(EdgeError("refused".to_owned())),
            Behaviour::Hangs => sleep(Duration::from_secs(3_600)).await,
        }
        Ok(())
    }

    fn held(&self) -> Vec<Envelope> {
        self.1.lock().unwrap().iter().map(|text| Envelope::decode(text).unwrap()).collect()
    }
}

impl Queue for Edge {
    async fn send(&self, envelope: &str) -> Result<(), EdgeError> {
        self.hold(envelope).await
    }
}

impl Inbox for Edge {
    async fn put(&self, _id: &EventId, envelope: &str, _within: Duration) -> Result<(), EdgeError> {
        self.hold(envelope).await
    }
}

fn unlink() -> UnlinkWebhook {
    let digest = Digest::of(KEY.as_bytes());
    UnlinkWebhook { apps: Apps::from_json(&format!(r#"[{{"app_id":"1","admin_key_sha256":["{digest}"]}}]"#)).unwrap() }
}

fn request(method: Method, path: &str, query: &str) -> Request {
    let uri = format!("https://x{path}?{query}");
    let request = http::Request::builder().method(method).uri(uri).header(AUTHORIZATION, format!("KakaoAK {KEY}"));
    request.body(Body::Empty).unwrap().with_raw_http_path(path)
}

fn get(query: &str) -> Request {
    request(Method::GET, "/webhooks/unlink", query)
}

async fn accept(queue: &Edge, inbox: &Edge, request: Request) -> Response<Body> {
    let ingest = Ingest::new(unlink(), queue.clone(), inbox.clone());
    ingest.accept(request).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_event_is_acknowledged_once_the_queue_has_it() {
    let (queue, inbox) = (Edge::new(Behaviour::Holds), Edge::new(Behaviour::Holds));
    let answer = accept(&queue, &inbox, get("app_id=1&user_id=7&referrer_type=UNLINK_FROM_APPS")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(matches!(&queue.held()[..], [Envelope { letter: Letter::Event(Event::Unlink(_)), .. }]));
    assert!(inbox.held().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_does_not_take_is_in_the_inbox_and_what_nothing_takes_is_never_acknowledged() {
    for queue_behaviour in [Behaviour::Refuses, Behaviour::Hangs] {
        for inbox_behaviour in [Behaviour::Holds, Behaviour::Refuses, Behaviour::Hangs] {
            let (queue, inbox) = (Edge::new(queue_behaviour), Edge::new(inbox_behaviour));
            let start = Instant::now();
            let answer = accept(&queue, &inbox, get("app_id=1&user_id=7")).await;
            let expected =
                if inbox_behaviour == Behaviour::Holds { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            assert_eq!(answer.status(), expected);
            assert_eq!(inbox.held().len(), usize::from(inbox_behaviour == Behaviour::Holds));
            assert!(start.elapsed() <= UnlinkWebhook::BUDGET);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_recovers_within_the_time_still_gets_the_event() {
    let again = Behaviour::RefusesUntil(Instant::now() + Duration::from_secs(1));
    for (queue, inbox) in [(again, Behaviour::Refuses), (Behaviour::Refuses, again)] {
        let (queue, inbox) = (Edge::new(queue), Edge::new(inbox));
        let answer = accept(&queue, &inbox, get("app_id=1&user_id=7")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(queue.held().len() + inbox.held().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_authentic_request_that_cannot_be_read_is_quarantined_with_what_came() {
    for (query, reason) in [
        ("app_id=1", "missing_field"),
        ("app_id=2&user_id=7", "other_app"),
        ("app_id=1&user_id=x", "field_shape"),
        ("app_id=1&user_id=7&user_id=8", "duplicate_field"),
        ("app_id=1&user_id=%FF", "encoding"),
    ] {
        let queue = Edge::new(Behaviour::Holds);
        let answer = accept(&queue, &queue, get(query)).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let [Envelope { letter: Letter::Quarantined { quarantine, .. }, .. }] = &queue.held()[..] else {
            panic!("not quarantined: {query}");
        };
        assert_eq!(quarantine.reason, reason);
        assert_eq!(quarantine.payload, Payload::of(query.as_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_word_beside_the_fact_does_not_cost_the_fact() {
    let queue = Edge::new(Behaviour::Holds);
    let mut odd = request(Method::POST, "/webhooks/unlink", "");
    *odd.body_mut() = Body::Text(r#"{"app_id":1,"user_id":7,"referrer_type":{"new":true}}"#.to_owned());
    assert_eq!(accept(&queue, &queue, odd).await.status(), StatusCode::OK);
    let [Envelope { letter: Letter::Event(Event::Unlink(unlink)), .. }] = &queue.held()[..] else {
        panic!("not an unlink");
    };
    assert_eq!(unlink.reason, None);
}

#[tokio::test(start_paused = true)]
async fn refusals_come_in_their_order_and_leave_nothing_behind() {
    let long = "x".repeat(MAX_BODY_BYTES + 1);
    let without_key = |mut request: Request| {
        request.headers_mut().clear();
        request
    };
    let with_body = |mut request: Request| {
        *request.body_mut() = Body::Text(long.clone());
        request
    };
    let query = "app_id=1&user_id=7";
    let post = |path| request(Method::POST, path, query);
    for (request, status) in [
        (without_key(with_body(request(Method::PUT, "/other", query))), StatusCode::NOT_FOUND),
        (without_key(with_body(request(Method::PUT, "/webhooks/unlink", query))), StatusCode::METHOD_NOT_ALLOWED),
        (without_key(with_body(post("/webhooks/unlink"))), StatusCode::UNAUTHORIZED),
        (with_body(post("/webhooks/unlink/")), StatusCode::PAYLOAD_TOO_LARGE),
        (request(Method::HEAD, "/stage/secret/webhooks/unlink", query), StatusCode::OK),
    ] {
        let queue = Edge::new(Behaviour::Holds);
        let answer = accept(&queue, &queue, request).await;
        assert_eq!(answer.status(), status);
        assert!(queue.held().is_empty());
        assert_eq!(answer.headers().contains_key("allow"), status == StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_grows_on_its_way_still_fits_the_queue() {
    for body in ["\u{1}".repeat(MAX_BODY_BYTES), "é".repeat(MAX_BODY_BYTES / 2), "\"".repeat(MAX_BODY_BYTES)] {
        let queue = Edge::new(Behaviour::Holds);
        let mut request = request(Method::POST, "/webhooks/unlink", "");
        *request.body_mut() = Body::Text(body);
        assert_eq!(accept(&queue, &queue, request).await.status(), StatusCode::OK);
        assert_eq!(queue.held().len(), 1);
    }
}

/// Rules that are there after so long, or at the deadline.
struct SlowRules(Duration);

impl RuleSource for SlowRules {
    async fn rules(&self, until: Instant) -> Arc<dyn RuleSet> {
        tokio::time::sleep_until(until.min(Instant::now() + self.0)).await;
        Arc::new(Rules::from_list(r#"[{"utterance":"x","text":"rule"}]"#).unwrap())
    }
}

/// The answer to a message, and how long it took.
async fn accept_message(rules: Duration, queue: &Edge, inbox: &Edge) -> (Response<Body>, Duration) {
    let auth = SkillAuth::from_json(&format!(r#"{{"header":"x-key","sha256":["{}"]}}"#, Digest::of(KEY.as_bytes())));
    let (apps, rules, otherwise) = (unlink().apps, SlowRules(rules), Box::new(Echo));
    let asking = None::<Asking<Edge, Infallible>>;
    let webhook = SkillWebhook { apps, auth: Some(auth.unwrap()), rules, asking, otherwise };
    let body = r#"{"bot":{"id":"b"},"userRequest":{"utterance":"x","user":{"id":"u"}}}"#;
    let request = http::Request::builder().method(Method::POST).uri("https://x/skill").header("x-key", KEY);
    let request = request.body(Body::Text(body.to_owned())).unwrap().with_raw_http_path("/skill");
    let begun = Instant::now();
    let answer = Ingest::new(webhook, queue.clone(), inbox.clone()).accept(request).await.unwrap();
    (answer, begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_worked_out_while_the_event_is_stored() {
    let late = Edge::new(Behaviour::RefusesUntil(Instant::now() + Duration::from_secs(2)));
    let (answer, took) = accept_message(Duration::from_secs(2), &late, &late).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(took < SkillWebhook::<SlowRules, Edge, Infallible>::BUDGET, "{took:?}");
    assert!(matches!(answer.body(), Body::Text(text) if text.contains("rule")));
    assert_eq!(late.held().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_leaves_in_time() {
    let queue = Edge::new(Behaviour::Holds);
    let (answer, took) = accept_message(Duration::from_secs(60), &queue, &queue).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(took < SkillWebhook::<SlowRules, Edge, Infallible>::BUDGET, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nothing_stores_is_not_acknowledged_whatever_its_answer() {
    for slow in [0, 60] {
        let edge = Edge::new(Behaviour::Refuses);
        let (answer, _) = accept_message(Duration::from_secs(slow), &edge, &edge).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}

/// The function `answerer`.
struct FunctionDoes(Behaviour, &'static str);

/// `Refuses` is a failure of which nothing more is known, `RefusesUntil` Lambda's refusal to run it.
impl Function for FunctionDoes {
    async fn invoke(&self, event: String) -> Result<String, CallError> {
        assert!(event.contains(r#""utterance":"unruled""#) && event.contains("deadline_ms"), "{event}");
        match self.0 {
            Behaviour::Hangs => sleep(Duration::from_secs(3_600)).await,
            Behaviour::Refuses => return Err(CallError::Failed("refused".to_owned())),
            Behaviour::RefusesUntil(at) if Instant::now() < at => {
                return Err(CallError::NotBegun("refused".to_owned()));
            }
            Behaviour::Holds | Behaviour::RefusesUntil(_) => {}
        }
        Ok(self.1.to_owned())
    }
}

const URL: &str = "https://bot-api.kakao.com/v1/bots/b/callback/0d9f";

fn asking(answers: &Edge, function: FunctionDoes) -> Asking<Edge, FunctionDoes> {
    let texts = AnswerTexts { wait: "wait".to_owned(), fallback: "fallback".to_owned() };
    Asking { queue: answers.clone(), function, origin: CallbackOrigin::default(), texts }
}

/// The answer to a message with a callback URL, by an authenticated sender or with no way to authenticate one.
async fn ask(asking: Asking<Edge, FunctionDoes>, is_proven: bool, url: &str) -> (String, Duration) {
    let message = serde_json::json!({"bot": {"id": "b"}, "userRequest": {"utterance": "unruled", "user": {"id": "u"},
        "callbackUrl": url}});
    say(asking, is_proven, message.to_string()).await
}

async fn say(asking: Asking<Edge, FunctionDoes>, is_proven: bool, message: String) -> (String, Duration) {
    let auth = SkillAuth::from_json(&format!(r#"{{"header":"x-key","sha256":["{}"]}}"#, Digest::of(KEY.as_bytes())));
    let (apps, rules, otherwise) = (unlink().apps, SlowRules(Duration::ZERO), Box::new(Echo));
    let auth = is_proven.then(|| auth.unwrap());
    let webhook = SkillWebhook { apps, auth, rules, asking: Some(asking), otherwise };
    let request = http::Request::builder().method(Method::POST).uri("https://x/skill").header("x-key", KEY);
    let request = request.body(Body::Text(message)).unwrap().with_raw_http_path("/skill");
    let (events, begun) = (Edge::new(Behaviour::Holds), Instant::now());
    let answer = Ingest::new(webhook, events.clone(), events.clone()).accept(request).await.unwrap();
    assert_eq!((answer.status(), events.held().len()), (StatusCode::OK, usize::from(is_proven)));
    let Body::Text(text) = answer.body() else { panic!("no text") };
    (text.clone(), begun.elapsed())
}

const ANSWER: &str =
    r#"{"answer":"{\"version\":\"2.0\",\"template\":{\"outputs\":[{\"simpleText\":{\"text\":\"direct\"}}]}}"}"#;

#[tokio::test(start_paused = true)]
async fn whatever_fails_behind_it_a_message_that_the_service_answers_is_answered_in_time() {
    use Behaviour::{Hangs, Holds, Refuses};
    for (queue, function, returns, expected) in [
        (Holds, Holds, ANSWER, "useCallback"),
        (Holds, Hangs, ANSWER, "useCallback"),
        (Refuses, Holds, ANSWER, "direct"),
        (Hangs, Holds, ANSWER, "direct"),
        (Refuses, Refuses, ANSWER, "fallback"),
        (Refuses, Hangs, ANSWER, "fallback"),
        (Hangs, Hangs, ANSWER, "fallback"),
        (Refuses, Holds, r#"{"failed":"timed_out"}"#, "fallback"),
        (Refuses, Holds, "null", "fallback"),
    ] {
        let answers = Edge::new(queue);
        let (text, took) = ask(asking(&answers, FunctionDoes(function, returns)), true, URL).await;
        assert!(text.contains(expected), "{text}");
        assert!(took < SkillWebhook::<SlowRules, Edge, Infallible>::BUDGET, "{took:?}");
        assert_eq!(answers.1.lock().unwrap().len(), usize::from(expected == "useCallback"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_certainly_did_not_run_is_invoked_once_more() {
    for (millis, expected) in [(400, "direct"), (600, "fallback")] {
        let until = Instant::now() + Duration::from_millis(millis);
        let answers = Edge::new(Behaviour::Refuses);
        let (text, _) = ask(asking(&answers, FunctionDoes(Behaviour::RefusesUntil(until), ANSWER)), true, URL).await;
        assert!(text.contains(expected), "{millis}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_is_what_kakao_sent_and_only_a_url_of_kakaos_makes_one() {
    let answers = Edge::new(Behaviour::Holds);
    ask(asking(&answers, FunctionDoes(Behaviour::Hangs, "")), true, URL).await;
    let job = Job::decode(&answers.1.lock().unwrap()[0], &CallbackOrigin::default()).unwrap();
    assert_eq!((job.url.expose(), job.place), (URL, Place::Chat));
    assert_eq!(job.payload["userRequest"]["utterance"], "unruled");
    for url in ["https://example.com/v1/bots/b/callback/0d9f", "https://bot-api.kakao.com/v1/bots/c/callback/0d9f", ""]
    {
        let answers = Edge::new(Behaviour::Holds);
        let (text, _) = ask(asking(&answers, FunctionDoes(Behaviour::Holds, ANSWER)), true, url).await;
        assert!(text.contains("direct") && answers.1.lock().unwrap().is_empty(), "{url}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_is_not_asked_for_a_sender_who_is_not_authenticated() {
    let answers = Edge::new(Behaviour::Holds);
    let (text, _) = ask(asking(&answers, FunctionDoes(Behaviour::Holds, ANSWER)), false, URL).await;
    assert!(text.contains("unruled") && answers.1.lock().unwrap().is_empty(), "{text}");
}

#[tokio::test(start_paused = true)]
async fn nobodys_words_are_echoed_where_the_service_answers() {
    for message in [r#"{"userRequest":{"utterance":"unruled","user":{"id":"u"}}}"#, "{\"userRequest\":", "unruled"] {
        let answers = Edge::new(Behaviour::Holds);
        let asking = asking(&answers, FunctionDoes(Behaviour::Holds, ANSWER));
        let (text, _) = say(asking, true, message.to_owned()).await;
        assert!(text.contains("fallback") && !text.contains("unruled"), "{message}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_url_that_may_not_be_called_leaves_a_trace_without_it() {
    for (url, reason) in [
        ("https://example.com/v1/bots/b/callback/0d9f", Some("origin")),
        ("https://bot-api.kakao.com/v1/bots/c/callback/0d9f", Some("bot")),
        (URL, None),
        ("", None),
    ] {
        let answers = Edge::new(Behaviour::Holds);
        let (log, _) = logged(ask(asking(&answers, FunctionDoes(Behaviour::Holds, ANSWER)), true, url)).await;
        let refused = log.lines().find(|line| line.contains("callback_url_refused"));
        assert_eq!(refused.is_some(), reason.is_some(), "{url}: {log}");
        assert!(refused.is_none_or(|line| line.contains(reason.unwrap())), "{log}");
        assert!(!log.contains("0d9f"), "{log}");
    }
}
