//! A KakaoTalk chatbot's skill request (Kakao OpenBuilder, "Skill" developer guide): the payload, and the
//! event that it is.

mod payload;
mod room;
mod validation;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use payload::{Action, Chat, DetailParam, Flow, Intent, Named, SkillPayload, Trigger, User, UserRequest};
pub use room::{RoomEvent, RoomEventType};
pub use validation::{Validation, ValidationStatus};

use super::{BotId, BotUserKey, Fields, Unreadable, UserId, content::ReadField};

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

/// What Kakao sends to a skill's URL and is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillRequest {
    /// A user's message.
    Message(SkillMessage),
    /// Something that happened in a group chat room.
    Room(RoomEvent),
}

impl SkillRequest {
    /// The event that a payload is.
    ///
    /// # Errors
    /// An event without which bot and whom, or a request of another kind ([`Unreadable::ParameterValidation`],
    /// [`Unreadable::NewPlatform`]). No other member costs the event.
    pub fn read(payload: &Fields<'_>) -> Result<Self, Unreadable> {
        match kind_of(payload) {
            RequestKind::Message => SkillMessage::read(payload).map(Self::Message),
            RequestKind::RoomWebhook => RoomEvent::read(payload).map(Self::Room),
            RequestKind::Validation => Err(Unreadable::ParameterValidation),
            RequestKind::NewPlatform => Err(Unreadable::NewPlatform),
        }
    }
}

impl SkillMessage {
    /// The message that a payload is. Its older versions write the properties in snake case; newer ones write both.
    fn read(payload: &Fields<'_>) -> Result<Self, Unreadable> {
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

/// What Kakao sends to a skill's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A user's message.
    Message,
    /// Something that happened in a group chat room.
    RoomWebhook,
    /// Whether a parameter's value is a good one.
    Validation,
    /// A request of Kakao's new bot platform: another protocol.
    NewPlatform,
}

/// The kind of a request, by the members that only it has. What is of no known kind is taken for a message.
#[must_use]
pub fn kind_of(payload: &Fields<'_>) -> RequestKind {
    let has_object = |name| payload.get(name).is_some_and(Value::is_object);
    if payload.get("userRequest").is_some() {
        RequestKind::Message
    } else if payload.get("op").is_some() && payload.get("d").is_some() {
        RequestKind::NewPlatform
    } else if payload.get("botId").is_some() && (has_object("group") || payload.get("type").is_some()) {
        RequestKind::RoomWebhook
    } else if payload.get("isInSlotFilling").is_some() && payload.get("value").is_some() {
        RequestKind::Validation
    } else {
        RequestKind::Message
    }
}

#[cfg(test)]
mod tests;
