use std::{collections::BTreeSet, panic, panic::AssertUnwindSafe, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use kakao_webhooks::{
    envelope::{MAX_BYTES, to_ascii_json},
    state::{Access, Members, ProfileValues, UserChange, UserItem},
    wire::Time,
};
use serde::Serialize;
use serde_dynamo::Item;
use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep, timeout_at},
};

use super::{Bus, MOST_ENTRIES, Refused, bus::MOST_BYTES};
use crate::edges::{EdgeError, Queue};

/// One write of an item, as the table's stream reports it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Write {
    /// The stream's number of it: what is reported where it could not be published. Empty if the record has none: Lambda
    /// then brings the whole batch again.
    pub sequence_number: String,
    /// The item's key.
    pub keys: Item,
    /// The item before. None: it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Item>,
    /// The item now. None: the record lacks it, which is an error. A deletion is not published, and so not a write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Item>,
    /// When it was written, if the stream says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Time>,
    /// The record as the stream sent it, if no write could be read from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
}

/// A record from which no write can be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unread {
    /// What is wrong with it. No text of the record itself.
    pub why: &'static str,
    /// The whole record.
    pub record: Value,
}

impl Write {
    /// An item as it is now, as if it were new. One that can't be turned into a table's is one that can't be
    /// read.
    #[must_use]
    pub fn of_members(sequence_number: String, new: Members, written_at: Time) -> Self {
        let new = Some(serde_dynamo::to_item(new).unwrap_or_default());
        Self { sequence_number, new, written_at: Some(written_at), ..Self::default() }
    }

    /// The text by which it is kept, with the reason: all of it, as far as the queue takes it; else the item as it is
    /// now, else its key, by which the table has it.
    fn text(&self, why: &str) -> String {
        let without_old = Self { old: None, ..self.clone() };
        let without_images = Self { new: None, unread: None, ..without_old.clone() };
        let text = |write: &Self| to_ascii_json(&Unpublished { why, write }).unwrap_or_default();
        let fitting = [self, &without_old].into_iter().map(text).find(|text| text.len() <= MAX_BYTES);
        fitting.unwrap_or_else(|| text(&without_images))
    }
}

/// A write as it is kept.
#[derive(Serialize)]
struct Unpublished<'w> {
    why: &'w str,
    #[serde(flatten)]
    write: &'w Write,
}

/// Publishes writes.
#[derive(Debug)]
pub struct Publisher<B, K> {
    bus: B,
    values: ProfileValues,
    /// Where a write is kept that can't be published. None: it is reported as failed, again and again.
    kept: Option<K>,
}

/// How many calls of the bus, and of the queue beside it, run at once.
const CALLS_AT_ONCE: usize = 8;

/// After so long a call has failed: a small part of the time that a batch has.
const LONGEST_CALL: Duration = Duration::from_secs(4);

/// A change that has waited for longer than this needs an operator: the stream loses it after a day.
const LATE: Duration = Duration::from_secs(5 * 60);

/// Why a write without its new image isn't published, and how to fix it.
const NO_NEW_IMAGE: &str = "no new image: the table's stream must have the view type NEW_AND_OLD_IMAGES";

/// Which of the writes a change is of, and the change.
type Pending = (usize, UserChange);

/// Which of the writes can't be published, and why.
type Unpublishable = (usize, String);

impl<B: Bus, K: Queue> Publisher<B, K> {
    /// Publishes on `bus`, and keeps in `kept` what can't be read and what the bus will never accept.
    pub const fn new(bus: B, values: ProfileValues, kept: Option<K>) -> Self {
        Self { bus, values, kept }
    }

    /// Publishes what the writes changed. Returns the sequence number of the first that is neither published
    /// whole nor kept: the stream brings it and those behind it again, and what was published comes again with the
    /// same id.
    pub async fn publish(&self, writes: &[Write], now: Time, deadline: Instant) -> Option<String> {
        // Kept at once: at the deadline there would be no time for it.
        let (set_aside, unpublishable) = mpsc::unbounded_channel();
        let puts = Puts { now, begun: Instant::now(), deadline, calls: Semaphore::new(CALLS_AT_ONCE), set_aside };
        let mut pending = vec![];
        for (index, write) in writes.iter().enumerate() {
            match self.read(write, now) {
                Ok(change) => pending.extend(change.map(|change| (index, change))),
                Err(why) => puts.set_aside(index, why),
            }
        }
        let (left, not_kept) =
            tokio::join!(self.put_all(pending, puts), self.keep_all(writes, unpublishable, deadline));
        let failed = left.into_iter().map(|(index, _)| index).chain(not_kept).min()?;
        writes.get(failed).map(|write| write.sequence_number.clone())
    }

    /// What a write changed, if a consumer sees it. A panic is a write that can't be read: it must not hold up those
    /// behind it.
    fn read(&self, write: &Write, now: Time) -> Result<Option<UserChange>, String> {
        let item = |item: &Item| {
            let members: Members =
                serde_dynamo::from_item(item.clone()).map_err(|_| "a member that is no JSON".to_owned())?;
            UserItem::read(members).map_err(|error| error.to_string())
        };
        let read = || -> Result<Option<UserChange>, String> {
            if let Some(unread) = &write.unread {
                return Err(unread.why.to_owned());
            }
            let new = write.new.as_ref().ok_or(NO_NEW_IMAGE)?;
            let (old, new) = (write.old.as_ref().map(item).transpose()?, item(new)?);
            let written_at = write.written_at.unwrap_or(now);
            UserChange::between(old.as_ref(), &new, written_at, self.values).map_err(|error| error.to_string())
        };
        match panic::catch_unwind(AssertUnwindSafe(read)) {
            Ok(read) => read,
            Err(_) => Err("a panic".to_owned()),
        }
    }

    /// Keeps what can't be published, each write once. Returns which of the writes could not be kept.
    async fn keep_all(
        &self,
        writes: &[Write],
        mut unpublishable: mpsc::UnboundedReceiver<Unpublishable>,
        deadline: Instant,
    ) -> Vec<usize> {
        let (mut seen, mut not_kept) = (BTreeSet::new(), vec![]);
        let mut calls = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some((index, why)) = unpublishable.recv(), if calls.len() < CALLS_AT_ONCE => {
                    let write = writes.get(index).filter(|_| seen.insert(index));
                    calls.extend(write.map(|write| async move { (index, self.keep(write, &why, deadline).await) }));
                }
                Some((index, kept)) = calls.next(), if !calls.is_empty() => {
                    not_kept.extend(kept.is_err().then_some(index));
                }
                else => return not_kept,
            }
        }
    }

    async fn keep(&self, write: &Write, why: &str, deadline: Instant) -> Result<(), ()> {
        let sequence_number = &write.sequence_number;
        tracing::error!(event = "unpublishable", sequence_number, why);
        let Some(kept) = &self.kept else { return Err(()) };
        let sent = timeout_at(end_of_call(deadline), kept.send(&write.text(why))).await;
        sent.unwrap_or_else(|_| Err(no_answer())).map_err(|error| {
            tracing::error!(event = "unpublishable_not_kept", sequence_number, %error);
        })
    }

    /// Puts what is pending. Returns what is left when the time is over.
    async fn put_all(&self, pending: Vec<Pending>, puts: Puts) -> Vec<Pending> {
        let left = chunks(pending).into_iter().map(|chunk| self.put_until_taken(chunk, &puts));
        join_all(left).await.into_iter().flatten().collect()
    }

    /// Puts a chunk, and again what of it wasn't taken, until the time is over. Returns what is left. Chunks don't wait
    /// for each other, but for their turn to call.
    async fn put_until_taken(&self, chunk: Vec<Pending>, puts: &Puts) -> Vec<Pending> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(2))
            .without_max_times()
            .with_jitter()
            .build();
        let mut parts = vec![chunk];
        loop {
            let left = join_all(parts.into_iter().map(|part| self.put_once(part, puts))).await;
            parts = left.into_iter().flatten().collect();
            let pause = pauses.next().unwrap_or(Duration::from_secs(2));
            if parts.is_empty() || Instant::now() + pause >= puts.deadline {
                return parts.into_iter().flatten().collect();
            }
            sleep(pause).await;
        }
    }

    /// Returns what must be put again: together what the bus may accept later; each alone where the whole call failed or
    /// hung, since one of them may be the cause, and what the bus will not accept, since it may be for another's sake.
    async fn put_once(&self, part: Vec<Pending>, puts: &Puts) -> Vec<Vec<Pending>> {
        let (writes, changes): (Vec<_>, Vec<_>) = part.into_iter().unzip();
        let put = async {
            let _turn = puts.calls.acquire().await;
            timeout_at(end_of_call(puts.deadline), self.bus.put(&changes)).await.unwrap_or_else(|_| Err(no_answer()))
        };
        // What has no turn until the deadline isn't put.
        let put = timeout_at(puts.deadline, put).await.unwrap_or_else(|_| Err(no_answer()));
        puts.left(writes.into_iter().zip(changes).collect(), put)
    }
}

/// One batch's way to the bus.
struct Puts {
    now: Time,
    begun: Instant,
    deadline: Instant,
    /// First come, first served: what fails again and again keeps nothing else from its first attempt.
    calls: Semaphore,
    /// Where a write goes that can't be published.
    set_aside: mpsc::UnboundedSender<Unpublishable>,
}

impl Puts {
    /// What of a call must be put again, in parts. What was alone and is refused for good is not among it.
    fn left(&self, part: Vec<Pending>, put: Result<Vec<Result<(), Refused>>, EdgeError>) -> Vec<Vec<Pending>> {
        let (has_failed, was_alone) = (put.is_err(), part.len() == 1);
        let put = put.unwrap_or_else(|EdgeError(why)| vec![Err(Refused::TryAgain(why)); part.len()]);
        // An answer that is too short says nothing of the rest.
        let unanswered = std::iter::repeat_with(|| Err(Refused::TryAgain("not answered".to_owned())));
        let (mut together, mut alone) = (vec![], vec![]);
        let tried = self.begun.elapsed();
        for (one, put) in part.into_iter().zip(put.into_iter().chain(unanswered)) {
            log(&one.1, put.as_ref().err(), self.now, tried);
            match put {
                Ok(()) => {}
                Err(Refused::Never(code)) if was_alone => self.set_aside(one.0, format!("the bus refuses it: {code}")),
                Err(Refused::TryAgain(_)) if !has_failed => together.push(one),
                Err(_) => alone.push(vec![one]),
            }
        }
        alone.extend((!together.is_empty()).then_some(together));
        alone
    }

    fn set_aside(&self, write: usize, why: String) {
        // The receiver lives as long as the batch.
        drop(self.set_aside.send((write, why)));
    }
}

fn end_of_call(deadline: Instant) -> Instant {
    deadline.min(Instant::now() + LONGEST_CALL)
}

fn no_answer() -> EdgeError {
    EdgeError("no answer in time".to_owned())
}

fn log(change: &UserChange, refused: Option<&Refused>, now: Time, tried: Duration) {
    // Not the id: it has the member number.
    let version = change.version();
    let waited = u64::try_from(now.millis_since(change.written_at())).unwrap_or_default();
    let ms = waited.saturating_add(u64::try_from(tried.as_millis()).unwrap_or_default());
    match refused {
        Some(error) if Duration::from_millis(ms) > LATE => tracing::error!(event = "not_published", version, %error),
        Some(error) => tracing::warn!(event = "not_published", version, %error),
        None => {
            let access = change.new_access().map(Access::name);
            tracing::info!(event = "published", access, version, ms);
        }
    }
}

/// As many at once as the bus takes, by number and by size.
fn chunks(pending: Vec<Pending>) -> Vec<Vec<Pending>> {
    let (mut chunks, mut chunk, mut bytes) = (vec![], vec![], 0);
    for (write, change) in pending {
        let size = change.detail().len();
        if chunk.len() == MOST_ENTRIES || (bytes + size > MOST_BYTES && !chunk.is_empty()) {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += size;
        chunk.push((write, change));
    }
    chunks.extend((!chunk.is_empty()).then_some(chunk));
    chunks
}
