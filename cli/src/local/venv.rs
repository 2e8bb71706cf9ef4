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
use crate::ui::progress::{Progress, ProgressStep};
use kakao_webhooks::wire::sha256_hex;

/// What runs Python: the one named by `KHOOK_PYTHON`, or the first of these that is new enough.
const PYTHONS: [&str; 5] = ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

/// Prints the version if it is new enough and can make a virtual environment.
const PROBE: &str = "import sys; sys.exit(3) if sys.version_info < (3, 11) else None; import ensurepip, venv";

/// Pinned packages, and the folder below `.local` that they are installed into.
#[derive(Clone, Copy, Debug)]
pub struct Packages {
    /// The folder.
    pub folder: &'static str,
    /// The file that pins them with their hashes, from the project's folder.
    pub requirements: &'static str,
    /// What needs them, in words.
    pub of: &'static str,
}

/// What the local cloud runs on.
pub const CLOUD: Packages =
    Packages { folder: "venv", requirements: "infra/local/requirements.txt", of: "the local cloud" };

/// The interpreter of the virtual environment with these packages, which is made or renewed if need be.
///
/// # Errors
/// If there is no Python, or the packages can't be installed.
pub async fn provision(project: &Project, packages: Packages, progress: Progress) -> Result<PathBuf> {
    let requirements = project.path(packages.requirements);
    let wanted = fs::read(&requirements).with_context(|| format!("{} can't be read", requirements.display()))?;
    let wanted = sha256_hex(&wanted);
    let _lock = project.lock(&format!("{}.lock", packages.folder), progress).await?;
    let venv = project.local(packages.folder);
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
    let system = find_python(packages).await?;
    make(&system, &venv, packages, progress).await?;
    install(&python, &requirements, packages, progress).await?;
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

async fn find_python(packages: Packages) -> Result<PathBuf> {
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
    bail!("{problem}: {} needs Python 3.11 or newer as python3 on the PATH, or named by KHOOK_PYTHON", packages.of);
}

fn lacks_venv(finished: &Finished) -> bool {
    finished.stderr.contains("ensurepip") || finished.stderr.contains("venv")
}

async fn make(system: &Path, venv: &Path, packages: Packages, progress: Progress) -> Result<()> {
    let step = progress.step(format!("Making a Python environment in .local/{}", packages.folder));
    let finished = process::run(python(system).args(["-m", "venv"]).arg(venv), |_, _| {}).await?;
    if !finished.status.success() {
        bail!("{} can't make a virtual environment: {}", system.display(), finished.complaint());
    }
    step.done("");
    Ok(())
}

async fn install(python_of_venv: &Path, requirements: &Path, packages: Packages, progress: Progress) -> Result<()> {
    let mut step = progress.step(format!("Installing the pinned packages of {}", packages.of));
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

fn note(step: &mut ProgressStep, line: &str) {
    if let Some(package) = line.trim().strip_prefix("Collecting ") {
        step.note(package.split_whitespace().next().unwrap_or_default());
    } else if line.starts_with("Installing collected") {
        step.note("unpacking");
    }
}
