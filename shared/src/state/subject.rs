use std::fmt;

use crate::wire::{AppId, BotId, BotUserKey, ChatId, OpenId, RoomKey, UserId};

/// The sort key of every state.
pub const STATE: &str = "STATE";

/// Whom (or what) an event concerns: the partition of the table that its history and its state are in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A member of an app.
    User(AppId, UserId),
    /// A user whom an app's channel knows by open id only.
    OpenId(AppId, OpenId),
    /// A chatbot's user.
    BotUser(BotId, BotUserKey),
    /// A group chat room that a chatbot is in. It has history only.
    BotRoom(BotId, RoomKey),
    /// A chat room that a message was shared to by an unknown user. It has history only.
    ChatRoom(AppId, ChatId),
}

impl Subject {
    /// The partition key. Its members hold no `#`: their types see to that.
    #[must_use]
    pub fn partition_key(&self) -> String {
        match self {
            Self::User(app, user) => format!("USER#{app}#{}", user.digits()),
            Self::OpenId(app, id) => format!("OPENID#{app}#{}", id.as_str()),
            Self::BotUser(bot, user) => format!("BOT#{}#{}", bot.as_str(), user.as_str()),
            // In the bot's own range of keys, beside its users: no user's key holds a `#`.
            Self::BotRoom(bot, room) => format!("BOT#{}#ROOM#{}", bot.as_str(), room.as_str()),
            Self::ChatRoom(app, room) => format!("SHARE#{app}#{}", room.as_str()),
        }
    }

    /// Whom a user's partition is of: a member's or an open id's. None: it is something else's.
    #[must_use]
    pub fn of_partition_key(key: &str) -> Option<Self> {
        let mut parts = key.split('#');
        let subject = match (parts.next()?, parts.next()?, parts.next()?) {
            ("USER", app, user) => Self::User(app.parse().ok()?, user.parse().ok()?),
            ("OPENID", app, id) => Self::OpenId(app.parse().ok()?, id.parse().ok()?),
            _ => return None,
        };
        parts.next().is_none().then_some(subject)
    }

    /// The members of the key as attributes, for readers of the item.
    #[must_use]
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::User(app, user) => vec![("app_id", app.to_string()), ("user_id", user.digits())],
            Self::OpenId(app, id) => vec![("app_id", app.to_string()), ("open_id", id.as_str().to_owned())],
            Self::BotUser(bot, user) => {
                vec![("bot_id", bot.as_str().to_owned()), ("user_key", user.as_str().to_owned())]
            }
            Self::BotRoom(bot, room) => {
                vec![("bot_id", bot.as_str().to_owned()), ("room_key", room.as_str().to_owned())]
            }
            Self::ChatRoom(app, room) => vec![("app_id", app.to_string()), ("chat_id", room.as_str().to_owned())],
        }
    }
}

/// The kind of subject, without whom.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User(..) => "user",
            Self::OpenId(..) => "open id",
            Self::BotUser(..) => "bot user",
            Self::BotRoom(..) => "bot room",
            Self::ChatRoom(..) => "chat room",
        })
    }
}
