//! Publishes on a bus what changed of a user: from the table's stream, so that nothing is published before it is stored,
//! and everything that is stored is published.

mod bus;
mod publisher;
mod stream;
#[cfg(test)]
mod tests;

pub use bus::{Bus, EventBridge, MOST_ENTRIES, Refused, SOURCE};
pub use publisher::{Publisher, Unread, Write};
