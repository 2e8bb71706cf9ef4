//! The contender in Node: the pinned SDK, bundled with the handler into one file.

use std::fs;

use anyhow::{Context, Result, ensure};
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

pub(super) const NAME: &str = "node";
/// The oldest major version that Lambda still offers.
const OLDEST: u32 = 20;
/// Some of the SDK's packages ask for Node's own modules the old way.
const BANNER: &str =
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/// The contender and the version that runs it.
pub(super) async fn contenders(progress: Progress) -> Result<(Vec<Contender>, String)> {
    prepare(progress).await.context("Node is left out")
}

async fn prepare(progress: Progress) -> Result<(Vec<Contender>, String)> {
    let node = find("node")?;
    let mut step = progress.step("Preparing the contender in Node");
    let version = run(Command::new(&node).arg("--version"), &mut step).await?.trim().to_owned();
    let major: Option<u32> = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    ensure!(major >= Some(OLDEST), "{version} is older than {OLDEST}");
    let folder = local_folder().join("node");
    fs::create_dir_all(&folder)?;
    let is_installed =
        fs::read(folder.join("installed-lock.json")).ok() == fs::read(source("node/package-lock.json")).ok();
    for file in ["package.json", "package-lock.json", "runtime.mjs", "unlink.mjs"] {
        fs::copy(source("node").join(file), folder.join(file)).with_context(|| file.to_owned())?;
    }
    if !is_installed {
        install(&folder, &mut step).await?;
    }
    let bundle = folder.join("bundle.mjs");
    let mut esbuild = Command::new(&node);
    esbuild.current_dir(&folder).args(["node_modules/esbuild/bin/esbuild", "runtime.mjs", BANNER]);
    esbuild.args(["--bundle", "--minify", "--platform=node", "--format=esm", "--target=node20", "--log-level=error"]);
    esbuild.arg(format!("--outfile={}", bundle.display()));
    run(&mut esbuild, &mut step).await?;
    step.done(&version);
    let mut contender = Contender::new(NAME, Role::Node, Job::UNLINK, node);
    contender.size = bundle.metadata().ok().map(|metadata| metadata.len());
    contender.arguments = vec![bundle.display().to_string()];
    Ok((vec![contender], format!("Node {}", version.trim_start_matches('v'))))
}

async fn install(folder: &std::path::Path, step: &mut Step) -> Result<()> {
    let mut npm = Command::new(find("npm")?);
    // esbuild's script only checks that the binary of its own package runs.
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    run(&mut npm, step).await?;
    // Written last: whatever was broken off is done again.
    fs::copy(folder.join("package-lock.json"), folder.join("installed-lock.json"))?;
    Ok(())
}
