//! The functions' binaries, built by cargo the way that it builds everything else.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

/// Where the workspace is.
#[must_use]
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The executable of one of the workspace's binaries, up to date with its source.
///
/// # Errors
/// If the workspace doesn't build, or has no such binary.
pub fn binary(name: &str) -> Result<&'static Path> {
    static BUILT: OnceLock<Result<BTreeMap<String, PathBuf>, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let executables = built.as_ref().map_err(|error| anyhow!("{error}"))?;
    executables.get(name).map(PathBuf::as_path).with_context(|| format!("the workspace has no binary {name}"))
}

/// Builds all binaries once per process. Other processes that do the same wait for cargo's own lock.
fn build() -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--workspace", "--bins", "--message-format=json"]);
    // There are no examples. Asking for them switches the features of development dependencies on, as
    // `cargo test --workspace` does: every library is there already, and only linking is left to do.
    cargo.arg("--examples");
    // Cargo sets variables for the test's own package. Passed on, they would make build scripts run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::piped()).output().context("cargo can't be run")?;
    ensure!(output.status.success(), "cargo build failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().filter_map(executable).collect())
}

fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = PathBuf::from(message.get("executable")?.as_str()?);
    Some((path.file_stem()?.to_str()?.to_owned(), path))
}
