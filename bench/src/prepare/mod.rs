//! Builds the contenders, unless they are up to date. A contender that cannot be built here is left out with a remark,
//! unless it is in Rust.

mod cargo;
mod others;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use end_to_end::binaries::workspace;
use khook::{
    local::{self, Stream},
    ui::progress::{Progress, ProgressStep},
};
use tokio::process::Command;

use crate::{
    contender::{Contender, Job, Role},
    processor,
    workers::{self, Programs},
};

/// The acknowledging functions.
const OUR_FUNCTIONS: [(&str, Job); 5] = [
    ("unlink", Job::UNLINK),
    ("account-status", Job::ACCOUNT_STATUS),
    ("talk-share", Job::TALK_SHARE),
    ("talk-channel", Job::TALK_CHANNEL),
    ("skill", Job::SKILL),
];

/// The contenders that were prepared, and those that were left out.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// Ready to run.
    pub(crate) contenders: Vec<Contender>,
    /// The processor's program, if it takes part.
    pub(crate) processor: Option<PathBuf>,
    /// The programs of publisher, deliverer, answerer and reconciler, if they take part.
    pub(crate) workers: Option<Programs>,
    /// The contenders left out, each with the reason.
    pub(crate) left_out: Vec<String>,
    /// The versions of the compilers and interpreters.
    pub(crate) versions: Vec<String>,
}

/// The folder of the run's own files: `.local/bench`.
pub(crate) fn local_folder() -> PathBuf {
    workspace().join(".local/bench")
}

/// Runs a command and returns its standard output. Its standard error goes to `step`.
async fn run(command: &mut Command, mut step: Option<&mut ProgressStep>) -> Result<String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let note = |stream, line: &str| {
        if let (Stream::Err, Some(step)) = (stream, step.as_mut()) {
            step.note(line.trim());
        }
    };
    let finished = local::run(command, note).await?;
    ensure!(finished.status.success(), "{program} ended with {}:\n{}", finished.status, finished.complaint());
    Ok(finished.stdout)
}

/// A file of a contender's source.
fn source(path: &str) -> PathBuf {
    workspace().join("bench/contenders").join(path)
}

/// Cargo's target folder.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |folder| workspace().join(folder))
}

/// The names of all contenders.
pub(crate) const NAMES: [&str; 12] = [
    "unlink",
    "account-status",
    "talk-share",
    "talk-channel",
    "skill",
    processor::NAME,
    workers::NAME,
    FLOOR,
    MINIMAL,
    others::NODE,
    others::PYTHON,
    others::CHATBOT,
];
const FLOOR: &str = "floor";
const MINIMAL: &str = "minimal";

/// The contenders to prepare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'w> {
    /// Only these, or all if empty.
    pub(crate) only: &'w [String],
    /// Whether to build those in Rust, or to take the last build.
    pub(crate) build: bool,
    /// The folder of the archives for arm64, if not cargo's default.
    pub(crate) archives: Option<&'w Path>,
}

impl Wanted<'_> {
    fn has(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

impl Prepared {
    /// Prepares the wanted contenders.
    pub(crate) async fn of(wanted: Wanted<'_>, progress: Progress) -> Result<Self> {
        let mut prepared = Self { versions: vec![cargo::version().await?], ..Self::default() };
        prepared.add_ours(wanted, progress).await?;
        if wanted.has(processor::NAME) {
            let mut built = cargo::functions(&[processor::NAME], wanted.build, progress).await?;
            prepared.processor = Some(cargo::take(&mut built, processor::NAME)?);
        }
        if wanted.has(workers::NAME) {
            prepared.workers = Some(workers(wanted.build, progress).await?);
        }
        for (name, role, job) in [(FLOOR, Role::Floor, Job::NOTHING), (MINIMAL, Role::Minimal, Job::UNLINK)] {
            if wanted.has(name) {
                let program = cargo::contender(name, wanted.build, progress).await?;
                prepared.contenders.push(Contender::new(name, role, job, program));
            }
        }
        if wanted.has(others::NODE) {
            prepared.add_others(others::node(progress).await.context("Node is left out"));
        }
        if wanted.has(others::PYTHON) || wanted.has(others::CHATBOT) {
            prepared.add_others(others::python(progress).await.context("Python is left out"));
        }
        prepared.contenders.retain(|contender| wanted.has(&contender.name));
        Ok(prepared)
    }

    async fn add_ours(&mut self, wanted: Wanted<'_>, progress: Progress) -> Result<()> {
        let ours: Vec<_> = OUR_FUNCTIONS.into_iter().filter(|(name, _)| wanted.has(name)).collect();
        if ours.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = ours.iter().map(|(name, _)| *name).collect();
        let mut built = cargo::functions(&names, wanted.build, progress).await?;
        let archives = wanted.archives.map_or_else(|| target().join("lambda"), Path::to_owned);
        for (name, job) in ours {
            let program = cargo::take(&mut built, name)?;
            let mut contender = Contender::new(name, Role::Ours, job, program);
            contender.zip = archive_size(&archives, name, &manifests(name));
            self.contenders.push(contender);
        }
        Ok(())
    }

    fn add_others(&mut self, others: Result<(Vec<Contender>, String)>) {
        match others {
            Ok((contenders, version)) => {
                self.contenders.extend(contenders);
                self.versions.push(version);
            }
            Err(error) => self.left_out.push(format!("{error:#}")),
        }
    }
}

async fn workers(build: bool, progress: Progress) -> Result<Programs> {
    let names = ["publisher", "deliverer", "answerer", "reconciler"];
    let mut built = cargo::functions(&names, build, progress).await?;
    let mut of = |name: &str| cargo::take(&mut built, name);
    let [publisher, deliverer, answerer, reconciler] = names.map(&mut of);
    let bare = cargo::contender("post", build, progress).await?;
    Ok(Programs { publisher: publisher?, deliverer: deliverer?, answerer: answerer?, reconciler: reconciler?, bare })
}

/// What decides of a function's archive beside its sources.
fn manifests(name: &str) -> Vec<PathBuf> {
    let of = |folder: &str| format!("{folder}/Cargo.toml");
    let all = [of(&format!("functions/{name}")), of("functions/runtime"), of("shared"), of(".")];
    let others = ["Cargo.lock", ".cargo/config.toml"].map(str::to_owned);
    all.into_iter().chain(others).map(|path| workspace().join(path)).collect()
}

/// The size of the archive that `cargo lambda build --arm64 --output-format zip` made, if that was after the last change of
/// the sources and of these manifests. One for the other architecture has the same name: it is newer than the binary for
/// this one.
fn archive_size(archives: &Path, name: &str, manifests: &[PathBuf]) -> Option<u64> {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let archive = archives.join(name).join("bootstrap.zip");
    let binary = |architecture: &str| archives.with_file_name(architecture).join("release").join(name);
    let program = binary("aarch64-unknown-linux-gnu");
    let (built, archived) = (changed(&program)?, changed(&archive)?);
    let is_unchanged_since = |path: &Path, moment| changed(path).is_some_and(|changed| changed <= moment);
    let sources = sources(&fs::read_to_string(program.with_extension("d")).ok()?);
    let is_of_another = changed(&binary("x86_64-unknown-linux-gnu")).is_some_and(|other| other > built);
    let is_current = archived >= built
        && !is_of_another
        && sources.iter().all(|source| is_unchanged_since(source, built))
        && manifests.iter().all(|manifest| is_unchanged_since(manifest, archived));
    is_current.then(|| archive.metadata().ok()).flatten().map(|metadata| metadata.len())
}

/// The sources that Cargo lists for a program: `program: source source`, with a backslash before a blank of a path.
fn sources(list: &str) -> Vec<PathBuf> {
    const BLANK: &str = "\0";
    let (_, sources) = list.split_once(": ").unwrap_or_default();
    let sources = sources.replace("\\ ", BLANK);
    sources.split_whitespace().map(|source| source.replace(BLANK, " ").into()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn what_decides_of_an_archive_is_there() {
        for path in OUR_FUNCTIONS.into_iter().flat_map(|(name, _)| manifests(name)) {
            assert!(path.is_file(), "{}", path.display());
        }
    }

    #[test]
    fn only_an_archive_for_arm64_counts() {
        let folder = env::temp_dir().join(format!("bench archives {}", std::process::id()));
        let make = |path: &str, second: u64| {
            let source = folder.join("source.rs");
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "12345").unwrap();
            let list = format!("{}: {}", path.display(), source.display()).replace(' ', "\\ ").replace(":\\ ", ": ");
            fs::write(path.with_extension("d"), list + "\n").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        let size = || archive_size(&folder.join("lambda"), "unlink", &[folder.join("Cargo.lock")]);
        make("Cargo.lock", 20);
        make("lambda/unlink/bootstrap.zip", 20);
        assert_eq!(size(), None);
        make("aarch64-unknown-linux-gnu/release/unlink", 19);
        assert_eq!(size(), None);
        make("source.rs", 18);
        assert_eq!(size(), Some(5));
        make("source.rs", 20);
        assert_eq!(size(), None);
        make("source.rs", 18);
        make("Cargo.lock", 21);
        assert_eq!(size(), None);
        make("Cargo.lock", 20);
        make("x86_64-unknown-linux-gnu/release/unlink", 15);
        assert_eq!(size(), Some(5));
        make("x86_64-unknown-linux-gnu/release/unlink", 20);
        assert_eq!(size(), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
