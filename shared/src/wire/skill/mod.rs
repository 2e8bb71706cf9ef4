//! A KakaoTalk chatbot's skill request (Kakao OpenBuilder, "Skill" developer guide): the payload, and the
//! event that it is.

mod payload;

use serde::{Deserialize, Serialize};

pub use payload::{Action, DetailParam, Flow, Intent, Named, SkillPayload, Trigger, User, UserRequest};

use super::{BotId, BotUserKey, Fields, Unreadable, UserId, content::Required};

/// What the registration check (a GET on the skill's URL) must be answered with.
pub const REGISTRATION_ANSWER: &str = r#"{"version":"2.0","data":{}}"#;

/// A bot user wrote something. What they wrote stays behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkillMessage {
    /// The bot that was written to.
    pub bot_id: BotId,
    /// The user as this bot knows them.
    pub user_key: BotUserKey,
    /// The user as the bot's channel knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plusfriend_user_key: Option<BotUserKey>,
    /// The member number, where the bot is tied to an app and the user is linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_user_id: Option<UserId>,
    /// Whether the user added the bot's channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_friend: Option<bool>,
}

impl SkillMessage {
    /// The message that a payload is.
    ///
    /// # Errors
    /// No usable `bot.id` or `userRequest.user.id`.
    pub fn read(payload: &Fields<'_>) -> Result<Self, Unreadable> {
        let user_request = payload.object("userRequest")?;
        let user = user_request.object("user")?;
        let properties = user.object("properties")?;
        Ok(Self {
            bot_id: payload.object("bot")?.key("id").required("bot.id")?,
            user_key: user.key("id").required("userRequest.user.id")?,
            plusfriend_user_key: properties.key("plusfriendUserKey").unwrap_or_default(),
            app_user_id: properties.id("appUserId")?,
            is_friend: properties.flag("isFriend").unwrap_or_default(),
        })
    }
}
