//! Records who left, by which event and since when: from the table's stream, some minutes of it at once, so that a
//! departure costs a small part of a write and neither a webhook nor a change waits for it.

mod recorder;
#[cfg(test)]
mod tests;

pub use recorder::{ErasureRecords, Recorder, is_recorded};
