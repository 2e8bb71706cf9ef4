use super::registers::{Merge, Register, Safety};

/// A chatbot's user, as the newest message shows them. The register's time is when they were last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BotUser(pub Option<Register<Seen>>);

/// What a message says of its user.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// The user as the bot's channel knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plusfriend_user_key: Option<String>,
    /// The member number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_user_id: Option<String>,
    /// Whether the user added the bot's channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_friend: Option<bool>,
}

impl Safety for Seen {}

impl Merge for BotUser {
    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }
}
