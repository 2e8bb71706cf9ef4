//! What an operator's command needs of AWS: the table, the queues, and where they are.

pub mod table;
pub mod target;
