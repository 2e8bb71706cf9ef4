//! The pinned Python packages, in a virtual environment of the project's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::{
    process::{self, Finished},
    project::Project,
};
use crate::progress::{Progress, Step};
use kakao_webhooks::auth::Digest;

/// What runs Python: the one named by `KHOOK_PYTHON`, or the first of these that is new enough.
const PYTHONS: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// Prints the version if it is new enough and can make a virtual environment.
const PROBE: &str = "import sys; sys.exit(3) if sys.version_info < (3, 11) else None; import ensurepip, venv";

/// The interpreter of the virtual environment, which is made or renewed if need be.
pub(super) async fn provision(project: &Project, progress: Progress) -> Result<PathBuf> {
    let requirements = project.path("infra/local/requirements.txt");
    let wanted = fs::read(&requirements).with_context(|| format!("{} can't be read", requirements.display()))?;
    let wanted = Digest::of(&wanted).to_string();
    let _lock = project.lock("venv.lock", progress).await?;
    let venv = project.local("venv");
    let (python, stamp) = (venv.join("bin/python"), venv.join("khook-stamp"));
    if let Ok(version) = version_of(&python).await
        && fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == format!("{wanted} {version}"))
    {
        return Ok(python);
    }
    // Whatever is there is half-made or of another time: the stamp is written last.
    if venv.exists() {
        fs::remove_dir_all(&venv).with_context(|| format!("{} can't be removed", venv.display()))?;
    }
    let system = find_python().await?;
    make(&system, &venv, progress).await?;
    install(&python, &requirements, progress).await?;
    let version = version_of(&python).await?;
    fs::write(&stamp, format!("{wanted} {version}"))
        .with_context(|| format!("{} can't be written", stamp.display()))?;
    Ok(python)
}

/// A Python that the shell's own settings can't mislead.
pub(super) fn python(interpreter: &Path) -> Command {
    let mut command = Command::new(interpreter);
    command.arg("-I");
    command
}

async fn version_of(interpreter: &Path) -> Result<String> {
    let finished = process::run(python(interpreter).args(["-c", "import sys; print(sys.version)"]), |_, _| {}).await?;
    if !finished.status.success() {
        bail!("{} doesn't run: {}", interpreter.display(), finished.complaint());
    }
    Ok(finished.stdout.split_whitespace().collect::<Vec<_>>().join(" "))
}

async fn find_python() -> Result<PathBuf> {
    let named = std::env::var("KHOOK_PYTHON").ok();
    let candidates = named.as_deref().map_or_else(|| PYTHONS.to_vec(), |named| vec![named]);
    let mut too_old = false;
    let mut without_venv = None;
    for candidate in candidates {
        let Ok(finished) = process::run(python(Path::new(candidate)).args(["-c", PROBE]), |_, _| {}).await else {
            continue;
        };
        match finished.status.code() {
            Some(0) => return Ok(candidate.into()),
            Some(3) => too_old = true,
            _ => without_venv = without_venv.or_else(|| lacks_venv(&finished).then_some(candidate)),
        }
    }
    if let Some(python) = without_venv {
        bail!(
            "{python} lacks its venv module. On Debian and Ubuntu: `sudo apt-get install python3-venv`; \
             elsewhere install a complete Python 3.11 or newer"
        );
    }
    let problem = if too_old { "Python is too old" } else { "there is no Python" };
    bail!("{problem}: the local cloud needs Python 3.11 or newer as python3 on the PATH, or named by KHOOK_PYTHON");
}

fn lacks_venv(finished: &Finished) -> bool {
    finished.stderr.contains("ensurepip") || finished.stderr.contains("venv")
}

async fn make(system: &Path, venv: &Path, progress: Progress) -> Result<()> {
    let step = progress.step("Making a Python environment in .local/venv");
    let finished = process::run(python(system).args(["-m", "venv"]).arg(venv), |_, _| {}).await?;
    if !finished.status.success() {
        bail!("{} can't make a virtual environment: {}", system.display(), finished.complaint());
    }
    step.done("");
    Ok(())
}

async fn install(python_of_venv: &Path, requirements: &Path, progress: Progress) -> Result<()> {
    let mut step = progress.step("Installing the local cloud's pinned packages");
    let mut command = python(python_of_venv);
    command.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]);
    command.arg("--require-hashes").arg("--requirement").arg(requirements);
    let finished = process::run(&mut command, |_, line| note(&mut step, line)).await?;
    if !finished.status.success() {
        bail!(
            "pip can't install {}: {}\nIs there a way to the package index (a proxy or mirror goes into pip's own settings)?",
            requirements.display(),
            finished.complaint()
        );
    }
    step.done("");
    Ok(())
}

fn note(step: &mut Step, line: &str) {
    if let Some(package) = line.trim().strip_prefix("Collecting ") {
        step.note(package.split_whitespace().next().unwrap_or_default());
    } else if line.starts_with("Installing collected") {
        step.note("unpacking");
    }
}
