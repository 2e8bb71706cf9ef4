//! The small algebra of merging. Each `merge` here is commutative, associative and idempotent; a state
//! is a struct of these, and its merge is field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::{EventId, Time};

/// Something of which two copies that saw different events can be joined.
pub trait Merge {
    /// Takes in what the other copy knows.
    fn merge(&mut self, other: Self);
}

/// How a value decides a tie: where two events have the same time, the safer one holds.
pub trait Safety {
    /// The higher, the safer for the user.
    fn safety(&self) -> u8 {
        0
    }
}

/// A last-writer-wins register: the value of the event with the newest time of its own. Ties: the
/// safer value, else the bytewise greater event id, else the greater value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register<T> {
    /// What holds.
    pub value: T,
    /// Since when: the event's own time.
    pub at: Time,
    /// By which event.
    pub by: EventId,
}

/// A register's value and its time: what is shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<T> {
    /// What holds.
    #[serde(flatten)]
    pub value: T,
    /// Since when.
    pub at: Time,
}

impl<T: Safety + Ord> Register<T> {
    fn rank(&self) -> (Time, u8, &EventId, &T) {
        (self.at, self.value.safety(), &self.by, &self.value)
    }
}

impl<T: Safety + Ord> Merge for Register<T> {
    fn merge(&mut self, other: Self) {
        if other.rank() > self.rank() {
            *self = other;
        }
    }
}

/// A register that was never written is nothing; nothing merges with anything.
impl<T: Merge> Merge for Option<T> {
    fn merge(&mut self, other: Self) {
        match (self.as_mut(), other) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (None, theirs @ Some(_)) => *self = theirs,
            (_, None) => {}
        }
    }
}

/// A time that only moves forwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Newest(pub Option<Time>);

impl Newest {
    /// Moves to `time` if that is later.
    pub fn raise(&mut self, time: Time) {
        self.0 = self.0.max(Some(time));
    }
}

impl Merge for Newest {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }
}

/// Registers by key.
pub type Registers<T> = BTreeMap<String, Register<T>>;

impl<T: Safety + Ord> Merge for Registers<T> {
    fn merge(&mut self, other: Self) {
        for (key, theirs) in other {
            match self.get_mut(&key) {
                Some(mine) => mine.merge(theirs),
                None => {
                    self.insert(key, theirs);
                }
            }
        }
    }
}

/// Drops every register that isn't newer than `until`.
pub(super) fn erase<T>(registers: &mut Registers<T>, until: Newest) {
    registers.retain(|_, register| Some(register.at) > until.0);
}

/// Keeps the newest `most` registers, by time and then by key. Since a register's time only grows, what
/// was dropped once would be dropped by every later merge, too: the bound keeps merging order-free.
pub(super) fn bound<T>(registers: &mut Registers<T>, most: usize) {
    let surplus = registers.len().saturating_sub(most);
    if surplus == 0 {
        return;
    }
    // Sorted once: one event may name thousands.
    let mut oldest: Vec<_> = registers.iter().map(|(key, register)| (register.at, key.clone())).collect();
    oldest.sort_unstable();
    for (_, key) in oldest.into_iter().take(surplus) {
        registers.remove(&key);
    }
}
