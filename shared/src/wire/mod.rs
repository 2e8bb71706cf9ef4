//! What Kakao sends, as types: one module per webhook, each from the request's [`Content`] to a
//! typed event. Nothing here knows who sent it, when it came, or AWS.

mod content;
mod ids;
mod json_scalars;
mod open;
mod personal;
mod route;
mod strict_json;
mod time;
mod unreadable;

pub mod account_status;
pub mod rest_api;
pub mod skill;
pub mod talk_channel;
pub mod talk_share;
pub mod unlink;

pub(crate) use content::exact;
pub use content::{Content, Fields, Payload};
pub use ids::sha256_hex;
pub use ids::{AppId, BotId, BotUserKey, ChannelId, ChatId, EventId, InvalidId, OpenId, RoomKey, ScopeId, UserId};
pub use json_scalars::from_json;
pub(crate) use json_scalars::{is_key, scalars};
pub use personal::Personal;
pub use route::Route;
pub use strict_json::{
    JsonFault, JsonSlip, StrictJsonError, parse as parse_strict_json, parse_exactly as parse_written_json,
};
pub use time::Time;
pub use unreadable::Unreadable;

/// The kinds of webhook, the service's own word and the reconciler's. The name is the same in envelopes, history
/// items, logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Kakao Login's unlink webhook.
    Unlink,
    /// Kakao Login's account status change webhook: a Security Event Token.
    AccountStatus,
    /// KakaoTalk Share's webhook.
    TalkShare,
    /// KakaoTalk Channel's webhook.
    TalkChannel,
    /// A KakaoTalk chatbot's skill request.
    Skill,
    /// A webhook of a group chat room that a chatbot is in. It comes to the skill's URL.
    BotRoom,
    /// Service events.
    Service,
    /// What the reconciler found out.
    Reconciler,
}

impl Kind {
    /// The kind's name, as logs and items carry it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unlink => "unlink",
            Self::AccountStatus => "account-status",
            Self::TalkShare => "talk-share",
            Self::TalkChannel => "talk-channel",
            Self::Skill => "skill",
            Self::BotRoom => "bot-room",
            Self::Service => "service",
            Self::Reconciler => "reconciler",
        }
    }
}
