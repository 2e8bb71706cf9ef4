//! The acknowledging functions, whole, before edges that hold, refuse or hang, and what must hold of each
//! answer. Time is tokio's paused clock.

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use kakao_webhooks::{
    auth::{SkillAuth, Typing},
    envelope::Envelope,
    skill::{Echo, RuleSet, Rules},
    wire::{EventId, Kind, account_status::EventType, parse_strict_json, skill::ValidationStatus},
};
use lambda_http::{Body, Context, LambdaEvent, Request, RequestExt, Response};
use runtime::{
    edges::{EdgeError, Inbox, Queue},
    ingest::{
        AccountStatusWebhook, Asking, Ingest, SkillWebhook, TalkChannelWebhook, TalkShareWebhook, UnlinkWebhook,
        Webhook, gateway,
    },
    keys::{FetchError, KeyDocument, KeySetStore, KeySource, Keys},
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{APPS, promises, service, token};

/// How an edge behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Holds,
    Refuses,
    Hangs,
}

/// What the queue and the inbox took, one after the other.
static HELD: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Edge(Behaviour);

impl Edge {
    /// As a header of the request asks for: nothing of ours reads such a header.
    fn asked(headers: &HeaderMap, name: &str) -> Self {
        Self(match headers.get(name).map(|value| value.as_bytes()) {
            Some(b"refuses") => Behaviour::Refuses,
            Some(b"hangs") => Behaviour::Hangs,
            _ => Behaviour::Holds,
        })
    }

    async fn hold(&self, envelope: &str) -> Result<(), EdgeError> {
        match self.0 {
            Behaviour::Holds => HELD.lock().unwrap().push(envelope.to_owned()),
            Behaviour::Refuses => return Err(EdgeError("refused".to_owned())),
            Behaviour::Hangs => std::future::pending().await,
        }
        Ok(())
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

struct OneSet;

impl KeySource for OneSet {
    async fn fetch(&self) -> Result<KeyDocument, FetchError> {
        Ok(KeyDocument { text: Bytes::from_static(token::KEY_SET.as_bytes()), max_age: None })
    }
}

impl KeySetStore for OneSet {
    async fn stored(&self) -> Result<Option<(Bytes, Duration)>, FetchError> {
        Ok(None)
    }
}

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap());

/// Passes an event of the gateway to the function whose route its path resembles, and checks the result.
/// `is_signed` says whether the body is a token that our key signed.
pub fn check(text: &str, is_signed: bool) {
    let Ok(sent) = serde_json::from_str(text) else { return };
    // What `Value` can't read may be refused.
    let event = serde_json::from_str(text).unwrap_or(Value::Null);
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let is_method = text("/requestContext/http/method").is_some_and(|method| method.parse::<Method>().is_ok());
    let is_request = is_method && text("/rawPath").is_some();
    match gateway::request(LambdaEvent::new(sent, Context::default())) {
        Ok(request) => check_request(request, is_signed),
        Err(_) => assert!(!is_request, "a request of the gateway without an answer"),
    }
}

fn check_request(request: Request, is_signed: bool) {
    let path = request.raw_http_path().to_owned();
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let apps = || APPS.clone();
    let admin_key = has_admin_key(&headers);
    let is_about_stream = is_signed && is_about_stream(request.body().as_ref());
    let (kind, may_queue, response) = if path.contains("account") {
        let keys = Keys::new(OneSet, OneSet);
        let webhook = AccountStatusWebhook { apps: apps(), keys, typing: Typing::Required };
        (Kind::AccountStatus, is_signed, answer(webhook, request))
    } else if path.contains("share") {
        (Kind::TalkShare, admin_key, answer(TalkShareWebhook { apps: apps(), user_key: "user_id".to_owned() }, request))
    } else if path.contains("channel") {
        (Kind::TalkChannel, admin_key, answer(TalkChannelWebhook { apps: apps() }, request))
    } else if path.contains("skill") || path.contains("health") {
        // Without `SKILL_AUTH` every request is answered and nothing is stored.
        let auth = (!path.contains("open")).then(|| SkillAuth::from_json(service::SKILL_AUTH).unwrap());
        let may_queue = auth.is_some() && has_skill_key(&headers);
        let rules: Arc<dyn RuleSet> = Arc::new(Rules::from_list("[]").unwrap());
        let asking = None::<Asking<Edge, Infallible>>;
        let webhook = SkillWebhook { apps: apps(), auth, rules, asking, otherwise: Box::new(Echo) };
        (Kind::Skill, may_queue, answer(webhook, request))
    } else {
        (Kind::Unlink, admin_key, answer(UnlinkWebhook { apps: apps() }, request))
    };
    let held = std::mem::take(&mut *HELD.lock().unwrap());
    assert!(held.is_empty() || may_queue, "queued, though no sender is authenticated");
    let is_check = method == Method::HEAD || (kind == Kind::Skill && (method != Method::POST || path.contains("open")));
    assert!(held.is_empty() || response.status().is_success(), "queued and refused");
    let is_validation =
        kind == Kind::Skill && matches!(response.body(), Body::Text(text) if text == ValidationStatus::Success.json());
    assert!(
        !held.is_empty() || is_check || is_validation || is_about_stream || !response.status().is_success(),
        "acknowledged and not queued"
    );
    assert!(!is_check || held.is_empty(), "a check was queued");
    is_honest(&response, &method);
    assert!(serde_json::to_value(gateway::response(response)).unwrap()["statusCode"].is_number());
    for text in held {
        let envelope = Envelope::decode(&text).unwrap();
        assert_eq!(envelope.kind(), kind);
        promises::hold(&envelope);
        promises::hold(&envelope.reread("user_id"));
    }
}

/// Whether a token has events about the stream of events: without a user there is nothing in them to keep.
fn is_about_stream(token: &[u8]) -> bool {
    let claims = token.split(|byte| *byte == b'.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = claims.and_then(|claims| parse_strict_json(&claims).ok()).unwrap_or_default();
    let events = claims.get("events").and_then(Value::as_object);
    events.is_some_and(|events| events.keys().any(|uri| EventType::of_uri(uri).is_verification()))
}

fn answer<W: Webhook>(webhook: W, request: Request) -> Response<Body> {
    let queue = Edge::asked(request.headers(), "fuzz-queue");
    let inbox = Edge::asked(request.headers(), "fuzz-inbox");
    let none_holds = queue.0 != Behaviour::Holds && inbox.0 != Behaviour::Holds;
    let response = RUNTIME.block_on(async {
        let start = tokio::time::Instant::now();
        let response = Ingest::new(webhook, queue, inbox).accept(request).await.unwrap();
        assert!(start.elapsed() <= W::BUDGET, "too late");
        response
    });
    assert!(!none_holds || HELD.lock().unwrap().is_empty());
    response
}

/// Each status with what belongs to it, and nothing that a sender could have put there.
fn is_honest(response: &Response<Body>, method: &Method) {
    let has = |name| response.headers().contains_key(name);
    let status = response.status();
    match status {
        StatusCode::OK | StatusCode::ACCEPTED => {}
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNAUTHORIZED => {}
        StatusCode::METHOD_NOT_ALLOWED => assert!(has(header::ALLOW)),
        StatusCode::SERVICE_UNAVAILABLE => assert!(has(header::RETRY_AFTER)),
        other => panic!("an unexpected status: {other}"),
    }
    match response.body() {
        Body::Text(text) => {
            assert!(method != Method::HEAD && has(header::CONTENT_TYPE));
            assert!(serde_json::from_str::<Value>(text).unwrap().is_object());
        }
        body => assert!(matches!(body, Body::Empty) && (status.is_success() || method == Method::HEAD)),
    }
}

/// An independent reading of the one header that proves Kakao.
fn has_admin_key(headers: &HeaderMap) -> bool {
    let values: Vec<_> = headers.get_all(header::AUTHORIZATION).iter().collect();
    let [value] = values[..] else { return false };
    let Ok(value) = value.to_str() else { return false };
    let words: Vec<_> = value.split_whitespace().collect();
    matches!(words[..], [scheme, key] if scheme.eq_ignore_ascii_case("kakaoak")
        && [service::ADMIN_KEY, service::OTHER_ADMIN_KEY].contains(&key))
}

fn has_skill_key(headers: &HeaderMap) -> bool {
    let (name, key) = service::SKILL_KEY;
    headers.get(name).is_some_and(|value| value.as_bytes() == key.as_bytes())
}
