//! A KakaoTalk chatbot's skill request (Kakao OpenBuilder, "Skill" developer guide): the payload, and the
//! event that it is.

mod payload;
mod validation;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use payload::{Action, Chat, DetailParam, Flow, Intent, Named, SkillPayload, Trigger, User, UserRequest};
pub use validation::{Validation, ValidationStatus};

use super::{BotId, BotUserKey, Fields, Unreadable, UserId, content::ReadField};

/// What the registration check (a GET on the skill's URL) must be answered with.
pub const REGISTRATION_ANSWER: &str = r#"{"version":"2.0","data":{}}"#;

/// What a parameter validation is answered with: the value is a good one.
pub const VALIDATION_ANSWER: &str = r#"{"status":"SUCCESS"}"#;

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
    /// The message that a payload is. Its older versions write the properties in snake case; newer ones write both.
    ///
    /// # Errors
    /// No usable `bot.id` or `userRequest.user.id`, or a request of another kind ([`Unreadable::RoomWebhook`],
    /// [`Unreadable::ParameterValidation`], [`Unreadable::NewPlatform`]). No other member costs the message.
    pub fn read(payload: &Fields<'_>) -> Result<Self, Unreadable> {
        Self::read_message(payload).map_err(|why| other_request(payload).unwrap_or(why))
    }

    fn read_message(payload: &Fields<'_>) -> Result<Self, Unreadable> {
        let user_request = payload.object("userRequest")?;
        let user = user_request.object("user")?;
        let properties = user.object("properties").unwrap_or_default();
        let key = |camel, snake| properties.id(camel).or_alternative(properties.id(snake)).unwrap_or_default();
        Ok(Self {
            bot_id: payload.object("bot")?.id("id").required("bot.id")?,
            user_key: user
                .id("id")
                .or_alternative(Ok(key("botUserKey", "bot_user_key")))
                .required("userRequest.user.id")?,
            plusfriend_user_key: key("plusfriendUserKey", "plusfriend_user_key"),
            app_user_id: properties.id("appUserId").or_alternative(properties.id("app_user_id")).unwrap_or_default(),
            is_friend: properties.flag("isFriend").or_alternative(properties.flag("is_friend")).unwrap_or_default(),
        })
    }
}

/// The bot that a request is for, of whatever kind it is, where that can be read.
#[must_use]
pub fn bot_of(payload: &Fields<'_>) -> Option<BotId> {
    let bot = payload.object("bot").unwrap_or_default();
    bot.id("id").or_alternative(payload.id("botId")).unwrap_or_default()
}

/// The kind of a request that Kakao sends to a skill's URL and that is no message, by the members that only it has.
fn other_request(payload: &Fields<'_>) -> Option<Unreadable> {
    let has_object = |name| payload.get(name).is_some_and(Value::is_object);
    if payload.get("userRequest").is_some() {
        None
    } else if payload.get("op").is_some() && payload.get("d").is_some() {
        Some(Unreadable::NewPlatform)
    } else if payload.get("botId").is_some() && has_object("group") {
        Some(Unreadable::RoomWebhook)
    } else if payload.get("isInSlotFilling").is_some() && payload.get("value").is_some() {
        Some(Unreadable::ParameterValidation)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
