//! KakaoTalk Share's webhook: a message was shared to one chat room (kakao developers, "KakaoTalk
//! Share webhook"). Nothing in it says who shared, unless a custom key does, and that is what a
//! visitor's browser chose: a claim.

use serde::{Deserialize, Serialize};

use super::{ChatId, Content, Unreadable, UserId, content::ReadField, open::open_enum};

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

impl ChatType {
    /// Whether Kakao documents it. The others have no bound in number.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// One message was shared to one chat room. The custom values are not kept: except for the
/// claimed user this crate does not need them, and they are personal data.
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
            chat_id: fields.id("HASH_CHAT_ID").required("HASH_CHAT_ID")?,
            template_id: fields.integer("TEMPLATE_ID").unwrap_or_default(),
            is_single_chatroom: fields.flag("IS_SINGLE_CHATROOM").unwrap_or_default(),
            chat_member_count_range: fields.word("CHAT_MEMBER_COUNT_RANGE"),
            claimed_user: fields.get(user_key).and_then(|value| UserId::try_from(value).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::content::{any_json, of_json};

    proptest! {
        #[test]
        fn only_the_chat_room_and_its_type_are_required(
            name in proptest::sample::select(vec![
                "TEMPLATE_ID", "IS_SINGLE_CHATROOM", "CHAT_MEMBER_COUNT_RANGE", "user_id", "another",
            ]),
            value in any_json(),
        ) {
            let mut members = json!({"CHAT_TYPE": "MemoChat", "HASH_CHAT_ID": "h"});
            members[name] = value;
            let share = TalkShare::read(&of_json(&members), "user_id").unwrap();
            prop_assert_eq!((share.chat_type, share.chat_id.as_str()), (ChatType::Memo, "h"));
        }
    }

    #[test]
    fn what_is_not_needed_and_cannot_be_read_is_left_out() {
        let odd: Value = json!({"CHAT_TYPE": "MemoChat", "HASH_CHAT_ID": "h", "TEMPLATE_ID": "x",
            "IS_SINGLE_CHATROOM": 1, "CHAT_MEMBER_COUNT_RANGE": [1, 2], "user_id": 1.5});
        let plain: Value = json!({"CHAT_TYPE": "MemoChat", "HASH_CHAT_ID": "h"});
        let read = |members| TalkShare::read(&of_json(members), "user_id").unwrap();
        assert_eq!(read(&odd), read(&plain));
    }
}
