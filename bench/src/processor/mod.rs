//! The processor: the rate at which it applies events, its requests to the table, and how both depend on the table's size.
//!
//! | module | what it does |
//! |---|---|
//! | `events` | envelopes in SQS's batches |
//! | [`table`] | DynamoDB, with a count of requests and units |
//! | `worker` | the processor's process before its table |
//! | [`mod@measure`] | measures, round by round |
//! | `figures` | the results |
//! | [`budget`] | the limits |
//! | `report` | the results as tables |

pub mod budget;
mod events;
#[cfg(test)]
pub(crate) mod example;
mod figures;
pub mod measure;
mod report;
pub mod table;
mod worker;

/// The function's name.
pub(crate) const NAME: &str = "processor";

#[cfg(test)]
pub(crate) use events::Kind;
pub use figures::{Beside, Measured, Waited};
pub use measure::{Plan, measure};
pub(crate) use report::sections;
