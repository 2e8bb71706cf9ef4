//! Kakao Login's account status change webhook: Security Event Tokens (RFC 8417). What proves a
//! token stands in `auth::token`; here its events, once proven, get their types.

mod detail;
mod event_type;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Personal, Time, Unreadable, UserId};

pub use detail::{Detail, DisabledReason};
pub use event_type::EventType;

/// One event of a token, of one user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Whom it concerns: the claim `sub`.
    pub user_id: UserId,
    /// When it happened: the claim `toe`, or `iat` where there is none.
    pub at: Time,
    /// What happened.
    #[serde(flatten)]
    pub event: SecurityEvent,
}

/// An event of a token: its type, its members as received, and what they mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSecurityEvent", into = "RawSecurityEvent")]
pub struct SecurityEvent {
    event_type: EventType,
    members: Personal<Map<String, Value>>,
    detail: Detail,
}

/// Members of an event object that name its subject or date it: no detail of the event.
const SUBJECT_MEMBERS: [&str; 4] = ["subject", "sub_id", "token_subject", "event_timestamp"];

impl SecurityEvent {
    /// Reads one member of a token's `events`.
    ///
    /// # Errors
    /// [`Unreadable::Shape`] where a member that has an effect is of an unexpected shape. An unknown
    /// event has no such member.
    pub fn read(uri: &str, mut members: Map<String, Value>) -> Result<Self, Unreadable> {
        for name in SUBJECT_MEMBERS {
            members.remove(name);
        }
        let event_type = EventType::of_uri(uri);
        let detail = Detail::read(&event_type, &members)?;
        Ok(Self { event_type, members: Personal::new(members), detail })
    }

    /// The event's type.
    #[must_use]
    pub const fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// What the members say, as far as it has an effect.
    #[must_use]
    pub const fn detail(&self) -> &Detail {
        &self.detail
    }

    /// Why a part of the event has no effect: it can't be read. The rest of the event has its effect.
    #[must_use]
    pub fn unread_part(&self) -> Option<Unreadable> {
        detail::unread_part(&self.event_type, self.members.expose())
    }

    /// All members but those that name the subject, unknown ones included.
    #[must_use]
    pub const fn members(&self) -> &Personal<Map<String, Value>> {
        &self.members
    }
}

#[derive(Serialize, Deserialize)]
struct RawSecurityEvent {
    uri: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    members: Map<String, Value>,
}

impl TryFrom<RawSecurityEvent> for SecurityEvent {
    type Error = Unreadable;

    fn try_from(raw: RawSecurityEvent) -> Result<Self, Unreadable> {
        Self::read(&raw.uri, raw.members)
    }
}

impl From<SecurityEvent> for RawSecurityEvent {
    fn from(event: SecurityEvent) -> Self {
        Self { uri: event.event_type.uri().to_owned(), members: event.members.into_inner() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_are_eighteen_known_types_and_each_is_found_by_uri_and_by_name() {
        assert_eq!(EventType::KNOWN.len(), 18);
        for known in EventType::KNOWN {
            assert_eq!(EventType::of_uri(known.uri()), *known);
            assert_eq!(EventType::of_name(known.known_name().unwrap()).unwrap(), *known);
        }
    }

    #[test]
    fn linked_and_unlinked_are_distinguished_by_the_whole_uri() {
        let prefix = "https://schemas.openid.net/secevent/oauth/event-type/";
        assert_eq!(EventType::of_uri(&format!("{prefix}user-linked")), EventType::UserLinked);
        assert_eq!(EventType::of_uri(&format!("{prefix}user-unlinked")), EventType::UserUnlinked);
        assert_eq!(EventType::of_uri("user-unlinked"), EventType::Unknown("user-unlinked".into()));
    }

    #[test]
    fn an_unknown_event_and_unknown_members_survive_a_round_trip() {
        for uri in ["https://example.com/new-event", EventType::UserLinked.uri()] {
            let members = json!({"subject": {"x": 1}, "new": {"한": [1, 2.5, null]}});
            let event = SecurityEvent::read(uri, members.as_object().unwrap().clone()).unwrap();
            let text = serde_json::to_string(&event).unwrap();
            let again: SecurityEvent = serde_json::from_str(&text).unwrap();
            assert_eq!(again, event);
            assert_eq!(again.event_type().uri(), uri);
            assert_eq!(Value::Object(again.members().expose().clone()), json!({"new": {"한": [1, 2.5, null]}}));
        }
    }
}
