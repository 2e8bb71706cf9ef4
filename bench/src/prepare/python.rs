//! The contenders in Python: pinned packages in a virtual environment.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::{
    local_folder,
    run::{find, run},
    source,
};
use crate::{
    contender::{Contender, Job, Role},
    progress::{Progress, Step},
};

pub(super) const NAME: &str = "python";
pub(super) const CHATBOT: &str = "fastapi";
/// Prints the version if it is new enough and can make a virtual environment.
const PROBE: &str = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11), 'it is older than 3.11'; \
                     print(sys.version.split()[0])";

/// The contenders and the version that runs them.
pub(super) async fn contenders(progress: Progress) -> Result<(Vec<Contender>, String)> {
    prepare(progress).await.context("Python is left out")
}

async fn prepare(progress: Progress) -> Result<(Vec<Contender>, String)> {
    let system = find("python3")?;
    let mut step = progress.step("Preparing the contenders in Python");
    let version = run(Command::new(&system).args(["-c", PROBE]), &mut step).await?.trim().to_owned();
    let venv = local_folder().join("venv");
    if fs::read(venv.join("requirements.txt")).ok() != fs::read(source("python/requirements.txt")).ok() {
        install(&system, &venv, &mut step).await?;
    }
    step.done(&version);
    let contender = |name: &str, role, job, module: &str| {
        let mut contender = Contender::new(name, role, job, venv.join("bin/python"));
        contender.arguments = vec![source("python/runtime.py").display().to_string(), module.to_owned()];
        // The interpreter is Lambda's, and so is boto3.
        contender.size = None;
        contender
    };
    let contenders = vec![
        contender(NAME, Role::Python, Job::UNLINK, "unlink"),
        contender(CHATBOT, Role::Chatbot, Job::REPLY, "chatbot"),
    ];
    Ok((contenders, format!("Python {version}")))
}

async fn install(system: &Path, venv: &Path, step: &mut Step) -> Result<()> {
    if venv.exists() {
        fs::remove_dir_all(venv).with_context(|| format!("{} can't be removed", venv.display()))?;
    }
    run(Command::new(system).args(["-m", "venv"]).arg(venv), step).await?;
    let requirements = source("python/requirements.txt");
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]);
    pip.args(["--require-hashes", "--requirement"]).arg(&requirements);
    run(&mut pip, step).await?;
    // Written last: whatever was broken off is done again.
    fs::copy(&requirements, venv.join("requirements.txt"))?;
    Ok(())
}
