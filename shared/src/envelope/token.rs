use serde_json::Value;

use crate::{
    auth::{Claims, NamedEvent},
    wire::{
        AppId, EventId, Unreadable, UserId,
        account_status::{AccountStatus, EventType, SecurityEvent},
        sha256_hex,
    },
};

/// More events than any token has: as a rule it is one.
const MAX_EVENTS: usize = 10;

/// One member of a token's `events`, or why it can't be read.
#[derive(Clone, Debug)]
pub struct TokenEvent {
    /// `<jti>:<event name>`; an unknown event is named by its URI's SHA-256.
    pub id: EventId,
    /// What it says.
    pub event: Result<AccountStatus, Unreadable>,
}

/// The events of a verified token of an app. Never none.
#[must_use]
pub fn events_of_token(claims: &Claims, app_id: &AppId) -> Vec<TokenEvent> {
    if claims.events.len() > MAX_EVENTS {
        let id = EventId::from_text(&claims.token_id);
        return vec![TokenEvent { id, event: Err(Unreadable::TooManyEvents(MAX_EVENTS)) }];
    }
    let subject = subject(claims, app_id);
    let read = |(uri, members): &NamedEvent| TokenEvent {
        id: event_id(&claims.token_id, uri),
        event: subject.clone().and_then(|user_id| {
            let event = SecurityEvent::read(uri, members.clone())?;
            Ok(AccountStatus { user_id, at: claims.at, event })
        }),
    };
    claims.events.iter().map(read).collect()
}

fn event_id(token_id: &str, uri: &str) -> EventId {
    let event_type = EventType::of_uri(uri);
    let name = event_type.known_name().map_or_else(|| sha256_hex(uri.as_bytes()), str::to_owned);
    EventId::from_text(&format!("{token_id}:{name}"))
}

fn subject(claims: &Claims, app_id: &AppId) -> Result<UserId, Unreadable> {
    match claims.app_id.as_ref().map(AppId::try_from) {
        None => {}
        Some(Ok(claimed)) if claimed == *app_id => {}
        Some(_) => return Err(Unreadable::OtherApp),
    }
    let subject: &Value = claims.subject.as_ref().ok_or(Unreadable::Missing("sub"))?.expose();
    subject.try_into().map_err(|_| Unreadable::Shape("sub"))
}
