//! The processor's figures.

use end_to_end::units::Units;
use serde::{Deserialize, Serialize};

use super::events::Kind;
use crate::figures::Spread;

/// The users of a batch's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whose {
    /// The same user.
    One,
    /// A different user each.
    Different,
}

impl Whose {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::One => "one user",
            Self::Different => "different users",
        }
    }
}

/// The rate at which batches of a size are applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rate {
    /// The events in a batch.
    pub(crate) batch: usize,
    pub(crate) whose: Whose,
    /// Events a second, from the hand-over of a batch to its answer.
    pub(crate) per_second: Spread,
    /// Events a second of the process's processor time.
    pub(crate) per_cpu_second: Spread,
    /// Requests per event.
    pub(crate) requests: f64,
}

/// What one event asks of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PerEvent {
    pub(crate) requests: f64,
    pub(crate) units: Units,
}

/// The circumstances of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Case {
    /// The user's first event.
    New,
    /// A later event of the user.
    Known,
    /// The same event again.
    Duplicate,
}

impl Case {
    pub(crate) const ALL: [Self; 3] = [Self::New, Self::Known, Self::Duplicate];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::New => "the user's first",
            Self::Known => "of a known user",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What an event of one kind asks of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) kind: String,
    /// By [`Case`].
    pub(crate) cases: [PerEvent; 3],
}

impl Cost {
    pub(super) fn of(kind: Kind, cases: [PerEvent; 3]) -> Self {
        Self { kind: kind.name().to_owned(), cases }
    }
}

/// The time of a batch before a table with latency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    /// The users in the batch, with one event each.
    pub(crate) users: usize,
    /// The batch's time, in milliseconds.
    pub(crate) took: Spread,
    /// The most requests that the table had at once.
    pub at_once: usize,
}

/// The time until nine users' events are applied, in a batch with a tenth user's, before a table with latency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// How much longer each of the tenth's requests waits, in milliseconds.
    pub(crate) wait: f64,
    /// Without that, in milliseconds.
    pub(crate) without: Spread,
    /// With it, in milliseconds.
    pub(crate) with: Spread,
}

impl Beside {
    /// Whether the nine were done, in one round at least, before the first of the tenth's requests was answered.
    #[must_use]
    pub fn is_done_before_the_slow_one(&self) -> bool {
        self.with.p10 < self.wait
    }
}

/// What an event costs in a table of some size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grown {
    /// The users in the table, or the lines of a user's history.
    pub(crate) size: usize,
    /// An event's time, in milliseconds.
    pub(crate) time: Spread,
    /// What it asks of the table.
    pub(crate) asked: PerEvent,
}

/// All figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The rates by batch.
    pub(crate) rates: Vec<Rate>,
    /// The costs by kind of event.
    pub(crate) costs: Vec<Cost>,
    /// The table's latency for `waited`, in milliseconds.
    pub(crate) latency: f64,
    /// By users in a batch.
    pub(crate) waited: Vec<Waited>,
    /// Nine users beside one whose requests hang.
    pub(crate) beside: Beside,
    /// By users in the table.
    pub(crate) users: Vec<Grown>,
    /// By lines in a user's history.
    pub(crate) history: Vec<Grown>,
}
