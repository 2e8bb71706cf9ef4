//! Finds again what webhooks lost: once a day each app's states are compared with Kakao's own list of its members. A
//! *run* is worked on once a minute, and goes on where the last minute ended, or was killed.

mod api;
mod confirm;
mod daily_time;
mod dynamo;
mod fill;
mod keys;
mod list;
mod reconciler;
mod roster;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod worker;

pub use api::{HttpKakaoApi, KakaoApi, KakaoApiUrl};
pub use daily_time::{DailyTime, NotATimeOfDay};
pub use dynamo::{LONGEST_DIFFERENCES, RunTable};
pub use fill::{Position, RosterFill};
pub use keys::{HeldReaderKeys, ReaderKey, ReaderKeys, ReaderKeysError, all_reader_keys, reader_keys};
pub use reconciler::{LATE_MILLIS, Reconciler, Settings};
pub use run::{Brake, Counts, Phase, Purpose, Run, Summary, run_id};
pub use table::{Difference, Note, RosterLink, RosterMember, RosterPage, StoredLink, Table};
