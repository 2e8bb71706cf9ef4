use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use kakao_webhooks::{
    envelope::{Envelope, ReconcilerEvent, ReconcilerWord},
    wire::{AppId, Time, rest_api::RestError},
};
use tokio::time::{Instant, sleep};

use super::{Difference, KakaoApi, Note, Purpose, ReaderKey, Run, Table};
use crate::{
    edges::{EdgeError, Queue},
    store::{Saved, StoreError},
};

/// Calls to Kakao for an app in one invocation. Kakao allows a hundred a minute, and others may read, too.
pub(super) const MOST_CALLS: u32 = 95;

/// A worker keeps a run for so long behind its last write. One that is killed holds the run up no longer. Two workers at
/// once would only make too many calls: the record's revision keeps what they write apart.
const LEASE_MILLIS: i64 = 40_000;

/// What is done is written down at the latest after so long and the call that is on.
const BETWEEN_SAVES: Duration = Duration::from_secs(5);

/// The pauses before a call that failed is made again.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// How many differences of a comparison are written down at once.
const WRITTEN_AT_ONCE: usize = 10;

/// Why a worker stops before the run's end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// Its calls or its time are used up. The next minute goes on.
    #[error("no more calls or time in this minute")]
    Rest,
    /// The invocation's time is over.
    #[error("no time left")]
    Time,
    /// It panicked.
    #[error("it panicked")]
    Panic,
    /// Another worker, or an operator, wrote the record.
    #[error("another worker has the run, or an operator changed it")]
    Lost,
    /// Kakao's API failed or said no.
    #[error(transparent)]
    Api(#[from] RestError),
    /// The table failed.
    #[error("the table: {0}")]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error("the queue: {0}")]
    Queue(#[from] EdgeError),
}

/// What a worker reaches.
pub(super) struct Reach<'w, T, A, Q, C> {
    pub(super) table: &'w T,
    pub(super) api: &'w A,
    pub(super) queue: &'w Q,
    /// The present time.
    pub(super) now: C,
}

/// One invocation's work on one app's run.
pub(super) struct Worker<'w, T, A, Q, C> {
    pub(super) reach: &'w Reach<'w, T, A, Q, C>,
    pub(super) app: &'w AppId,
    pub(super) key: &'w ReaderKey,
    pub(super) run: Run,
    calls_left: u32,
    /// No call begins behind it.
    calls_until: Instant,
    saved_at: Instant,
}

impl<'w, T: Table, A: KakaoApi, Q: Queue, C: Fn() -> Time + Sync> Worker<'w, T, A, Q, C> {
    pub(super) fn new(
        reach: &'w Reach<'w, T, A, Q, C>,
        app: &'w AppId,
        key: &'w ReaderKey,
        run: Run,
        calls_until: Instant,
    ) -> Self {
        Self { reach, app, key, run, calls_left: MOST_CALLS, calls_until, saved_at: Instant::now() }
    }

    /// The present time.
    pub(super) fn now(&self) -> Time {
        (self.reach.now)()
    }

    /// Writes the record, and keeps the run for a while.
    pub(super) async fn save(&mut self) -> Result<(), Stop> {
        self.save_with(None).await
    }

    /// The same with a note, or neither.
    pub(super) async fn save_with(&mut self, note: Option<&Note>) -> Result<(), Stop> {
        let now = self.now();
        self.run.finish(now);
        self.run.leased_until = self.run.state.is_working().then(|| after(now, LEASE_MILLIS));
        self.write(now, note).await
    }

    /// Writes the record, and leaves the run to the next worker.
    pub(super) async fn release(&mut self) -> Result<(), Stop> {
        let now = self.now();
        self.run.leased_until = None;
        self.write(now, None).await
    }

    async fn write(&mut self, now: Time, note: Option<&Note>) -> Result<(), Stop> {
        self.run.updated_at = now;
        match self.reach.table.save(self.app, &self.run, note).await? {
            Saved::Done => {
                self.run.revision += 1;
                self.saved_at = Instant::now();
                Ok(())
            }
            Saved::Conflict => Err(Stop::Lost),
        }
    }

    /// Whether what is done must be written down now.
    pub(super) fn is_save_due(&self) -> bool {
        self.saved_at.elapsed() >= BETWEEN_SAVES
    }

    /// Whether so many calls can be made yet.
    pub(super) fn has_calls(&self, count: u32) -> bool {
        self.calls_left >= count && Instant::now() < self.calls_until
    }

    /// Calls Kakao, again after a pause where that may help.
    pub(super) async fn call<R, F>(&mut self, ask: impl Fn() -> F) -> Result<R, Stop>
    where
        F: Future<Output = Result<R, RestError>>,
    {
        let mut pauses = PAUSES.into_iter();
        loop {
            if !self.has_calls(1) {
                return Err(Stop::Rest);
            }
            self.calls_left -= 1;
            match (ask().await, pauses.next()) {
                (Err(RestError::Again(_)), Some(pause)) => sleep(pause).await,
                (Err(error), _) => {
                    if matches!(error, RestError::NotLinked(_) | RestError::Unclear(_)) {
                        self.run.last_error = None;
                    }
                    return Err(error.into());
                }
                (Ok(answer), _) => {
                    self.run.last_error = None;
                    return Ok(answer);
                }
            }
        }
    }

    /// Corrects differences, or writes them down, as the run's purpose is. All of them, or the run stays where it was.
    pub(super) async fn settle(&self, found: Vec<Difference>) -> Result<(), Stop> {
        match self.run.purpose {
            Purpose::Correct => {
                let events: Result<Vec<_>, _> = found.into_iter().map(|difference| self.event(difference)).collect();
                Ok(self.reach.queue.send_all(&events?).await?)
            }
            Purpose::Compare => {
                let written = found.into_iter().map(async |difference| {
                    self.reach.table.put_difference(self.app, &self.run.run_id, &difference).await
                });
                stream::iter(written).buffer_unordered(WRITTEN_AT_ONCE).try_collect::<Vec<()>>().await?;
                Ok(())
            }
        }
    }

    fn event(&self, Difference { user_id, linked_at_kakao, at }: Difference) -> Result<String, EdgeError> {
        let word = if linked_at_kakao { ReconcilerWord::ReconciledLinked } else { ReconcilerWord::ReconciledUnlinked };
        let found = ReconcilerEvent { word, user_id, at };
        let envelope = Envelope::of_reconciler(self.app.clone(), &self.run.run_id, found, self.now());
        envelope.encode().map_err(|error| EdgeError(error.to_string()))
    }
}

/// So much later.
pub(super) fn after(time: Time, millis: i64) -> Time {
    Time::clamped(time.as_millis().saturating_add(millis))
}
