//! What changed of a user is told on a bus, to whoever must act on it: from the table's stream, so that
//! nothing is told before it is stored, and nothing that is stored stays untold.

mod bus;
#[cfg(test)]
mod contract;
mod publication;
mod publisher;
#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;

pub use bus::{Bus, EventBridge, MOST_ENTRIES, SOURCE};
pub use publication::{ProfileValues, Publication, is_published};
pub use publisher::{Publisher, Write};
