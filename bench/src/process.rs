//! A contender's process under the Runtime API, and what the kernel says of it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::{process::Child, time::timeout};

use end_to_end::Request;

use crate::{
    contender::Contender,
    host::{Host, Outcome},
    stand_in::Transport,
    surroundings::Surroundings,
};

/// Longer than any contender takes for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// As much of a log as a reader of a failure looks at.
const LAST_LINES: usize = 12;

/// For how long all threads of the process whose folder of `/proc` this is were on a processor. The usual clock of a
/// process ticks a hundred times a second: too coarse for a request.
pub(crate) fn busy_of(kernels_folder: &Path) -> Result<Duration> {
    let threads = fs::read_dir(kernels_folder.join("task"))?;
    // A thread may end while it is looked at.
    let busy =
        threads.map(|thread| busy_of_thread(&thread?.path()).or(Ok(Duration::ZERO))).sum::<Result<Duration>>()?;
    ensure!(!busy.is_zero(), "the kernel counts no processor time (CONFIG_SCHED_INFO)");
    Ok(busy)
}

/// The same of one thread.
pub(crate) fn busy_of_thread(kernels_folder: &Path) -> Result<Duration> {
    let text = fs::read_to_string(kernels_folder.join("schedstat"))?;
    Ok(Duration::from_nanos(text.split_whitespace().next().context("schedstat")?.parse()?))
}

/// A running contender. Its process ends with it.
pub struct Process {
    name: String,
    accepted: u16,
    request: Request,
    requests: u64,
    host: Host,
    child: Child,
    started: Instant,
    log: PathBuf,
}

impl Process {
    /// Starts a contender. Its first event waits for it already.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start(contender: &Contender, surroundings: &Surroundings, transport: Transport) -> Result<Self> {
        let host = Host::start().await?;
        let log = surroundings.log(&contender.name);
        let output = File::create(&log).with_context(|| format!("{} can't be written", log.display()))?;
        let mut command = contender.command();
        command
            .env_clear()
            .envs(host.environment())
            .envs(surroundings.environment(contender.role, transport)?)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let request = surroundings.request(contender.job)?;
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("{} can't be run", contender.program.display()))?;
        let (name, accepted) = (contender.name.clone(), contender.job.accepted);
        Ok(Self { name, accepted, request, requests: 0, host, child, started, log })
    }

    /// Sends it a request and waits for the answer.
    ///
    /// # Errors
    /// If it doesn't answer what it must, or not at all.
    pub async fn ask(&mut self) -> Result<Outcome> {
        self.requests += 1;
        let request = self.request.clone().received_now().id(&format!("JKJaXmPL{:08}", self.requests));
        self.host.hand_over(&request.event());
        let outcome = tokio::select! {
            outcome = timeout(PATIENCE, self.host.outcome()) => outcome.map_err(|_| anyhow!("it doesn't answer"))?,
            ended = self.child.wait() => Err(anyhow!("it has ended: {}", ended?)),
        };
        let outcome = outcome.with_context(|| format!("{}: {}", self.name, self.last_lines()))?;
        ensure!(outcome.status == self.accepted, "{} answered {}: {}", self.name, outcome.status, self.last_lines());
        Ok(outcome)
    }

    /// From its start until it asked for its first event.
    ///
    /// # Errors
    /// If it hasn't.
    pub fn time_to_ready(&self) -> Result<Duration> {
        Ok(self.host.ready().context("it never asked for an event")?.duration_since(self.started))
    }

    /// From its start until then.
    #[must_use]
    pub fn time_to(&self, then: Instant) -> Duration {
        then.duration_since(self.started)
    }

    /// For how long it has been on a processor so far.
    ///
    /// # Errors
    /// If the kernel doesn't say.
    pub fn busy(&self) -> Result<Duration> {
        busy_of(&self.kernels_folder()?)
    }

    /// The most memory that it ever had, in bytes.
    ///
    /// # Errors
    /// If the kernel doesn't say.
    pub fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(self.kernels_folder()?.join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }

    fn kernels_folder(&self) -> Result<PathBuf> {
        let Some(id) = self.child.id() else { bail!("{} has ended", self.name) };
        Ok(format!("/proc/{id}").into())
    }

    fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        format!("it wrote:\n{last}")
    }

    /// Ends it and waits until it is gone: the next one must have the processor to itself. For how long it was on one.
    ///
    /// # Errors
    /// If it stays.
    pub async fn end(mut self) -> Result<Duration> {
        let busy = self.busy()?;
        timeout(PATIENCE, self.child.kill()).await.context("it doesn't end")??;
        Ok(busy)
    }
}
