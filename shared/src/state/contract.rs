//! The contract as types: what `user_view` makes of an item always reads as these. Their schema is the
//! published one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::user::Access;
use crate::wire::Time;

/// Everything that is true of one user. A member that is absent was never heard of. Times are RFC 3339 in
/// UTC with milliseconds. Members may be added: ignore those that you don't know.
#[derive(Serialize, Deserialize, JsonSchema)]

pub(super) struct UserView {
    /// The Kakao app's number.
    pub(super) app_id: String,
    /// The member number, as text: it has up to 64 bits.
    pub(super) user_id: String,
    /// Grows with every write of the item. Absent, as `access` and `updated_at` are, of a user whom only shares
    /// claim and of whom nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u64>,
    /// What the service may let the user do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access: Option<Access>,
    /// The link between the user and the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<LinkView>,
    /// The user's Kakao account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<AccountView>,
    /// The user's credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) credential: Option<CredentialView>,
    /// How strongly the user authenticates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) assurance: Option<AssuranceView>,
    /// Sessions that began in that second or before are void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) sessions_valid_from: Option<Time>,
    /// Kakao tokens that were issued in that second or before are void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) tokens_valid_from: Option<Time>,
    /// Consent by item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) scopes: BTreeMap<String, ScopeView>,
    /// Profile values by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) profile: BTreeMap<String, ProfileView>,
    /// The profile changed then in a way that Kakao didn't tell: fetch it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) profile_stale_since: Option<Time>,
    /// Channels by public id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) channels: BTreeMap<String, ChannelView>,
    /// Chatbots by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) bots: BTreeMap<String, BotView>,
    /// Shares that claim this user: a claim, not a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shares: Option<SharesView>,
    /// Profile and scopes up to then are erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) erased_until: Option<Time>,
    /// The newest event time in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) updated_at: Option<Time>,
}

macro_rules! dated {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Serialize, Deserialize, JsonSchema)]

        pub(super) struct $name {
            $($(#[$field_doc])* pub(super) $field: $type,)+
            /// Since when.
            #[schemars(with = "String")]
            pub(super) at: Time,
        }
    )+};
}

dated! {
    /// The link between the user and the app.
    LinkView {
        /// `linked` or `unlinked`.
        status: String,
        /// Why, in Kakao's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// The user's Kakao account.
    AccountView {
        /// `active`, `disabled` or `purged`.
        status: String,
        /// Why, in Kakao's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// The user's credential.
    CredentialView {
        /// `ok`, `change_required` or `compromised`.
        status: String,
        /// Which credential, and what was done to it, in Kakao's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    }
    /// How strongly the user authenticates.
    AssuranceView {
        /// The level now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        current: Option<String>,
        /// The level before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<String>,
        /// `increase` or `decrease`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        direction: Option<String>,
    }
    /// Consent to one item.
    ScopeView {
        /// Whether it holds.
        granted: bool,
    }
    /// One profile value.
    ProfileView {
        /// The value, of whatever type Kakao sent.
        value: Value,
    }
    /// The user's relation to one channel.
    ChannelView {
        /// `added` or `blocked`.
        status: String,
        /// The channel's search name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uuid: Option<String>,
    }
}

/// A chatbot that knows the user.
#[derive(Serialize, Deserialize, JsonSchema)]

pub(super) struct BotView {
    /// The key by which the bot knows the user.
    pub(super) user_key: String,
    /// When the user wrote to the bot last.
    #[schemars(with = "String")]
    pub(super) last_seen_at: Time,
}

/// Counts of shares that claim a user.
#[derive(Serialize, Deserialize, JsonSchema)]

pub(super) struct SharesView {
    /// All of them.
    #[serde(default)]
    pub(super) count: u64,
    /// By kind of chat room.
    #[serde(default)]
    pub(super) by_chat_type: BTreeMap<String, u64>,
    /// When the newest came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) last_at: Option<Time>,
}
