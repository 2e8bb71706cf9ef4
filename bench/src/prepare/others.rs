//! The contenders in other languages. Their packages are pinned.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, ensure};
use khook::{
    local::{Packages, Project, provision},
    ui::progress::{Progress, ProgressStep},
};
use tokio::process::Command;

use super::{local_folder, run, source};
use crate::contender::{Contender, Job, Role};

pub(super) const NODE: &str = "node";
pub(super) const PYTHON: &str = "python";
pub(super) const CHATBOT: &str = "fastapi";

/// The oldest major version of Node that Lambda still offers.
const OLDEST_NODE: u32 = 20;
/// Some of the SDK's packages load Node's own modules with `require`.
const BANNER: &str =
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const PACKAGES: Packages = Packages {
    folder: "bench/venv",
    requirements: "bench/contenders/python/requirements.txt",
    of: "the contenders in Python",
};

/// The contenders in Python and the version that runs them.
pub(super) async fn python(progress: Progress) -> Result<(Vec<Contender>, String)> {
    fs::create_dir_all(local_folder())?;
    let python = provision(&Project::find()?, PACKAGES, progress).await?;
    let version = run(Command::new(&python).arg("--version"), None).await?;
    let contender = |name: &str, role, job, module: &str| Contender {
        arguments: vec![source("python/runtime.py").display().to_string(), module.to_owned()],
        // The interpreter and boto3 are part of Lambda's image.
        size: None,
        ..Contender::new(name, role, job, python.clone())
    };
    let contenders = vec![
        contender(PYTHON, Role::Python, Job::UNLINK, "unlink"),
        contender(CHATBOT, Role::Chatbot, Job::REPLY, "chatbot"),
    ];
    Ok((contenders, version.trim().to_owned()))
}

/// The contender in Node, bundled with the SDK into one file, and the version that runs it.
pub(super) async fn node(progress: Progress) -> Result<(Vec<Contender>, String)> {
    let node = find("node")?;
    let mut step = progress.step("Preparing the contender in Node");
    let version = run(Command::new(&node).arg("--version"), Some(&mut step)).await?;
    let version = version.trim().trim_start_matches('v');
    let major = version.split('.').next().and_then(|major| major.parse().ok());
    ensure!(major >= Some(OLDEST_NODE), "{version} is older than {OLDEST_NODE}");
    let folder = local_folder().join("node");
    fs::create_dir_all(&folder)?;
    let lock = |path: PathBuf| fs::read(path).ok();
    let is_installed = lock(folder.join("installed-lock.json")) == lock(source("node/package-lock.json"));
    for file in ["package.json", "package-lock.json", "runtime.mjs", "unlink.mjs"] {
        fs::copy(source("node").join(file), folder.join(file)).with_context(|| file.to_owned())?;
    }
    if !is_installed {
        install(folder.clone(), &mut step).await?;
    }
    let bundle = folder.join("bundle.mjs");
    let mut esbuild = Command::new(&node);
    esbuild.current_dir(&folder).args(["node_modules/esbuild/bin/esbuild", "runtime.mjs", BANNER]);
    esbuild.args(["--bundle", "--minify", "--platform=node", "--format=esm", "--target=node20", "--log-level=error"]);
    esbuild.arg(format!("--outfile={}", bundle.display()));
    run(&mut esbuild, Some(&mut step)).await?;
    step.done(version);
    let contender = Contender {
        size: bundle.metadata().ok().map(|metadata| metadata.len()),
        arguments: vec![bundle.display().to_string()],
        ..Contender::new(NODE, Role::Node, Job::UNLINK, node)
    };
    Ok((vec![contender], format!("Node {version}")))
}

async fn install(folder: PathBuf, step: &mut ProgressStep) -> Result<()> {
    let mut npm = Command::new(find("npm")?);
    // esbuild's script only checks that the binary of its own package runs.
    npm.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(&mut npm, Some(step)).await?;
    // Written last, so that an interrupted installation is repeated.
    fs::copy(folder.join("package-lock.json"), folder.join("installed-lock.json"))?;
    Ok(())
}

/// The path of a program on the PATH: contenders run without a PATH.
fn find(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::env::split_paths(&path).map(|folder| folder.join(name));
    candidates.find(|candidate| candidate.is_file()).with_context(|| format!("{name} isn't installed"))
}
