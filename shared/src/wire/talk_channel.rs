//! KakaoTalk Channel's webhook: a user added or blocked a channel (kakao developers, "KakaoTalk
//! Channel webhook").

use serde::{Deserialize, Serialize};

use super::{ChannelId, Content, Fields, OpenId, Time, Unreadable, UserId, content::Required, open::open_enum};

open_enum! {
    /// What a user did with a channel.
    ChannelEvent {
        /// Added it as a friend.
        Added = "added",
        /// Blocked it.
        Blocked = "blocked",
    }
}

/// Who did it: a member of the app, or somebody whom only the channel knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelUser {
    /// `id_type` = `app_user_id`: the member number.
    AppUserId(UserId),
    /// `id_type` = `open_id`: a user who did not consent to more.
    OpenId(OpenId),
}

/// One user added or blocked one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkChannel {
    /// What happened.
    pub event: ChannelEvent,
    /// Who did it.
    pub user: ChannelUser,
    /// The channel's public id.
    pub channel_id: ChannelId,
    /// The channel's search name (`@name`, any script), where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_uuid: Option<String>,
    /// When it happened, by Kakao's clock.
    pub at: Time,
}

impl TalkChannel {
    /// Reads the webhook. Where a field is absent its deprecated twin is taken.
    ///
    /// # Errors
    /// A missing or misshapen field, or an `id_type` that nobody knows.
    pub fn read(content: &Content) -> Result<Self, Unreadable> {
        let fields = content.fields()?;
        let channel_id = match fields.key("channel_public_id")? {
            Some(id) => id,
            None => fields.key("plus_friend_public_id").required("channel_public_id")?,
        };
        Ok(Self {
            event: fields.word("event").ok_or(Unreadable::Missing("event"))?.into(),
            user: user(&fields)?,
            channel_id,
            channel_uuid: fields.word("channel_uuid").or_else(|| fields.word("plus_friend_uuid")),
            at: time(&fields)?,
        })
    }
}

fn user(fields: &Fields<'_>) -> Result<ChannelUser, Unreadable> {
    match fields.text("id_type").required("id_type")? {
        "app_user_id" => Ok(ChannelUser::AppUserId(fields.id("id").required("id")?)),
        "open_id" => Ok(ChannelUser::OpenId(fields.key("id").required("id")?)),
        _ => Err(Unreadable::Shape("id_type")),
    }
}

fn time(fields: &Fields<'_>) -> Result<Time, Unreadable> {
    if let Some(text) = fields.text("updated_at")? {
        return text.parse().map_err(|_| Unreadable::Shape("updated_at"));
    }
    let millis = fields.integer("timestamp").required("updated_at")?;
    i64::try_from(millis).ok().and_then(Time::from_millis).ok_or(Unreadable::Shape("timestamp"))
}
