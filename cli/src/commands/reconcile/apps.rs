//! Which apps a command works on.

use anyhow::{Result, anyhow};
use kakao_webhooks::wire::AppId;
use runtime::reconcile::Run;

use super::{RunTarget, status::AppRun};
use crate::{aws::runs::Runs, ui::usage::Usage};

/// Why there may be none.
const NO_RUNS: &str = "no app has a run yet. The reconciler starts the first one within a minute, in a stack whose \
                       KakaoReaderKeys is set: wait a minute, or start one with `khook reconcile run <app id>`";

impl RunTarget {
    /// The named app with its run, or all that count.
    ///
    /// # Errors
    /// An app that has no run.
    pub(super) async fn found(&self, runs: &Runs) -> Result<Vec<AppRun>> {
        let all = runs.all().await?;
        match &self.app_id {
            None => Ok(counting(all)),
            Some(app) => {
                let (named, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(found, _)| found == app);
                if named.is_empty() { Err(unknown(app, &ids(&others))) } else { Ok(named) }
            }
        }
    }

    /// The same, at least one.
    ///
    /// # Errors
    /// As [`found`](Self::found), or if there is none.
    pub(super) async fn apps(&self, runs: &Runs) -> Result<Vec<AppRun>> {
        let found = self.found(runs).await?;
        if found.is_empty() { Err(no_runs()) } else { Ok(found) }
    }

    /// The named app, or the only one.
    ///
    /// # Errors
    /// As [`apps`](Self::apps), or if there are several.
    pub(super) async fn run(&self, runs: &Runs) -> Result<AppRun> {
        only(self.apps(runs).await?)
    }

    /// The named app, which may be the first that gets a run, or all.
    ///
    /// # Errors
    /// As [`apps`](Self::apps).
    pub(super) async fn apps_to_start(&self, runs: &Runs) -> Result<Vec<(AppId, Option<Run>)>> {
        let optional = |found: Vec<AppRun>| found.into_iter().map(|(app, run)| (app, Some(run))).collect();
        let Some(app) = &self.app_id else { return Ok(optional(self.apps(runs).await?)) };
        let all = runs.all().await?;
        let is_first = all.iter().all(|(_, run)| !run.has_had_a_key());
        if is_first && all.iter().all(|(found, _)| found != app) {
            return Ok(vec![(app.clone(), None)]);
        }
        self.found(runs).await.map(optional)
    }

    /// The named app, which may be the first that gets a run, or the only one.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(super) async fn app_to_start(&self, runs: &Runs) -> Result<(AppId, Option<Run>)> {
        only(self.apps_to_start(runs).await?)
    }
}

/// Without apps that never had a key and whose run is over: an app id that was mistyped once. If there are no others,
/// they are all there is to show.
fn counting(all: Vec<AppRun>) -> Vec<AppRun> {
    let (unknown, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, run)| run.is_of_unknown_app());
    if others.is_empty() { unknown } else { others }
}

fn only<R>(found: Vec<(AppId, R)>) -> Result<(AppId, R)> {
    let named = named(&ids(&found));
    <[_; 1]>::try_from(found).map(|[one]| one).map_err(|_| Usage::error(format!("name one of the apps: {named}")))
}

/// The error where there is no run at all.
pub(super) fn no_runs() -> anyhow::Error {
    anyhow!(NO_RUNS)
}

fn unknown(app: &AppId, known: &[AppId]) -> anyhow::Error {
    if known.is_empty() {
        return no_runs();
    }
    anyhow!(
        "app {app} has no run; there are runs of {}. Is its admin key in the secret of KakaoReaderKeys? The reconciler \
         starts its first run within a minute",
        named(known)
    )
}

fn ids<R>(found: &[(AppId, R)]) -> Vec<AppId> {
    found.iter().map(|(app, _)| app.clone()).collect()
}

/// `123456, 234567`.
pub(super) fn named(apps: &[AppId]) -> String {
    apps.iter().map(AppId::as_str).collect::<Vec<_>>().join(", ")
}
