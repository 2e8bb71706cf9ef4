use std::{collections::BTreeMap, future::Future, panic, panic::AssertUnwindSafe};

use futures_util::{StreamExt, stream};
use kakao_webhooks::{
    erasure::{Fact, compact, of_history, of_state},
    state::{Members, STATE},
    wire::{AppId, Time},
};
use serde_dynamo::Item;
use tokio::time::{Instant, timeout_at};

use crate::{
    publish::Write,
    store::{DynamoStore, ErasureRecord, StoreError},
};

/// Where departures are recorded.
pub trait ErasureRecords: Send + Sync {
    /// Writes a record. Harmless twice.
    fn put(&self, record: &ErasureRecord) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl ErasureRecords for DynamoStore {
    async fn put(&self, record: &ErasureRecord) -> Result<(), StoreError> {
        self.put_erasures(record).await
    }
}

/// Records the departures in a stream's writes.
#[derive(Debug)]
pub struct Recorder<R> {
    records: R,
}

/// How many records are written at once.
const AT_ONCE: usize = 8;

/// Whether an item is one whose writes may be about departures: a member's state, or a line of a member's
/// history. The event source filters more narrowly.
#[must_use]
pub fn is_recorded(partition: &str, sort: &str) -> bool {
    partition.starts_with("USER#") && (sort == STATE || sort.starts_with("EVENT#"))
}

impl<R: ErasureRecords> Recorder<R> {
    /// Records in `records`.
    pub const fn new(records: R) -> Self {
        Self { records }
    }

    /// Records the facts in the writes. Returns the sequence number from which the stream brings them again: the first, if a
    /// record could not be written. What was written is written again then, with the same effect. A write that can't be
    /// read is logged and left out: `khook erasures rebuild` finds it after a fix.
    pub async fn record(&self, writes: &[Write], now: Time, deadline: Instant) -> Option<String> {
        let (Some(first), Some(last)) = (writes.first(), writes.last()) else { return None };
        let name = format!("{}-{}", first.sequence_number, last.sequence_number);
        let records = records(writes, &name, now);
        let facts: usize = records.iter().map(|record| record.facts.len()).sum();
        let written = stream::iter(&records).map(|record| self.put(record, deadline)).buffer_unordered(AT_ONCE);
        let failed = written.filter(|is_written| std::future::ready(!is_written)).count().await;
        if failed > 0 {
            return Some(first.sequence_number.clone());
        }
        tracing::info!(event = "departures_recorded", facts, writes = writes.len());
        None
    }

    async fn put(&self, record: &ErasureRecord, deadline: Instant) -> bool {
        let error = match timeout_at(deadline, self.records.put(record)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::error!(event = "departures_not_recorded", facts = record.facts.len(), error);
        false
    }
}

/// The facts in the writes, by day and app.
fn records(writes: &[Write], name: &str, now: Time) -> Vec<ErasureRecord> {
    let mut days: BTreeMap<(String, AppId), (Time, Vec<Fact>)> = BTreeMap::new();
    for write in writes {
        let Some((app, fact)) = read(write) else { continue };
        let written_at = write.written_at.unwrap_or(now);
        days.entry((written_at.day(), app)).or_insert_with(|| (written_at, vec![])).1.push(fact);
    }
    let of_day = |((_, app), (day, facts)): ((String, AppId), (Time, Vec<Fact>))| {
        let parts: Vec<Vec<Fact>> = compact(facts).chunks(ErasureRecord::MOST_FACTS).map(<[Fact]>::to_vec).collect();
        let record = move |(number, facts)| {
            let name = format!("{name}-{number}");
            ErasureRecord { day, app: app.clone(), name, facts, kept_until: None }
        };
        parts.into_iter().enumerate().map(record).collect::<Vec<_>>()
    };
    days.into_iter().flat_map(of_day).collect()
}

/// The fact in a write, if there is one. A panic is a write that can't be read: it must not hold up those behind it.
fn read(write: &Write) -> Option<(AppId, Fact)> {
    let why = match panic::catch_unwind(AssertUnwindSafe(|| try_read(write))) {
        Ok(Ok(read)) => return read,
        Ok(Err(why)) => why,
        Err(_) => "a panic".to_owned(),
    };
    tracing::error!(event = "unrecordable", sequence_number = write.sequence_number, why);
    None
}

fn try_read(write: &Write) -> Result<Option<(AppId, Fact)>, String> {
    if let Some(unread) = &write.unread {
        return Err(unread.why.to_owned());
    }
    let members = |item: &Item| -> Result<Members, String> {
        serde_dynamo::from_item(item.clone()).map_err(|_| "a member that is no JSON".to_owned())
    };
    let new = members(write.new.as_ref().ok_or("no new image")?)?;
    let is_state = new.get("sk").is_some_and(|sort| sort == STATE);
    let read = if is_state {
        let old = write.old.as_ref().map(members).transpose()?;
        of_state(old.as_ref(), &new, write.written_at)
    } else {
        of_history(&new)
    };
    read.map_err(|error| error.to_string())
}
