//! The scratch folder of one local cloud. It goes with the cloud; one whose owner was killed hard goes
//! at the next start, and with it whatever still runs from it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use super::{process, project::Project};
use crate::{random, ui::progress::Progress};

/// Locked as long as the folder's owner lives.
const OWNER: &str = "owner.lock";

#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    _owner: File,
}

impl RunFolder {
    pub(super) async fn make(project: &Project) -> Result<Self> {
        // Another process must not take a folder for abandoned that is only just being made.
        let _lock = project.lock("run.lock", Progress::Silent).await?;
        let runs = project.make_local("run")?;
        reap(&runs).await;
        let path = runs.join(random::hex::<8>()?);
        fs::create_dir(&path).with_context(|| format!("{} can't be made", path.display()))?;
        let owner = File::create(path.join(OWNER)).context("the run folder can't be written")?;
        owner.lock().context("the run folder can't be locked")?;
        Ok(Self { path, _owner: owner })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// Something that is only just dying may still write into it.
fn remove(folder: &Path) {
    for _ in 0..20 {
        if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Ends and removes what owners left behind that could not do so themselves.
async fn reap(runs: &Path) {
    let folders = fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_abandoned =
        |folder: &PathBuf| File::open(folder.join(OWNER)).map_or(folder.is_dir(), |owner| owner.try_lock().is_ok());
    for folder in folders.filter(is_abandoned) {
        for process in running_from(&folder).await {
            let _ = kill_process(process, Signal::KILL);
        }
        remove(&folder);
    }
}

/// The processes whose command line has the folder's name, which is random: no other process has it.
async fn running_from(folder: &Path) -> Vec<Pid> {
    let mut ps = Command::new("ps");
    ps.args(["-A", "-ww", "-o", "pid=,command="]);
    let Ok(finished) = process::run(&mut ps, |_, _| {}).await else { return Vec::new() };
    let name = folder.to_string_lossy();
    let lines = finished.stdout.lines().filter(|line| line.contains(name.as_ref()));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok()).filter_map(Pid::from_raw).collect()
}
