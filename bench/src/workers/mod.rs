//! The publisher, the deliverer, the answerer and the reconciler: what each item costs them, beside a loop that does the
//! least.
//!
//! | module | what it does |
//! |---|---|
//! | `neighbours` | the servers around them, which answer at once and count |
//! | `events` | what Lambda hands to them |
//! | [`mod@measure`] | measures, round by round |
//! | `members` | an app's members, at Kakao and in the table |
//! | `reconciler` | measures runs of the reconciler |
//! | `figures` | the results |
//! | [`budget`] | the limits |
//! | `report` | the results as a table |

pub mod budget;
mod events;
#[cfg(test)]
pub(crate) mod example;
mod figures;
pub mod measure;
mod members;
mod neighbours;
mod reconciler;
mod report;

/// The name by which they are chosen, together.
pub(crate) const NAME: &str = "workers";

pub use figures::Measured;
pub use measure::{Plan, Programs, measure};
pub(crate) use report::section;
