//! Applies envelopes to a store. History first, then what they count, then the states: killed anywhere
//! between, the queue brings the event again and the same items come out.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    slice,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, join, join_all, join4},
};
use kakao_webhooks::{
    envelope::Envelope,
    state::{Access, BotUser, Plan, STATE, State, Step, Subject, UserState, is_published, plan},
    wire::{Kind, Time},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Loaded, QuarantineEntry, Retention, Revision, Saved, Store, StoreError, Written};
use crate::in_turn::all_in_turn;

use seen::Seen;

/// A message of the queue.
#[derive(Clone, Debug)]
pub struct Record {
    /// The queue's id of the message.
    pub id: String,
    /// The envelope's text.
    pub body: String,
    /// When the queue took it.
    pub sent_at: Option<Time>,
}

/// Applies envelopes to a store.
#[derive(Debug)]
pub struct Applier<S> {
    store: S,
    retention: Retention,
    /// The custom key of a share in which the service names the user: a share that couldn't be read at
    /// first is read again.
    share_user_key: String,
    /// There if an alarm on silent webhooks is wanted.
    seen: Option<Seen>,
}

/// Whether a record's history is written: it is written once, and awaited by each subject that the record concerns.
type Recorded<'r> = Shared<BoxFuture<'r, bool>>;

/// So long a record's history may take, and then the merge of a user: calls of the table with all their attempts.
/// Without it, as many users that hang as there are processors at once (`ProcessorConcurrency`) would hold up all
/// others for the whole time of an invocation.
const LONGEST_STEP: Duration = Duration::from_secs(10);

/// A record on its way.
struct Entry<'r> {
    record: &'r Record,
    /// Its kind and its time of receipt, if it is an envelope.
    received: Option<(Kind, Time)>,
    user: Option<(Subject, UserState)>,
    bot_user: Option<(Subject, BotUser)>,
    recorded: Recorded<'r>,
}

/// What one record changes of a subject.
struct SubjectChange<'r, T> {
    record: &'r Record,
    recorded: Recorded<'r>,
    change: T,
}

impl<S: Store> Applier<S> {
    /// Applies to `store`.
    pub const fn new(store: S, retention: Retention, share_user_key: String) -> Self {
        Self { store, retention, share_user_key, seen: None }
    }

    /// The same, with the arrival times of each kind of webhook stored.
    #[must_use]
    pub fn watching_silence(self, watches: bool) -> Self {
        Self { seen: watches.then(Seen::default), ..self }
    }

    /// Applies a batch and returns the ids of the records that were not applied, each for its own fault
    /// only: no record waits for another one but those of its own user. At `deadline`, or when a step of it has taken
    /// ten seconds, what isn't done is left to the queue.
    pub async fn apply(&self, batch: &[Record], deadline: Instant) -> Vec<String> {
        let entries: Vec<Entry<'_>> = batch.iter().map(|record| self.begin(record, deadline)).collect();
        let users = by_subject(&entries, |entry| entry.user.clone());
        let bot_users = by_subject(&entries, |entry| entry.bot_user.clone());
        let (recorded, users, bot_users, ()) = join4(
            all_in_turn(entries.iter().map(|entry| entry.recorded.clone())),
            self.merge_all(users, deadline),
            self.merge_all(bot_users, deadline),
            self.note_recorded(&entries, deadline).boxed(),
        )
        .await;
        let unrecorded =
            entries.iter().zip(recorded).filter(|(_, recorded)| !recorded).map(|(entry, _)| &*entry.record.id);
        let failed: BTreeSet<&str> = unrecorded.chain(users).chain(bot_users).collect();
        batch.iter().map(|record| &record.id).filter(|id| failed.contains(id.as_str())).cloned().collect()
    }

    fn report(&self, record: &Record, error: &ApplyError) {
        tracing::error!(event = "not_applied", message_id = record.id, %error);
    }

    /// Plans what must be done for a record of a batch that ends at `deadline`, and begins with its history.
    fn begin<'r>(&'r self, record: &'r Record, deadline: Instant) -> Entry<'r> {
        let (received, user, bot_user, write) = match self.read(record) {
            Ok(read) => {
                let (user, bot_user) = match &read.plan {
                    Plan::Apply(step) => (step.user.clone(), step.bot_user.clone()),
                    Plan::Quarantine { .. } => (None, None),
                };
                let received = (read.envelope.kind(), read.envelope.received_at);
                (Some(received), user, bot_user, Ok(read))
            }
            Err(error) => (None, None, None, Err(error)),
        };
        let recorded = async move {
            let until = match &write {
                // It reads all the user's shares, which may be many: cut short, it would fail each time.
                Ok(PlannedRecord { plan: Plan::Apply(step), .. }) if step.wiped.is_some() => history_until(deadline),
                _ => end_of_step(history_until(deadline)),
            };
            let done = guarded(async { self.record(record, write?).await }, until).await;
            done.inspect_err(|error| self.report(record, error)).is_ok()
        };
        Entry { record, received, user, bot_user, recorded: recorded.boxed().shared() }
    }

    /// What a record says. A panic stays with it, too.
    fn read(&self, record: &Record) -> Result<PlannedRecord, ApplyError> {
        let read = || {
            let envelope = Envelope::decode(&record.body)?.reread(&self.share_user_key).received(record.sent_at);
            Ok(PlannedRecord { plan: plan(&envelope), envelope })
        };
        catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(ApplyError::Panic))
    }

    /// Writes what stands on its own: history, counts, the quarantine.
    async fn record(&self, record: &Record, PlannedRecord { envelope, plan }: PlannedRecord) -> Result<(), ApplyError> {
        let kind = envelope.kind().name();
        let step = match plan {
            Plan::Apply(step) => step,
            Plan::Quarantine { reason, detail } => {
                tracing::warn!(
                    event = "quarantined",
                    kind,
                    event_id = envelope.id_for_log(),
                    reason,
                    request_id = envelope.request_id
                );
                let entry = QuarantineEntry {
                    kind: envelope.kind(),
                    id: envelope.id,
                    app_id: envelope.app_id,
                    reason,
                    detail,
                    received_at: envelope.received_at,
                    replayed_at: envelope.replayed_at,
                    envelope: record.body.clone(),
                };
                return Ok(self.with_retries(|| self.store.put_quarantine(&entry)).await?);
            }
        };
        let written = self.with_retries(|| self.put_history(&step)).await?;
        let event = if written == Written::First { "recorded" } else { "duplicate" };
        tracing::info!(event, kind, event_id = envelope.id_for_log(), request_id = envelope.request_id);
        Ok(())
    }

    /// Notes when each kind was last received, of what is recorded.
    async fn note_recorded(&self, entries: &[Entry<'_>], deadline: Instant) {
        if self.seen.is_none() {
            return;
        }
        let mut received = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.recorded.clone().await {
                received.extend(entry.received);
            }
        }
        self.note_seen(received.into_iter(), deadline).await;
    }

    async fn put_history(&self, step: &Step) -> Result<Written, StoreError> {
        let written = match &step.counted {
            None => self.store.put_history(&step.history).await?,
            Some(counted) => self.store.put_history_and_count(&step.history, counted).await?,
        };
        if let Some(until) = step.wiped {
            self.store.forget_counts(&step.history.subject, until).await?;
        }
        Ok(written)
    }

    /// Merges each subject's events, and all of them into the stored state, once. Returns the ids of the records
    /// whose state could not be written.
    async fn merge_all<'r, T: Expiring>(
        &self,
        by_subject: BTreeMap<Subject, Vec<SubjectChange<'r, T>>>,
        deadline: Instant,
    ) -> Vec<&'r str> {
        let merged = by_subject.into_iter().map(|(subject, changes)| async move {
            // The state is written after the history, so that history explains every state. It is read meanwhile: what
            // another worker writes in between, the condition of the write finds.
            let load = Box::pin(self.store.load::<T>(&subject));
            let read = guarded(async { Ok(load.await?) }, end_of_step(deadline));
            let recorded = async {
                let recorded = join_all(changes.iter().map(|change| change.recorded.clone())).await;
                (recorded, end_of_step(deadline))
            };
            let ((recorded, until), read) = join(recorded, read).await;
            let changes = changes.into_iter().zip(recorded).filter(|(_, recorded)| *recorded);
            let changes: Vec<_> = changes.map(|(change, _)| change).collect();
            if changes.is_empty() { vec![] } else { self.merge_subject(&subject, changes, read.ok(), until).await }
        });
        all_in_turn(merged).await.concat()
    }

    /// Merges all changes of a subject at once; if that fails, one by one, so that none fails for another.
    async fn merge_subject<'r, T: Expiring>(
        &self,
        subject: &Subject,
        changes: Vec<SubjectChange<'r, T>>,
        read: Option<Loaded<T>>,
        until: Instant,
    ) -> Vec<&'r str> {
        let error = match guarded(self.merge(subject, &changes, read), until).await {
            Ok(()) => return vec![],
            Err(error) => error,
        };
        if let [alone] = changes.as_slice() {
            self.report(alone.record, &error);
            return vec![&alone.record.id];
        }
        let mut failed = Vec::new();
        for one in &changes {
            if let Err(error) = guarded(self.merge(subject, slice::from_ref(one), None), until).await {
                self.report(one.record, &error);
                failed.push(one.record.id.as_str());
            }
        }
        failed
    }

    /// Merges changes into the state that was `read` already, or else is read first.
    async fn merge<T: Expiring>(
        &self,
        subject: &Subject,
        changes: &[SubjectChange<'_, T>],
        read: Option<Loaded<T>>,
    ) -> Result<(), ApplyError> {
        let mut change = T::default();
        changes.iter().for_each(|one| change.merge(one.change.clone()));
        // For the first attempt only: the others read again.
        let read = Mutex::new(read);
        let take = || read.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.with_retries(|| self.try_merge(subject, &change, take())).await? {
            Merged::Changed => {
                // What the stream brings to the publisher is counted apart: an alarm compares it with the publisher's
                // calls.
                let destination = is_published(&subject.partition_key(), STATE).then_some("stream");
                tracing::info!(event = "applied", subject = %subject, destination, ms = change.age(crate::clock::now()));
            }
            Merged::Unchanged => tracing::info!(event = "unchanged", subject = %subject),
        }
        Ok(())
    }

    async fn try_merge<T: Expiring>(
        &self,
        subject: &Subject,
        change: &T,
        read: Option<Loaded<T>>,
    ) -> Result<Merged, StoreError> {
        let before = match read {
            Some(read) => read,
            None => self.store.load::<T>(subject).await?,
        };
        let mut after = before.state.clone();
        after.merge(change.clone());
        if after == before.state && before.version > 0 && !before.is_outdated {
            return Ok(Merged::Unchanged);
        }
        let (version, expires_at) = (before.next_version(crate::clock::now()), after.expires_at(self.retention));
        let after = Revision { state: after, version, expires_at };
        match self.store.save(subject, &before, &after).await? {
            Saved::Done => Ok(Merged::Changed),
            Saved::Conflict => {
                tracing::info!(event = "conflict", subject = %subject);
                Err(StoreError::TryAgain("another worker was faster".to_owned()))
            }
        }
    }

    /// Tries again, with jitter, as long as trying again may help; the deadline ends it. An attempt is on the heap, like the
    /// [`load`](Store::load) above: a request of the SDK's is kilobytes, and all that is around it would move them along.
    async fn with_retries<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let mut pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_millis(400))
            .with_max_times(20)
            .build();
        loop {
            match Box::pin(attempt()).await {
                Err(StoreError::TryAgain(why)) => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => return Err(StoreError::TryAgain(why)),
                },
                done => return done,
            }
        }
    }
}

/// A record that could be read.
struct PlannedRecord {
    envelope: Envelope,
    plan: Plan,
}

/// What the entries change, by subject.
fn by_subject<'r, T>(
    entries: &[Entry<'r>],
    change: impl Fn(&Entry<'r>) -> Option<(Subject, T)>,
) -> BTreeMap<Subject, Vec<SubjectChange<'r, T>>> {
    let mut by_subject: BTreeMap<Subject, Vec<SubjectChange<'r, T>>> = BTreeMap::new();
    for entry in entries {
        if let Some((subject, change)) = change(entry) {
            let change = SubjectChange { record: entry.record, recorded: entry.recorded.clone(), change };
            by_subject.entry(subject).or_default().push(change);
        }
    }
    by_subject
}

/// A history that hangs gives up an eighth before the deadline, so that the user's other records still have time. Most
/// of the time is its own: a connection that died unnoticed costs one whole attempt.
fn history_until(deadline: Instant) -> Instant {
    deadline - deadline.saturating_duration_since(Instant::now()) / 8
}

/// When a step that begins now ends at the latest.
fn end_of_step(deadline: Instant) -> Instant {
    deadline.min(Instant::now() + LONGEST_STEP)
}

/// The result of a merge.
enum Merged {
    Changed,
    /// The state contains all of it already.
    Unchanged,
}

/// A state that may expire with its user.
trait Expiring: State {
    /// Until when the item is kept; `None`: for good.
    fn expires_at(&self, retention: Retention) -> Option<Time>;

    /// The time of the newest event in it.
    fn newest(&self) -> Option<Time>;

    /// How long ago that was, in milliseconds.
    fn age(&self, now: Time) -> u64 {
        self.newest().and_then(|newest| u64::try_from(now.millis_since(newest)).ok()).unwrap_or_default()
    }
}

impl Expiring for UserState {
    fn expires_at(&self, retention: Retention) -> Option<Time> {
        let is_gone = self.access() == Access::Gone || self.is_forgotten();
        self.updated_at.0.filter(|_| is_gone).map(|time| time.plus_days(retention.gone_days))
    }

    fn newest(&self) -> Option<Time> {
        self.updated_at.0
    }
}

impl Expiring for BotUser {
    fn expires_at(&self, retention: Retention) -> Option<Time> {
        self.newest().map(|seen| seen.plus_days(retention.history_days))
    }

    fn newest(&self) -> Option<Time> {
        self.0.as_ref().map(|seen| seen.at)
    }
}

/// Why a record was not applied. It goes back to the queue.
#[derive(Debug, thiserror::Error)]
enum ApplyError {
    #[error(transparent)]
    Envelope(#[from] kakao_webhooks::envelope::EnvelopeError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it took too long")]
    Deadline,
    #[error("it panicked")]
    Panic,
}

/// Runs to the end, the deadline or a panic: none of them touches another record.
async fn guarded<T>(work: impl Future<Output = Result<T, ApplyError>>, deadline: Instant) -> Result<T, ApplyError> {
    match timeout_at(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(ApplyError::Panic),
        Err(_) => Err(ApplyError::Deadline),
    }
}

mod seen;
#[cfg(test)]
mod tests;
