//! Applies envelopes to a store. History first, then what they count, then the states: killed anywhere
//! between, the queue brings the event again and the same items come out.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, slice, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{FutureExt, StreamExt, future::join, stream};
use kakao_webhooks::{
    envelope::Envelope,
    state::{Access, BotUser, Plan, State, Step, Subject, UserState, plan},
    wire::{Kind, Time},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{QuarantineEntry, Retention, Saved, Store, StoreError, Written};

use seen::Seen;

/// How many things are done at once: enough to hide the round trips of a batch.
const AT_ONCE: usize = 16;

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
    /// Where somebody wants to know how long a webhook has been silent.
    seen: Option<Seen>,
}

/// A record whose history is written: what is left to do of it.
struct Pending {
    record: usize,
    kind: Kind,
    received_at: Time,
    user: Option<(Subject, UserState)>,
    bot_user: Option<(Subject, BotUser)>,
}

impl<S: Store> Applier<S> {
    /// Applies to `store`.
    pub const fn new(store: S, retention: Retention, share_user_key: String) -> Self {
        Self { store, retention, share_user_key, seen: None }
    }

    /// The same, noting when each kind of webhook last came.
    #[must_use]
    pub fn watching_silence(self, watches: bool) -> Self {
        Self { seen: watches.then(Seen::default), ..self }
    }

    /// Applies a batch and returns the ids of the records that were not applied, each for its own fault
    /// only. At `deadline` what isn't done is left to the queue.
    pub async fn apply(&self, batch: &[Record], deadline: Instant) -> Vec<String> {
        let recorded = stream::iter(batch.iter().enumerate())
            .map(|(index, record)| async move {
                let done = guarded(self.record(index, record), deadline).await;
                done.map_err(|fault| self.report(record, &fault)).map_err(|()| index)
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut failed: Vec<usize> = recorded.iter().filter_map(|done| done.as_ref().err().copied()).collect();
        let pending: Vec<Pending> = recorded.into_iter().flatten().collect();
        let seen = pending.iter().map(|one| (one.kind, one.received_at));
        let (states, ()) =
            join(self.merge_states(batch, &pending, deadline), self.note_seen(seen, deadline).boxed()).await;
        failed.extend(states);
        failed.sort_unstable();
        failed.dedup();
        failed.into_iter().filter_map(|index| batch.get(index)).map(|record| record.id.clone()).collect()
    }

    async fn merge_states(&self, batch: &[Record], pending: &[Pending], deadline: Instant) -> Vec<usize> {
        let users = pending.iter().filter_map(|one| Some((one.record, one.user.clone()?)));
        let mut failed = self.merge_all(batch, users.collect(), deadline).await;
        let bot_users = pending.iter().filter_map(|one| Some((one.record, one.bot_user.clone()?)));
        failed.extend(self.merge_all(batch, bot_users.collect(), deadline).await);
        failed
    }

    fn report(&self, record: &Record, fault: &Fault) {
        tracing::error!(event = "not_applied", message_id = record.id, fault = %fault);
    }

    /// Writes what stands on its own: history, counts, the quarantine.
    async fn record(&self, index: usize, record: &Record) -> Result<Pending, Fault> {
        let envelope = Envelope::decode(&record.body)?.reread(&self.share_user_key).received(record.sent_at);
        let kind = envelope.kind().name();
        let pending = Pending {
            record: index,
            kind: envelope.kind(),
            received_at: envelope.received_at,
            user: None,
            bot_user: None,
        };
        let step = match plan(&envelope) {
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
                    envelope: record.body.clone(),
                };
                self.store.put_quarantine(&entry).await?;
                return Ok(pending);
            }
        };
        let written = self.with_retries(|| self.put_history(&step)).await?;
        let event = if written == Written::First { "recorded" } else { "duplicate" };
        tracing::info!(event, kind, event_id = envelope.id_for_log(), request_id = envelope.request_id);
        Ok(Pending { user: step.user, bot_user: step.bot_user, ..pending })
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

    /// Merges each subject's events, and all of them into the stored state, once. Returns the records
    /// whose state could not be written.
    async fn merge_all<T: Kept>(
        &self,
        batch: &[Record],
        changes: Vec<(usize, (Subject, T))>,
        deadline: Instant,
    ) -> Vec<usize> {
        let mut by_subject: BTreeMap<Subject, Vec<(usize, T)>> = BTreeMap::new();
        for (record, (subject, change)) in changes {
            by_subject.entry(subject).or_default().push((record, change));
        }
        let faults = stream::iter(by_subject)
            .map(|(subject, changes)| async move { self.merge_subject(&subject, changes, deadline).await })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let report = |(record, fault): (usize, Fault)| {
            batch.get(record).inspect(|record| self.report(record, &fault));
            record
        };
        faults.into_iter().flatten().map(report).collect()
    }

    /// Merges all changes of a subject at once; if that fails, one by one, so that none fails for another.
    async fn merge_subject<T: Kept>(
        &self,
        subject: &Subject,
        changes: Vec<(usize, T)>,
        deadline: Instant,
    ) -> Vec<(usize, Fault)> {
        let all = guarded(self.merge(subject, &changes), deadline).await;
        let fault = match all {
            Ok(()) => return vec![],
            Err(fault) => fault,
        };
        if let [(record, _)] = changes.as_slice() {
            return vec![(*record, fault)];
        }
        let mut faults = Vec::new();
        for one in &changes {
            if let Err(fault) = guarded(self.merge(subject, slice::from_ref(one)), deadline).await {
                faults.push((one.0, fault));
            }
        }
        faults
    }

    async fn merge<T: Kept>(&self, subject: &Subject, changes: &[(usize, T)]) -> Result<(), Fault> {
        let mut change = T::default();
        changes.iter().for_each(|(_, one)| change.merge(one.clone()));
        match self.with_retries(|| self.try_merge(subject, &change)).await? {
            Outcome::Applied => {
                tracing::info!(event = "applied", subject = %subject, ms = change.age(crate::clock::now()))
            }
            Outcome::Unchanged => tracing::info!(event = "unchanged", subject = %subject),
        }
        Ok(())
    }

    async fn try_merge<T: Kept>(&self, subject: &Subject, change: &T) -> Result<Outcome, StoreError> {
        let before = self.store.load::<T>(subject).await?;
        let mut after = before.state.clone();
        after.merge(change.clone());
        if after == before.state && before.version > 0 {
            return Ok(Outcome::Unchanged);
        }
        let expires_at = after.expires_at(self.retention);
        match self.store.save(subject, &before, &after, expires_at).await? {
            Saved::Done => Ok(Outcome::Applied),
            Saved::Conflict => {
                tracing::info!(event = "conflict", subject = %subject);
                Err(StoreError::TryAgain("another worker was faster".to_owned()))
            }
        }
    }

    /// Tries again, with jitter, as long as trying again may help; the deadline ends it.
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
            match attempt().await {
                Err(StoreError::TryAgain(why)) => match pauses.next() {
                    Some(pause) => sleep(pause).await,
                    None => return Err(StoreError::TryAgain(why)),
                },
                done => return done,
            }
        }
    }
}

/// What came of a merge.
enum Outcome {
    Applied,
    /// The state says all of it already.
    Unchanged,
}

/// A state that may expire with its user.
trait Kept: State {
    /// Until when the item is kept; `None`: for good.
    fn expires_at(&self, retention: Retention) -> Option<Time>;

    /// The time of the newest event in it.
    fn newest(&self) -> Option<Time>;

    /// How long ago that was, in milliseconds.
    fn age(&self, now: Time) -> u64 {
        self.newest().and_then(|newest| u64::try_from(now.millis_since(newest)).ok()).unwrap_or_default()
    }
}

impl Kept for UserState {
    fn expires_at(&self, retention: Retention) -> Option<Time> {
        let is_gone = self.access() == Access::Gone || self.is_forgotten();
        self.updated_at.0.filter(|_| is_gone).map(|time| time.plus_days(retention.gone_days))
    }

    fn newest(&self) -> Option<Time> {
        self.updated_at.0
    }
}

impl Kept for BotUser {
    fn expires_at(&self, retention: Retention) -> Option<Time> {
        self.newest().map(|seen| seen.plus_days(retention.history_days))
    }

    fn newest(&self) -> Option<Time> {
        self.0.as_ref().map(|seen| seen.at)
    }
}

/// Why a record was not applied. It goes back to the queue.
#[derive(Debug, thiserror::Error)]
enum Fault {
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
async fn guarded<T>(work: impl Future<Output = Result<T, Fault>>, deadline: Instant) -> Result<T, Fault> {
    match timeout_at(deadline, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err(Fault::Panic),
        Err(_) => Err(Fault::Deadline),
    }
}

mod seen;
#[cfg(test)]
mod tests;
