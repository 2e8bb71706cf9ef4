use http::StatusCode;
use serde_json::{Map, Value};

use super::{Arrival, MAX_BODY_BYTES, Reading, Refusal, Route, Webhook};
use crate::{
    auth::{
        Apps, KeyShelf, KeySource, Keys, KeysFault, TokenRefusal, Typing, Unverified, UnverifiedToken, Verified,
        VerifiedToken,
    },
    envelope::{Event, Letter},
    wire::{
        AppId, EventId, Kind, Unreadable, UserId,
        account_status::{AccountStatus as Status, EventType, SecurityEvent},
    },
};

/// Kakao Login's account status change webhook.
#[derive(Debug)]
pub struct AccountStatus<S, K> {
    /// The service's apps.
    pub apps: Apps,
    /// Kakao's keys.
    pub keys: Keys<S, K>,
    /// Whether a token must say what it is.
    pub typing: Typing,
}

/// More events than any token has: as a rule it is one.
const MAX_EVENTS: usize = 10;

impl<S: KeySource, K: KeyShelf> Webhook for AccountStatus<S, K> {
    const KIND: Kind = Kind::AccountStatus;
    const ROUTES: &'static [Route] = &[Route { path: "/webhooks/account-status", methods: &["POST"] }];
    const ACCEPTED: StatusCode = StatusCode::ACCEPTED;
    type Proof = VerifiedToken;

    async fn authenticate(&self, request: Unverified, arrival: &Arrival) -> Result<Verified<VerifiedToken>, Refusal> {
        // The proof is in the body: its length is all that may be looked at before.
        if request.body_len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        let token = UnverifiedToken::parse(&request, self.typing)?;
        let key = self.keys.find(token.key_id(), arrival.handed_over).await.map_err(|fault| match fault {
            KeysFault::Unknown => Refusal::Token(TokenRefusal::UnknownKey),
            KeysFault::Unavailable { retry_after } => Refusal::Unavailable { retry_after },
        })?;
        let token = token.verify(&key)?.accept(&self.apps, arrival.now)?;
        Ok(request.proven_by_token(token))
    }

    fn read(&self, request: Verified<VerifiedToken>, _arrival: &Arrival) -> Vec<Reading> {
        let VerifiedToken { app_id, claims } = request.proof;
        if claims.events.len() > MAX_EVENTS {
            let id = EventId::from_text(&claims.token_id);
            return vec![Reading { id, app_id: Some(app_id), letter: Err(Unreadable::TooManyEvents(MAX_EVENTS)) }];
        }
        let subject = subject(claims.app_id.as_ref(), claims.subject.as_ref().map(|subject| subject.expose()), &app_id);
        let read = |(uri, members): (String, Map<String, Value>)| Reading {
            id: event_id(&claims.token_id, &uri),
            app_id: Some(app_id.clone()),
            letter: subject.clone().and_then(|user_id| {
                let event = SecurityEvent::read(&uri, members)?;
                Ok(Letter::Event(Event::AccountStatus(Status { user_id, at: claims.at, event })))
            }),
        };
        claims.events.into_iter().map(read).collect()
    }
}

/// `<jti>:<event name>`; an unknown event is named by its URI's SHA-256.
fn event_id(token_id: &str, uri: &str) -> EventId {
    let event_type = EventType::of_uri(uri);
    let name = event_type.known_name().map_or_else(|| crate::wire::sha256_hex(uri.as_bytes()), str::to_owned);
    EventId::from_text(&format!("{token_id}:{name}"))
}

fn subject(claimed_app: Option<&Value>, subject: Option<&Value>, app_id: &AppId) -> Result<UserId, Unreadable> {
    match claimed_app.map(AppId::try_from) {
        None => {}
        Some(Ok(claimed)) if claimed == *app_id => {}
        Some(_) => return Err(Unreadable::OtherApp),
    }
    subject.ok_or(Unreadable::Missing("sub"))?.try_into().map_err(|_| Unreadable::Shape("sub"))
}
