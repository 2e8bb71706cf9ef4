//! Child processes that never outlive their use: each leads a process group of its own, and the whole
//! group is killed when its owner lets go, for whatever reason.

use std::{
    process::{ExitStatus, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
};

/// A process and all its descendants that stayed in its group.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    pub(super) child: Child,
    id: Option<Pid>,
}

/// A killed process is gone within this time; the kernel takes milliseconds.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(2);

impl ProcessGroup {
    pub(super) fn spawn(command: &mut Command) -> Result<Self> {
        adopt_orphans();
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let child = command
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{program} can't be run. Is it installed and on the PATH?"))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, id })
    }

    /// Whether the process that leads the group still runs.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The leader has ended: its process id may soon be reused.
    fn release(&mut self) {
        self.id = None;
    }

    fn kill(&mut self) {
        let Some(id) = self.id.take() else { return };
        // It fails only where no process is left.
        let _ = kill_process_group(id, Signal::KILL);
        let deadline = Instant::now() + KILL_TIMEOUT;
        let is_late = || Instant::now() > deadline;
        while self.is_alive() && !is_late() {
            std::thread::sleep(PAUSE);
        }
        // The leader's orphans are ours where the system has such a thing, else init's, which may take its
        // time to let go of them.
        while test_kill_process_group(id).is_ok() && !is_late() {
            if !matches!(waitpgid(id, WaitOptions::NOHANG), Ok(Some(_))) {
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Makes orphans of our descendants our children, so that none of them stays behind as a zombie.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where a line was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// What it complained about: the last lines, for an error message.
    #[must_use]
    pub fn complaint(&self) -> String {
        let text = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        tail(text, 40)
    }
}

/// The last lines of a text.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.trim_end().lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// Runs a command to its end and reads each line that it writes. When interrupted, its whole process group is killed.
///
/// # Errors
/// If it can't be run.
pub async fn run(command: &mut Command, hear: impl FnMut(Stream, &str) + Send) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = ProcessGroup::spawn(command)?;
    let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
    let hear = Mutex::new(hear);
    let (stdout, stderr) = tokio::join!(drain(stdout, Stream::Out, &hear), drain(stderr, Stream::Err, &hear));
    let status = group.child.wait().await.context("a process can't be waited for")?;
    group.release();
    Ok(Finished { status, stdout, stderr })
}

async fn drain<H: FnMut(Stream, &str)>(
    pipe: Option<impl AsyncRead + Unpin>,
    stream: Stream,
    hear: &Mutex<H>,
) -> String {
    let mut text = String::new();
    let Some(pipe) = pipe else { return text };
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while pipe.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let heard = String::from_utf8_lossy(&line);
        if let Ok(mut hear) = hear.lock() {
            hear(stream, heard.trim_end());
        }
        text.push_str(&heard);
        line.clear();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_command_is_heard_line_by_line_and_kept_whole() {
        let mut heard = Vec::new();
        let finished =
            run(&mut shell("echo a; echo b >&2; exit 3"), |stream, line| heard.push((stream, line.to_owned())))
                .await
                .unwrap();
        heard.sort_by_key(|(_, line)| line.clone());
        assert_eq!(heard, [(Stream::Out, "a".to_owned()), (Stream::Err, "b".to_owned())]);
        assert_eq!((finished.status.code(), finished.complaint().as_str()), (Some(3), "b"));
    }

    #[tokio::test]
    async fn a_dropped_group_takes_its_descendants_along() {
        let mut group = ProcessGroup::spawn(shell("sleep 77 & wait").stdin(Stdio::null())).unwrap();
        let id = group.id.unwrap();
        assert!(group.is_alive());
        drop(group);
        assert!(test_kill_process_group(id).is_err(), "the group still has a member");
    }
}
