//! The processor: how fast it applies events, what it asks of the table for that, and that neither grows with what the
//! table holds.
//!
//! | module | what it does |
//! |---|---|
//! | [`events`] | envelopes in SQS's batches |
//! | [`table`] | DynamoDB for the processor, counting |
//! | [`worker`] | the processor's process before its table |
//! | [`mod@measure`] | the measuring, round by round |
//! | [`figures`] | what was found |
//! | [`budget`] | what it may cost |
//! | [`report`] | the page's and the terminal's part |

pub mod budget;
pub mod events;
#[cfg(test)]
pub(crate) mod example;
pub mod figures;
pub mod measure;
pub mod report;
pub mod table;
pub mod worker;

/// The function's name.
pub const NAME: &str = "processor";

pub use events::Kind;
pub use figures::Measured;
pub use measure::{Plan, measure};
