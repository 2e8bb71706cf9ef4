//! Members whom no webhook reported: those from before the installation, and one whose unlink webhook is lost.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_lambda::Client;
use play_kakao::rest_api::{ApiCall, ApiError, ApiFault, ScriptedFault};
use runtime::{
    reconcile::{Purpose, Run, RunTable, Table as _, run_id},
    store::{DynamoStore, Pace, Retention},
};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    aws::table::Table,
    local::{Cloud, Reading},
    ui::diff::{StateDifference, diff},
};

/// Linked since before the service was installed.
const STAYS: u64 = 1_618_033_988;
/// The same, until they leave.
const LEAVES: u64 = 1_414_213_562;

/// What the reconciler found about a member.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReconcileResult {
    /// What it means.
    pub(super) title: String,
    /// How long it took until the state was right.
    pub(super) ms: u128,
    /// What changed in the member's state.
    pub(super) changes: Vec<StateDifference>,
    /// The deviation from the expected result.
    pub(super) problem: Option<String>,
}

/// A run's work of one minute takes less than a second; the processor follows.
const WITHIN: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Until the story is played, a run that the schedule starts finds Kakao under maintenance.
pub(super) fn wait(reading: &Reading) {
    let fault = ApiFault::Error(ApiError::Maintenance);
    reading.api().script(ScriptedFault::all(ApiCall::UserIds, fault));
}

/// Lets the reconciler find both.
pub(super) async fn play(cloud: &Cloud, reading: &Reading) -> Result<Vec<ReconcileResult>> {
    let scene = Scene::new(cloud, reading)?;
    {
        let mut api = reading.api();
        api.clear_faults();
        let long_ago = runtime::clock::now().as_seconds() - 86_400 * 400;
        api.members.link_all(reading.app_id(), [(STAYS, long_ago), (LEAVES, long_ago)]);
    }
    let found = scene.reconcile("a member from before the installation is found", STAYS, "allowed").await?;
    reading.api().members.unlink(reading.app_id(), LEAVES);
    let lost = scene.reconcile("an unlink webhook is lost: the next run finds it", LEAVES, "gone").await?;
    Ok(vec![found, lost])
}

struct Scene<'c> {
    cloud: &'c Cloud,
    app_id: &'c str,
    table: Table,
    runs: RunTable,
    lambda: Client,
}

impl<'c> Scene<'c> {
    fn new(cloud: &'c Cloud, reading: &'c Reading) -> Result<Self> {
        let aws = cloud.sdk_config();
        let name = cloud.table_name().to_owned();
        Ok(Self {
            cloud,
            app_id: reading.app_id(),
            table: Table::new(&aws, &name),
            runs: RunTable(DynamoStore::new(&aws, name, Retention::default(), Pace::Background)),
            lambda: Client::new(&aws),
        })
    }

    /// Runs the reconciler until it is through, and waits for a member's access.
    async fn reconcile(&self, title: &str, member: u64, access: &str) -> Result<ReconcileResult> {
        let partition = format!("USER#{}#{member}", self.app_id);
        let before = self.table.view(&partition).await?;
        self.start().await?;
        let begun = Instant::now();
        loop {
            self.invoke().await?;
            let after = self.table.view(&partition).await?;
            let is_right = after.as_ref().is_some_and(|state| state["access"] == access);
            if !is_right && begun.elapsed() < WITHIN {
                sleep(BETWEEN_LOOKS).await;
                continue;
            }
            let problem = (!is_right).then(|| format!("after {} s access is not {access}", WITHIN.as_secs()));
            return Ok(ReconcileResult {
                title: title.to_owned(),
                ms: begun.elapsed().as_millis(),
                changes: diff(before.as_ref(), after.as_ref()),
                problem,
            });
        }
    }

    /// Asks for a run, as `khook reconcile run` does.
    async fn start(&self) -> Result<()> {
        let app = self.app_id.parse()?;
        let now = runtime::clock::now();
        let before = self.runs.run(&app).await?;
        let run = Run::new(run_id(now, 0), Purpose::Correct, before.as_ref(), now);
        self.runs.save(&app, &run, None).await.map(drop).context("the table does not store the run")
    }

    /// The schedule's minute.
    async fn invoke(&self) -> Result<()> {
        let function = self.cloud.stack().functions.get("reconciler").context("template.yaml has no reconciler")?;
        let invoked = self.lambda.invoke().function_name(&function.name).send().await?;
        match invoked.function_error() {
            Some(error) => bail!("the reconciler failed: {error}"),
            None => Ok(()),
        }
    }
}
