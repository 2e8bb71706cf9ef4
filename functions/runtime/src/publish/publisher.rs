use std::{panic, panic::AssertUnwindSafe, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use kakao_webhooks::{
    envelope::{MAX_BYTES, to_ascii_json},
    state::{MAX_DETAIL_BYTES, Members, ProfileValues, Publication, UserItem},
    wire::Time,
};
use serde::Serialize;
use serde_dynamo::Item;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Bus, MOST_ENTRIES};
use crate::ingest::{EdgeError, Queue};

/// One write of an item, as the table's stream tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Write {
    /// The stream's number of it: what is reported where it could not be published.
    pub sequence_number: String,
    /// The item's key.
    pub keys: Item,
    /// The item before. None: it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Item>,
    /// The item now. None: it was deleted, or expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Item>,
    /// When it was written, if the stream says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Time>,
    /// The stream's record as it came, where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Value>,
    /// Why it can't be published, where that is known already.
    #[serde(skip)]
    pub unreadable: Option<&'static str>,
}

impl Write {
    /// An item as it is now, as if it were new. One that can't be turned into a table's is one that can't be
    /// read.
    #[must_use]
    pub fn of_members(sequence_number: String, new: Members, written_at: Time) -> Self {
        let new = Some(serde_dynamo::to_item(new).unwrap_or_default());
        Self { sequence_number, new, written_at: Some(written_at), ..Self::default() }
    }

    /// The text by which it is kept: all of it, as far as the queue takes it; else the item as it is now, else
    /// its key, by which the table has it.
    fn text(&self) -> String {
        let without_old = Self { old: None, record: None, ..self.clone() };
        let without_images = Self { new: None, ..without_old.clone() };
        let text = |write: &Self| to_ascii_json(write).unwrap_or_default();
        let fitting = [self, &without_old].into_iter().map(text).find(|text| text.len() <= MAX_BYTES);
        fitting.unwrap_or_else(|| text(&without_images))
    }
}

/// How many calls are under way at once, so that one that hangs doesn't hold up the rest.
const CALLS_AT_ONCE: usize = 4;

/// How long one call may take, its attempts included.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// Publishes writes.
#[derive(Debug)]
pub struct Publisher<B, K> {
    bus: B,
    values: ProfileValues,
    /// Where a write is kept that can't be read. None: it is reported as failed, again and again.
    kept: Option<K>,
}

/// Which of the writes a publication is of, and the publication.
type Pending = (usize, Publication);

impl<B: Bus, K: Queue> Publisher<B, K> {
    /// Publishes on `bus`, and keeps in `kept` what can't be read.
    pub const fn new(bus: B, values: ProfileValues, kept: Option<K>) -> Self {
        Self { bus, values, kept }
    }

    /// Publishes what the writes changed. Returns the sequence number of the first that isn't published
    /// whole: the stream brings it and those behind it again, and what was published comes again with the
    /// same id.
    pub async fn publish(&self, writes: &[Write], now: Time, deadline: Instant) -> Option<String> {
        let (mut pending, mut unreadable) = (vec![], vec![]);
        for (index, write) in writes.iter().enumerate() {
            match self.read(write, now) {
                Ok(publications) => {
                    pending.extend(publications.into_iter().map(|publication| (index, publication)));
                }
                Err(why) => unreadable.push((index, write, why)),
            }
        }
        let keeping = unreadable
            .into_iter()
            .map(async |(index, write, why)| self.keep(write, &why, deadline).await.err().map(|()| index));
        let (left, unkept) = join(self.put_all(pending, now, deadline), join_all(keeping)).await;
        let failed = left.iter().map(|(write, _)| *write).chain(unkept.into_iter().flatten());
        writes.get(failed.min()?).map(|write| write.sequence_number.clone())
    }

    /// What a write changed. A panic is a write that can't be read: it must not hold up those behind it.
    fn read(&self, write: &Write, now: Time) -> Result<Vec<Publication>, String> {
        let item = |item: &Item| {
            let members: Members =
                serde_dynamo::from_item(item.clone()).map_err(|_| "a member that is no JSON".to_owned())?;
            UserItem::read(members).map_err(|error| error.to_string())
        };
        if let Some(why) = write.unreadable {
            return Err(why.to_owned());
        }
        let read = || -> Result<Vec<Publication>, String> {
            let Some(new) = &write.new else { return Ok(vec![]) };
            let old = write.old.as_ref().map(item).transpose()?;
            Ok(Publication::all(old.as_ref(), &item(new)?, write.written_at.unwrap_or(now), self.values))
        };
        match panic::catch_unwind(AssertUnwindSafe(read)) {
            Ok(read) => read,
            Err(_) => Err("a panic".to_owned()),
        }
    }

    async fn keep(&self, write: &Write, why: &str, deadline: Instant) -> Result<(), ()> {
        let sequence_number = &write.sequence_number;
        tracing::error!(event = "unpublishable", sequence_number, why);
        let Some(kept) = &self.kept else { return Err(()) };
        match timeout_at(deadline, kept.send(&write.text())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::error!(event = "unpublishable_not_kept", sequence_number, %error);
                Err(())
            }
            Err(_) => Err(()),
        }
    }

    /// Puts what is pending, and again what of it wasn't taken, until the time is over. Returns what is left.
    async fn put_all(&self, mut pending: Vec<Pending>, now: Time, deadline: Instant) -> Vec<Pending> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(2))
            .without_max_times()
            .with_jitter()
            .build();
        let begun = Instant::now();
        while !pending.is_empty() {
            let puts = stream::iter(chunks(pending)).map(|chunk| self.put_chunk(chunk, now, begun, deadline));
            pending = puts.buffered(CALLS_AT_ONCE).collect::<Vec<_>>().await.concat();
            let pause = pauses.next().unwrap_or(Duration::from_secs(2));
            if pending.is_empty() || Instant::now() + pause >= deadline {
                break;
            }
            sleep(pause).await;
        }
        pending
    }

    /// Puts a chunk, and returns what of it wasn't taken. A call that hangs ends long before the deadline, so that
    /// others get their turn.
    async fn put_chunk(&self, chunk: Vec<Pending>, now: Time, begun: Instant, deadline: Instant) -> Vec<Pending> {
        let (writes, publications): (Vec<_>, Vec<_>) = chunk.into_iter().unzip();
        let until = deadline.min(Instant::now() + CALL_LIMIT);
        let taken = timeout_at(until, self.put(&publications, now, begun)).await;
        let taken = taken.unwrap_or_else(|_| vec![false; publications.len()]);
        let chunk = writes.into_iter().zip(publications).zip(taken);
        chunk.filter(|(_, taken)| !taken).map(|(one, _)| one).collect()
    }

    /// For each of the chunk, whether it is on the bus.
    async fn put(&self, publications: &[Publication], now: Time, begun: Instant) -> Vec<bool> {
        let put = self.bus.put(publications).await.unwrap_or_else(|error| vec![Err(error); publications.len()]);
        // An answer that is too short says nothing of the rest.
        let unanswered = std::iter::repeat_with(|| Err(EdgeError("not answered".to_owned())));
        let taken = put.into_iter().chain(unanswered).zip(publications);
        let tried = begun.elapsed();
        taken.map(|(taken, publication)| log(publication, taken.as_ref().err(), now, tried)).collect()
    }
}

fn log(publication: &Publication, error: Option<&EdgeError>, now: Time, tried: Duration) -> bool {
    // Not the id: it could be matched with those of all member numbers there are.
    let (change, version) = (publication.change.name(), publication.version);
    let Some(error) = error else {
        let waited = u64::try_from(now.millis_since(publication.at)).unwrap_or_default();
        let ms = waited.saturating_add(u64::try_from(tried.as_millis()).unwrap_or_default());
        tracing::info!(event = "published", change, version, ms);
        return true;
    };
    tracing::warn!(event = "not_published", change, version, %error);
    false
}

/// As many at once as the bus takes, by number and by size.
fn chunks(pending: Vec<Pending>) -> Vec<Vec<Pending>> {
    let (mut chunks, mut chunk, mut bytes) = (vec![], vec![], 0);
    for (write, publication) in pending {
        let size = publication.detail().len();
        if chunk.len() == MOST_ENTRIES || (bytes + size > MAX_DETAIL_BYTES && !chunk.is_empty()) {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += size;
        chunk.push((write, publication));
    }
    chunks.extend((!chunk.is_empty()).then_some(chunk));
    chunks
}
