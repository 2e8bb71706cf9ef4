//! KakaoTalk Share's webhook: a message was shared to one chat room (kakao developers, "KakaoTalk
//! Share webhook"). Nothing in it says who shared, unless a custom key does, and that is what a
//! visitor's browser chose: a claim.

use serde::{Deserialize, Serialize};

use super::{ChatId, Content, Unreadable, UserId, content::Required, open::open_enum};

open_enum! {
    /// The kind of chat room that a message was shared to.
    ChatType {
        /// The sender's own "my chatroom".
        Memo = "MemoChat",
        /// One friend.
        Direct = "DirectChat",
        /// A group.
        Multi = "MultiChat",
        /// An open chat with one person.
        OpenDirect = "OpenDirectChat",
        /// An open group chat.
        OpenMulti = "OpenMultiChat",
    }
}

/// One message was shared to one chat room. The custom values stay behind: beside the claimed user
/// nothing of ours reads them, and they are the service's users' data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkShare {
    /// The kind of room.
    pub chat_type: ChatType,
    /// Which room: the same for every share to it.
    pub chat_id: ChatId,
    /// The message template, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<u64>,
    /// Whether the room has one other member; some apps get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_single_chatroom: Option<bool>,
    /// How many members the room has, as a range; some apps get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_member_count_range: Option<String>,
    /// The user whom the custom key names, if it names a possible one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_user: Option<UserId>,
}

impl TalkShare {
    /// Reads the webhook; `user_key` is the custom key in which the service names the user.
    ///
    /// # Errors
    /// A missing or misshapen `CHAT_TYPE` or `HASH_CHAT_ID`.
    pub fn read(content: &Content, user_key: &str) -> Result<Self, Unreadable> {
        let fields = content.fields()?;
        Ok(Self {
            chat_type: fields.word("CHAT_TYPE").ok_or(Unreadable::Missing("CHAT_TYPE"))?.into(),
            chat_id: fields.key("HASH_CHAT_ID").required("HASH_CHAT_ID")?,
            template_id: fields.integer("TEMPLATE_ID").unwrap_or_default(),
            is_single_chatroom: fields.flag("IS_SINGLE_CHATROOM").unwrap_or_default(),
            chat_member_count_range: fields.word("CHAT_MEMBER_COUNT_RANGE"),
            claimed_user: fields.get(user_key).and_then(|value| UserId::try_from(value).ok()),
        })
    }
}
