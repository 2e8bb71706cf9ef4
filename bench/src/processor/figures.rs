//! What was found of the processor.

use end_to_end::units::Units;
use serde::{Deserialize, Serialize};

use super::events::Kind;
use crate::figures::Spread;

/// Whose events a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// One user's.
    One,
    /// A different user's each.
    Different,
}

impl Whose {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one user",
            Self::Different => "different users",
        }
    }
}

/// How fast batches of a kind are applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// So many events in each.
    pub batch: usize,
    /// Whose.
    pub whose: Whose,
    /// Events a second, from the hand-over of a batch to its answer.
    pub per_second: Spread,
    /// Events a second of the process's own processor time.
    pub per_cpu_second: Spread,
    /// Round trips an event.
    pub requests: f64,
}

/// What one event asks of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerEvent {
    /// Round trips.
    pub requests: f64,
    /// Billed units.
    pub units: Units,
}

/// Under which circumstances an event comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    /// The first of its user.
    New,
    /// Another one of a user who is known.
    Known,
    /// That one again.
    Duplicate,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::New, Self::Known, Self::Duplicate];

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "the user's first",
            Self::Known => "of a known user",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What an event of one kind asks of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The kind, in words.
    pub kind: String,
    /// By the cases.
    pub cases: [PerEvent; 3],
}

impl Cost {
    pub(super) fn of(kind: Kind, cases: [PerEvent; 3]) -> Self {
        Self { kind: kind.name().to_owned(), cases }
    }
}

/// How long batches take before a table that needs its time for each request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    /// So many users, an event of each.
    pub users: usize,
    /// A batch, in milliseconds.
    pub took: Spread,
}

/// What an event costs where there is so much already.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grown {
    /// So many users, or lines of a user's history.
    pub size: usize,
    /// An event, in milliseconds.
    pub time: Spread,
    /// What it asks of the table.
    pub asked: PerEvent,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How fast.
    pub rates: Vec<Rate>,
    /// What each kind of event asks for.
    pub costs: Vec<Cost>,
    /// The table's time for each request, in milliseconds, where batches waited for it.
    pub latency: f64,
    /// Batches of one user, of ten, of a hundred.
    pub waited: Vec<Waited>,
    /// By users in the table.
    pub users: Vec<Grown>,
    /// By lines in a user's history.
    pub history: Vec<Grown>,
}
