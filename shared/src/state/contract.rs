//! The contract as types: what `user_view` makes of an item always reads as these. Their schema is the
//! published one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{change::Part, user::Access};
use crate::wire::Time;

/// Everything that is true of one user, as `khook user show --json` prints it. A member that is absent was never
/// heard of, or is forgotten. Times are RFC 3339 in UTC with milliseconds. Members may be added: ignore those that you
/// don't know.
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
    #[serde(flatten)]
    pub(super) facts: Facts,
    /// Shares that claim this user: a claim, not a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shares: Option<SharesView>,
}

/// The `detail` of an event on the bus: one write of one user's item. `source` is `kakao-webhooks`, `detail-type` is
/// `user-changed`. Keep the greatest `version` of each user, ignore what is not greater, else take `state` as the
/// truth. Members, and names in `changed`, may be added: ignore those that you don't know.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct UserChanged {
    /// The form of this text.
    #[schemars(range(min = 2, max = 2))]
    pub(super) v: u8,
    /// `<app_id>:<user_id or open_id>:<version>`. The same each time that this write is published.
    #[schemars(regex(pattern = r"^[0-9]+:.+:[0-9]+$"))]
    pub(super) id: String,
    /// The Kakao app's number.
    #[schemars(regex(pattern = r"^[0-9]+$"))]
    pub(super) app_id: String,
    #[serde(flatten)]
    pub(super) whose: Whose,
    /// The item's version: of two of one user the greater is the newer. It never starts again.
    #[schemars(range(min = 1))]
    pub(super) version: u64,
    /// When the item was written.
    #[schemars(with = "String", regex(pattern = TIME))]
    pub(super) written_at: Time,
    /// Which parts of the state changed, in this order. A first write names `access` whatever it is.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub(super) changed: Vec<Part>,
    /// What `access` was, if it changed and was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access_before: Option<Access>,
    /// All that is true of the user now.
    pub(super) state: PublishedState,
    /// `true` where the text would be over 200 KB: profile values are left out, then scopes, channels and bots that
    /// did not change. The table has them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) partial: bool,
}

/// All that is true of the user, as in the user's item, without what moves with every message or is a mere claim: the
/// times at which bots last saw the user, and shares. Profile values are there only with `PublishProfileValues`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PublishedState {
    /// The Kakao app's number.
    pub(super) app_id: String,
    #[serde(flatten)]
    pub(super) whose: Whose,
    /// As beside the state.
    #[schemars(range(min = 1))]
    pub(super) version: u64,
    #[serde(flatten)]
    pub(super) facts: Facts,
}

/// A member of the app, or a user whom its channels know by open id only.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Whose {
    /// A member.
    Member {
        /// The member number, as text: it has up to 64 bits.
        #[schemars(regex(pattern = r"^[0-9]+$"))]
        user_id: String,
    },
    /// A user known by open id only. There is no `access`.
    OpenId {
        /// The open id.
        #[schemars(length(min = 1))]
        open_id: String,
    },
}

/// The times that this service writes.
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$";

/// What is known of a user.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Facts {
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
    /// A profile field.
    ProfileView {
        /// The value, of whatever type Kakao sent. Absent on the bus, unless the service asks for values
        /// (`PublishProfileValues`).
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
        value: Option<Value>,
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
    /// When the user wrote to the bot last. Absent on the bus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(super) last_seen_at: Option<Time>,
}

/// A value that is null is a value; only one that is absent is none.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
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
