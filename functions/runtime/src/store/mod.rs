//! The way to DynamoDB: what is stored under which key, and how a plan is applied so that any order and
//! any number of deliveries end in the same items.

mod apply;
mod counters;
pub(crate) mod dynamo;
mod erasures;
mod fallback;
mod inbox;
pub(crate) mod items;
mod kept;
mod key_set;
mod quarantine;
pub(crate) mod roster;
mod rules;
mod seen;

use std::future::Future;

use kakao_webhooks::{
    state::{CountedShare, HistoryEntry, State, Subject},
    wire::{Kind, Time},
};

pub use apply::{Applier, Record};
pub use dynamo::{DynamoStore, Pace};
pub use erasures::{ErasureDay, ErasureRecord};
pub use fallback::FallbackTable;
pub use inbox::InboxEnvelope;
pub use items::{Loaded, QuarantineEntry, Revision, inbox_partitions};
pub use quarantine::Quarantined;
pub use roster::{ROSTER, ROSTER_ATTRIBUTES, ROSTER_SHARDS};
pub use rules::StoredRules;

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// History. Longer than any delay of an event: whatever is replayed must still find its history.
    pub history_days: u32,
    /// The quarantine.
    pub quarantine_days: u32,
    /// The state of a user who is gone. Longer than any delay of an event: one from before the user left, applied after
    /// the state expired, would link the user again.
    pub gone_days: u32,
}

/// How long the event queue and then its dead letters keep a message, in days (`infra/template/storage.yaml`).
pub const QUEUED_DAYS: u32 = 7 + 14;

/// The longest time for which quarantined events are kept, in days.
pub const LONGEST_QUARANTINE_DAYS: u32 = 60;

/// What the functions use where no variable says otherwise, as the template does.
impl Default for Retention {
    fn default() -> Self {
        Self { history_days: 90, quarantine_days: 30, gone_days: 90 }
    }
}

/// Why the store didn't do it. The texts are for our log and hold no value of an event.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Throttled, timed out, unreachable, or too many conflicts. The queue brings the event again.
    #[error("try again: {0}")]
    TryAgain(String),
    /// The stored item or the request can't be used. The event ends among the dead letters.
    #[error("never: {0}")]
    Never(String),
}

/// Whether a write was the first of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was.
    First,
    /// The event was there already.
    Again,
}

/// Whether a conditional write found what it expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It did, and wrote.
    Done,
    /// Another worker was faster: read again.
    Conflict,
}

/// What applying needs of a table.
pub trait Store: Send + Sync {
    /// Writes a line of history, unless it is there.
    fn put_history(&self, entry: &HistoryEntry) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Writes a share's line of history and counts the share, both or neither.
    fn put_history_and_count(
        &self,
        entry: &HistoryEntry,
        counted: &CountedShare,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Forgets what a user's counters counted of events received until then. Harmless twice.
    fn forget_counts(&self, subject: &Subject, until: Time) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads a state, consistently.
    fn load<S: State>(&self, subject: &Subject) -> impl Future<Output = Result<Loaded<S>, StoreError>> + Send;

    /// Writes a state if the item still has the version that was loaded.
    fn save<S: State>(
        &self,
        subject: &Subject,
        before: &Loaded<S>,
        after: &Revision<S>,
    ) -> impl Future<Output = Result<Saved, StoreError>> + Send;

    /// Keeps an envelope that can't be applied.
    fn put_quarantine(&self, entry: &QuarantineEntry) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that a webhook of this kind was received then, unless a later one is noted already.
    fn note_seen(&self, kind: Kind, at: Time) -> impl Future<Output = Result<(), StoreError>> + Send;
}
