//! The processor's process, under the Runtime API and before a table of its own.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{NAME, events::Event, table::Table};
use crate::process::Process;

/// A running processor. Dropping it kills the process.
pub struct Worker {
    /// Its table.
    pub table: Table,
    /// Its process.
    pub process: Process,
}

impl Worker {
    /// Starts one with the template's settings.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(program: &Path, log: PathBuf) -> Result<Self> {
        let table = Table::start().await?;
        let variables = [
            ("AWS_REGION", "ap-northeast-2".to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
            ("TABLE_NAME", end_to_end::table::NAME.to_owned()),
            ("WATCH_SILENCE", "true".to_owned()),
        ];
        Ok(Self { process: Process::start(NAME, Command::new(program), variables, log).await?, table })
    }

    /// Hands it a batch. Returns the time from the hand-over to the answer.
    ///
    /// # Errors
    /// If it does not apply all of it.
    pub async fn apply(&mut self, batch: &[Event]) -> Result<Duration> {
        let records = batch.iter().map(|event| event.record()).collect::<Result<Vec<_>>>()?;
        let failures = |answer: &Value| answer.get("batchItemFailures").and_then(Value::as_array).map(Vec::len);
        let event = json!({"Records": records});
        let outcome = self.process.invoke(&event, |outcome| failures(&outcome.answer) == Some(0)).await?;
        Ok(outcome.answered - outcome.handed_over)
    }
}
