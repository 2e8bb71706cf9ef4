//! A process under the Runtime API, and what the kernel reports about it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::host::{Host, Outcome};

/// Longer than any process takes for one event.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The lines of a log that an error quotes.
const LAST_LINES: usize = 12;

/// The processor time of one thread, given its folder below `/proc`. The clock of a process ticks a hundred times a
/// second, which is too coarse for a request.
pub(crate) fn cpu_time_of_thread(folder: &Path) -> Result<Duration> {
    let text = fs::read_to_string(folder.join("schedstat"))?;
    Ok(Duration::from_nanos(text.split_whitespace().next().context("schedstat")?.parse()?))
}

/// A running process. Dropping it kills the process.
pub(crate) struct Process {
    name: String,
    host: Host,
    child: Child,
    started: Instant,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with Lambda's variables and these, and no others. Its output goes to `log`.
    pub(crate) async fn start(
        name: &str,
        mut command: Command,
        variables: impl IntoIterator<Item = (&'static str, String)>,
        log: PathBuf,
    ) -> Result<Self> {
        let host = Host::start().await?;
        let output = File::create(&log).with_context(|| format!("{} can't be written", log.display()))?;
        command.env_clear().envs(host.environment()).envs(variables);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("{name} can't be run"))?;
        Ok(Self { name: name.to_owned(), host, child, started, log })
    }

    /// Sends it an event and waits for the answer, which must be acceptable.
    pub(crate) async fn invoke(
        &mut self,
        event: &Value,
        is_accepted: impl FnOnce(&Outcome) -> bool,
    ) -> Result<Outcome> {
        self.host.hand_over(event);
        let outcome = tokio::select! {
            outcome = timeout(TIMEOUT, self.host.outcome()) => outcome.map_err(|_| anyhow!("it doesn't answer"))?,
            ended = self.child.wait() => Err(anyhow!("it has ended: {}", ended?)),
        };
        let outcome = outcome.with_context(|| format!("{}: {}", self.name, self.last_lines()))?;
        ensure!(
            is_accepted(&outcome),
            "{} answered {} {}: {}",
            self.name,
            outcome.status,
            outcome.answer,
            self.last_lines()
        );
        Ok(outcome)
    }

    /// From the start until it asked for its first event.
    pub(crate) fn time_to_ready(&self) -> Result<Duration> {
        Ok(self.time_to(self.host.ready().context("it never asked for an event")?))
    }

    /// From the start until then.
    pub(crate) fn time_to(&self, then: Instant) -> Duration {
        then.duration_since(self.started)
    }

    /// Waits until it waits for an event: what it does after an answer is done, too.
    pub(crate) async fn idle(&self) -> Result<()> {
        timeout(TIMEOUT, self.host.idle()).await.with_context(|| format!("{} asks for no event", self.name))?
    }

    /// The processor time of all its threads so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let threads = fs::read_dir(self.proc_folder()?.join("task"))?;
        // A thread may end while it is read.
        let time = threads.map(|thread| cpu_time_of_thread(&thread?.path()).or(Ok(Duration::ZERO)));
        let time = time.sum::<Result<Duration>>()?;
        // One that was just started may not have run yet.
        ensure!(
            !time.is_zero() || self.host.ready().is_none(),
            "the kernel counts no processor time (CONFIG_SCHED_INFO)"
        );
        Ok(time)
    }

    /// The most memory that it ever had resident, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(self.proc_folder()?.join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }

    fn proc_folder(&self) -> Result<PathBuf> {
        let Some(id) = self.child.id() else { bail!("{} has ended", self.name) };
        Ok(format!("/proc/{id}").into())
    }

    fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        format!("it wrote:\n{last}")
    }

    /// Ends it and waits until it is gone, so that it takes no time of the next one's. Returns its processor time.
    pub(crate) async fn end(mut self) -> Result<Duration> {
        let time = self.cpu_time()?;
        timeout(TIMEOUT, self.child.kill()).await.context("it doesn't end")??;
        Ok(time)
    }
}
