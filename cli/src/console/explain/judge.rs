use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE};
use kakao_webhooks::{
    auth::{Apps, KeyFault, KeySet, SkillAuth, TokenRefusal, Unverified, VerifiedToken},
    envelope::{Envelope, Event, Letter, TokenEvent, events_of_token},
    state::{Plan, Subject, plan},
    wire::{
        AppId, Content, EventId, Fields, Personal, Route, Time, Unreadable,
        account_status::EventType,
        skill::{SkillRequest, bot_of},
        talk_channel::TalkChannel,
        talk_share::TalkShare,
        unlink::Unlink,
    },
};
use play_kakao::key_set;
use runtime::ingest::MAX_BODY_BYTES;
use serde_json::Value;

use super::{
    Check, CheckName, ExplainedEvent, Explanation,
    check::checks,
    token::{KeyNames, Parts, plain, verify},
};
use crate::{
    console::masks::{Masks, REST_API_KEY},
    kakao::{Kakao, Request},
};

/// The template's `ShareUserKey`.
const SHARE_USER_KEY: &str = "user_id";

/// Explains requests with the keys of a run.
pub struct Judge {
    apps: Apps,
    skill: SkillAuth,
    keys: KeySet,
    names: KeyNames,
    masks: Masks,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The query; none without a `?`.
    pub query: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// When it came.
    pub at: Time,
}

impl Received {
    /// A request of the simulated Kakao, that comes now.
    ///
    /// # Errors
    /// If a header can't be sent.
    pub fn of(request: &Request) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name: HeaderName = name.parse().with_context(|| format!("`{name}` can't be the name of a header"))?;
            let value = HeaderValue::try_from(value).with_context(|| format!("{name} can't have this value"))?;
            headers.append(name, value);
        }
        Ok(Self {
            method: request.method.clone(),
            path: request.path.to_owned(),
            query: Some(request.query.clone()).filter(|query| !query.is_empty()),
            headers,
            body: Bytes::from(request.body.clone()),
            at: runtime::clock::now(),
        })
    }
}

/// An event of a request that was accepted.
#[derive(Clone, Debug)]
pub struct AcceptedEvent {
    /// Its own id, if it is a token's.
    pub id: Option<EventId>,
    /// The app.
    pub app_id: AppId,
    /// What it says.
    pub event: Event,
}

/// What was read: the events, or why not.
type Reading = Result<Vec<ExplainedEvent>, Unreadable>;

impl Judge {
    /// One with the keys of this simulated Kakao.
    ///
    /// # Errors
    /// If they are none.
    pub fn of(kakao: &Kakao) -> Result<Self> {
        let parameters = kakao.parameters("");
        let parameter = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| name == wanted);
            found.map_or("", |(_, value)| value.as_str())
        };
        let document = key_set([&kakao.signing_key()?]).to_string();
        Ok(Self {
            apps: Apps::from_json(parameter("KakaoApps"))?,
            skill: SkillAuth::from_json(parameter("SkillAuth"))?,
            keys: KeySet::from_json(document.as_bytes()).context("the run has no usable key set")?,
            names: KeyNames { key_id: kakao.key_id.clone(), audience: REST_API_KEY },
            masks: Masks::of(kakao),
        })
    }

    /// What a request says, and how it is checked.
    #[must_use]
    pub fn explain(&self, received: &Received) -> Explanation {
        let path = received.path.strip_suffix('/').unwrap_or(&received.path);
        let Some(route) = Route::ALL.iter().find(|route| path.ends_with(route.path)) else {
            return Explanation { refusal: Some("not_found".to_owned()), ..Explanation::default() };
        };
        if *route == Route::HEALTH {
            return Explanation::default();
        }
        let mut explanation = match route.function {
            "account-status" => self.token(received, route),
            "skill" if received.method != Method::POST => Explanation::default(),
            "skill" => self.skill(received, route),
            _ => self.by_admin_key(received, route),
        };
        explanation.kind = Some(route.function.to_owned());
        if explanation.refusal.is_some() {
            explanation.events = claimed(route, &explanation.decoded);
        }
        let decoded = self.masks.hide(&explanation.decoded.to_string());
        explanation.decoded = serde_json::from_str(&decoded).unwrap_or_default();
        explanation
    }

    /// The events about members and open ids in a request that the service has accepted. Without what can't be read.
    #[must_use]
    pub fn events(&self, received: &Received) -> Vec<AcceptedEvent> {
        let path = received.path.strip_suffix('/').unwrap_or(&received.path);
        let route = Route::ALL.iter().find(|route| path.ends_with(route.path));
        match route.map(|route| (route, route.function)) {
            Some((_, "account-status")) => {
                let token = verify(&received.unverified(), &self.apps, &self.keys).ok();
                token.and_then(|token| accepted_events(token, received.at)).unwrap_or_default()
            }
            Some((route, "unlink" | "talk-share" | "talk-channel")) => {
                let app_id = received.unverified().prove_by_admin_key(&self.apps).map(|verified| verified.proof);
                let read = |app_id: AppId| {
                    let event = event_by_admin_key(route, &received.content(), &app_id).ok()?;
                    Some(AcceptedEvent { id: None, app_id, event })
                };
                app_id.ok().and_then(read).into_iter().collect()
            }
            _ => vec![],
        }
    }

    fn token(&self, received: &Received, route: &Route) -> Explanation {
        let parts = Parts::of(&received.body);
        let content_type = text_of(&received.headers, CONTENT_TYPE.as_str());
        let outcome = match first_fault(received, route, &[CheckName::Method, CheckName::Size]) {
            Some(fault) => Err(fault),
            None => verify(&received.unverified(), &self.apps, &self.keys)
                .map_err(|refusal: TokenRefusal| (parts.failed(refusal), refusal.reason())),
        };
        let (events, failed, refusal) = match outcome {
            Ok(token) => {
                let events = events_of(&token, received);
                let failed = events.iter().any(|event| event.unreadable.is_some()).then_some(CheckName::Readable);
                (events, failed, None)
            }
            Err((name, reason)) => (vec![], Some(name), Some(reason.to_owned())),
        };
        let mut checks = parts.checks(failed, &content_type, &self.names, &self.masks);
        note_unreadable(&mut checks, &events);
        Explanation { kind: None, checks, refusal, events, decoded: parts.decoded() }
    }

    fn by_admin_key(&self, received: &Received, route: &Route) -> Explanation {
        let proof = received.unverified().prove_by_admin_key(&self.apps).map(|verified| verified.proof);
        let app = proof.as_ref().ok().cloned();
        let read = |content: &Content| {
            let app = app.clone().ok_or(Unreadable::Missing("app_id"))?;
            let event = event_by_admin_key(route, content, &app)?;
            Ok(vec![explained(event, Some(app), received.at)])
        };
        let fields = received.content().fields().map(Fields::into_members).map(Value::Object).unwrap_or_default();
        let presented = text_of(&received.headers, "authorization");
        let presented = (!presented.is_empty()).then(|| self.masks.hide_header("authorization", &presented));
        let wanted = format!("KakaoAK {}", crate::console::masks::ADMIN_KEY);
        let key = KeyCheck { name: CheckName::AdminKey, fault: proof.err(), found: presented, wanted };
        proven(received, route, &CheckName::OF_ADMIN_KEY, key, read, fields)
    }

    fn skill(&self, received: &Received, route: &Route) -> Explanation {
        let fault = received.unverified().prove_by_skill_auth(&self.skill).err();
        let read = |content: &Content| {
            let payload = content.json()?;
            let app = bot_of(&payload).and_then(|bot| self.apps.by_bot(&bot)).map(|app| app.app_id.clone());
            match SkillRequest::read(&payload) {
                Ok(event) => Ok(vec![explained(event.into(), app, received.at)]),
                // Answered, and no event.
                Err(Unreadable::ParameterValidation) => Ok(vec![]),
                Err(why) => Err(why),
            }
        };
        let decoded = received.content().json().map(Fields::into_members).map(Value::Object).unwrap_or_default();
        let found = fault.is_none().then(|| crate::console::masks::SKILL_KEY.to_owned());
        let wanted = crate::console::masks::SKILL_KEY.to_owned();
        let key = KeyCheck { name: CheckName::SkillKey, fault, found, wanted };
        proven(received, route, &CheckName::OF_SKILL, key, read, decoded)
    }
}

fn event_by_admin_key(route: &Route, content: &Content, app: &AppId) -> Result<Event, Unreadable> {
    Ok(match route.function {
        "unlink" => Event::Unlink(Unlink::read(content, app)?),
        "talk-share" => Event::TalkShare(TalkShare::read(content, SHARE_USER_KEY)?),
        _ => Event::TalkChannel(TalkChannel::read(content)?),
    })
}

/// None: it is not known for which app the token is, or its claims can't be read.
fn accepted_events(token: VerifiedToken, at: Time) -> Option<Vec<AcceptedEvent>> {
    let (app_id, claims) = (token.app_id?, token.claims.ok()?);
    let events = events_of_token(&claims, &app_id, at, &EventId::from_text("token"));
    let accepted = |event: TokenEvent| {
        let status = event.event.ok()?;
        Some(AcceptedEvent { id: Some(event.id), app_id: app_id.clone(), event: Event::AccountStatus(status) })
    };
    Some(events.into_iter().filter_map(accepted).collect())
}

/// How a key was checked.
struct KeyCheck {
    name: CheckName,
    fault: Option<KeyFault>,
    found: Option<String>,
    wanted: String,
}

/// The explanation of a webhook that a key in a header proves.
fn proven(
    received: &Received,
    route: &Route,
    order: &[CheckName],
    key: KeyCheck,
    read: impl FnOnce(&Content) -> Reading,
    decoded: Value,
) -> Explanation {
    let by_key = key.fault.map(|fault| match fault {
        KeyFault::Missing => (key.name, "key_missing"),
        KeyFault::Unknown => (key.name, "key_unknown"),
    });
    let fault = first_fault(received, route, &[CheckName::Method])
        .or(by_key)
        .or_else(|| first_fault(received, route, &[CheckName::Size]));
    let (failed, refusal, events) = match fault {
        Some((name, reason)) => (Some(name), Some(reason.to_owned()), vec![]),
        None => {
            let content = received.content();
            match read(&content) {
                Ok(events) => {
                    let is_unreadable = events.iter().any(|event| event.unreadable.is_some());
                    (is_unreadable.then_some(CheckName::Readable), None, events)
                }
                Err(why) => (Some(CheckName::Readable), None, vec![unreadable(&content.explain(why))]),
            }
        }
    };
    let KeyCheck { name, found, wanted, .. } = key;
    let values = |check| if check == name { (found.clone(), Some(wanted.clone())) } else { (None, None) };
    let mut checks = checks(order, failed, values);
    note_unreadable(&mut checks, &events);
    Explanation { kind: None, checks, refusal, events, decoded }
}

/// The first of these that is not as it should be, with the reason's name.
fn first_fault(received: &Received, route: &Route, names: &[CheckName]) -> Option<(CheckName, &'static str)> {
    names.iter().find_map(|name| match name {
        CheckName::Method => {
            (!route.methods.contains(&received.method.as_str())).then_some((CheckName::Method, "method"))
        }
        CheckName::Size => (received.body.len() > MAX_BODY_BYTES).then_some((CheckName::Size, "too_large")),
        _ => None,
    })
}

/// What could not be read stands at its check.
fn note_unreadable(checks: &mut [Check], events: &[ExplainedEvent]) {
    let why = events.iter().find_map(|event| event.unreadable.clone());
    if let Some(check) = checks.iter_mut().find(|check| check.name == CheckName::Readable) {
        check.found = why;
    }
}

/// The events of a verified token. One about the stream of events itself is none.
fn events_of(token: &VerifiedToken, received: &Received) -> Vec<ExplainedEvent> {
    match (&token.app_id, &token.claims) {
        (Some(app), Ok(claims)) => events_of_token(claims, app, received.at, &EventId::from_text("token"))
            .into_iter()
            .filter_map(|event| match event.event {
                Ok(status) => Some(explained(Event::AccountStatus(status), Some(app.clone()), received.at)),
                Err(Unreadable::StreamEvent) => None,
                Err(why) => Some(unreadable(&why)),
            })
            .collect(),
        (_, claims) => vec![unreadable(claims.as_ref().err().unwrap_or(&Unreadable::Missing("aud")))],
    }
}

/// What a refused request claims, as far as that is plain to see.
fn claimed(route: &Route, decoded: &Value) -> Vec<ExplainedEvent> {
    let text = |pointer: &str| decoded.pointer(pointer).map(plain);
    let events = decoded.pointer("/claims/events").and_then(Value::as_object);
    let of_uri = |uri: &String| EventType::of_uri(uri).known_name().unwrap_or(uri).to_owned();
    let (names, user) = match route.function {
        "account-status" => (events.into_iter().flatten().map(|(uri, _)| of_uri(uri)).collect(), text("/claims/sub")),
        "unlink" => (vec!["unlink".to_owned()], text("/user_id")),
        "talk-share" => (vec!["share".to_owned()], text("/user_id")),
        "talk-channel" => (text("/event").into_iter().collect(), text("/id")),
        _ => (vec!["message".to_owned()], text("/userRequest/user/id")),
    };
    let claim =
        |name: String| ExplainedEvent { name, user: user.clone(), is_claimed: true, ..ExplainedEvent::default() };
    names.into_iter().take(MOST_CLAIMED).map(claim).collect()
}

/// More events than any token has.
const MOST_CLAIMED: usize = 10;

fn unreadable(why: &Unreadable) -> ExplainedEvent {
    ExplainedEvent { unreadable: Some(why.code().to_owned()), ..ExplainedEvent::default() }
}

/// An event as the processor would place it.
fn explained(event: Event, app_id: Option<AppId>, at: Time) -> ExplainedEvent {
    let name = event.name();
    let app = app_id.as_ref().map(ToString::to_string);
    let envelope = Envelope {
        id: EventId::from_text("event"),
        app_id,
        received_at: at,
        request_id: None,
        replayed_at: None,
        letter: Letter::Event(event),
    };
    match plan(&envelope) {
        Plan::Apply(step) => ExplainedEvent {
            name,
            app_id: app,
            user: user_of(&step.history.subject),
            partition: Some(step.history.subject.partition_key()),
            at: Some(step.history.occurred_at.as_millis()),
            ..ExplainedEvent::default()
        },
        Plan::Quarantine { reason, .. } => {
            ExplainedEvent { name, app_id: app, unreadable: Some(reason), ..ExplainedEvent::default() }
        }
    }
}

fn user_of(subject: &Subject) -> Option<String> {
    let attributes = subject.attributes();
    let user = attributes.into_iter().find(|(name, _)| ["user_id", "open_id", "user_key"].contains(name));
    user.map(|(_, value)| value)
}

fn text_of(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

impl Received {
    fn content(&self) -> Content {
        let media_type = text_of(&self.headers, CONTENT_TYPE.as_str());
        Content {
            method: self.method.clone(),
            query: Personal::new(self.query.clone().unwrap_or_default()),
            media_type: media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase(),
            body: Personal::new(self.body.clone()),
        }
    }

    fn unverified(&self) -> Unverified {
        Unverified::new(self.headers.clone(), self.content())
    }
}
