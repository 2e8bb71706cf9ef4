use http::HeaderValue;
use kakao_webhooks::{
    erasure::{DepartureChange, of_change},
    state::USER_CHANGED,
    wire::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// A message of the delivery queue, as Lambda hands it over.
#[derive(Debug)]
pub(super) struct Message {
    /// By which its visibility is changed.
    pub(super) receipt: Option<String>,
    /// The number of this attempt, from 1.
    pub(super) attempt: u32,
    /// What is delivered, or why it can't be read.
    pub(super) change: Result<Change, Unreadable>,
}

/// A change as it is delivered.
#[derive(Debug)]
pub(super) struct Change {
    /// The detail's id: the same each time that this change is published.
    pub(super) id: String,
    /// For the log: the id has the member number in it.
    pub(super) version: Option<u64>,
    pub(super) written_at: Time,
    /// The body of the request.
    pub(super) body: String,
    /// The departure that it reports, if it does.
    pub(super) departure: Option<DepartureChange>,
}

/// Why a message is not an event of the bus that can be delivered. It shows nothing of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON, or not an event of EventBridge's.
    #[error("the message is not an EventBridge event in JSON")]
    NoEvent,
    /// Another application's event.
    #[error("the event's detail-type is not user-changed")]
    OtherType,
    /// The detail lacks what a delivery needs.
    #[error("the event's detail is not an object with id and written_at")]
    NoDetail,
    /// A header can't carry the id.
    #[error("the detail's id can't be a header's value")]
    Id,
}

/// What is read of EventBridge's event. The detail is delivered byte by byte.
#[derive(Deserialize)]
struct Event<'e> {
    #[serde(rename = "detail-type")]
    detail_type: String,
    #[serde(borrow)]
    detail: &'e RawValue,
}

#[derive(Deserialize)]
struct Detail {
    id: String,
    #[serde(default)]
    version: Value,
    written_at: String,
}

/// The payload of a delivery (Standard Webhooks, "Payload structure").
#[derive(Serialize)]
struct Payload<'p> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: &'p str,
    data: &'p RawValue,
}

const TYPE: &str = "user.changed";

/// Checks that a message's text can be delivered.
///
/// # Errors
/// Why it can't.
pub fn check_readable(body: &str) -> Result<(), Unreadable> {
    Change::read(body).map(drop)
}

impl Message {
    pub(super) fn read(record: &Value) -> Self {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let count = record.pointer("/attributes/ApproximateReceiveCount").unwrap_or(&Value::Null);
        // A text, as SQS writes it.
        let attempt = count.as_str().map_or_else(|| count.as_u64(), |count| count.parse().ok());
        Self {
            receipt: text("/receiptHandle").map(str::to_owned),
            attempt: attempt.map_or(1, |attempt| u32::try_from(attempt).unwrap_or(u32::MAX)),
            change: Change::read(text("/body").unwrap_or_default()),
        }
    }
}

impl Change {
    fn read(body: &str) -> Result<Self, Unreadable> {
        let event: Event<'_> = serde_json::from_str(body).map_err(|_| Unreadable::NoEvent)?;
        if event.detail_type != USER_CHANGED {
            return Err(Unreadable::OtherType);
        }
        let detail: Detail = serde_json::from_str(event.detail.get()).map_err(|_| Unreadable::NoDetail)?;
        if detail.id.is_empty() || HeaderValue::from_str(&detail.id).is_err() {
            return Err(Unreadable::Id);
        }
        let written_at = detail.written_at.parse().map_err(|_| Unreadable::NoDetail)?;
        let payload = Payload { kind: TYPE, timestamp: &detail.written_at, data: event.detail };
        let body = serde_json::to_string(&payload).map_err(|_| Unreadable::NoDetail)?;
        let departure = serde_json::from_str(event.detail.get()).ok().and_then(|detail| of_change(&detail));
        Ok(Self { id: detail.id, version: detail.version.as_u64(), written_at, body, departure })
    }
}
