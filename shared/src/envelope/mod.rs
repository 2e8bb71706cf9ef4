//! What travels through the queue: one event, or one authentic delivery that could not be read, with
//! what the functions behind the queue need to know of it. Versioned: `v` is the first member.

mod ascii;
mod fault;
mod reconciler;
mod reread;
mod service;
mod token;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::{
    AppId, EventId, Kind, Payload, Time, Unreadable,
    account_status::AccountStatus,
    from_json, sha256_hex,
    skill::{RoomEvent, SkillMessage, SkillRequest},
    talk_channel::TalkChannel,
    talk_share::TalkShare,
    unlink::Unlink,
};

pub use ascii::to_ascii_json;
pub use reconciler::{RECONCILED_ID, ReconcilerEvent, ReconcilerWord};
#[cfg(test)]
pub(crate) use service::ServiceMessage;
pub use service::{ServiceEvent, ServiceWord};
pub use token::{TokenEvent, events_of_token};

/// The version that this crate writes, and the only one that it reads.
pub const VERSION: u64 = 1;

/// The longest text that is sent: SQS's own limit was 256 KiB when queues of this design began.
pub const MAX_BYTES: usize = 256 * 1024;

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The event's id: the same for every delivery of it.
    pub id: EventId,
    /// The app that it is for; none where a chatbot belongs to no app of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<AppId>,
    /// When the gateway received it.
    pub received_at: Time,
    /// The gateway's id of the request, to find its log lines by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When an operator sent it again, out of the quarantine or the dead letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_at: Option<Time>,
    /// What it says.
    #[serde(flatten)]
    pub letter: Letter,
}

/// What an envelope holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Letter {
    /// An event that could be read.
    Event(Event),
    /// A delivery that could not, and why.
    Quarantined {
        /// The webhook through which it arrived.
        kind: Kind,
        /// Why, and what.
        quarantine: Quarantine,
    },
}

/// Everything that can happen, by the webhook that reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "event", rename_all = "kebab-case")]
pub enum Event {
    /// An unlink webhook.
    Unlink(Unlink),
    /// One event of a Security Event Token.
    AccountStatus(AccountStatus),
    /// A share webhook.
    TalkShare(TalkShare),
    /// A channel webhook.
    TalkChannel(TalkChannel),
    /// A skill request.
    Skill(SkillMessage),
    /// A webhook of a group chat room.
    BotRoom(RoomEvent),
    /// A service event.
    Service(ServiceEvent),
    /// What the reconciler found out about a member.
    Reconciler(ReconcilerEvent),
}

impl Event {
    /// The kind of webhook.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Unlink(_) => Kind::Unlink,
            Self::AccountStatus(_) => Kind::AccountStatus,
            Self::TalkShare(_) => Kind::TalkShare,
            Self::TalkChannel(_) => Kind::TalkChannel,
            Self::Skill(_) => Kind::Skill,
            Self::BotRoom(_) => Kind::BotRoom,
            Self::Service(_) => Kind::Service,
            Self::Reconciler(_) => Kind::Reconciler,
        }
    }

    /// The event's name in history and logs.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Unlink(_) => "unlink".to_owned(),
            Self::AccountStatus(status) => {
                let event_type = status.event.event_type();
                event_type.known_name().unwrap_or_else(|| event_type.uri()).to_owned()
            }
            Self::TalkShare(_) => "share".to_owned(),
            Self::TalkChannel(channel) => channel.event.as_str().to_owned(),
            Self::Skill(_) => "message".to_owned(),
            Self::BotRoom(room) => room.event.as_str().to_owned(),
            Self::Service(service) => service.word.name().to_owned(),
            Self::Reconciler(found) => found.word.name().to_owned(),
        }
    }
}

impl From<SkillRequest> for Event {
    fn from(request: SkillRequest) -> Self {
        match request {
            SkillRequest::Message(message) => Self::Skill(message),
            SkillRequest::Room(room) => Self::BotRoom(room),
        }
    }
}

/// An authentic delivery that we could not read or place. It waits for a fix, then it is replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quarantine {
    /// A stable short name ([`Unreadable::code`]).
    pub reason: String,
    /// The reason in words; names fields, never values.
    pub detail: String,
    /// The request; empty if it may not be kept ([`Unreadable::allows_payload`]).
    pub payload: Payload,
}

impl Quarantine {
    /// From the parser's reason and the request.
    #[must_use]
    pub fn new(why: &Unreadable, payload: Payload) -> Self {
        let payload = if why.allows_payload() { payload } else { Payload::of(b"") };
        Self { reason: why.code().to_owned(), detail: why.to_string(), payload }
    }
}

/// Why a text is not an envelope. The message goes back to the queue and so to the dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not a JSON object with a whole number `v`.
    #[error("its form is unknown")]
    NotAnEnvelope,
    /// It is of a version that this processor doesn't read. A newer function sent it: deploy the
    /// processor, then replay the dead letters.
    #[error("its version is unknown")]
    Version,
    /// It has the version, but not the form: this member is missing or misshapen.
    #[error("it is an envelope of this version whose member `{0}` is missing or misshapen")]
    Members(&'static str),
    /// It can't be sent: longer than the queue takes.
    #[error("it is longer than the queue takes")]
    TooLong,
}

impl Envelope {
    /// The kind of webhook through which it arrived.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match &self.letter {
            Letter::Event(event) => event.kind(),
            Letter::Quarantined { kind, .. } => *kind,
        }
    }

    /// When it was sent last. What was too far in the future then may be so no longer.
    #[must_use]
    pub fn newest_delivery(&self) -> Time {
        self.replayed_at.unwrap_or(self.received_at).max(self.received_at)
    }

    /// The envelope with the queue's time of receipt where the service dated it: its own clock
    /// could put its word years ahead.
    #[must_use]
    pub fn received(mut self, sent_at: Option<Time>) -> Self {
        if self.kind() == Kind::Service {
            self.received_at = sent_at.unwrap_or(self.received_at);
        }
        self
    }

    /// The event's id for a log line. A service makes its ids itself, and may make them of member numbers; the
    /// reconciler does.
    #[must_use]
    pub fn id_for_log(&self) -> String {
        match self.kind() {
            Kind::Service | Kind::Reconciler => sha256_hex(self.id.as_str().as_bytes()),
            _ => self.id.to_string(),
        }
    }

    /// The text that travels: JSON in ASCII, since SQS takes the characters of XML only.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`].
    pub fn encode(&self) -> Result<String, EnvelopeError> {
        #[derive(Serialize)]
        struct Versioned<'e> {
            v: u64,
            #[serde(flatten)]
            envelope: &'e Envelope,
        }
        let text =
            to_ascii_json(&Versioned { v: VERSION, envelope: self }).map_err(|_| EnvelopeError::Members("event"))?;
        if text.len() > MAX_BYTES { Err(EnvelopeError::TooLong) } else { Ok(text) }
    }

    /// Reads what [`encode`](Self::encode) wrote, or a message of the service.
    ///
    /// # Errors
    /// [`EnvelopeError`]. No message shows a value: it may be personal.
    pub fn decode(text: &str) -> Result<Self, EnvelopeError> {
        let value: Value = from_json(text.as_bytes()).map_err(|_| EnvelopeError::NotAnEnvelope)?;
        match value.get("v").and_then(Value::as_u64) {
            None => Err(EnvelopeError::NotAnEnvelope),
            Some(VERSION) => Self::deserialize(&value).map_err(|_| EnvelopeError::Members(fault::wrong_member(&value))),
            Some(_) => Err(EnvelopeError::Version),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn quarantined(payload: &str) -> Envelope {
        Envelope {
            id: EventId::from_text("id"),
            app_id: Some("1".parse().unwrap()),
            received_at: Time::from_millis(1_700_000_000_000).unwrap(),
            request_id: Some("r".into()),
            replayed_at: None,
            letter: Letter::Quarantined {
                kind: Kind::Unlink,
                quarantine: Quarantine::new(&Unreadable::Missing("user_id"), Payload::of(payload.as_bytes())),
            },
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_as_ascii(payload in any::<String>()) {
            let envelope = quarantined(&payload);
            let text = envelope.encode().unwrap();
            prop_assert!(text.bytes().all(|byte| (0x20..=0x7f).contains(&byte)));
            prop_assert_eq!(Envelope::decode(&text).unwrap(), envelope);
        }

        #[test]
        fn no_text_makes_decoding_panic(text in any::<String>()) {
            let _ = Envelope::decode(&text);
        }
    }

    #[test]
    fn unknown_envelopes_are_distinguished_from_damaged_ones() {
        for (text, error) in [
            ("", EnvelopeError::NotAnEnvelope),
            ("7", EnvelopeError::NotAnEnvelope),
            ("{}", EnvelopeError::NotAnEnvelope),
            (r#"{"v":"1"}"#, EnvelopeError::NotAnEnvelope),
            (r#"{"v":2,"id":"x"}"#, EnvelopeError::Version),
            (r#"{"v":1,"id":"x"}"#, EnvelopeError::Members("received_at")),
        ] {
            assert_eq!(Envelope::decode(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_member_number_in_a_message_may_be_text_or_integer() {
        for user_id in [json!("9007199254740993"), json!(9_007_199_254_740_993_u64)] {
            let message = json!({"v": 1, "id": "x", "app_id": "1", "received_at": "2026-01-01T00:00:00Z", "kind": "unlink",
                "event": {"user_id": user_id}});
            let Letter::Event(Event::Unlink(unlink)) = Envelope::decode(&message.to_string()).unwrap().letter else {
                panic!("not an unlink");
            };
            assert_eq!(unlink.user_id.digits(), "9007199254740993");
        }
    }

    #[test]
    fn half_a_character_or_a_huge_number_in_a_message_of_the_service_does_not_cost_the_message() {
        let message = r#"{"v":1,"id":"x\ud83c","app_id":"1","received_at":"2026-01-01T00:00:00Z","kind":"service","more":1e400,
            "event":{"type":"service-unlinked","user_id":"7","at":"2026-01-01T00:00:00Z"}}"#;
        assert_eq!(Envelope::decode(message).unwrap().id.as_str(), "x\u{fffd}");
    }

    #[test]
    fn what_the_queue_would_not_take_is_not_sent() {
        assert_eq!(quarantined(&"x".repeat(MAX_BYTES)).encode(), Err(EnvelopeError::TooLong));
    }
}
