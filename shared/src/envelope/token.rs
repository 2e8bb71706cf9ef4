use serde_json::{Map, Value};

use crate::{
    auth::Claims,
    wire::{
        AppId, EventId, Time, Unreadable, UserId,
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

/// The events of a verified token of an app that was received at `received_at`; if they cannot be separated, one
/// unreadable event replaces them all. Never none. `delivery` is the id of a token that has none.
#[must_use]
pub fn events_of_token(claims: &Claims, app_id: &AppId, received_at: Time, delivery: &EventId) -> Vec<TokenEvent> {
    let whole = |id, why| vec![TokenEvent { id, event: Err(why) }];
    let token_id = match &claims.token_id {
        Ok(token_id) => token_id,
        Err(why) => return whole(delivery.clone(), why.clone()),
    };
    match &claims.events {
        Err(why) => whole(EventId::from_text(token_id), why.clone()),
        Ok(events) if events.len() > MAX_EVENTS => {
            whole(EventId::from_text(token_id), Unreadable::TooManyEvents(MAX_EVENTS))
        }
        Ok(events) => {
            let placed = place(claims, app_id, received_at);
            let read = |(uri, event): &(String, Value)| TokenEvent {
                id: event_id(token_id, uri),
                event: read(uri, event, placed.clone()),
            };
            events.iter().map(read).flat_map(|event| [unread_part(&event), Some(event)]).flatten().collect()
        }
    }
}

/// The end of the id of an event's unreadable part.
const UNREAD_PART: &str = ":unread";

/// The unreadable part of an event, to be quarantined in addition to the event: a withdrawal must not get lost.
fn unread_part(event: &TokenEvent) -> Option<TokenEvent> {
    let why = event.event.as_ref().ok()?.event.unread_part()?;
    Some(TokenEvent { id: EventId::from_text(&format!("{}{UNREAD_PART}", event.id)), event: Err(why) })
}

/// The event with this id. That of a part, once all of the event can be read, is the event itself.
pub(super) fn event_with_id(events: Vec<TokenEvent>, id: &EventId) -> Option<TokenEvent> {
    let text = id.to_string();
    let whole = text.strip_suffix(UNREAD_PART).map(EventId::from_text);
    let (mut with_id, rest): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.id == *id);
    with_id.pop().or_else(|| rest.into_iter().find(|event| Some(&event.id) == whole.as_ref()))
}

fn event_id(token_id: &str, uri: &str) -> EventId {
    let event_type = EventType::of_uri(uri);
    let name = event_type.known_name().map_or_else(|| sha256_hex(uri.as_bytes()), str::to_owned);
    EventId::from_text(&format!("{token_id}:{name}"))
}

fn read(uri: &str, event: &Value, placed: Result<(UserId, Time), Unreadable>) -> Result<AccountStatus, Unreadable> {
    let (user_id, at) = match placed {
        Err(Unreadable::NoSubject) if EventType::of_uri(uri).is_verification() => Err(Unreadable::StreamEvent),
        placed => placed,
    }?;
    let members = match event {
        Value::Null => Map::new(),
        Value::Object(members) => members.clone(),
        _ => return Err(Unreadable::Shape("events")),
    };
    Ok(AccountStatus { user_id, at, event: SecurityEvent::read(uri, members)? })
}

/// Whom the events concern, and when they happened.
fn place(claims: &Claims, app_id: &AppId, received_at: Time) -> Result<(UserId, Time), Unreadable> {
    match claims.app_id.as_ref().map(AppId::try_from) {
        None => {}
        Some(Ok(claimed)) if claimed == *app_id => {}
        Some(_) => return Err(Unreadable::OtherApp),
    }
    let subject = claims.subject.clone()?;
    let user_id = subject.expose().try_into().map_err(|_| Unreadable::Shape("sub"))?;
    Ok((user_id, claims.at(received_at)?))
}
