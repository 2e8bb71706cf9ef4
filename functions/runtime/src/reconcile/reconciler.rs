use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, join, join_all},
};
use kakao_webhooks::wire::{AppId, Time, rest_api::RestError};
use tokio::time::{Instant, timeout_at};

use super::{
    DailyTime, HeldReaderKeys, KakaoApi, Phase, Purpose, ReaderKey, ReaderKeys, Run, Summary, Table, run_id,
    worker::{Reach, Stop, Worker},
};
use crate::{edges::Queue, signing::SecretSource, store::StoreError};

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

    /// Does what there is to do for each app, side by side, until `deadline` at the latest. A future of no type of its own:
    /// as a part of the caller's it is nested too deep for the compiler.
    pub fn reconcile<'f>(&'f self, deadline: Instant, random: impl Fn() -> u16 + 'f) -> LocalBoxFuture<'f, ()> {
        self.reconcile_all(deadline, random).boxed_local()
    }

    async fn reconcile_all(&self, deadline: Instant, random: impl Fn() -> u16) {
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
                let work = AssertUnwindSafe(self.reconcile_app(app, key, id, deadline)).catch_unwind();
                match timeout_at(deadline, work).await {
                    Ok(Ok(worked)) => worked,
                    Ok(Err(_)) => Err(Stop::Panic),
                    Err(_) => Err(Stop::Time),
                }
            }
            .boxed_local()
        });
        let without_key = timeout_at(deadline, self.fail_runs_without_key(&keys));
        let (worked, _) = join(join_all(worked), without_key).await;
        let mut gauges = Gauges::default();
        for (app, worked) in keys.keys().zip(worked) {
            gauges.add(app, worked, (self.reach.now)());
        }
        gauges.log();
    }

    /// Ends runs that no key can work on: what an operator started of an app that the secret does not name.
    async fn fail_runs_without_key(&self, keys: &ReaderKeys) {
        let apps = match self.reach.table.apps().await {
            Ok(apps) => apps,
            Err(error) => return tracing::warn!(event = "not_reconciled", error = shortened(&error.to_string())),
        };
        for app in apps.iter().filter(|app| !keys.contains_key(*app)) {
            if let Err(error) = self.fail_without_key(app).await {
                tracing::warn!(event = "not_reconciled", app_id = %app, error = shortened(&error.to_string()));
            }
        }
    }

    async fn fail_without_key(&self, app: &AppId) -> Result<(), StoreError> {
        let table = self.reach.table;
        let Some(mut run) = table.run(app).await?.filter(|run| run.state.is_working()) else { return Ok(()) };
        let now = (self.reach.now)();
        // Its key may be in the secret since a moment ago: the next minute works with it.
        self.keys.doubt().await;
        if self.keys.current(now).await.is_ok_and(|keys| !keys.contains_key(app)) {
            self.end_without_key(app, &mut run, now).await?;
        }
        Ok(())
    }

    async fn end_without_key(&self, app: &AppId, run: &mut Run, now: Time) -> Result<(), StoreError> {
        run.fail_without_key(app, now);
        tracing::error!(event = "reconcile_failed", app_id = %app, error = run.last_error);
        // An operator who changed it meanwhile is right; else the next minute ends it.
        self.reach.table.save(app, run, None).await.map(drop)
    }

    /// Works on an app's run, if it has one or is due for one.
    async fn reconcile_app(
        &self,
        app: &AppId,
        key: &ReaderKey,
        run_id: String,
        deadline: Instant,
    ) -> Result<Option<Worked>, Stop> {
        let now = (self.reach.now)();
        let run = match self.reach.table.run(app).await? {
            Some(run) if run.is_leased(now) => return Ok(Some(Worked::left(run))),
            run if Run::is_due(run.as_ref(), self.settings.at, now) => {
                Run::new(run_id, Purpose::Correct, run.as_ref(), now)
            }
            Some(run) if run.state.is_working() && run.is_of_another_key(&key.sha256()) => {
                Run::new(run_id, run.purpose, Some(&run), now)
            }
            Some(run) if run.state.is_working() => run,
            run => return Ok(run.map(Worked::left)),
        };
        let mut worker = Worker::new(&self.reach, app, key, run, calls_until(deadline));
        worker.run.key_sha256 = Some(key.sha256());
        worker.save().await?;
        let worked = self.work(&mut worker).boxed_local().await;
        self.end(worker, worked).await.map(Some)
    }

    async fn work(&self, worker: &mut Worker<'_, T, A, Q, C>) -> Result<(), Stop> {
        if worker.run.state == Phase::Listing {
            worker.list(self.settings.most_unlinks).await?;
            worker.save().await?;
        }
        if worker.run.state == Phase::Confirming {
            worker.confirm().await?;
            worker.save().await?;
        }
        Ok(())
    }

    /// Writes down how the minute ended.
    async fn end(&self, mut worker: Worker<'_, T, A, Q, C>, worked: Result<(), Stop>) -> Result<Worked, Stop> {
        match worked {
            Ok(()) | Err(Stop::Rest) => {}
            Err(Stop::Lost) => return Err(Stop::Lost),
            Err(stop) => {
                let error = shortened(&stop.to_string());
                let app_id = worker.app;
                match &stop {
                    Stop::Api(cause) if self.is_final(cause, worker.app, worker.key).await => {
                        tracing::error!(event = "reconcile_failed", %app_id, error);
                        worker.run.fail(error, worker.now());
                    }
                    _ => {
                        tracing::warn!(event = "not_reconciled", %app_id, error);
                        worker.run.last_error = Some(error);
                    }
                }
            }
        }
        if worker.run.leased_until.is_some() || worker.run.state == Phase::Failed {
            worker.release().await?;
        }
        Ok(Worked { has_finished: worker.run.state == Phase::Done, run: worker.run })
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

/// A run, as an invocation leaves it.
struct Worked {
    run: Run,
    /// Whether it came to its end now.
    has_finished: bool,
}

impl Worked {
    /// There was nothing to do.
    const fn left(run: Run) -> Self {
        Self { run, has_finished: false }
    }
}

/// So much of an error is kept in the record: an AWS client's may be a whole response.
const LONGEST_ERROR: usize = 400;

fn shortened(error: &str) -> String {
    error.chars().take(LONGEST_ERROR).collect()
}

/// How the apps' runs stand, for the log and the alarms.
#[derive(Default)]
struct Gauges {
    held: u64,
    failing: u64,
    has_finished: bool,
    /// Apps whose last run ended longer ago than a day and a half, or never.
    late: u64,
    rising: u64,
}

/// An app whose last finished run is older than this is late: a day's run, and half a day for its work.
pub const LATE_MILLIS: i64 = 36 * 60 * 60 * 1_000;

impl Gauges {
    fn add(&mut self, app: &AppId, worked: Result<Option<Worked>, Stop>, now: Time) {
        let Worked { run, has_finished } = match worked {
            Ok(Some(worked)) => worked,
            Ok(None) | Err(Stop::Lost) => return,
            Err(stop) => {
                tracing::warn!(event = "not_reconciled", app_id = %app, error = shortened(&stop.to_string()));
                self.failing += 1;
                return;
            }
        };
        self.held += u64::from(run.state == Phase::Held);
        self.failing += u64::from(run.is_failing());
        let is_late = |last: &Summary| now.millis_since(last.finished_at) > LATE_MILLIS;
        self.late += u64::from(run.last_finished.as_ref().is_none_or(is_late));
        if let Some(last) = run.last_finished.filter(|last| has_finished && last.run_id == run.run_id) {
            self.add_finished(app, &last);
        }
    }

    fn add_finished(&mut self, app: &AppId, last: &Summary) {
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
        self.has_finished = true;
        self.rising += u64::from(last.is_rising());
    }

    /// Only what an alarm looks at is a metric, and only when there is something to say: each costs money in each hour in
    /// which it is written. The dashboard reads all else from the line `reconciled`.
    fn log(&self) {
        let gauges = [
            ("reconcile_held", self.held, self.held > 0),
            ("reconcile_failing", self.failing, self.failing > 0),
            ("reconcile_finished", u64::from(self.late == 0), self.has_finished),
            ("reconcile_rising", self.rising, self.rising > 0),
        ];
        for (gauge, value, _) in gauges.into_iter().filter(|(.., is_worth)| *is_worth) {
            tracing::info!(event = "measured", gauge, value);
        }
    }
}
