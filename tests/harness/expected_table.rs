//! What a table must contain after some events: a pure fold of them, in order.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use kakao_webhooks::{
    envelope::Envelope,
    state::{BotUser, Members, Merge, Plan, Rest, State, Step, Subject, UserState, plan},
    wire::Time,
};
use runtime::store::{ROSTER_ATTRIBUTES, ROSTER_SHARDS};
use serde_json::Value;

/// The users, chatbot users, history and counters that result from the events.
#[derive(Default)]
pub struct ExpectedTable {
    states: BTreeMap<Subject, UserState>,
    bot_users: BTreeMap<Subject, BotUser>,
    history: BTreeSet<Key>,
    shares: Vec<(Subject, String, Time)>,
    wiped: BTreeMap<Subject, Time>,
}

/// An item's `pk` and `sk`.
type Key = (String, String);

/// How often, by what.
type Counts = BTreeMap<String, u64>;

/// Members that depend on the table and the number of writes, not on the events.
const OF_THE_TABLE: [&str; 4] = ["version", "pk", "sk", "expires_at"];

impl ExpectedTable {
    /// Folds events of which each occurs once.
    ///
    /// # Errors
    /// If one is to be quarantined, or two have the same key in history.
    pub fn of<'e>(envelopes: impl IntoIterator<Item = &'e Envelope>) -> Result<Self> {
        let mut expected = Self::default();
        for envelope in envelopes {
            match plan(envelope) {
                Plan::Apply(step) => expected.take(*step)?,
                quarantined @ Plan::Quarantine { .. } => bail!("{quarantined:?}"),
            }
        }
        Ok(expected)
    }

    fn take(&mut self, step: Step) -> Result<()> {
        let Step { history, counted, wiped, user, bot_user } = step;
        let key = (history.subject.partition_key(), history.sort_key());
        ensure!(self.history.insert(key), "occurs twice: {history:?}");
        self.shares.extend(counted.map(|share| (share.subject, share.chat_type, history.received_at)));
        if let Some(until) = wiped {
            let wiped = self.wiped.entry(history.subject).or_insert(until);
            *wiped = until.max(*wiped);
        }
        if let Some((subject, state)) = user {
            self.states.entry(subject).or_default().merge(state);
        }
        if let Some((subject, state)) = bot_user {
            self.bot_users.entry(subject).or_default().merge(state);
        }
        Ok(())
    }

    /// How many lines of history there must be.
    #[must_use]
    pub fn history(&self) -> usize {
        self.history.len()
    }

    /// How many users, open ids and chatbot users have a state.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states.len() + self.bot_users.len()
    }

    /// Shares that were not erased, by the user that they claim.
    fn shares(&self) -> BTreeMap<String, Counts> {
        let mut counts = BTreeMap::<String, Counts>::new();
        for (subject, chat_type, at) in &self.shares {
            if self.wiped.get(subject).is_none_or(|until| until < at) {
                *counts.entry(subject.partition_key()).or_default().entry(chat_type.clone()).or_default() += 1;
            }
        }
        counts
    }

    fn members(&self) -> Result<BTreeMap<String, Members>> {
        let users = self.states.iter().map(|(subject, state)| members(subject, state));
        users.chain(self.bot_users.iter().map(|(subject, state)| members(subject, state))).collect()
    }

    /// Checks that the items are these, and no others.
    ///
    /// # Errors
    /// With the first difference of each sort.
    pub fn check(&self, items: &[Members]) -> Result<()> {
        let mut found = Found::default();
        items.iter().try_for_each(|item| found.take(item))?;
        let history = found.history.symmetric_difference(&self.history).next();
        ensure!(history.is_none(), "in history on one side only: {history:?}");
        same("shares", &found.shares, &self.shares())?;
        same("state", &found.states, &self.members()?)
    }
}

fn members<S: State>(subject: &Subject, state: &S) -> Result<(String, Members)> {
    let mut members = state.to_members(subject, &Rest::default())?;
    let of_whom = subject.attributes().into_iter();
    members.extend(of_whom.map(|(name, value)| (name.to_owned(), Value::String(value))));
    members.extend(roster(subject, &members));
    Ok((subject.partition_key(), members))
}

/// A member who is not unlinked is in the roster. No event of these is the reconciler's.
fn roster(subject: &Subject, members: &Members) -> Members {
    let status = members.get("link").and_then(|link| link.get("status")).and_then(Value::as_str);
    let Subject::User(app, user) = subject else { return Members::new() };
    if status == Some("unlinked") {
        return Members::new();
    }
    let values = [
        Value::from(format!("{app}#{}", user.number() % ROSTER_SHARDS)),
        Value::from(user.number()),
        Value::from(if status.is_some() { "linked" } else { "unknown" }),
    ];
    ROSTER_ATTRIBUTES.into_iter().map(str::to_owned).zip(values).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &BTreeMap<String, T>,
    expected: &BTreeMap<String, T>,
) -> Result<()> {
    for pk in found.keys().chain(expected.keys()) {
        let (found, expected) = (found.get(pk), expected.get(pk));
        ensure!(found == expected, "the {what} of {pk}\nis      {found:?}\nand not {expected:?}");
    }
    Ok(())
}

/// What a table holds.
#[derive(Default)]
struct Found {
    states: BTreeMap<String, Members>,
    history: BTreeSet<Key>,
    shares: BTreeMap<String, Counts>,
}

impl Found {
    fn take(&mut self, item: &Members) -> Result<()> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).with_context(|| format!("{name} of {item:?}"));
        let (pk, sk) = (text("pk")?.to_owned(), text("sk")?);
        match sk {
            "STATE" => {
                let mut members = item.clone();
                OF_THE_TABLE.into_iter().for_each(|name| drop(members.remove(name)));
                self.states.insert(pk, members);
            }
            "SHARES" => {
                let by_chat_type = item.get("by_chat_type").cloned().unwrap_or_default();
                let counts: Counts = serde_json::from_value(by_chat_type).with_context(|| format!("{item:?}"))?;
                let count = item.get("count").and_then(Value::as_u64);
                ensure!(count == Some(counts.values().sum()), "the sum of {item:?}");
                // A counter that was erased counts nothing.
                if !counts.is_empty() {
                    self.shares.insert(pk, counts);
                }
            }
            // A key is there once in a table: as many as there are keys are each there once.
            _ => ensure!(sk.starts_with("EVENT#") && self.history.insert((pk, sk.to_owned())), "what is {item:?}?"),
        }
        Ok(())
    }
}
