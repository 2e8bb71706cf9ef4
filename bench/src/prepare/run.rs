//! Other people's programs.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use crate::progress::Step;

/// As much of a complaint as helps.
const LAST_LINES: usize = 20;

/// Runs it to its end and gives what it wrote to its standard output. What it says on the other goes to `step`.
///
/// # Errors
/// If it can't be run, or fails: with what it said.
pub(super) async fn run(command: &mut Command, step: &mut Step) -> Result<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{name} can't be run. Is it installed and on the PATH?"))?;
    let (mut output, errors) = (child.stdout.take().context("no pipe")?, child.stderr.take().context("no pipe")?);
    let mut written = String::new();
    let mut said = vec![];
    let follow = async {
        let mut lines = BufReader::new(errors).lines();
        while let Some(line) = lines.next_line().await? {
            step.note(line.trim());
            said.push(line);
        }
        anyhow::Ok(())
    };
    let (read, followed) = tokio::join!(output.read_to_string(&mut written), follow);
    read?;
    followed?;
    let status = child.wait().await?;
    if !status.success() {
        let last = said.get(said.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n");
        bail!("{name} ended with {status}:\n{last}");
    }
    Ok(written)
}

/// A program on the PATH, as a path: contenders run without a PATH.
pub(super) fn find(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
    candidates.find(|candidate| candidate.is_file()).with_context(|| format!("{name} isn't installed"))
}
