//! What the bus and the logs have said since the console started.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

use crate::{aws::table::text, local::logs::LogLine};

/// Changes with their deliveries, and how often each event was processed.
#[derive(Debug, Default)]
pub(crate) struct Observed(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    changes: VecDeque<Value>,
    /// By the version that was delivered: the deliverer's lines name no user.
    deliveries: BTreeMap<i64, Vec<DeliveryAttempt>>,
    /// By the event's id.
    processed: HashMap<String, Processed>,
}

/// How often the processor was done with an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::console) struct Processed {
    /// With its history.
    pub(in crate::console) recorded: usize,
    /// With the states of its invocation too: each was written, or contained the event already.
    pub(in crate::console) merged: usize,
}

/// The most changes, and versions with deliveries, that are kept.
const MOST_CHANGES: usize = 5_000;
/// The most events whose processing is counted.
const MOST_EVENTS: usize = 50_000;

/// A change that was published, and what the service's endpoint said to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::console) struct PublishedChange {
    /// As it is on the bus.
    pub(in crate::console) change: Value,
    /// The oldest first.
    pub(in crate::console) deliveries: Vec<DeliveryAttempt>,
}

/// An attempt to deliver a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::console) struct DeliveryAttempt {
    /// When it was logged, in milliseconds since 1970.
    pub(in crate::console) at: i64,
    /// The first is 1.
    pub(in crate::console) attempt: u64,
    /// Whether the endpoint has accepted the change.
    pub(in crate::console) is_delivered: bool,
    /// The status of its answer.
    pub(in crate::console) status: Option<u64>,
    /// Why there was none.
    pub(in crate::console) cause: Option<String>,
}

impl Observed {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was logged.
    pub(in crate::console) fn take(&self, lines: &[LogLine]) {
        let mut inside = self.lock();
        let merged = times_of_merges(lines);
        for line in lines {
            match line.event() {
                "recorded" | "duplicate" | "quarantined" => {
                    inside.count(text(&line.fields, "event_id"), merged.contains(&line.at));
                }
                "delivered" | "not_delivered" => inside.note_delivery(line),
                _ => {}
            }
        }
    }

    /// Takes in a change that was published. One that is published again is the same.
    pub(in crate::console) fn take_change(&self, change: &Value) {
        let mut inside = self.lock();
        if inside.changes.iter().any(|known| known.get("id") == change.get("id")) {
            return;
        }
        inside.changes.push_back(change.clone());
        if inside.changes.len() > MOST_CHANGES {
            inside.changes.pop_front();
        }
    }

    /// How often the processor has logged an event.
    pub(in crate::console) fn processed(&self, event_id: &str) -> Processed {
        self.lock().processed.get(event_id).copied().unwrap_or_default()
    }

    /// The changes of the user with these members of the key, the newest first.
    pub(in crate::console) fn changes_of(&self, whose: &[(&'static str, String)]) -> Vec<PublishedChange> {
        let inside = self.lock();
        let is_of = |change: &&Value| {
            whose.iter().all(|(name, value)| change.get(*name).and_then(Value::as_str) == Some(value))
        };
        let mut versions: HashMap<Option<i64>, usize> = HashMap::new();
        inside.changes.iter().for_each(|change| *versions.entry(version_of(change)).or_default() += 1);
        // A version is a time: those of two users may be the same, and then the attempts are of either.
        let is_alone = |version| versions.get(&version) == Some(&1);
        let published = |change| inside.published(change, is_alone(version_of(change)));
        let mut changes: Vec<_> = inside.changes.iter().filter(is_of).map(published).collect();
        changes.sort_by_key(|published| std::cmp::Reverse(version_of(&published.change)));
        changes
    }
}

impl Inside {
    fn count(&mut self, event_id: &str, is_merged: bool) {
        if self.processed.len() >= MOST_EVENTS {
            self.processed.clear();
        }
        let processed = self.processed.entry(event_id.to_owned()).or_default();
        processed.recorded += 1;
        processed.merged += usize::from(is_merged);
    }

    fn note_delivery(&mut self, line: &LogLine) {
        let number = |name: &str| line.fields.get(name).and_then(Value::as_u64);
        let Some(version) = line.fields.get("version").and_then(Value::as_i64) else { return };
        let attempts = self.deliveries.entry(version).or_default();
        attempts.push(DeliveryAttempt {
            at: line.at,
            attempt: number("attempt").unwrap_or_default(),
            is_delivered: line.event() == "delivered",
            status: number("status"),
            cause: line.fields.get("cause").and_then(Value::as_str).map(str::to_owned),
        });
        attempts.sort_by_key(|attempt| (attempt.at, attempt.attempt));
        if self.deliveries.len() > MOST_CHANGES {
            self.deliveries.pop_first();
        }
    }

    fn published(&self, change: &Value, is_alone: bool) -> PublishedChange {
        let deliveries =
            version_of(change).filter(|_| is_alone).and_then(|version| self.deliveries.get(&version)).cloned();
        PublishedChange { change: change.clone(), deliveries: deliveries.unwrap_or_default() }
    }
}

/// When invocations of the processor have ended that have merged states and left none to the queue: the lines of one
/// have one time, and those of a merge name no event.
fn times_of_merges(lines: &[LogLine]) -> BTreeSet<i64> {
    let times = |names: &'static [&'static str]| {
        lines.iter().filter(|line| names.contains(&line.event())).map(|line| line.at).collect::<BTreeSet<_>>()
    };
    &times(&["applied", "unchanged"]) - &times(&["not_applied"])
}

fn version_of(change: &Value) -> Option<i64> {
    change.get("version").and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(event: &str, at: i64, fields: &Value) -> LogLine {
        let mut fields = fields.as_object().unwrap().clone();
        fields.insert("event".to_owned(), json!(event));
        LogLine { function: "deliverer".to_owned(), at, fields }
    }

    fn change(user: &str, version: i64) -> Value {
        json!({"id": format!("1:{user}:{version}"), "app_id": "1", "user_id": user, "version": version})
    }

    #[test]
    fn a_change_is_listed_once_with_its_deliveries_whichever_is_known_first() {
        let observed = Observed::default();
        observed.take(&[line("delivered", 9, &json!({"version": 5, "attempt": 2, "status": 204}))]);
        for _ in 0..2 {
            observed.take_change(&change("7", 5));
        }
        observed.take_change(&change("7", 6));
        observed.take(&[line("not_delivered", 8, &json!({"version": 5, "attempt": 1, "cause": "timeout"}))]);
        let changes = observed.changes_of(&[("app_id", "1".to_owned()), ("user_id", "7".to_owned())]);
        let versions: Vec<_> = changes.iter().map(|published| version_of(&published.change).unwrap()).collect();
        let attempts: Vec<_> =
            changes[1].deliveries.iter().map(|attempt| (attempt.attempt, attempt.is_delivered)).collect();
        assert_eq!((versions, attempts), (vec![6, 5], vec![(1, false), (2, true)]));
    }

    #[test]
    fn attempts_that_may_be_of_either_of_two_users_are_shown_for_none() {
        let observed = Observed::default();
        observed.take(&[line("not_delivered", 9, &json!({"version": 5, "attempt": 1, "status": 503}))]);
        for user in ["7", "8"] {
            observed.take_change(&change(user, 5));
            let of_user = observed.changes_of(&[("user_id", user.to_owned())]);
            assert_eq!(of_user[0].deliveries.len(), usize::from(user == "7"));
        }
        assert!(observed.changes_of(&[("user_id", "7".to_owned())])[0].deliveries.is_empty());
    }

    #[test]
    fn an_event_is_merged_once_its_invocation_has_written_the_states_and_left_none_to_the_queue() {
        let observed = Observed::default();
        let recorded = |at| line("duplicate", at, &json!({"event_id": "e"}));
        let (unchanged, failed) = (|at| line("unchanged", at, &json!({})), |at| line("not_applied", at, &json!({})));
        for (lines, counts) in [
            (vec![recorded(1), unchanged(9)], (1, 0)),
            (vec![recorded(2), failed(2)], (2, 0)),
            (vec![recorded(3), unchanged(3), failed(3)], (3, 0)),
            (vec![recorded(4), unchanged(4)], (4, 1)),
        ] {
            observed.take(&lines);
            let Processed { recorded, merged } = observed.processed("e");
            assert_eq!((recorded, merged), counts);
        }
    }

    #[test]
    fn changes_deliveries_and_events_are_bounded() {
        let observed = Observed::default();
        for number in 0..=i64::try_from(MOST_CHANGES).unwrap() {
            observed.take_change(&change("7", number));
            observed.take(&[line("delivered", 0, &json!({"version": number}))]);
        }
        let inside = observed.lock();
        assert_eq!((inside.changes.len(), inside.deliveries.len()), (MOST_CHANGES, MOST_CHANGES));
        assert_eq!(version_of(&inside.changes[0]), Some(1));
    }
}
