//! The contract as types: what is published always reads as these. Their schema is the published one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Access;
use crate::wire::Time;

/// The `detail` of an event on the bus: one change of one user. `detail-type` is its `change`, `source` is
/// `kakao-webhooks`. Times are RFC 3339 in UTC with milliseconds. Members and changes may be added: ignore
/// those that you don't know.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct PublishedChange {
    /// The form of this text.
    #[schemars(range(min = 1, max = 1))]
    pub(super) v: u8,
    /// The same each time that this change is published: drop what you have seen.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub(super) id: String,
    /// The Kakao app's number.
    #[schemars(regex(pattern = r"^[0-9]+$"))]
    pub(super) app_id: String,
    /// Whose change it is.
    #[serde(flatten)]
    pub(super) whose: Whose,
    /// The version of the user's item that has the change: of two of one user the greater is the newer.
    #[schemars(range(min = 1))]
    pub(super) version: u64,
    /// When it became so: the own time of the event behind it.
    #[schemars(with = "String", regex(pattern = TIME))]
    pub(super) at: Time,
    /// When the item was written.
    #[schemars(with = "String", regex(pattern = TIME))]
    pub(super) written_at: Time,
    /// What changed.
    #[serde(flatten)]
    pub(super) change: PublishedAs,
}

/// The times that this service writes.
const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$";

/// A member of the app, or somebody whom its channels know by open id only.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Whose {
    /// A member.
    Member {
        /// The member number, as text: it has up to 64 bits.
        #[schemars(regex(pattern = r"^[0-9]+$"))]
        user_id: String,
    },
    /// Somebody else.
    OpenId {
        /// The open id.
        #[schemars(length(min = 1))]
        open_id: String,
    },
}

/// What changed, and what belongs to it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub(super) enum PublishedAs {
    /// Values up to a time are to be deleted.
    Erased {
        /// Profile and scopes up to then.
        #[schemars(with = "String", regex(pattern = TIME))]
        until: Time,
        /// Everything up to then: the service had the user forgotten.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        everything_until: Option<Time>,
    },
    /// The link with the app. A fact; what to do follows from `access-changed`.
    LinkChanged(Turned<Link>),
    /// The Kakao account. A fact; what to do follows from `access-changed`.
    AccountChanged(Turned<Account>),
    /// The credential.
    CredentialChanged(Turned<Credential>),
    /// The strength of authentication.
    AssuranceChanged(Turned<Assurance>),
    /// What the service may let the user do.
    AccessChanged {
        /// Before. Absent where the user was unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Access>,
        /// Now.
        to: Access,
        /// What decided it. Absent where nothing is known that could: it lets nobody in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Decided>,
    },
    /// Sessions that began in that second or before are void.
    SessionsVoided {
        /// That second.
        #[schemars(with = "String", regex(pattern = TIME))]
        valid_from: Time,
    },
    /// Kakao tokens that were issued in that second or before are void.
    TokensVoided {
        /// That second.
        #[schemars(with = "String", regex(pattern = TIME))]
        valid_from: Time,
    },
    /// Consent was given or withdrawn. Never a withdrawal from the service.
    ScopesChanged {
        /// What is new, by item.
        scopes: BTreeMap<String, Scope>,
        /// Items that are no longer known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<String>,
    },
    /// Profile values changed.
    ProfileChanged {
        /// What is new, by name.
        fields: BTreeMap<String, Field>,
        /// Fields that are no longer known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<String>,
    },
    /// The profile changed in a way that Kakao didn't tell: fetch it again.
    ProfileStale {
        /// Since when.
        #[schemars(with = "String", regex(pattern = TIME))]
        since: Time,
    },
    /// The user's relation to channels.
    ChannelChanged {
        /// What is new, by the channel's public id.
        channels: BTreeMap<String, Channel>,
        /// Channels that are no longer known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<String>,
    },
}

/// Before and now.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Turned<T> {
    /// Before. Absent where nothing was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<T>,
    /// Now.
    pub(super) to: T,
}

/// What decided access.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decided {
    /// The link.
    Link(Link),
    /// The Kakao account.
    Account(Account),
}

macro_rules! dated {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Serialize, Deserialize, JsonSchema)]
        pub(super) struct $name {
            $($(#[$field_doc])* pub(super) $field: $type,)+
            /// Since when.
            #[schemars(with = "String", regex(pattern = TIME))]
            pub(super) at: Time,
        }
    )+};
}

dated! {
    /// The link between the user and the app.
    Link {
        /// Whether they are linked.
        status: LinkStatus,
        /// Why, in Kakao's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// The user's Kakao account.
    Account {
        /// How it stands.
        status: AccountStatus,
        /// Why, in Kakao's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
    /// The user's credential.
    Credential {
        /// How it stands.
        status: CredentialStatus,
        /// Which credential, and what was done to it, in Kakao's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    }
    /// How strongly the user authenticates.
    Assurance {
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
    Scope {
        /// Whether it holds.
        granted: bool,
    }
    /// A profile field. Its value is there only if the service asks for values (`PublishProfileValues`).
    Field {
        /// The value, of whatever type Kakao sent.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
        value: Option<Value>,
    }
    /// The user's relation to one channel.
    Channel {
        /// How it stands.
        status: ChannelStatus,
        /// The channel's search name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uuid: Option<String>,
    }
}

/// A value that is null is a value; only one that is absent is none.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

macro_rules! statuses {
    ($($name:ident { $($status:ident),+ })+) => {$(
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(super) enum $name { $($status),+ }
    )+};
}

statuses! {
    LinkStatus { Linked, Unlinked }
    AccountStatus { Active, Disabled, Purged }
    CredentialStatus { Ok, ChangeRequired, Compromised }
    ChannelStatus { Added, Blocked }
}
