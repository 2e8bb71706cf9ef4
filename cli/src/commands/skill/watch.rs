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
    /// So many looks in a row found no file.
    missed: u32,
}

/// What a look at the file found.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// It has been away for a while.
    Away,
    /// It was written again, with this text.
    Written {
        text: String,
        is_new: bool,
    },
}

/// An editor that replaces a file takes it away for a moment only: so many looks.
const MISSED: u32 = 8;

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
        Ok(Self { path, written, text: checked.text, missed: 0 })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores the rules that were seen last; `false` if they are stored already.
    ///
    /// # Errors
    /// If the table can't be used.
    pub async fn put(&self, table: &RuleTable) -> Result<bool> {
        let before = table.stored().await?;
        if before.as_ref().is_some_and(|before| before.document == self.text) {
            return Ok(false);
        }
        if !table.put(&self.text, runtime::clock::now(), before.as_ref()).await? {
            bail!("the rules were changed by another command at the same time: save {} again", self.path.display());
        }
        Ok(true)
    }

    /// Stores the rules again if the file was written, also by a command that changed nothing in it: the stored rules
    /// may be others. One with mistakes is reported, and the stored rules stay.
    pub async fn look(&mut self, table: &RuleTable) {
        let (text, is_new) = match self.seen() {
            Seen::Nothing => return,
            Seen::Away => {
                let path = self.path.display();
                return output::warn(&format!("{path} is gone: the stored rules stay in use until it is there again"));
            }
            Seen::Written { text, is_new } => (text, is_new),
        };
        let checked = Checked::of(text);
        if is_new {
            report(&checked, &self.path);
        }
        if checked.rules.is_err() {
            return output::warn("the stored rules stay in use: nothing of this file is stored");
        }
        match self.put(table).await {
            Ok(true) => output::say("The rules are stored. The chatbot uses them within 30 seconds"),
            Ok(false) => output::say("No change: these rules are stored already"),
            Err(error) => output::warn(&format!("{error:#}")),
        }
    }

    fn seen(&mut self) -> Seen {
        let Some(written) = written(&self.path) else {
            self.missed = self.missed.saturating_add(1);
            if self.missed == MISSED {
                // Moved back, it is as it was before; the stored rules may not be.
                self.written = None;
                return Seen::Away;
            }
            return Seen::Nothing;
        };
        self.missed = 0;
        if self.written.replace(written) == Some(written) {
            return Seen::Nothing;
        }
        match text_of(&self.path) {
            Ok(text) => {
                let is_new = text != self.text;
                self.text.clone_from(&text);
                Seen::Written { text, is_new }
            }
            Err(error) => {
                output::warn(&format!("{error:#}"));
                Seen::Nothing
            }
        }
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

    fn written_with(text: &str, is_new: bool) -> Seen {
        Seen::Written { text: text.to_owned(), is_new }
    }

    #[test]
    fn a_change_is_seen_once_and_a_file_that_is_away_for_a_moment_is_none() {
        let path = file("change", GOOD);
        let mut rules = WatchedRules::open(path.clone()).unwrap();
        assert_eq!(rules.seen(), Seen::Nothing);
        fs::write(&path, "{\"version\": 1}").unwrap();
        assert_eq!(rules.seen(), written_with("{\"version\": 1}", true));
        assert_eq!(rules.seen(), Seen::Nothing);
        fs::remove_file(&path).unwrap();
        assert_eq!(rules.seen(), Seen::Nothing);
        fs::write(&path, GOOD).unwrap();
        assert_eq!(rules.seen(), written_with(GOOD, true));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_stays_away_is_said_once_and_is_read_again_when_it_is_back() {
        let path = file("away", GOOD);
        let mut rules = WatchedRules::open(path.clone()).unwrap();
        let elsewhere = path.with_extension("moved");
        fs::rename(&path, &elsewhere).unwrap();
        let looks: Vec<_> = (0..MISSED * 3).map(|_| rules.seen()).collect();
        assert_eq!(looks.iter().filter(|seen| **seen == Seen::Away).count(), 1);
        assert!(looks.iter().all(|seen| matches!(seen, Seen::Away | Seen::Nothing)), "{looks:?}");
        fs::rename(&elsewhere, &path).unwrap();
        assert_eq!(rules.seen(), written_with(GOOD, false));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_is_only_touched_is_stored_again() {
        let path = file("touched", GOOD);
        let mut rules = WatchedRules::open(path.clone()).unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        assert_eq!(rules.seen(), written_with(GOOD, false));
        assert_eq!(rules.seen(), Seen::Nothing);
        fs::remove_file(path).unwrap();
    }
}
