//! What a request says, and how it is checked: by the library that the functions use, in their order.

mod check;
mod judge;
mod token;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use check::{Check, CheckName, Verdict};
pub use judge::{AcceptedEvent, Judge, Received};

/// What a request says, and how it was checked when it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The webhook's kind ([`kakao_webhooks::wire::Kind`]); none of another path.
    pub kind: Option<String>,
    /// Each check that the function makes, in its order.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The stable short name of the reason for which it is refused, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What it reports.
    #[serde(default)]
    pub events: Vec<ExplainedEvent>,
    /// The content in its readable form: the fields, or a token's header and claims. Proven or not.
    #[serde(default)]
    pub decoded: Value,
}

/// An event of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedEvent {
    /// The event's name in history; empty if it can't be read.
    pub name: String,
    /// The app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The member number, the open id or the bot's user key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The partition of the table that its history is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    /// When it happened, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// The stable short name of the reason for which it is quarantined, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// Whether it is only what a refused request claims: anyone could have written it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_claimed: bool,
}

impl Explanation {
    /// The first user that it names.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.events.iter().find_map(|event| event.user.as_deref())
    }

    /// The check that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.verdict == Verdict::Failed)
    }

    /// About how much memory it takes.
    pub(super) fn weight(&self) -> usize {
        const EACH: usize = 128;
        (self.checks.len() + self.events.len()) * EACH + self.decoded.to_string().len()
    }
}
