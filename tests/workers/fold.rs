//! What the table must hold: a pure fold of the events, in the order in which they were told.

use std::collections::{BTreeMap, BTreeSet};

use kakao_webhooks::{
    state::{Counted, Members, Merge, Plan, Rest, State, Step, Subject, UserState, plan},
    wire::Time,
};
use serde_json::Value;

use crate::story::Story;

#[derive(Default)]
pub(crate) struct Folded {
    states: BTreeMap<Subject, UserState>,
    history: BTreeSet<(String, String)>,
    shares: Vec<(Subject, String, Time)>,
    wiped: BTreeMap<Subject, Time>,
}

/// Shares by kind of chat room.
type Counts = BTreeMap<String, u64>;

/// What the table and the number of writes decide, not the events.
const UNTOLD: [&str; 4] = ["version", "pk", "sk", "expires_at"];

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let mut folded = Self::default();
        for envelope in &story.0 {
            match plan(envelope) {
                Plan::Apply(step) => folded.take(*step),
                quarantined @ Plan::Quarantine { .. } => panic!("{quarantined:?}"),
            }
        }
        folded
    }

    fn take(&mut self, step: Step) {
        let Step { history, counted, wiped, user, bot_user } = step;
        assert_eq!(bot_user, None);
        assert!(self.history.insert((history.subject.partition_key(), history.sort_key())), "{history:?}");
        if let Some(Counted::Share { subject, chat_type }) = counted {
            self.shares.push((subject, chat_type, history.received_at));
        }
        if let Some(until) = wiped {
            let wiped = self.wiped.entry(history.subject).or_insert(until);
            *wiped = until.max(*wiped);
        }
        if let Some((subject, state)) = user {
            self.states.entry(subject).or_default().merge(state);
        }
    }

    /// Shares that nobody had erased, by whom they claim.
    fn counts(&self) -> BTreeMap<String, Counts> {
        let mut counts = BTreeMap::<String, Counts>::new();
        for (subject, chat_type, at) in &self.shares {
            if self.wiped.get(subject).is_none_or(|until| until < at) {
                *counts.entry(subject.partition_key()).or_default().entry(chat_type.clone()).or_default() += 1;
            }
        }
        counts
    }

    fn members(&self) -> BTreeMap<String, Members> {
        let each = |(subject, state): (&Subject, &UserState)| {
            let mut members = state.to_members(subject, &Rest::default()).unwrap();
            let of_whom = subject.attributes().into_iter();
            members.extend(of_whom.map(|(name, value)| (name.to_owned(), Value::String(value))));
            (subject.partition_key(), members)
        };
        self.states.iter().map(each).collect()
    }

    /// Asserts that the items are these, and no others.
    pub(crate) fn assert_is(&self, items: &[Members]) {
        let key = |item: &Members| ["pk", "sk"].map(|name| item[name].as_str().unwrap().to_owned());
        let (mut states, mut history, mut counts) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        for item in items {
            let [pk, sk] = key(item);
            match sk.as_str() {
                "STATE" => drop(states.insert(pk, told(item))),
                "SHARES" => drop(counts.insert(pk, counted(item))),
                // A key is there once in a table: as many as there are keys are each there once.
                _ => assert!(history.insert((pk, sk))),
            }
        }
        counts.retain(|_, counts: &mut Counts| !counts.is_empty());
        assert_eq!(history, self.history);
        assert_eq!(counts, self.counts());
        let expected = self.members();
        assert!(states.keys().eq(expected.keys()), "{:?}", states.keys());
        for (pk, state) in &states {
            assert_eq!(state, &expected[pk], "{pk}");
        }
    }
}

fn told(item: &Members) -> Members {
    let mut item = item.clone();
    UNTOLD.into_iter().for_each(|name| drop(item.remove(name)));
    item
}

/// The counts of an item, whose sum must be its count.
fn counted(item: &Members) -> Counts {
    let counts: Counts = serde_json::from_value(item["by_chat_type"].clone()).unwrap();
    assert_eq!(item["count"].as_u64(), Some(counts.values().sum()), "{item:?}");
    counts
}
