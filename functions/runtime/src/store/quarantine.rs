use futures_util::{StreamExt, stream};
use kakao_webhooks::wire::Time;

use super::{
    DynamoStore, QuarantineEntry, StoreError,
    dynamo::fault,
    items::{self, quarantine_partition, text_of},
    kept::is_put,
};

/// How many days are looked at at once.
const AT_ONCE: usize = 8;

/// How many of a day are counted, as far as one page reaches. More cost read capacity each minute, and say no more.
const MOST: i32 = 100;

/// What waits for a fix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quarantined {
    /// How many events, a day's counted up to a hundred.
    pub waiting: u64,
    /// When the oldest of them was received.
    pub oldest: Option<Time>,
}

impl DynamoStore {
    /// Whether the event is in the quarantine under this name. If not, another is.
    pub(super) async fn put_quarantined(&self, entry: &QuarantineEntry, name: &str) -> Result<bool, StoreError> {
        let item = items::quarantine(entry, name, self.retention);
        is_put(self.put_unless_another(item, entry.replayed_at).send().await, fault)
    }

    /// What waits in the quarantine, of this many days before `now`, and what kept a day from being read, if anything
    /// did: then there may be more.
    pub async fn quarantined(&self, now: Time, days: u32) -> (Quarantined, Option<StoreError>) {
        stream::iter(0..=days)
            .map(|ago| self.quarantined_of(now.minus_days(ago)))
            .buffer_unordered(AT_ONCE)
            .fold((Quarantined::default(), None), |(all, unread), day| async move {
                match day {
                    Ok(day) => {
                        let oldest = all.oldest.into_iter().chain(day.oldest).min();
                        (Quarantined { waiting: all.waiting + day.waiting, oldest }, unread)
                    }
                    Err(error) => (all, Some(error)),
                }
            })
            .await
    }

    async fn quarantined_of(&self, day: Time) -> Result<Quarantined, StoreError> {
        let query = self.partition(quarantine_partition(day)).projection_expression("received_at").limit(MOST);
        let read = query.send().await.map_err(|error| fault(&error))?;
        // A day's keys begin with the time.
        let first = read.items().first().and_then(|item| text_of(item, "received_at"));
        let waiting = u64::try_from(read.items().len()).unwrap_or(u64::MAX);
        Ok(Quarantined { waiting, oldest: first.and_then(|time| time.parse().ok()) })
    }
}
