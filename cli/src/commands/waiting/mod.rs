//! What `dlq`, `inbox` and `quarantine` share.

pub mod letter;
pub mod replayed;
pub mod which;
