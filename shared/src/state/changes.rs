//! What became different of a user, for the consumers of the bus. Pure: two states in, changes out.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    registers::{Dated, Newest, Register, Registers},
    user::{Access, Account, Assurance, Channel, Credential, Link, ProfileValue, Scope, UserState},
};
use crate::wire::Time;

/// One thing that became different between two writes of a user's item.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// The service had the user forgotten, or the user left: values up to then are gone.
    Erased {
        /// Profile and scopes up to then.
        until: Time,
        /// Everything up to then.
        #[serde(skip_serializing_if = "Option::is_none")]
        everything_until: Option<Time>,
    },
    /// The link with the app.
    LinkChanged(Transition<Link>),
    /// The Kakao account.
    AccountChanged(Transition<Account>),
    /// The credential.
    CredentialChanged(Transition<Credential>),
    /// The strength of authentication.
    AssuranceChanged(Transition<Assurance>),
    /// What the service may let the user do.
    AccessChanged {
        /// Before. Absent where the user was unknown.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<Access>,
        /// Now.
        to: Access,
        /// What decided it. Absent where nothing is known that could: of a new user.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<Why>,
    },
    /// Sessions that began in that second or before are void.
    SessionsVoided {
        /// That second.
        valid_from: Time,
    },
    /// Kakao tokens that were issued in that second or before are void.
    TokensVoided {
        /// That second.
        valid_from: Time,
    },
    /// Consent was given or withdrawn.
    ScopesChanged {
        /// What is new, by item.
        scopes: BTreeMap<String, Dated<Scope>>,
        /// Items that were dropped because there are too many.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<String>,
    },
    /// Profile values changed.
    ProfileChanged {
        /// What is new, by name.
        fields: BTreeMap<String, Field>,
        /// Fields that were dropped because there are too many.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<String>,
    },
    /// The profile changed in a way that Kakao didn't tell: fetch it again.
    ProfileStale {
        /// Since when.
        since: Time,
    },
    /// The user's relation to channels.
    ChannelChanged {
        /// What is new, by the channel's public id.
        channels: BTreeMap<String, Dated<Channel>>,
        /// Channels that were dropped because there are too many.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dropped: Vec<String>,
    },
}

/// One register before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition<T> {
    /// Before. Absent where nothing was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Dated<T>>,
    /// Now.
    pub to: Dated<T>,
}

/// What decides access.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The link.
    Link(Dated<Link>),
    /// The Kakao account.
    Account(Dated<Account>),
}

/// A profile field's new value.
#[derive(Clone, PartialEq, Serialize)]
pub struct Field {
    /// Since when.
    pub at: Time,
    /// The value. Published only if the service asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal]")
    }
}

impl Change {
    /// The change's name: what a rule on the bus matches.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Erased { .. } => "erased",
            Self::LinkChanged(_) => "link-changed",
            Self::AccountChanged(_) => "account-changed",
            Self::CredentialChanged(_) => "credential-changed",
            Self::AssuranceChanged(_) => "assurance-changed",
            Self::AccessChanged { .. } => "access-changed",
            Self::SessionsVoided { .. } => "sessions-voided",
            Self::TokensVoided { .. } => "tokens-voided",
            Self::ScopesChanged { .. } => "scopes-changed",
            Self::ProfileChanged { .. } => "profile-changed",
            Self::ProfileStale { .. } => "profile-stale",
            Self::ChannelChanged { .. } => "channel-changed",
        }
    }

    /// When it became so: the newest own time of the events behind it, if any is left.
    #[must_use]
    pub fn at(&self) -> Option<Time> {
        match self {
            Self::Erased { until, everything_until } => Some(*until).max(*everything_until),
            Self::LinkChanged(transition) => Some(transition.to.at),
            Self::AccountChanged(transition) => Some(transition.to.at),
            Self::CredentialChanged(transition) => Some(transition.to.at),
            Self::AssuranceChanged(transition) => Some(transition.to.at),
            Self::AccessChanged { why, .. } => why.as_ref().map(Why::at),
            Self::SessionsVoided { valid_from: at } | Self::TokensVoided { valid_from: at } => Some(*at),
            Self::ProfileStale { since: at } => Some(*at),
            Self::ScopesChanged { scopes, .. } => scopes.values().map(|scope| scope.at).max(),
            Self::ProfileChanged { fields, .. } => fields.values().map(|field| field.at).max(),
            Self::ChannelChanged { channels, .. } => channels.values().map(|channel| channel.at).max(),
        }
    }

    /// The same without what was before: what is true, and nothing of how one came to know.
    #[must_use]
    pub fn without_from(mut self) -> Self {
        match &mut self {
            Self::LinkChanged(transition) => transition.from = None,
            Self::AccountChanged(transition) => transition.from = None,
            Self::CredentialChanged(transition) => transition.from = None,
            Self::AssuranceChanged(transition) => transition.from = None,
            Self::AccessChanged { from, .. } => *from = None,
            _ => {}
        }
        self
    }

    /// The same with profile values left out.
    #[must_use]
    pub fn without_values(mut self) -> Self {
        if let Self::ProfileChanged { fields, .. } = &mut self {
            fields.values_mut().for_each(|field| field.value = None);
        }
        self
    }
}

impl Why {
    const fn at(&self) -> Time {
        match self {
            Self::Link(link) => link.at,
            Self::Account(account) => account.at,
        }
    }
}

/// What became different from `old` (nothing, if the user was unknown) to `new`. Nothing for what didn't;
/// what erasure took away is described by [`Change::Erased`] alone, which comes first.
#[must_use]
pub fn changes(old: Option<&UserState>, new: &UserState) -> Vec<Change> {
    let unknown = UserState::default();
    let before = old.unwrap_or(&unknown);
    let kept = before.clone().wiped(new.wiped_until);
    let erased = [new.erased_until, new.wiped_until].into_iter().max().unwrap_or_default();
    let fields = entries(&before.profile, &new.profile, erased, Field::of);
    let scopes = entries(&before.scopes, &new.scopes, erased, Dated::of);
    let channels = entries(&before.channels, &new.channels, new.wiped_until, Dated::of);
    [
        erasure(before, new),
        transition(kept.link.as_ref(), new.link.as_ref()).map(Change::LinkChanged),
        transition(kept.account.as_ref(), new.account.as_ref()).map(Change::AccountChanged),
        transition(before.credential.as_ref(), new.credential.as_ref()).map(Change::CredentialChanged),
        transition(before.assurance.as_ref(), new.assurance.as_ref()).map(Change::AssuranceChanged),
        access(old, new),
        raised(before.sessions_valid_from, new.sessions_valid_from)
            .map(|valid_from| Change::SessionsVoided { valid_from }),
        raised(before.tokens_valid_from, new.tokens_valid_from).map(|valid_from| Change::TokensVoided { valid_from }),
        scopes.map(|(scopes, dropped)| Change::ScopesChanged { scopes, dropped }),
        fields.map(|(fields, dropped)| Change::ProfileChanged { fields, dropped }),
        raised(before.profile_stale_since, new.profile_stale_since).map(|since| Change::ProfileStale { since }),
        channels.map(|(channels, dropped)| Change::ChannelChanged { channels, dropped }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn raised(before: Newest, now: Newest) -> Option<Time> {
    now.0.filter(|_| now != before)
}

fn erasure(before: &UserState, new: &UserState) -> Option<Change> {
    let everything_until = raised(before.wiped_until, new.wiped_until);
    let until = raised(before.erased_until, new.erased_until).or(everything_until)?;
    Some(Change::Erased { until, everything_until })
}

/// Which event wrote a register is the merge's business: only what it says, and since when, is described.
fn transition<T: Clone + PartialEq>(before: Option<&Register<T>>, now: Option<&Register<T>>) -> Option<Transition<T>> {
    let (from, to) = (before.map(Dated::of), Dated::of(now?));
    (from.as_ref() != Some(&to)).then_some(Transition { from, to })
}

fn access(old: Option<&UserState>, new: &UserState) -> Option<Change> {
    let (from, to) = (old.map(UserState::access), new.access());
    (from != Some(to)).then(|| Change::AccessChanged { from, to, why: why(new) })
}

fn why(state: &UserState) -> Option<Why> {
    let link = state.link.as_ref();
    let account = state.account.as_ref().filter(|account| match link {
        Some(Register { value: Link::Linked, at, .. }) => account.at >= *at,
        Some(_) => false,
        None => true,
    });
    account.map(|account| Why::Account(Dated::of(account))).or_else(|| link.map(|link| Why::Link(Dated::of(link))))
}

/// The registers that say something new, and the keys of those that were dropped for want of space.
fn entries<T: PartialEq, D>(
    before: &Registers<T>,
    now: &Registers<T>,
    erased_until: Newest,
    described: impl Fn(&Register<T>) -> D,
) -> Option<(BTreeMap<String, D>, Vec<String>)> {
    let is_same = |one: &Register<T>, other: &Register<T>| one.value == other.value && one.at == other.at;
    let is_new = |key: &str, register: &Register<T>| before.get(key).is_none_or(|known| !is_same(known, register));
    let new = now.iter().filter(|(key, register)| is_new(key, register));
    let new: BTreeMap<String, D> = new.map(|(key, register)| (key.clone(), described(register))).collect();
    let left = before.iter().filter(|(key, _)| !now.contains_key(*key));
    let dropped = left.filter(|(_, register)| Some(register.at) > erased_until.0).map(|(key, _)| key.clone());
    let dropped: Vec<String> = dropped.collect();
    (!new.is_empty() || !dropped.is_empty()).then_some((new, dropped))
}

impl Field {
    fn of(register: &Register<ProfileValue>) -> Self {
        let text = &register.value.value;
        Self { at: register.at, value: Some(serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())) }
    }
}
