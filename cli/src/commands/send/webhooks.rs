use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use kakao_webhooks::wire::{Time, talk_channel::ChannelEvent, talk_share::ChatType, unlink::UnlinkReason};

use super::{LostWebhook, OfApp, Pair, QUARANTINED, SendTarget, Truth, check_member_number, given, members, secret};
use crate::{
    kakao::{Request, Shape, TalkChannel, TalkShare, Unlink},
    random,
    ui::when::event_time,
};

/// The app's primary admin key.
#[derive(Debug, Args)]
struct AdminKey {
    /// A file with the admin key; else that of the running `khook dev` (without --url), else KAKAO_ADMIN_KEY
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
}

impl AdminKey {
    fn get(&self, target: &SendTarget) -> Result<String> {
        let of_running = target.kakao().map(|kakao| kakao.admin_key);
        secret(self.admin_key_file.as_ref(), "KAKAO_ADMIN_KEY", of_running, "--admin-key-file")
    }
}

pub(super) fn resource_id(given: Option<&String>) -> Result<String> {
    given.map_or_else(random::hex::<16>, |id| Ok(id.clone()))
}

pub(super) const UNLINK_EXAMPLES: &str = "\
Examples:
  khook send unlink --user 1234567890
  khook send unlink --user 1234567890 --as form --referrer-type ACCOUNT_DELETE
  khook send unlink --url https://hooks.example.com --admin-key-file key.txt \\
      --app-id 123456 --user 1234567890";

/// Options of `khook send unlink`.
#[derive(Debug, Args)]
pub struct SendUnlink {
    /// The member number
    #[arg(long, value_name = "NUMBER")]
    user: String,
    /// The app's number; by default that of the running `khook dev`
    #[arg(long, value_name = "NUMBER")]
    app_id: Option<String>,
    /// Why: ACCOUNT_DELETE, FORCED_ACCOUNT_DELETE, UNLINK_FROM_ADMIN, UNLINK_FROM_APPS, INCOMPLETE_SIGN_UP, …
    #[arg(long, value_name = "REASON", default_value = "UNLINK_FROM_APPS")]
    referrer_type: String,
    /// The group user token, for apps in a group
    #[arg(long, value_name = "TOKEN")]
    group_user_token: Option<String>,
    /// How the fields are sent
    #[arg(long = "as", value_name = "SHAPE", default_value = "query")]
    shape: Shape,
    #[command(flatten)]
    admin_key: AdminKey,
    #[command(flatten)]
    pub(super) target: SendTarget,
    #[command(flatten)]
    pub(super) lost: LostWebhook,
}

impl SendUnlink {
    pub(super) fn truth(&self) -> Result<Truth> {
        Truth::of(&self.user, false, self.app_id.clone().map_or(OfApp::Running, OfApp::Id), None)
    }

    pub(super) fn request(&self) -> Result<Request> {
        check_member_number(&self.user, QUARANTINED);
        self.target.check_word("--referrer-type", &self.referrer_type, UnlinkReason::KNOWN)?;
        let unlink = Unlink {
            app_id: given(self.app_id.clone(), self.target.kakao().map(|kakao| kakao.app_id), "--app-id")?,
            user_id: self.user.clone(),
            referrer_type: Some(self.referrer_type.clone()),
            group_user_token: self.group_user_token.clone(),
        };
        Ok(unlink.request(&self.admin_key.get(&self.target)?, self.shape))
    }
}

pub(super) const SHARE_EXAMPLES: &str = "\
Examples:
  khook send talk-share --custom user_id=1234567890
  khook send talk-share --as form --chat-type MultiChat --custom 'note=한 글'
  khook send talk-share --resource-id 1   # twice: a duplicate";

/// Options of `khook send talk-share`.
#[derive(Debug, Args)]
pub struct SendTalkShare {
    /// MemoChat, DirectChat, MultiChat, OpenDirectChat, OpenMultiChat, …
    #[arg(long, value_name = "TYPE", default_value = "DirectChat")]
    chat_type: String,
    /// HASH_CHAT_ID: the chat room
    #[arg(long, value_name = "HASH", default_value = "a1b2c3d4")]
    chat_id: String,
    /// TEMPLATE_ID
    #[arg(long, value_name = "NUMBER")]
    template_id: Option<u64>,
    /// A custom key, as in user_id=123; the value may be JSON (null is sent as null). Repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    custom: Vec<Pair>,
    /// X-Kakao-Resource-ID; random by default
    #[arg(long, value_name = "ID")]
    resource_id: Option<String>,
    /// How the fields are sent
    #[arg(long = "as", value_name = "SHAPE", default_value = "json")]
    shape: Shape,
    #[command(flatten)]
    admin_key: AdminKey,
    #[command(flatten)]
    pub(super) target: SendTarget,
}

impl SendTalkShare {
    pub(super) fn request(&self) -> Result<Request> {
        self.target.check_word("--chat-type", &self.chat_type, ChatType::KNOWN)?;
        let share = TalkShare {
            chat_type: self.chat_type.clone(),
            chat_id: self.chat_id.clone(),
            template_id: self.template_id,
            custom: members("--custom", &self.custom, &self.target)?,
            resource_id: resource_id(self.resource_id.as_ref())?,
        };
        Ok(share.request(&self.admin_key.get(&self.target)?, self.shape))
    }
}

pub(super) const CHANNEL_EXAMPLES: &str = "\
Examples:
  khook send talk-channel --event added --user 1234567890
  khook send talk-channel --event blocked --open-id abcdef
  khook send talk-channel --event added --user 1234567890 --deprecated \\
      --at 2026-01-02T03:04:05Z";

/// Options of `khook send talk-channel`.
#[derive(Debug, Args)]
pub struct SendTalkChannel {
    /// added, or blocked
    #[arg(long, value_name = "EVENT")]
    event: String,
    /// The member number
    #[arg(long, value_name = "NUMBER", required_unless_present = "open_id", conflicts_with = "open_id")]
    user: Option<String>,
    /// The open id of a user who did not consent
    #[arg(long, value_name = "ID")]
    open_id: Option<String>,
    /// The channel's public id
    #[arg(long, value_name = "ID", default_value = "_ISxgbxb")]
    channel: String,
    /// The channel's search name
    #[arg(long, value_name = "NAME", default_value = "@khook")]
    channel_uuid: String,
    /// When it happened (RFC 3339); now by default
    #[arg(long, value_name = "TIME", value_parser = event_time)]
    at: Option<Time>,
    /// X-Kakao-Resource-ID; random by default
    #[arg(long, value_name = "ID")]
    resource_id: Option<String>,
    /// With the deprecated names of the fields
    #[arg(long)]
    deprecated: bool,
    #[command(flatten)]
    admin_key: AdminKey,
    #[command(flatten)]
    pub(super) target: SendTarget,
}

impl SendTalkChannel {
    pub(super) fn request(&self) -> Result<Request> {
        self.user.iter().for_each(|user| check_member_number(user, QUARANTINED));
        self.target.check_word("--event", &self.event, ChannelEvent::KNOWN)?;
        let id_type = if self.open_id.is_some() { "open_id" } else { "app_user_id" };
        let channel = TalkChannel {
            event: self.event.clone(),
            id: self.user.clone().or_else(|| self.open_id.clone()).unwrap_or_default(),
            id_type: id_type.to_owned(),
            channel_id: self.channel.clone(),
            channel_uuid: Some(self.channel_uuid.clone()),
            at: Some(self.at.unwrap_or_else(runtime::clock::now)),
            resource_id: resource_id(self.resource_id.as_ref())?,
            deprecated: self.deprecated,
        };
        Ok(channel.request(&self.admin_key.get(&self.target)?))
    }
}
