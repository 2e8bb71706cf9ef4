//! A file of rules that `khook dev` keeps in its table.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Result, bail};

use super::file::{Checked, text_of};
use crate::{aws::rules::RuleTable, ui::output};

/// The file, and what was seen of it last.
#[derive(Debug)]
pub struct WatchedRules {
    path: PathBuf,
    /// When it was written, and how long it was.
    written: Option<(SystemTime, u64)>,
    text: String,
}

impl WatchedRules {
    /// Opens a file that is in order.
    ///
    /// # Errors
    /// If it can't be read, or has mistakes: they are printed.
    pub fn open(path: PathBuf) -> Result<Self> {
        let written = written(&path);
        let checked = Checked::of(text_of(&path)?);
        report(&checked, &path);
        if checked.rules.is_err() {
            bail!("nothing was started: correct {} first", path.display());
        }
        Ok(Self { path, written, text: checked.text })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores the rules that were seen last.
    ///
    /// # Errors
    /// If the table can't be used.
    pub async fn put(&self, table: &RuleTable) -> Result<()> {
        let before = table.stored().await?;
        if !table.put(&self.text, runtime::clock::now(), before.as_ref()).await? {
            bail!("the rules were changed by another command at the same time: save {} again", self.path.display());
        }
        Ok(())
    }

    /// Stores the rules again if the file was changed. One with mistakes is reported, and the stored rules stay.
    pub async fn look(&mut self, table: &RuleTable) {
        let Some(checked) = self.changed() else { return };
        report(&checked, &self.path);
        if checked.rules.is_err() {
            return output::warn("the rules of before stay in use");
        }
        match self.put(table).await {
            Ok(()) => output::say("The rules are stored. The chatbot uses them within 30 seconds"),
            Err(error) => output::warn(&format!("{error:#}")),
        }
    }

    /// What stands in the file, if that is new. A file that is being replaced may be away for a moment.
    fn changed(&mut self) -> Option<Checked> {
        let written = written(&self.path)?;
        if self.written.replace(written) == Some(written) {
            return None;
        }
        let text = text_of(&self.path).inspect_err(|error| output::warn(&format!("{error:#}"))).ok()?;
        if text == self.text {
            return None;
        }
        self.text.clone_from(&text);
        Some(Checked::of(text))
    }
}

fn written(path: &Path) -> Option<(SystemTime, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

fn report(checked: &Checked, path: &Path) {
    for line in checked.report(path, output::columns()) {
        output::say(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"version": 1, "rules": [{"reply": "a"}]}"#;

    /// A file of its own.
    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("khook-watch-{name}-{}.json", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_file_with_mistakes_starts_nothing() {
        for (name, text) in [("wrong", r#"{"version": 1, "rules": [{}]}"#), ("no-json", "{")] {
            let path = file(name, text);
            let error = WatchedRules::open(path.clone()).unwrap_err().to_string();
            assert!(error.starts_with("nothing was started"), "{error}");
            fs::remove_file(path).unwrap();
        }
        assert!(WatchedRules::open(PathBuf::from("no/such/file.json")).is_err());
    }

    #[test]
    fn a_change_is_seen_once_and_a_file_that_is_away_for_a_moment_is_none() {
        let path = file("change", GOOD);
        let mut rules = WatchedRules::open(path.clone()).unwrap();
        assert!(rules.changed().is_none());
        fs::write(&path, "{\"version\": 1}").unwrap();
        assert!(rules.changed().is_some_and(|checked| checked.rules.is_err()));
        assert!(rules.changed().is_none());
        fs::remove_file(&path).unwrap();
        assert!(rules.changed().is_none());
        fs::write(&path, GOOD).unwrap();
        assert!(rules.changed().is_some_and(|checked| checked.rules.is_ok()));
        fs::remove_file(path).unwrap();
    }
}
