use serde::{Deserialize, Serialize};

use crate::wire::{Time, UserId};

/// What the service says of one of its users, because Kakao tells nobody: when the service itself
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
#[serde(rename_all = "kebab-case")]
pub enum ServiceWord {
    /// The user logged in or signed up.
    ServiceLinked,
    /// The service unlinked the user through Kakao's API.
    ServiceUnlinked,
    /// What came before was a mistake: linked and active.
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
