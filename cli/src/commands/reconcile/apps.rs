//! Which apps a command works on.

use anyhow::{Context, Result, anyhow};
use kakao_webhooks::wire::AppId;
use runtime::reconcile::Run;

use super::RunTarget;
use crate::{aws::runs::Runs, ui::usage::Usage};

/// Why there may be none.
const NO_RUNS: &str = "no app has a run yet: the reconciler starts the first one within a minute, in a stack whose \
                       KakaoReaderKeys is set";

impl RunTarget {
    /// The named app, or all.
    ///
    /// # Errors
    /// An app that has no run, or none at all.
    pub(super) async fn apps(&self, runs: &Runs) -> Result<Vec<AppId>> {
        let known = runs.apps().await?;
        match &self.app_id {
            Some(app) if known.contains(app) => Ok(vec![app.clone()]),
            Some(app) => Err(unknown(app, &known)),
            None if known.is_empty() => Err(anyhow!(NO_RUNS)),
            None => Ok(known),
        }
    }

    /// The named app, or the only one.
    ///
    /// # Errors
    /// As [`apps`](Self::apps), or if there are several.
    pub(super) async fn app(&self, runs: &Runs) -> Result<AppId> {
        match <[AppId; 1]>::try_from(self.apps(runs).await?) {
            Ok([app]) => Ok(app),
            Err(several) => Err(Usage::error(format!("name one of the apps: {}", named(&several)))),
        }
    }

    /// The same, with its run.
    ///
    /// # Errors
    /// As [`app`](Self::app).
    pub(super) async fn run(&self, runs: &Runs) -> Result<(AppId, Run)> {
        let app = self.app(runs).await?;
        let run = runs.run(&app).await?.with_context(|| format!("app {app} has no run: {NO_RUNS}"))?;
        Ok((app, run))
    }

    /// The named app, though it may be the first of the table, or all.
    ///
    /// # Errors
    /// As [`apps`](Self::apps).
    pub(super) async fn apps_to_start(&self, runs: &Runs) -> Result<Vec<AppId>> {
        match &self.app_id {
            Some(app) if runs.apps().await?.is_empty() => Ok(vec![app.clone()]),
            _ => self.apps(runs).await,
        }
    }
}

fn unknown(app: &AppId, known: &[AppId]) -> anyhow::Error {
    if known.is_empty() {
        return anyhow!("app {app} has no run: {NO_RUNS}");
    }
    anyhow!(
        "app {app} has no run; there are runs of {}. Is its admin key in the secret of KakaoReaderKeys? The reconciler \
         starts its first run within a minute",
        named(known)
    )
}

/// `123456, 234567`.
pub(super) fn named(apps: &[AppId]) -> String {
    apps.iter().map(AppId::as_str).collect::<Vec<_>>().join(", ")
}
