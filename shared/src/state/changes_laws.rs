//! The laws of changes: what they tell is enough to keep a copy, and nothing that didn't change is published.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::{
    Access, Account, Assurance, Change, Channel, Credential, Dated, Field, Link, Merge, Register, Registers, Scope,
    UserState, changes,
    laws::{Incident, history},
};
use crate::wire::Time;

/// A consumer's own copy of a user, which knows the changes and never saw the state.
#[derive(Debug, Default, PartialEq)]
struct Replica {
    access: Option<Access>,
    link: Option<Dated<Link>>,
    account: Option<Dated<Account>>,
    credential: Option<Dated<Credential>>,
    assurance: Option<Dated<Assurance>>,
    sessions_valid_from: Option<Time>,
    tokens_valid_from: Option<Time>,
    scopes: BTreeMap<String, Dated<Scope>>,
    profile: BTreeMap<String, Field>,
    profile_stale_since: Option<Time>,
    channels: BTreeMap<String, Dated<Channel>>,
}

impl Replica {
    /// What a copy of the state itself would be.
    fn of(state: &UserState) -> Self {
        fn all<T: Clone>(registers: &Registers<T>) -> BTreeMap<String, Dated<T>> {
            registers.iter().map(|(key, register)| (key.clone(), Dated::of(register))).collect()
        }
        fn one<T: Clone>(register: &Option<Register<T>>) -> Option<Dated<T>> {
            register.as_ref().map(Dated::of)
        }
        let field = |text: &str| serde_json::from_str(text).unwrap();
        Self {
            access: Some(state.access()),
            link: one(&state.link),
            account: one(&state.account),
            credential: one(&state.credential),
            assurance: one(&state.assurance),
            sessions_valid_from: state.sessions_valid_from.0,
            tokens_valid_from: state.tokens_valid_from.0,
            scopes: all(&state.scopes),
            profile: (state.profile.iter())
                .map(|(name, field_of)| {
                    (name.clone(), Field { at: field_of.at, value: Some(field(&field_of.value.value)) })
                })
                .collect(),
            profile_stale_since: state.profile_stale_since.0,
            channels: all(&state.channels),
        }
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Erased { until, everything_until } => self.erase(until, everything_until),
            Change::LinkChanged(turn) => self.link = Some(turn.to),
            Change::AccountChanged(turn) => self.account = Some(turn.to),
            Change::CredentialChanged(turn) => self.credential = Some(turn.to),
            Change::AssuranceChanged(turn) => self.assurance = Some(turn.to),
            Change::AccessChanged { to, .. } => self.access = Some(to),
            Change::SessionsVoided { valid_from } => self.sessions_valid_from = Some(valid_from),
            Change::TokensVoided { valid_from } => self.tokens_valid_from = Some(valid_from),
            Change::ProfileStale { since } => self.profile_stale_since = Some(since),
            Change::ScopesChanged { scopes, dropped } => {
                self.scopes.extend(scopes);
                self.scopes.retain(|scope, _| !dropped.contains(scope));
            }
            Change::ProfileChanged { fields, dropped } => {
                self.profile.extend(fields);
                self.profile.retain(|field, _| !dropped.contains(field));
            }
            Change::ChannelChanged { channels, dropped } => {
                self.channels.extend(channels);
                self.channels.retain(|channel, _| !dropped.contains(channel));
            }
        }
    }

    fn erase(&mut self, until: Time, everything_until: Option<Time>) {
        self.scopes.retain(|_, scope| scope.at > until);
        self.profile.retain(|_, field| field.at > until);
        let Some(until) = everything_until else { return };
        self.scopes.retain(|_, scope| scope.at > until);
        self.profile.retain(|_, field| field.at > until);
        self.channels.retain(|_, channel| channel.at > until);
        // Status and time stay; the reason goes.
        if let Some(Dated { value: Link::Unlinked { reason }, .. }) = self.link.as_mut().filter(|link| link.at <= until)
        {
            *reason = None;
        }
        let account = self.account.as_mut().filter(|account| account.at <= until);
        if let Some(Dated { value: Account::Disabled { reason }, .. }) = account {
            *reason = None;
        }
        self.credential = self.credential.take().filter(|credential| credential.at > until);
        self.assurance = self.assurance.take().filter(|assurance| assurance.at > until);
        for time in [&mut self.sessions_valid_from, &mut self.tokens_valid_from, &mut self.profile_stale_since] {
            *time = time.filter(|time| *time > until);
        }
    }
}

/// Some events at a time, as batches bring them.
fn batches() -> impl Strategy<Value = Vec<Vec<Incident>>> {
    vec(history(), 0..6)
}

/// A consumer's copy that gets the changes in any order and any number of times, by the rules of
/// `docs/follow-up.md`: a single value by the version of its change; an entry of a map by the version that named
/// it last, be it as dropped, and never if it isn't newer than what was erased.
#[derive(Debug, Default)]
struct Unordered {
    single: BTreeMap<&'static str, (u64, Change)>,
    scopes: BTreeMap<String, (u64, Option<Dated<Scope>>)>,
    channels: BTreeMap<String, (u64, Option<Dated<Channel>>)>,
    erased_until: Option<Time>,
    everything_until: Option<Time>,
}

fn named<T>(
    entries: &mut BTreeMap<String, (u64, Option<T>)>,
    version: u64,
    new: BTreeMap<String, T>,
    dropped: Vec<String>,
) {
    let new = new.into_iter().map(|(key, value)| (key, Some(value)));
    for (key, value) in new.chain(dropped.into_iter().map(|key| (key, None))) {
        let entry = entries.entry(key).or_insert((0, None));
        if version > entry.0 {
            *entry = (version, value);
        }
    }
}

type Held = (Option<Access>, BTreeMap<String, Dated<Scope>>, BTreeMap<String, Dated<Channel>>);

impl Unordered {
    fn apply(&mut self, version: u64, change: Change) {
        match change {
            Change::Erased { until, everything_until } => {
                self.erased_until = self.erased_until.max(Some(until)).max(everything_until);
                self.everything_until = self.everything_until.max(everything_until);
            }
            Change::ScopesChanged { scopes, dropped } => named(&mut self.scopes, version, scopes, dropped),
            Change::ChannelChanged { channels, dropped } => named(&mut self.channels, version, channels, dropped),
            other => {
                let newest = self.single.entry(other.name()).or_insert((version, other.clone()));
                if version > newest.0 {
                    *newest = (version, other);
                }
            }
        }
    }

    fn entries<T: Clone>(
        entries: &BTreeMap<String, (u64, Option<Dated<T>>)>,
        erased_until: Option<Time>,
    ) -> BTreeMap<String, Dated<T>> {
        let held = entries.iter().filter_map(|(key, (_, value))| Some((key.clone(), value.clone()?)));
        held.filter(|(_, value)| Some(value.at) > erased_until).collect()
    }

    /// What it holds of the door, the scopes and the channels.
    fn published(&self) -> Held {
        let access = self.single.get("access-changed").and_then(|(_, change)| match change {
            Change::AccessChanged { to, .. } => Some(*to),
            _ => None,
        });
        let (erased, everything) = (self.erased_until, self.everything_until);
        (access, Self::entries(&self.scopes, erased), Self::entries(&self.channels, everything))
    }
}

proptest! {
    #![proptest_config(super::laws::cases())]

    #[test]
    fn the_changes_in_any_order_and_any_number_make_the_state_by_the_rules(
        (batches, seed) in (batches(), any::<u64>())
    ) {
        let (mut state, mut published) = (None::<UserState>, vec![]);
        for (version, batch) in (1_u64..).zip(batches) {
            let mut next = state.clone().unwrap_or_default();
            batch.iter().for_each(|event| next.merge(event.state()));
            if next.updated_at.0.is_none() {
                continue;
            }
            published.extend(changes(state.as_ref(), &next).into_iter().map(|change| (version, change)));
            state = Some(next);
        }
        published.extend(published.clone());
        // A shuffle that is the same for the same seed.
        published.sort_by_key(|(version, change)| {
            let place = (version.wrapping_add(change.name().len() as u64)).wrapping_mul(seed | 1);
            (place.rotate_left(17), *version, change.name())
        });
        let mut replica = Unordered::default();
        published.into_iter().for_each(|(version, change)| replica.apply(version, change));
        if let Some(state) = state {
            let expected = Replica::of(&state);
            prop_assert_eq!(replica.published(), (expected.access, expected.scopes, expected.channels));
        }
    }

    #[test]
    fn the_changes_in_the_order_of_their_writes_make_the_state(batches in batches()) {
        let (mut state, mut replica) = (None::<UserState>, Replica::default());
        for batch in batches {
            let mut next = state.clone().unwrap_or_default();
            batch.iter().for_each(|incident| next.merge(incident.state()));
            if state.as_ref() == Some(&next) || next.updated_at.0.is_none() {
                continue;
            }
            changes(state.as_ref(), &next).into_iter().for_each(|change| replica.apply(change));
            prop_assert_eq!(&replica, &Replica::of(&next));
            state = Some(next);
        }
    }

    #[test]
    fn what_comes_again_changes_nothing(history in history()) {
        let state = super::laws::fold(&history);
        for incident in &history {
            let mut again = state.clone();
            again.merge(incident.state());
            prop_assert_eq!(changes(Some(&state), &again), vec![]);
        }
    }

    #[test]
    fn a_change_is_told_once_and_erasure_first(history in history()) {
        let changes = changes(None, &super::laws::fold(&history));
        let names: Vec<_> = changes.iter().map(Change::name).collect();
        let unique: BTreeSet<_> = names.iter().collect();
        prop_assert_eq!(unique.len(), names.len());
        prop_assert!(names.iter().skip(1).all(|name| *name != "erased"));
    }
}
