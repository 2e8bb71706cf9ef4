//! The stored form of a state: the contract's members, and the bookkeeping of merging apart from them
//! under `_merge`. Members that another version of this crate stored are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    BotUser, Merge, Subject,
    bot::Seen,
    registers::{Dated, Newest, Register, Registers},
    user::{Access, Account, Assurance, Bot, Channel, Credential, Link, ProfileValue, Scope, UserState},
};
use crate::wire::{EventId, Time};

/// The members of an item, as JSON.
pub type Members = Map<String, Value>;

/// A stored item is not of the form that this version writes or reads. Its events go back to the queue:
/// deploy the version that wrote it.
#[derive(Debug, thiserror::Error)]
#[error("a stored item can't be read (near `{0}`)")]
pub struct DocumentError(&'static str);

impl DocumentError {
    pub(crate) const fn new(near: &'static str) -> Self {
        Self(near)
    }
}

/// A state that is stored as an item.
pub trait State: Merge + Clone + Default + PartialEq + Send + Sync {
    /// The members that stand for this state of a subject, together with those of another version.
    ///
    /// # Errors
    /// Only if serde can't write what it derived.
    fn to_members(&self, subject: &Subject, rest: &Rest) -> Result<Members, DocumentError>;

    /// The state that the members stand for, and what doesn't belong to it.
    ///
    /// # Errors
    /// [`DocumentError`].
    fn from_members(members: Members) -> Result<(Self, Rest), DocumentError>;
}

/// Members that another version of this crate stored and this one does not know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rest {
    members: Members,
    merge: Bookkeeping,
}

impl Rest {
    /// Whether another version stored a member of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }
}

/// For a chatbot "since when" is "last seen".
#[derive(Serialize, Deserialize)]
struct LastSeen<T> {
    #[serde(flatten)]
    value: T,
    last_seen_at: Time,
}

type Optional<T> = Option<Dated<T>>;
type Maps<T> = BTreeMap<String, Dated<T>>;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct UserMembers {
    /// Derived, for readers of the item; never read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Optional<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Optional<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Optional<Credential>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assurance: Optional<Assurance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions_valid_from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_valid_from: Option<Time>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scopes: Maps<Scope>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    profile: Maps<ProfileValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_stale_since: Option<Time>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    channels: Maps<Channel>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bots: BTreeMap<String, LastSeen<Bot>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_until: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Time>,
    #[serde(rename = "_merge")]
    merge: Bookkeeping,
    #[serde(flatten)]
    rest: Members,
}

/// The merge's internal data: which event wrote each register.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Bookkeeping {
    by: BTreeMap<String, EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wiped_until: Option<Time>,
    #[serde(flatten)]
    rest: Members,
}

impl Bookkeeping {
    fn part<T>(&mut self, path: &str, register: Register<T>) -> Dated<T> {
        // Empty in an item that came without bookkeeping.
        if register.by != EventId::default() {
            self.by.insert(path.to_owned(), register.by);
        }
        Dated { value: register.value, at: register.at }
    }

    fn part_each<T>(&mut self, map: &str, registers: Registers<T>) -> Maps<T> {
        registers
            .into_iter()
            .map(|(key, register)| (key.clone(), self.part(&format!("{map}.{key}"), register)))
            .collect()
    }

    fn join<T>(&mut self, path: &str, dated: Dated<T>) -> Register<T> {
        Register { value: dated.value, at: dated.at, by: self.by.remove(path).unwrap_or_default() }
    }

    fn join_each<T>(&mut self, map: &str, dated: Maps<T>) -> Registers<T> {
        dated.into_iter().map(|(key, dated)| (key.clone(), self.join(&format!("{map}.{key}"), dated))).collect()
    }
}

impl State for UserState {
    fn to_members(&self, subject: &Subject, rest: &Rest) -> Result<Members, DocumentError> {
        let state = self.clone();
        let mut merge = Bookkeeping { wiped_until: state.wiped_until.0, ..rest.merge.clone() };
        let bots = merge.part_each("bots", state.bots).into_iter();
        let members = UserMembers {
            access: matches!(subject, Subject::User(..)).then(|| self.access()),
            link: state.link.map(|link| merge.part("link", link)),
            account: state.account.map(|account| merge.part("account", account)),
            credential: state.credential.map(|credential| merge.part("credential", credential)),
            assurance: state.assurance.map(|assurance| merge.part("assurance", assurance)),
            sessions_valid_from: state.sessions_valid_from.0,
            tokens_valid_from: state.tokens_valid_from.0,
            scopes: merge.part_each("scopes", state.scopes),
            profile: merge.part_each("profile", state.profile),
            profile_stale_since: state.profile_stale_since.0,
            channels: merge.part_each("channels", state.channels),
            bots: bots.map(|(id, bot)| (id, LastSeen { value: bot.value, last_seen_at: bot.at })).collect(),
            erased_until: state.erased_until.0,
            updated_at: state.updated_at.0,
            merge,
            rest: rest.members.clone(),
        };
        to_object(&members)
    }

    fn from_members(members: Members) -> Result<(Self, Rest), DocumentError> {
        let members: UserMembers = of_object(members)?;
        let mut merge = members.merge;
        let bots = members.bots.into_iter();
        let bots = bots.map(|(id, bot)| (id, Dated { value: bot.value, at: bot.last_seen_at })).collect();
        let mut state = Self {
            link: members.link.map(|link| merge.join("link", link)),
            account: members.account.map(|account| merge.join("account", account)),
            credential: members.credential.map(|credential| merge.join("credential", credential)),
            assurance: members.assurance.map(|assurance| merge.join("assurance", assurance)),
            sessions_valid_from: Newest(members.sessions_valid_from),
            tokens_valid_from: Newest(members.tokens_valid_from),
            scopes: merge.join_each("scopes", members.scopes),
            profile: merge.join_each("profile", members.profile),
            profile_stale_since: Newest(members.profile_stale_since),
            channels: merge.join_each("channels", members.channels),
            bots: merge.join_each("bots", bots),
            erased_until: Newest(members.erased_until),
            wiped_until: Newest(merge.wiped_until.take()),
            updated_at: Newest(members.updated_at),
        };
        state.settle();
        Ok((state, Rest { members: members.rest, merge }))
    }
}

#[derive(Serialize, Deserialize)]
struct BotMembers {
    #[serde(flatten)]
    seen: LastSeen<Seen>,
    #[serde(rename = "_merge", default)]
    merge: Bookkeeping,
    #[serde(flatten)]
    rest: Members,
}

impl State for BotUser {
    fn to_members(&self, _subject: &Subject, rest: &Rest) -> Result<Members, DocumentError> {
        let Some(seen) = self.0.clone() else { return Ok(rest.members.clone()) };
        let mut merge = rest.merge.clone();
        let seen = merge.part("seen", seen);
        let seen = LastSeen { value: seen.value, last_seen_at: seen.at };
        to_object(&BotMembers { seen, merge, rest: rest.members.clone() })
    }

    fn from_members(members: Members) -> Result<(Self, Rest), DocumentError> {
        let BotMembers { seen, mut merge, mut rest } = of_object(members)?;
        // Both flattened parts are shown every member.
        for name in ["plusfriend_user_key", "app_user_id", "is_friend", "last_seen_at"] {
            rest.remove(name);
        }
        let seen = merge.join("seen", Dated { value: seen.value, at: seen.last_seen_at });
        Ok((Self(Some(seen)), Rest { members: rest, merge }))
    }
}

fn to_object(members: &impl Serialize) -> Result<Members, DocumentError> {
    match serde_json::to_value(members) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(DocumentError("its members")),
    }
}

fn of_object<T: DeserializeOwned>(members: Members) -> Result<T, DocumentError> {
    serde_json::from_value(Value::Object(members)).map_err(|_| DocumentError("its members"))
}
