//! How `khook` talks to people: output, progress, prompts.

pub mod age;
pub mod ask;
pub mod count;
pub mod diff;
pub mod interrupted;
pub mod local_time;
pub mod nearest;
pub mod output;
pub mod progress;
pub mod typed;
pub mod usage;
pub mod when;
