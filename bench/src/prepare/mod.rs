//! Builds who takes part. What is built already isn't built again; whoever can't be built here is left out with a
//! remark, unless it is in Rust.

mod cargo;
mod node;
mod python;
mod run;

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use end_to_end::binaries::workspace;

use crate::{
    contender::{Contender, Job, Role},
    processor,
    progress::Progress,
};

/// The acknowledging functions.
const OURS: [(&str, Job); 5] = [
    ("unlink", Job::UNLINK),
    ("account-status", Job::ACCOUNT_STATUS),
    ("talk-share", Job::TALK_SHARE),
    ("talk-channel", Job::TALK_CHANNEL),
    ("skill", Job::SKILL),
];

/// Who takes part, and who doesn't.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Ready to run.
    pub contenders: Vec<Contender>,
    /// The processor's program, if it takes part.
    pub processor: Option<PathBuf>,
    /// In words, with the reason.
    pub left_out: Vec<String>,
    /// What built and runs them.
    pub versions: Vec<String>,
}

/// Where the run keeps what it makes: `.local/bench`.
#[must_use]
pub fn local_folder() -> PathBuf {
    workspace().join(".local/bench")
}

/// A file of a contender's source.
fn source(path: &str) -> PathBuf {
    workspace().join("bench/contenders").join(path)
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), |folder| workspace().join(folder))
}

/// The names of all who can take part.
pub const NAMES: [&str; 11] = [
    "unlink",
    "account-status",
    "talk-share",
    "talk-channel",
    "skill",
    processor::NAME,
    FLOOR,
    MINIMAL,
    node::NAME,
    python::NAME,
    python::CHATBOT,
];
const FLOOR: &str = "floor";
const MINIMAL: &str = "minimal";

/// Who shall take part.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// Only these; all, if it is empty.
    pub only: &'w [String],
    /// Whether those in Rust are built, or taken as they were built last.
    pub build: bool,
    /// Where the archives for arm64 are, if not where cargo puts them.
    pub archives: Option<&'w Path>,
}

impl Wanted<'_> {
    fn has(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

impl Prepared {
    /// Those who are wanted.
    ///
    /// # Errors
    /// If a contender in Rust isn't there or doesn't build.
    pub async fn of(wanted: Wanted<'_>, progress: Progress) -> Result<Self> {
        let mut prepared = Self { versions: vec![cargo::version().await?], ..Self::default() };
        prepared.add_ours(wanted, progress).await?;
        if wanted.has(processor::NAME) {
            prepared.processor =
                cargo::functions(&[processor::NAME], wanted.build, progress).await?.remove(processor::NAME);
        }
        for (name, role, job) in [(FLOOR, Role::Floor, Job::NOTHING), (MINIMAL, Role::Minimal, Job::UNLINK)] {
            if wanted.has(name) {
                let program = cargo::contender(name, wanted.build, progress).await?;
                prepared.contenders.push(Contender::new(name, role, job, program));
            }
        }
        if wanted.has(node::NAME) {
            prepared.add_others(node::contenders(progress).await);
        }
        if wanted.has(python::NAME) || wanted.has(python::CHATBOT) {
            prepared.add_others(python::contenders(progress).await);
        }
        prepared.contenders.retain(|contender| wanted.has(&contender.name));
        Ok(prepared)
    }

    async fn add_ours(&mut self, wanted: Wanted<'_>, progress: Progress) -> Result<()> {
        let ours: Vec<_> = OURS.into_iter().filter(|(name, _)| wanted.has(name)).collect();
        if ours.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = ours.iter().map(|(name, _)| *name).collect();
        let mut built = cargo::functions(&names, wanted.build, progress).await?;
        let archives = wanted.archives.map_or_else(|| target().join("lambda"), Path::to_owned);
        for (name, job) in ours {
            let program = built.remove(name).with_context(|| format!("cargo built no binary {name}"))?;
            let mut contender = Contender::new(name, Role::Ours, job, program);
            contender.zip = archive_size(&archives, name);
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

/// The archive that `cargo lambda build --arm64 --output-format zip` made. One for the other architecture has the
/// same name: it is newer than the binary for this one.
fn archive_size(archives: &Path, name: &str) -> Option<u64> {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let archive = archives.join(name).join("bootstrap.zip");
    let binary = |architecture: &str| archives.with_file_name(architecture).join("release").join(name);
    let ours = changed(&binary("aarch64-unknown-linux-gnu"))?;
    let is_of_another = changed(&binary("x86_64-unknown-linux-gnu")).is_some_and(|other| other > ours);
    let is_current = changed(&archive)? >= ours && !is_of_another;
    is_current.then(|| archive.metadata().ok()).flatten().map(|metadata| metadata.len())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn only_an_archive_for_arm64_counts() {
        let folder = env::temp_dir().join(format!("bench-archives-{}", std::process::id()));
        let make = |path: &str, second: u64| {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "12345").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        let size = || archive_size(&folder.join("lambda"), "unlink");
        make("lambda/unlink/bootstrap.zip", 20);
        assert_eq!(size(), None);
        make("aarch64-unknown-linux-gnu/release/unlink", 19);
        assert_eq!(size(), Some(5));
        make("x86_64-unknown-linux-gnu/release/unlink", 15);
        assert_eq!(size(), Some(5));
        make("x86_64-unknown-linux-gnu/release/unlink", 20);
        assert_eq!(size(), None);
        fs::remove_dir_all(&folder).unwrap();
    }
}
