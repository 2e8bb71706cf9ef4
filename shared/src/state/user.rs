use serde::{Deserialize, Serialize};

use super::registers::{Merge, Newest, Register, Registers, Safety, bound, erase};
use crate::wire::Time;

/// Whether the user and the app are linked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Link {
    /// They are.
    Linked,
    /// They no longer are.
    Unlinked {
        /// Why, in Kakao's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Safety for Link {
    fn safety(&self) -> u8 {
        u8::from(matches!(self, Self::Unlinked { .. }))
    }
}

/// The state of the user's Kakao account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Account {
    /// In use.
    Active,
    /// Disabled by Kakao.
    Disabled {
        /// Why, in Kakao's word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Deleted for good.
    Purged,
}

impl Safety for Account {
    fn safety(&self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Disabled { .. } => 1,
            Self::Purged => 2,
        }
    }
}

/// The state of the user's credential.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Credential {
    /// Nothing is known against it.
    Ok {
        /// What changed, in Kakao's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Kakao asks the user to change it.
    ChangeRequired {
        /// Which, in Kakao's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// It was found compromised.
    Compromised {
        /// Which, in Kakao's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
}

impl Safety for Credential {
    fn safety(&self) -> u8 {
        match self {
            Self::Ok { .. } => 0,
            Self::ChangeRequired { .. } => 1,
            Self::Compromised { .. } => 2,
        }
    }
}

/// How strongly the user authenticates.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assurance {
    /// The level now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The level before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// `increase` or `decrease`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
}

impl Safety for Assurance {}

/// Consent to one item: given or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Whether it holds.
    pub granted: bool,
}

impl Safety for Scope {
    fn safety(&self) -> u8 {
        u8::from(!self.granted)
    }
}

/// One profile value, as canonical JSON text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProfileValue {
    /// The text.
    pub value: String,
}

impl Safety for ProfileValue {}

impl std::fmt::Debug for ProfileValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal]")
    }
}

/// The user's relation to one channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Channel {
    /// `added`, or `blocked`.
    pub status: String,
    /// The channel's search name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

impl Safety for Channel {
    fn safety(&self) -> u8 {
        u8::from(self.status == "blocked")
    }
}

/// The user as one chatbot knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bot {
    /// The key by which the bot knows the user.
    pub user_key: String,
}

impl Safety for Bot {}

/// Everything that is true of one user. What is absent was never heard of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserState {
    /// The link with the app.
    pub link: Option<Register<Link>>,
    /// The Kakao account.
    pub account: Option<Register<Account>>,
    /// The credential.
    pub credential: Option<Register<Credential>>,
    /// The strength of authentication.
    pub assurance: Option<Register<Assurance>>,
    /// Sessions from that second or before are void.
    pub sessions_valid_from: Newest,
    /// Tokens from that second or before are void.
    pub tokens_valid_from: Newest,
    /// Consent by item.
    pub scopes: Registers<Scope>,
    /// Profile values by name.
    pub profile: Registers<ProfileValue>,
    /// The time of a profile change whose new values Kakao did not send in full.
    pub profile_stale_since: Newest,
    /// Channels by public id.
    pub channels: Registers<Channel>,
    /// Chatbots by id.
    pub bots: Registers<Bot>,
    /// Profile and scopes from then or before are erased.
    pub erased_until: Newest,
    /// Everything from then or before is erased but the status and time of link and account: the service said so.
    pub wiped_until: Newest,
    /// The newest event time in it.
    pub updated_at: Newest,
}

/// The most registers of each map. With 4 KiB for a profile value, and the longest names and ids, an item
/// has some 350 KB: under DynamoDB's 400.
const MAX_MAP_ENTRIES: usize = 50;

impl Merge for UserState {
    fn merge(&mut self, other: Self) {
        self.link.merge(other.link);
        self.account.merge(other.account);
        self.credential.merge(other.credential);
        self.assurance.merge(other.assurance);
        self.sessions_valid_from.merge(other.sessions_valid_from);
        self.tokens_valid_from.merge(other.tokens_valid_from);
        Merge::merge(&mut self.scopes, other.scopes);
        Merge::merge(&mut self.profile, other.profile);
        self.profile_stale_since.merge(other.profile_stale_since);
        Merge::merge(&mut self.channels, other.channels);
        Merge::merge(&mut self.bots, other.bots);
        self.erased_until.merge(other.erased_until);
        self.wiped_until.merge(other.wiped_until);
        self.updated_at.merge(other.updated_at);
        self.settle();
    }
}

impl UserState {
    /// Takes away what erasure and bounds ask for. Idempotent; a part of every merge.
    pub(super) fn settle(&mut self) {
        self.wipe();
        erase(&mut self.scopes, self.erased_until);
        erase(&mut self.profile, self.erased_until);
        bound(&mut self.scopes, MAX_MAP_ENTRIES);
        bound(&mut self.profile, MAX_MAP_ENTRIES);
        bound(&mut self.channels, MAX_MAP_ENTRIES);
        bound(&mut self.bots, MAX_MAP_ENTRIES);
    }

    fn wipe(&mut self) {
        let until = self.wiped_until;
        if until.0.is_none() {
            return;
        }
        // Access must not change: a user who has left or is blocked would be let in again.
        strip(&mut self.link, until);
        strip(&mut self.account, until);
        forget(&mut self.credential, until);
        forget(&mut self.assurance, until);
        for time in [&mut self.sessions_valid_from, &mut self.tokens_valid_from, &mut self.profile_stale_since] {
            *time = Newest(time.0.filter(|time| Some(*time) > until.0));
        }
        erase(&mut self.scopes, until);
        erase(&mut self.profile, until);
        erase(&mut self.channels, until);
        erase(&mut self.bots, until);
    }

    /// Whether nothing is known of the user but that everything was to be forgotten.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        let decides_access = self.link.is_some() || self.account.is_some();
        self.wiped_until.0.is_some() && self.wiped_until == self.updated_at && !decides_access
    }

    /// What the service may let this user do, derived from the link and the account.
    #[must_use]
    pub fn access(&self) -> Access {
        let linked_at = self.link.as_ref().filter(|link| link.value == Link::Linked).map(|link| link.at);
        // A user who linked again is not blocked by an earlier event.
        let holds_since = |at: Time| linked_at.is_none_or(|linked| at >= linked);
        if matches!(&self.link, Some(link) if matches!(link.value, Link::Unlinked { .. })) {
            return Access::Gone;
        }
        match &self.account {
            Some(account) if !holds_since(account.at) => Access::Allowed,
            Some(Register { value: Account::Purged, .. }) => Access::Gone,
            Some(Register { value: Account::Disabled { .. }, .. }) => Access::Blocked,
            _ => Access::Allowed,
        }
    }
}

fn forget<T>(register: &mut Option<Register<T>>, until: Newest) {
    if register.as_ref().is_some_and(|register| Some(register.at) <= until.0) {
        *register = None;
    }
}

/// Leaves the status and its time of what isn't newer than `until`.
fn strip<T: Reasoned>(register: &mut Option<Register<T>>, until: Newest) {
    if let Some(register) = register.as_mut().filter(|register| Some(register.at) <= until.0) {
        register.value.drop_reason();
    }
}

/// A status that may have a reason.
trait Reasoned {
    fn drop_reason(&mut self);
}

impl Reasoned for Link {
    fn drop_reason(&mut self) {
        if let Self::Unlinked { reason } = self {
            *reason = None;
        }
    }
}

impl Reasoned for Account {
    fn drop_reason(&mut self) {
        if let Self::Disabled { reason } = self {
            *reason = None;
        }
    }
}

/// What the service may let a user do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Let them in.
    Allowed,
    /// Not now: the Kakao account is disabled.
    Blocked,
    /// They have left: unlinked, or the account is deleted.
    Gone,
}

impl Access {
    /// The word, as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Gone => "gone",
        }
    }
}
