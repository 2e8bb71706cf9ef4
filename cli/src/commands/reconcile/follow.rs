//! Waits until a run ended, and shows how far it is.

use std::time::Duration;

use anyhow::{Context, Result};
use kakao_webhooks::wire::AppId;
use runtime::reconcile::{Phase, Run};
use tokio::time::{Instant, sleep};

use super::{progress::RunProgress, status::state};
use crate::{
    aws::runs::Runs,
    ui::{interrupted::GoesOn, output, progress::Progress},
};

/// A look costs a read unit, and a run takes minutes.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// The reconciler works on a run once a minute.
const SILENT: Duration = Duration::from_secs(150);

/// The app's run once it is at its end or held. One that a worker starts anew, since the key was replaced, is the same.
pub(super) async fn to_its_end(runs: &Runs, app: &AppId, goes_on: GoesOn) -> Result<Run> {
    let ended = watched(runs, app).await;
    goes_on.ended();
    ended
}

/// What is said of a run if the command is interrupted before it has waited for its end.
pub(super) fn going_on(app: &AppId) -> GoesOn {
    GoesOn::saying(format!(
        "The run of app {app} goes on: `khook reconcile status {app}` shows it, and `khook reconcile cancel {app}` ends it."
    ))
}

async fn watched(runs: &Runs, app: &AppId) -> Result<Run> {
    let mut step = Progress::of_stderr().step(format!("Reconciling app {app}"));
    let (mut revision, mut changed, mut is_warned) = (0, Instant::now(), false);
    loop {
        let run = runs.run(app).await?.with_context(|| format!("the run of app {app} is gone"))?;
        let Some(progress) = RunProgress::of(&run) else {
            if run.state == Phase::Done {
                step.done(state(&run))
            } else {
                step.stopped(state(&run))
            }
            return Ok(run);
        };
        if run.revision != revision {
            (revision, changed) = (run.revision, Instant::now());
        }
        if changed.elapsed() > SILENT && !is_warned {
            is_warned = true;
            output::warn(
                "the reconciler does not work on it: is the app's key in the secret of KakaoReaderKeys? Its log says more; \
                 `khook doctor` looks for the reason",
            );
        }
        step.note(&progress.words());
        sleep(BETWEEN_LOOKS).await;
    }
}
