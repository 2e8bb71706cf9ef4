//! Webhooks of group chat rooms (Kakao's guide to group chatbots, 1.11): what happened to a bot in a room.

use serde::{Deserialize, Serialize};

use crate::wire::{BotId, Fields, RoomKey, Time, Unreadable, content::ReadField, open::open_enum};

open_enum! {
    /// What happened in a group chat room.
    RoomEventType {
        /// The bot was invited and entered.
        Entrance = "entrance",
        /// The bot left.
        Leave = "leave",
        /// A friend was invited by the bot's button.
        InviteMember = "inviteMember",
    }
}

/// Something happened in a group chat room. Who did it, and with which link, stays behind: no history line may hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEvent {
    /// The bot that is in the room.
    pub bot_id: BotId,
    /// The room as this bot knows it (`botGroupKey`).
    pub room_key: RoomKey,
    /// What happened.
    pub event: RoomEventType,
    /// When, by Kakao's clock, where that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

impl RoomEvent {
    /// Reads the webhook.
    ///
    /// # Errors
    /// No usable `botId`, `group.botGroupKey` or `type`. No other member costs the event.
    pub(super) fn read(payload: &Fields<'_>) -> Result<Self, Unreadable> {
        let millis = payload.integer("timestamp").unwrap_or_default();
        Ok(Self {
            bot_id: payload.id("botId").required("botId")?,
            room_key: payload.object("group")?.id("botGroupKey").required("group.botGroupKey")?,
            event: payload.word("type").ok_or(Unreadable::Missing("type"))?.into(),
            at: millis.and_then(|millis| i64::try_from(millis).ok()).and_then(Time::from_millis),
        })
    }
}
