//! Where the reconciler's cases are played, each in a service of its own.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use end_to_end::{
    Pipeline,
    faults::Fault,
    lambda::Lambda,
    patience::becomes,
    proxy::Proxy,
    reconciling::{self, LIMIT, READER_KEY, Reconciling, with_status},
    service::{APP_ID, OTHER_APP_ID},
};
use play_kakao::rest_api::{ApiFault, ScriptedFault};
use serde_json::{Value, json};

use crate::{
    edge_fault::{Edge, EdgeFault},
    reconcile_case::{Found, KakaoFault, ReconcileCase, ReconcileFault},
    request_case::Process,
    service::{Measured, TRIES},
};

/// The first member's number.
const FIRST: u64 = 3_142_857_000;
/// The members whom both know.
const MEMBERS: u64 = 12;
/// Of those, the members whose unlink webhooks got lost.
const LOST_UNLINKS: [u64; 2] = [FIRST + 1, FIRST + 11];
/// Members whose link webhooks got lost.
const LOST_LINKS: [u64; 2] = [FIRST + 6_000, FIRST + 7_000];
/// 2025-03-01T00:00:00Z, in seconds.
const MIDNIGHT: i64 = 1_740_787_200;
/// So many members are on a list that ends too early.
const LISTED: usize = 5;

const DAY: Duration = Duration::from_hours(24);

/// A service and Kakao, which know the same members but for what got lost.
struct Stage {
    reconciling: Reconciling,
    proxy: Proxy,
    /// Dropped last: it searches what the others wrote.
    pipeline: Pipeline,
}

impl ReconcileCase {
    /// Plays it. What it returns ended in Kakao's truth; anything else is an error.
    pub(crate) async fn play(&self) -> Result<Measured<String, Found>> {
        let mut stage = Stage::start().await?;
        let reconciler = stage.lose(self.process).await?;
        stage.play(self.fault, reconciler).await
    }
}

impl Stage {
    async fn start() -> Result<Self> {
        let pipeline = Pipeline::start().await?;
        let reconciling = Reconciling::start(&pipeline).await?;
        let proxy = Proxy::before(reconciling.kakao.url()).await?;
        pipeline.watch().log().keep_out(proxy.url().trim_start_matches("http://"));
        reconciling.link(APP_ID, (0..MEMBERS).map(|number| (FIRST + number, MIDNIGHT)));
        reconciling.link(OTHER_APP_ID, (0..MEMBERS).map(|number| (FIRST + 9_000 + number, MIDNIGHT)));
        let mut stage = Self { reconciling, proxy, pipeline };
        let mut first = stage.start_reconciler().await?;
        stage.reconciling.invoke(&mut first).await?;
        stage.pipeline.settle().await?;
        ensure!(stage.has_the_truth()?, "the first run does not find all members");
        Ok(stage)
    }

    async fn start_reconciler(&self) -> Result<Lambda> {
        self.reconciling.start_reconciler(&self.pipeline, LIMIT, &[("KAKAO_API_URL", &self.proxy.url())]).await
    }

    /// Webhooks get lost, and the next day's run is due. A warm process has begun it.
    async fn lose(&self, process: Process) -> Result<Lambda> {
        LOST_UNLINKS.into_iter().for_each(|member| self.reconciling.unlink(APP_ID, member));
        self.reconciling.link(APP_ID, LOST_LINKS.map(|member| (member, MIDNIGHT + 60)));
        self.reconciling.pass(DAY);
        let mut reconciler = self.start_reconciler().await?;
        if process == Process::Warm {
            // It reads the keys, and Kakao lets it do no more.
            self.reconciling.kakao.api().settings.lists_per_minute = Some(0);
            self.reconciling.invoke(&mut reconciler).await?;
            self.reconciling.kakao.api().settings.lists_per_minute = None;
        }
        Ok(reconciler)
    }

    async fn play(&mut self, fault: ReconcileFault, mut reconciler: Lambda) -> Result<Measured<String, Found>> {
        self.begin(fault).await?;
        let (day_before, start) = (self.run()?, Instant::now());
        if let ReconcileFault::Killed(call) = fault {
            let seen = self.reconciling.kakao.usage().calls(call);
            reconciler.begin(&self.reconciling.event()).await;
            becomes("it asks", &true, async || self.reconciling.kakao.usage().calls(call) > seen).await;
            drop(reconciler);
            reconciler = self.start_reconciler().await?;
        } else {
            self.reconciling.invoke(&mut reconciler).await?;
        }
        let time = start.elapsed();
        if let ReconcileFault::NoKeys(_) = fault {
            reconciler.line("event", "reader_keys_unusable").await?;
        }
        self.end().await?;
        self.pipeline.settle().await?;
        let run = self.run()?;
        let is_of_today = run["run_id"] != day_before["run_id"] || fault.is_with_held_keys();
        let state = if is_of_today { run["state"].as_str().context("no state")?.to_owned() } else { String::new() };
        self.check_record(fault, &state, &run)?;
        let found = self.recover(reconciler).await?;
        Ok(Measured { status: state, time, place: found })
    }

    async fn begin(&mut self, fault: ReconcileFault) -> Result<()> {
        let Pipeline { table, queue, .. } = &self.pipeline;
        match fault {
            ReconcileFault::Kakao(_, KakaoFault::EndsEarly) => {
                self.reconciling.kakao.api().end_list_after(APP_ID, LISTED);
            }
            ReconcileFault::Kakao(call, fault) => {
                let fault = fault.scripted().context("a fault that is not scripted")?;
                self.reconciling.kakao.api().script(ScriptedFault::all(call, fault));
            }
            ReconcileFault::Killed(call) => {
                self.reconciling.kakao.api().script(ScriptedFault::all(call, ApiFault::Hang));
            }
            ReconcileFault::Connection(fault) => self.proxy.set(fault.fault(Edge::Endpoint)).await?,
            ReconcileFault::Table(fault) => table.gate().set(fault),
            ReconcileFault::Notes(fault) => table.gate().set_for("NOTE#", fault),
            ReconcileFault::Links(fault) => table.gate().set_for("RequestItems", fault),
            ReconcileFault::Queue(fault) => queue.gate().set(fault),
            ReconcileFault::NoKeys(fault) | ReconcileFault::HeldKeys(fault) => {
                self.reconciling.secrets.gate().set(fault);
            }
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        self.reconciling.kakao.api().clear_faults();
        self.proxy.set(EdgeFault::Works.fault(Edge::Endpoint)).await?;
        for gate in [self.pipeline.table.gate(), self.pipeline.queue.gate(), self.reconciling.secrets.gate()] {
            gate.set(Fault::None);
        }
        Ok(())
    }

    /// The record names what is wrong with Kakao or the queue, and no key.
    fn check_record(&self, fault: ReconcileFault, state: &str, run: &Value) -> Result<()> {
        ensure!(!run.to_string().contains(READER_KEY), "a key: {run}");
        let fails = matches!(state, "listing" | "confirming" | "failed") && !matches!(fault, ReconcileFault::Killed(_));
        ensure!(fails == run["last_error"].is_string() || state.is_empty(), "{state}: {run}");
        Ok(())
    }

    /// Minutes without a fault, and another day, until the table has Kakao's truth. No member was unlinked on the way who
    /// is linked.
    async fn recover(&mut self, mut reconciler: Lambda) -> Result<Found> {
        self.check_no_wrong_unlink()?;
        if self.has_the_truth()? {
            return Ok(Found::AtOnce);
        }
        for found in [Found::InTheNextMinutes, Found::NextDay] {
            for minute in 0..TRIES {
                if minute > 0 {
                    // Its clock shows that the lease is over of a run that could not be written.
                    reconciler = self.start_reconciler().await?;
                }
                self.reconciling.invoke(&mut reconciler).await?;
                self.pipeline.settle().await?;
                self.check_no_wrong_unlink()?;
                if self.has_the_truth()? {
                    return Ok(found);
                }
            }
            self.reconciling.pass(DAY);
            reconciler = self.start_reconciler().await?;
        }
        bail!("nothing fails, and the table is not as Kakao says: {}", self.run()?)
    }

    fn check_no_wrong_unlink(&self) -> Result<()> {
        let unlinked = with_status(&self.pipeline, APP_ID, "unlinked")?;
        ensure!(unlinked.is_subset(&BTreeSet::from(LOST_UNLINKS)), "wrongly unlinked: {unlinked:?}");
        Ok(())
    }

    /// Whether all who are linked at Kakao are linked here, and no one else.
    fn has_the_truth(&self) -> Result<bool> {
        Ok(with_status(&self.pipeline, APP_ID, "linked")? == self.reconciling.at_kakao(APP_ID))
    }

    fn run(&self) -> Result<Value> {
        Ok(json!(reconciling::run(&self.pipeline.table, APP_ID)?))
    }
}

impl ReconcileFault {
    /// Then the process began the day's run already.
    const fn is_with_held_keys(self) -> bool {
        matches!(self, Self::HeldKeys(_))
    }
}
