//! The contenders in Rust, as release builds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use end_to_end::binaries::workspace;
use khook::ui::progress::Progress;
use serde_json::Value;
use tokio::process::Command;

use super::{run, source, target};

/// The compiler's version.
pub(super) async fn version() -> Result<String> {
    let version = run(Command::new("rustc").arg("--version"), None).await?;
    Ok(version.trim().to_owned())
}

/// The functions' executables, by name.
pub(super) async fn functions(names: &[&str], build: bool, progress: Progress) -> Result<BTreeMap<String, PathBuf>> {
    executables(workspace(), names, &target(), build, progress).await
}

/// The executable of one of `contenders/`, built alone so that features of other packages do not apply.
pub(super) async fn contender(name: &str, build: bool, progress: Progress) -> Result<PathBuf> {
    let mut built = executables(&source(""), &[name], &target().join("contenders"), build, progress).await?;
    take(&mut built, name)
}

/// One of the executables that were built.
pub(super) fn take(built: &mut BTreeMap<String, PathBuf>, name: &str) -> Result<PathBuf> {
    built.remove(name).with_context(|| format!("cargo built no binary {name}"))
}

async fn executables(
    folder: &Path,
    packages: &[&str],
    target: &Path,
    is_to_be_built: bool,
    progress: Progress,
) -> Result<BTreeMap<String, PathBuf>> {
    if is_to_be_built {
        return build(folder, packages, target, progress).await;
    }
    let built = packages.iter().map(|name| ((*name).to_owned(), target.join("release").join(name)));
    let is_there = |(name, path): (String, PathBuf)| {
        ensure!(path.is_file(), "{} isn't there: run once without --no-build", path.display());
        Ok((name, path))
    };
    built.map(is_there).collect()
}

async fn build(
    folder: &Path,
    packages: &[&str],
    target: &Path,
    progress: Progress,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut step =
        progress.step(format!("Building {} for release (minutes, unless it is there already)", packages.join(", ")));
    // Cargo sets `CARGO` for what it runs.
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).args(["build", "--release", "--message-format", "json-render-diagnostics"]);
    cargo.arg("--target-dir").arg(target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    // These variables are of this package. Build scripts would take them for a change.
    let is_of_this = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_this)) {
        cargo.env_remove(name);
    }
    let messages = run(&mut cargo, Some(&mut step)).await?;
    step.done("built");
    Ok(messages.lines().filter_map(executable).collect())
}

fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = PathBuf::from(message.get("executable")?.as_str()?);
    Some((path.file_stem()?.to_str()?.to_owned(), path))
}
