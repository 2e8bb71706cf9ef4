use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::ui::progress::Progress;

/// The project's folder, and what `khook` keeps in it.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The project that the current folder is in, or else the one that `khook` was built from.
    ///
    /// # Errors
    /// If neither is there (any more).
    pub fn find() -> Result<Self> {
        // A release runs elsewhere, and names no folder of the machine that built it.
        let is_release = option_env!("KHOOK_BUILD").is_some();
        let built_from = if is_release { None } else { Path::new(env!("CARGO_MANIFEST_DIR")).parent() };
        let here = std::env::current_dir().ok();
        let above = here.iter().flat_map(|here| here.ancestors());
        above
            .chain(built_from)
            .find(|folder| folder.join("template.yaml").is_file() && folder.join("infra/local/deploy.py").is_file())
            .map(|root| Self { root: root.to_owned() })
            .context("this is not the project's folder. Change to a clone of it (where template.yaml is)")
    }

    /// The folder with `template.yaml`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the project.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file or folder below `.local`, which git ignores.
    #[must_use]
    pub fn local(&self, relative: &str) -> PathBuf {
        self.root.join(".local").join(relative)
    }

    /// Makes sure that a folder below `.local` is there.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn make_local(&self, relative: &str) -> Result<PathBuf> {
        let folder = self.local(relative);
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} can't be made. Is the project's folder writable?", folder.display()))?;
        Ok(folder)
    }

    /// Holds a lock among all processes until the file is dropped.
    pub(super) async fn lock(&self, name: &str, progress: Progress) -> Result<File> {
        let path = self.make_local("")?.join(name);
        let file = File::create(&path).with_context(|| format!("{} can't be written", path.display()))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => bail!("{} can't be locked: {error}", path.display()),
        }
        let step = progress.step("Waiting for another khook to be ready");
        let file = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await??;
        step.done("");
        Ok(file)
    }
}
