use std::time::Duration;

use futures_util::future::join_all;
use kakao_webhooks::wire::{AppId, Time, rest_api::RestError};
use tokio::time::{Instant, timeout_at};

use super::{
    DailyTime, HeldReaderKeys, KakaoApi, Phase, Purpose, ReaderKey, Run, Table, run_id,
    worker::{Reach, Stop, Worker},
};
use crate::{edges::Queue, signing::SecretSource};

/// What the service decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// More missing members than these, and more than one in a hundred, are unlinked after approval only.
    pub most_unlinks: u64,
    /// When the day's run starts.
    pub at: DailyTime,
}

impl Default for Settings {
    fn default() -> Self {
        Self { most_unlinks: 20, at: DailyTime::default() }
    }
}

/// Compares the states of all apps with Kakao's lists, a minute's work at a time.
pub struct Reconciler<'r, T, A, Q, S, C> {
    reach: Reach<'r, T, A, Q, C>,
    keys: &'r HeldReaderKeys<S>,
    settings: Settings,
}

/// No call begins so late: the slowest one, with what must be written behind it, would not come to its end.
const LAST_CALL: Duration = Duration::from_secs(8);

impl<'r, T: Table, A: KakaoApi, Q: Queue, S: SecretSource, C: Fn() -> Time + Sync> Reconciler<'r, T, A, Q, S, C> {
    /// A reconciler of the apps whose keys are there.
    pub const fn new(
        table: &'r T,
        api: &'r A,
        queue: &'r Q,
        keys: &'r HeldReaderKeys<S>,
        now: C,
        settings: Settings,
    ) -> Self {
        Self { reach: Reach { table, api, queue, now }, keys, settings }
    }

    /// Does what there is to do for each app, side by side, until `deadline` at the latest.
    pub async fn reconcile(&self, deadline: Instant, random: impl Fn() -> u16) {
        let keys = match self.keys.current((self.reach.now)()).await {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(event = "reader_keys_unusable", %error);
                tracing::info!(event = "measured", gauge = "reconcile_failing", value = 1);
                return;
            }
        };
        let worked = keys.iter().map(|(app, key)| {
            let id = run_id((self.reach.now)(), random());
            async move {
                let worked = timeout_at(deadline, self.reconcile_app(app, key, id, deadline)).await;
                worked.unwrap_or(Err(Stop::Rest))
            }
        });
        let worked = join_all(worked).await;
        let mut state = State::default();
        for (app, worked) in keys.keys().zip(worked) {
            state.add(app, worked, self.settings.at, (self.reach.now)());
        }
        state.measure();
    }

    /// Works on an app's run, if it has one or is due for one.
    async fn reconcile_app(
        &self,
        app: &AppId,
        key: &ReaderKey,
        run_id: String,
        deadline: Instant,
    ) -> Result<Option<Run>, Stop> {
        let now = (self.reach.now)();
        let run = match self.reach.table.run(app).await? {
            Some(run) if run.is_leased(now) => return Ok(Some(run)),
            run if Run::is_due(run.as_ref(), self.settings.at, now) => {
                Run::new(run_id, Purpose::Correct, run.as_ref(), now)
            }
            Some(run) if run.state.is_working() && run.is_of_another_key(&key.sha256()) => {
                Run::new(run_id, run.purpose, Some(&run), now)
            }
            Some(run) if run.state.is_working() => run,
            run => return Ok(run),
        };
        let mut worker = Worker::new(&self.reach, app, key, run, calls_until(deadline));
        worker.run.key_sha256 = Some(key.sha256());
        worker.save().await?;
        let worked = self.work(&mut worker).await;
        self.end(worker, worked).await.map(Some)
    }

    async fn work(&self, worker: &mut Worker<'_, T, A, Q, C>) -> Result<(), Stop> {
        if worker.run.state == Phase::Listing {
            worker.list(self.settings.most_unlinks).await?;
            worker.save().await?;
        }
        if worker.run.state == Phase::Confirming {
            worker.confirm().await?;
        }
        Ok(())
    }

    /// Writes down how the minute ended.
    async fn end(&self, mut worker: Worker<'_, T, A, Q, C>, worked: Result<(), Stop>) -> Result<Run, Stop> {
        let now = worker.now();
        match worked {
            Ok(()) => worker.run.finish(now),
            Err(Stop::Rest) => {}
            Err(Stop::Lost) => return Err(Stop::Lost),
            Err(stop) => {
                tracing::warn!(event = "not_reconciled", app_id = %worker.app, error = %stop);
                match &stop {
                    Stop::Api(error) if self.is_final(error, worker.app, worker.key).await => {
                        worker.run.fail(stop.to_string(), now);
                    }
                    _ => worker.run.last_error = Some(stop.to_string()),
                }
            }
        }
        worker.release().await?;
        Ok(worker.run)
    }

    /// Whether something has to be repaired before the run can go on. A key that Kakao does not accept may have been
    /// replaced in the secret meanwhile.
    async fn is_final(&self, error: &RestError, app: &AppId, key: &ReaderKey) -> bool {
        if !matches!(error, RestError::Key(_)) {
            return !error.passes();
        }
        self.keys.doubt().await;
        let keys = self.keys.current((self.reach.now)()).await;
        keys.is_ok_and(|keys| keys.get(app) == Some(key))
    }
}

fn calls_until(deadline: Instant) -> Instant {
    deadline.checked_sub(LAST_CALL).unwrap_or(deadline)
}

/// How the apps' runs stand, for the log and the alarms.
#[derive(Default)]
struct State {
    held: u64,
    failing: u64,
    finished: bool,
    /// Apps whose last run ended longer ago than a day and a half, or never.
    late: u64,
    differences: u64,
    rising: u64,
    minutes: u64,
}

/// An app whose last finished run is older than this is late: a day's run, and half a day for its work.
pub const LATE_MILLIS: i64 = 36 * 60 * 60 * 1_000;

impl State {
    fn add(&mut self, app: &AppId, worked: Result<Option<Run>, Stop>, _at: DailyTime, now: Time) {
        let run = match worked {
            Ok(Some(run)) => run,
            Ok(None) | Err(Stop::Rest | Stop::Lost) => return,
            Err(stop) => {
                tracing::warn!(event = "not_reconciled", app_id = %app, error = %stop);
                self.failing += 1;
                return;
            }
        };
        self.held += u64::from(run.state == Phase::Held);
        self.failing += u64::from(run.state == Phase::Failed || run.last_error.is_some());
        let is_late = |last: &super::Summary| now.millis_since(last.finished_at) > LATE_MILLIS;
        self.late += u64::from(run.last_finished.as_ref().is_none_or(is_late));
        self.add_finished(app, &run, now);
    }

    /// A run that ended in this minute.
    fn add_finished(&mut self, app: &AppId, run: &Run, now: Time) {
        let ended = run.last_finished.as_ref().filter(|last| last.finished_at == run.updated_at);
        let Some(last) = ended.filter(|last| last.run_id == run.run_id && now.millis_since(last.finished_at) < 60_000)
        else {
            return;
        };
        let counts = last.counts;
        let minutes = u64::try_from(last.finished_at.millis_since(last.started_at) / 60_000).unwrap_or_default();
        tracing::info!(
            event = "reconciled",
            app_id = %app,
            listed = counts.listed,
            known = counts.known,
            linked = counts.linked,
            missing = counts.missing,
            unlinked = counts.unlinked,
            unclear = counts.unclear,
            minutes
        );
        self.finished = true;
        self.minutes = self.minutes.max(minutes);
        self.rising += u64::from(last.is_rising());
        if last.differences_before.is_some() {
            self.differences += counts.differences();
        }
    }

    fn measure(&self) {
        let gauges = [
            ("reconcile_held", self.held, self.held > 0),
            ("reconcile_failing", self.failing, self.failing > 0),
            ("reconcile_finished", u64::from(self.late == 0), self.finished),
            ("reconcile_differences", self.differences, self.finished),
            ("reconcile_rising", self.rising, self.rising > 0),
            ("reconcile_minutes", self.minutes, self.finished),
        ];
        for (gauge, value, _) in gauges.into_iter().filter(|(.., is_worth)| *is_worth) {
            tracing::info!(event = "measured", gauge, value);
        }
    }
}
