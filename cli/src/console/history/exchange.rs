//! One request and its answer, as they are kept.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::console::explain::Explanation;

/// The most of a body that is kept.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// A request that came through the console, what it was answered, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Its number: greater than that of each one before it, also across restarts.
    pub id: u64,
    /// When it came, in milliseconds since 1970.
    pub at: i64,
    /// The request.
    pub request: RecordedRequest,
    /// The answer; none if the local cloud gave none.
    pub answer: Option<RecordedAnswer>,
    /// From the request's last byte to the answer's.
    pub ms: u64,
    /// The gateway's id of the request.
    pub request_id: Option<String>,
    /// What it says, and how it was checked.
    pub explanation: Explanation,
    /// What became of it.
    pub outcome: Outcome,
    /// Where the event went, in the order in which that became known.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The log lines that name the request.
    #[serde(default)]
    pub lines: Vec<RecordedLine>,
    /// The changes that were published because of it.
    #[serde(default)]
    pub changes: Vec<Value>,
}

/// A request. Keys in it are replaced by their names ([`crate::console::masks`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The query, as it was sent; empty without one.
    #[serde(default)]
    pub query: String,
    /// The headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RecordedBody,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedAnswer {
    /// The status.
    pub status: u16,
    /// The headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: RecordedBody,
}

/// A body, cut off where it is long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedBody {
    /// The bytes, if they are UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in base64, if they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// How many bytes were sent. More than are here: the rest is not kept.
    pub length: usize,
}

impl RecordedAnswer {
    /// The first value of a header, named in lower case; empty if it isn't there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

impl RecordedBody {
    /// The record of a body.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let kept = bytes.get(..MAX_BODY_BYTES).unwrap_or(bytes);
        let text = match std::str::from_utf8(kept) {
            Ok(text) => Some(text),
            // Cut off inside of a character.
            Err(error) if kept.len() < bytes.len() && error.error_len().is_none() => {
                kept.get(..error.valid_up_to()).and_then(|whole| std::str::from_utf8(whole).ok())
            }
            Err(_) => None,
        };
        match text {
            Some(text) => Self { text: Some(text.to_owned()), base64: None, length: bytes.len() },
            None => Self { text: None, base64: Some(STANDARD.encode(kept)), length: bytes.len() },
        }
    }

    /// The bytes that are kept.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.base64) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap_or_default(),
            (None, None) => Vec::new(),
        }
    }

    /// For a page: the text, or the bytes in base64.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.text.as_deref().or(self.base64.as_deref()).unwrap_or_default()
    }

    /// Whether all of it is kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.length <= MAX_BODY_BYTES
    }

    /// About how much memory it takes.
    fn weight(&self) -> usize {
        self.text.as_ref().or(self.base64.as_ref()).map_or(0, String::len)
    }
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// In a word.
    pub what: What,
    /// The stable short name of the reason, of what was refused or quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a request, in a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// An event that is stored.
    Taken,
    /// An event that was there already.
    Duplicate,
    /// An authentic request that could not be used.
    Quarantined,
    /// Not acknowledged.
    Refused,
    /// Answered, and no event: a registration check, a probe.
    #[default]
    Answered,
    /// No answer, or a fault of the gateway.
    Failed,
}

impl What {
    /// Each, in the order of the filter.
    pub const ALL: [Self; 6] =
        [Self::Taken, Self::Duplicate, Self::Quarantined, Self::Refused, Self::Answered, Self::Failed];

    /// Its name in the API and in class names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Failed => "failed",
        }
    }
}

/// A place that an event has reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub place: Place,
    /// When that was known, in milliseconds since 1970.
    pub at: i64,
    /// What is to be said of it: an attempt, a version, a cause.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The places of an event's way, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The gateway has received it.
    Gateway,
    /// The queue has it.
    Queue,
    /// The table's inbox has it, because the queue failed.
    Inbox,
    /// The processor has written its history.
    Recorded,
    /// The processor had its history already.
    Duplicate,
    /// The quarantine has it.
    Quarantine,
    /// The processor has written the state.
    Applied,
    /// The processor has found nothing to change.
    Unchanged,
    /// The change is on the bus.
    Published,
    /// The service's endpoint has not accepted the change.
    NotDelivered,
    /// The service's endpoint has accepted the change.
    Delivered,
}

impl Place {
    /// Its name in class names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Queue => "queue",
            Self::Inbox => "inbox",
            Self::Recorded => "recorded",
            Self::Duplicate => "duplicate",
            Self::Quarantine => "quarantine",
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Published => "published",
            Self::NotDelivered => "not-delivered",
            Self::Delivered => "delivered",
        }
    }
}

/// A line of a function's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedLine {
    /// The function.
    pub function: String,
    /// When the local cloud got it, in milliseconds since 1970.
    pub at: i64,
    /// What it says.
    pub fields: Map<String, Value>,
}

impl Exchange {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.answer.as_ref().map(|answer| answer.status)
    }

    /// Notes a place once, and again only with another note.
    pub fn reach(&mut self, place: Place, at: i64, note: String) {
        let step = Step { place, at, note };
        if !self.steps.iter().any(|known| known.place == step.place && known.note == step.note) {
            let index = self.steps.partition_point(|known| (known.at, known.place) <= (step.at, step.place));
            self.steps.insert(index, step);
        }
    }

    /// About how much memory it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        const FRAME: usize = 2_048;
        let headers = |headers: &[(String, String)]| headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let request: usize = headers(&self.request.headers);
        let answer = self.answer.as_ref().map_or(0, |answer| headers(&answer.headers) + answer.body.weight());
        FRAME + request + answer + self.request.body.weight() + self.request.query.len() + self.explanation.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_cut_off_inside_of_a_character_stays_text() {
        let text = format!("{}한", "x".repeat(MAX_BODY_BYTES - 1));
        let body = RecordedBody::of(text.as_bytes());
        assert_eq!((body.text.unwrap().len(), body.length), (MAX_BODY_BYTES - 1, MAX_BODY_BYTES + 2));
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_exactly() {
        let bytes = [0xff, 0x00, 0x80];
        let body = RecordedBody::of(&bytes);
        assert_eq!((body.text.is_none(), body.bytes()), (true, bytes.to_vec()));
    }
}
