//! Which member keeps a text from being an envelope.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ServiceWord;
use crate::wire::{AppId, EventId, Kind, Time, UserId};

/// A member by its name, and whether its value can be read.
type Check = (&'static str, &'static str, fn(&Value) -> bool);

const OF_ENVELOPE: [Check; 6] = [
    ("id", "/id", is::<EventId>),
    ("received_at", "/received_at", is::<Time>),
    ("kind", "/kind", is::<Kind>),
    ("app_id", "/app_id", is::<Option<AppId>>),
    ("request_id", "/request_id", is::<Option<String>>),
    ("replayed_at", "/replayed_at", is::<Option<Time>>),
];

/// The members that a service writes itself.
const OF_SERVICE: [Check; 4] = [
    ("event", "/event", Value::is_object),
    ("event.type", "/event/type", is::<ServiceWord>),
    ("event.user_id", "/event/user_id", is::<UserId>),
    ("event.at", "/event/at", is::<Time>),
];

/// The first member that is missing or misshapen. Its value may be personal and is not returned.
pub(super) fn wrong_member(envelope: &Value) -> &'static str {
    let is_of_service = envelope.get("kind").and_then(Value::as_str) == Some(Kind::Service.name());
    let of_event = if is_of_service { OF_SERVICE.as_slice() } else { &[] };
    let mut checks = OF_ENVELOPE.iter().chain(of_event);
    let wrong = checks.find(|(_, pointer, is_right)| !is_right(envelope.pointer(pointer).unwrap_or(&Value::Null)));
    wrong.map_or("event", |(name, ..)| name)
}

fn is<T: DeserializeOwned>(value: &Value) -> bool {
    serde_json::from_value::<T>(value.clone()).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::envelope::{Envelope, EnvelopeError};

    #[test]
    fn a_message_of_the_service_names_the_member_that_is_wrong_and_not_its_value() {
        let message = json!({"v": 1, "id": "x", "app_id": "1", "received_at": "2026-01-01T00:00:00Z", "kind": "service",
            "event": {"type": "service-linked", "user_id": "7", "at": "2026-01-01T00:00:00Z"}});
        Envelope::decode(&message.to_string()).unwrap();
        for (pointer, name) in [
            ("/id", "id"),
            ("/received_at", "received_at"),
            ("/kind", "kind"),
            ("/app_id", "app_id"),
            ("/event", "event"),
            ("/event/type", "event.type"),
            ("/event/user_id", "event.user_id"),
            ("/event/at", "event.at"),
        ] {
            for odd in [json!(["secret"]), json!({"secret": 1})] {
                let mut message = message.clone();
                *message.pointer_mut(pointer).unwrap() = odd;
                // An object is a right shape of the event; its own members are missing then.
                let is_object = message["event"].get("secret").is_some();
                let name = if is_object { "event.type" } else { name };
                let error = Envelope::decode(&message.to_string()).unwrap_err();
                assert_eq!(error, EnvelopeError::Members(name));
                assert!(error.to_string().contains(&format!("`{name}`")) && !error.to_string().contains("secret"));
            }
        }
    }

    #[test]
    fn an_event_of_kakaos_that_cannot_be_read_is_named_as_a_whole() {
        let message =
            r#"{"v":1,"id":"x","received_at":"2026-01-01T00:00:00Z","kind":"unlink","event":{"user_id":"x"}}"#;
        assert_eq!(Envelope::decode(message).unwrap_err(), EnvelopeError::Members("event"));
    }
}
