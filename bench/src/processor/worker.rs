//! The processor's process, under the Runtime API and before a table of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{events::Event, table::Table};
use crate::{host::Host, process::busy_of};

/// Longer than any batch takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// As much of a log as a reader of a failure looks at.
const LAST_LINES: usize = 12;

/// A running processor. Its process ends with it.
pub struct Worker {
    /// What it writes to.
    pub table: Table,
    host: Host,
    child: Child,
    log: PathBuf,
}

impl Worker {
    /// Starts one, with the template's own settings. What it logs goes to `log`.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start(program: &Path, log: &Path) -> Result<Self> {
        let (table, host) = (Table::start().await?, Host::start().await?);
        let output = File::create(log).with_context(|| format!("{} can't be written", log.display()))?;
        let child = Command::new(program)
            .env_clear()
            .envs(host.environment())
            .envs([
                ("AWS_REGION", "ap-northeast-2"),
                ("AWS_ACCESS_KEY_ID", "local"),
                ("AWS_SECRET_ACCESS_KEY", "local"),
                ("AWS_ENDPOINT_URL_DYNAMODB", &table.endpoint()),
                ("TABLE_NAME", end_to_end::table::NAME),
                ("WATCH_SILENCE", "true"),
            ])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} can't be run", program.display()))?;
        Ok(Self { table, host, child, log: log.to_owned() })
    }

    /// Hands it a batch. How long it took, from the hand-over to the answer.
    ///
    /// # Errors
    /// If it doesn't apply all of it.
    pub async fn apply(&mut self, batch: &[Event]) -> Result<Duration> {
        let records = batch.iter().map(|event| event.record()).collect::<Result<Vec<_>>>()?;
        self.host.hand_over(&json!({"Records": records}));
        let outcome = tokio::select! {
            outcome = timeout(PATIENCE, self.host.outcome()) => outcome.map_err(|_| anyhow!("it doesn't answer"))?,
            ended = self.child.wait() => Err(anyhow!("it has ended: {}", ended?)),
        };
        let outcome = outcome.with_context(|| format!("processor: {}", self.last_lines()))?;
        let failures = outcome.answer.get("batchItemFailures").and_then(Value::as_array);
        let is_applied = failures.is_some_and(Vec::is_empty);
        ensure!(is_applied, "processor answered {}: {}", outcome.answer, self.last_lines());
        Ok(outcome.answered - outcome.handed_over)
    }

    /// For how long it has been on a processor so far.
    ///
    /// # Errors
    /// If the kernel doesn't say.
    pub fn busy(&self) -> Result<Duration> {
        let id = self.child.id().context("the processor has ended")?;
        busy_of(Path::new(&format!("/proc/{id}")))
    }

    fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        format!("it wrote:\n{last}")
    }
}
