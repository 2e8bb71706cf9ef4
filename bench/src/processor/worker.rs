//! The processor's process, under the Runtime API and before a table of its own.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;
use tokio::process::Command;

use super::{
    NAME,
    events::{Event, Events},
    table::Table,
};
use crate::{host::Outcome, process::Process};

/// A running processor. Dropping it kills the process.
pub(crate) struct Worker {
    pub(crate) table: Table,
    pub(crate) process: Process,
    pub(crate) events: Events,
}

impl Worker {
    /// Starts one with the template's settings.
    pub(crate) async fn start(program: &Path, log: PathBuf) -> Result<Self> {
        let table = Table::start().await?;
        let variables = [
            ("AWS_REGION", "ap-northeast-2".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
            ("TABLE_NAME", end_to_end::table::NAME.to_owned()),
            ("WATCH_SILENCE", "true".to_owned()),
        ];
        let process = Process::start(NAME, Command::new(program), variables, log).await?;
        Ok(Self { table, process, events: Events::default() })
    }

    /// Sends it a batch. Returns the time until its answer.
    pub(crate) async fn apply(&mut self, batch: &[Event]) -> Result<Duration> {
        let outcome = self.hand_over(batch).await?;
        Ok(outcome.answered - outcome.handed_over)
    }

    /// Sends it a batch. Returns the time until the table has answered the last request of all users but the slow one.
    pub(crate) async fn apply_beside_slow(&mut self, batch: &[Event]) -> Result<Duration> {
        let outcome = self.hand_over(batch).await?;
        let done = self.table.others_done().context("the table was asked nothing")?;
        Ok(done - outcome.handed_over)
    }

    async fn hand_over(&mut self, batch: &[Event]) -> Result<Outcome> {
        let records = batch.iter().map(|event| event.record()).collect::<Result<Vec<_>>>()?;
        let event = json!({"Records": records});
        self.process.invoke(&event, Outcome::is_whole).await
    }

    /// Sends it a new event of each of these users, as [`apply`](Self::apply) does.
    pub(crate) async fn apply_of(&mut self, users: impl Iterator<Item = u64>) -> Result<Duration> {
        let batch = self.events.batch(users);
        self.apply(&batch).await
    }
}
