//! The figures of the publisher, the deliverer, the answerer and the reconciler.

use serde::{Deserialize, Serialize};

use crate::figures::Spread;

/// What an item costs: a change that is published or delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Worked {
    pub(crate) name: String,
    /// Items a second, from the hand-over of a batch to its answer.
    pub(crate) per_second: Spread,
    /// Processor time of an item, in milliseconds.
    pub(crate) cpu: Spread,
    /// The requests of a batch, which nine of ten rounds do not exceed.
    pub(crate) requests: f64,
    /// Peak memory, in bytes.
    pub(crate) memory: f64,
}

/// What an answer costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// From the message's delivery to the end of the invocation, without the model's time, in milliseconds.
    pub(crate) own: Spread,
    /// Processor time of an answer, in milliseconds.
    pub(crate) cpu: Spread,
    /// Peak memory, in bytes.
    pub(crate) memory: f64,
}

/// Peak memory before and after many changes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Many {
    /// The changes.
    pub(crate) changes: usize,
    /// Before them: after those that are timed.
    pub(crate) early: f64,
    /// After them.
    pub(crate) late: f64,
}

/// What a run of the reconciler costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reconciled {
    /// The members of the app.
    pub(crate) members: u64,
    /// Members a second, from the hand-over of each invocation to its answer.
    pub(crate) per_second: f64,
    /// Processor time of a thousand members, in milliseconds.
    pub(crate) cpu: f64,
    /// Peak memory, in bytes.
    pub(crate) memory: f64,
}

/// All figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub(crate) publisher: Worked,
    pub(crate) deliverer: Worked,
    /// A loop that signs and posts, and nothing else.
    pub(crate) bare: Worked,
    pub(crate) many: Many,
    pub(crate) answerer: Answered,
    /// An app with few members, and one with many.
    pub(crate) reconciler: [Reconciled; 2],
}
