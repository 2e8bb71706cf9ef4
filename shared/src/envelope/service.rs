use serde::{Deserialize, Serialize};

use crate::wire::{Time, UserId};

/// A service event about a user, which Kakao does not report: when the service itself
/// unlinked a user, and, without the account status webhook, that a user linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    /// What it says.
    #[serde(rename = "type")]
    pub word: ServiceWord,
    /// Of whom.
    pub user_id: UserId,
    /// When that became true.
    pub at: Time,
}

/// The service's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServiceWord {
    /// The user logged in or signed up.
    ServiceLinked,
    /// The service unlinked the user through Kakao's API.
    ServiceUnlinked,
    /// Earlier events were a mistake: linked and active.
    ServiceRestored,
    /// Forget everything of the user.
    ServiceErased,
}

impl ServiceWord {
    /// The word, as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceLinked => "service-linked",
            Self::ServiceUnlinked => "service-unlinked",
            Self::ServiceRestored => "service-restored",
            Self::ServiceErased => "service-erased",
        }
    }
}

/// A message that the service puts into the queue: an envelope with a service event. Send it under IAM
/// (`sqs:SendMessage`); twice the same `id` is once.
#[cfg(test)]
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct ServiceMessage {
    /// The envelope's version.
    #[schemars(extend("const" = 1))]
    v: u64,
    #[schemars(extend("const" = "service"))]
    kind: String,
    /// The event's id, made by the service: any text that no other event has.
    #[schemars(length(min = 1, max = 256))]
    id: String,
    /// The Kakao app's number.
    #[schemars(regex(pattern = r"^[0-9]{1,20}$"))]
    app_id: String,
    /// When the message is sent (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    received_at: String,
    event: ServiceMessageEvent,
}

/// What the service says.
#[cfg(test)]
#[derive(Serialize, schemars::JsonSchema)]
struct ServiceMessageEvent {
    #[serde(rename = "type")]
    word: ServiceWord,
    /// The member number, as text: it has up to 64 bits.
    #[schemars(regex(pattern = r"^[0-9]{1,20}$"))]
    user_id: String,
    /// When that became true (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    at: String,
}
