//! What a waiting message is, for a reader.

use kakao_webhooks::{
    envelope::{Envelope, EnvelopeError, Letter},
    wire::Time,
};
use serde_json::{Map, Value, json};

/// What an envelope says of itself; nothing of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The webhook's kind and the event, as in `account-status user-linked`.
    pub what: String,
    /// The event's id.
    pub event_id: String,
    /// The app, if it has one.
    pub app_id: Option<String>,
    /// When the gateway received it.
    pub received_at: Time,
}

/// What a message is, or why it is not a known envelope.
///
/// # Errors
/// The library's own error.
pub fn summary(text: &str) -> Result<Summary, EnvelopeError> {
    let envelope = Envelope::decode(text)?;
    let event = match &envelope.letter {
        Letter::Event(event) => event.name(),
        Letter::Quarantined { quarantine, .. } => format!("unreadable ({})", quarantine.reason),
    };
    let kind = envelope.kind().name();
    Ok(Summary {
        // The one event of the unlink webhook has the webhook's name.
        what: if kind == event { event } else { format!("{kind} {event}") },
        event_id: envelope.id.to_string(),
        app_id: envelope.app_id.map(|app| app.to_string()),
        received_at: envelope.received_at,
    })
}

/// The same as JSON members.
#[must_use]
pub fn members(summary: &Result<Summary, EnvelopeError>) -> Map<String, Value> {
    let members = match summary {
        Ok(summary) => vec![
            ("what", json!(summary.what)),
            ("event_id", json!(summary.event_id)),
            ("app_id", json!(summary.app_id)),
            ("received_at", json!(summary.received_at)),
        ],
        Err(error) => vec![("no_envelope", json!(error.to_string()))],
    };
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The same as cells: what, event id, app.
#[must_use]
pub fn cells(summary: &Result<Summary, EnvelopeError>) -> [String; 3] {
    match summary {
        Ok(summary) => {
            [summary.what.clone(), summary.event_id.clone(), summary.app_id.clone().unwrap_or_else(|| "–".to_owned())]
        }
        Err(error) => [format!("not a known envelope ({error})"), "–".to_owned(), "–".to_owned()],
    }
}

/// A JSON value as a cell: a text without quotes.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The text as JSON if it is some, else as it is.
#[must_use]
pub fn readable(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(rest: &Value) -> String {
        let mut envelope = json!({"v": 1, "id": "e1", "app_id": "1", "received_at": "2026-01-01T00:00:00Z"});
        envelope.as_object_mut().unwrap().extend(rest.as_object().cloned().unwrap());
        envelope.to_string()
    }

    #[test]
    fn an_envelope_is_summed_up_by_its_event() {
        for (rest, what) in [
            (json!({"kind": "unlink", "event": {"user_id": "7"}}), "unlink"),
            (
                json!({"kind": "service", "event": {"type": "service-linked", "user_id": "7", "at": "2026-01-01T00:00:00Z"}}),
                "service service-linked",
            ),
            (
                json!({"kind": "unlink", "quarantine": {"reason": "missing_field", "detail": "d", "payload": {"text": "x"}}}),
                "unlink unreadable (missing_field)",
            ),
        ] {
            let summary = summary(&envelope(&rest)).unwrap();
            assert_eq!((summary.what.as_str(), summary.event_id.as_str()), (what, "e1"));
            assert_eq!(summary.app_id.as_deref(), Some("1"));
        }
    }

    #[test]
    fn what_is_none_says_why() {
        let none = summary("poison");
        assert_eq!(members(&none), json!({"no_envelope": "its form is unknown"}).as_object().cloned().unwrap());
        assert_eq!(cells(&summary(r#"{"v":2}"#))[0], "not a known envelope (its version is unknown)");
    }
}
