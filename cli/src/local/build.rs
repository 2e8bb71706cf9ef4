//! The functions' binaries, built by cargo.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;

use super::{
    process::{self, Stream},
    project::Project,
};
use crate::ui::{
    count::counted,
    progress::{Progress, ProgressStep},
};

/// How the functions are built.
#[derive(Clone, Debug)]
pub struct Build {
    /// Cargo's profile.
    pub profile: String,
    /// With the features that `cargo test` unifies (those of dev-dependencies too), so that what it has
    /// compiled already isn't compiled again.
    pub as_cargo_test: bool,
}

impl Build {
    /// As `cargo demo` and `cargo dev` do.
    #[must_use]
    pub fn local() -> Self {
        Self { profile: "local".to_owned(), as_cargo_test: false }
    }

    /// As `cargo test` does.
    #[must_use]
    pub fn for_tests() -> Self {
        Self { profile: "dev".to_owned(), as_cargo_test: true }
    }
}

/// The folder with the built binaries.
pub(super) async fn build(project: &Project, build: &Build, progress: Progress) -> Result<PathBuf> {
    let mut step = progress.step("Building the functions");
    // Cargo names itself to what it runs: the same one, then, that built khook.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(project.root()).args(["build", "--workspace", "--bins"]);
    // What cargo reports to khook of khook's own package would look like a change to ring's build script, and
    // half of the tree would be compiled again.
    let is_of_khook = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_of_khook)) {
        command.env_remove(name);
    }
    if build.as_cargo_test {
        // There are none: asking for them switches on the features that tests switch on, and builds nothing more.
        command.arg("--examples");
    }
    command.args(["--profile", &build.profile, "--message-format", "json-render-diagnostics"]);
    let (mut compiled, mut folder) = (0_u32, None);
    let finished = process::run(&mut command, |stream, line| match stream {
        Stream::Err => note(&mut step, line, compiled),
        Stream::Out => {
            let Ok(message) = serde_json::from_str::<Value>(line) else { return };
            compiled += u32::from(message.get("fresh") == Some(&Value::Bool(false)));
            if let Some(function) = function_of(&message) {
                folder = function.parent().map(Path::to_owned);
            }
        }
    })
    .await?;
    if !finished.status.success() {
        bail!("the functions don't build:\n{}", finished.complaint());
    }
    step.done(&if compiled == 0 {
        "nothing to do".to_owned()
    } else {
        format!("{} compiled", counted(compiled, "unit"))
    });
    folder.context("cargo built no binary called unlink. Is this the whole workspace?")
}

fn note(step: &mut ProgressStep, line: &str, compiled: u32) {
    let line = line.trim();
    if let Some(package) = line.strip_prefix("Compiling ") {
        step.note(&format!("{compiled} compiled, now {}", package.split_whitespace().next().unwrap_or_default()));
    } else if line.starts_with("Blocking") || line.starts_with("Downloading") || line.starts_with("Downloaded") {
        step.note(line);
    }
}

/// One function's executable, whose folder is that of all.
fn function_of(message: &Value) -> Option<PathBuf> {
    let target = message.get("target")?;
    let is_function = target.get("name")? == "unlink" && target.get("kind")?.as_array()?.contains(&"bin".into());
    // Built as a test, it is another file.
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    (is_function && !is_test).then(|| message.get("executable")?.as_str().map(PathBuf::from))?
}
