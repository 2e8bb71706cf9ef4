//! The history's file: a line of JSON for each request, and another one each time that more is known of it.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::Exchange;

const FILE: &str = "history.jsonl";

/// The file. One that can't be written is done without: the console is no reason to stop.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    lines: usize,
    bytes: usize,
}

impl Journal {
    /// Opens the file in this folder. Returns what is in it, by number; a line that can't be read is left out.
    pub(super) fn open(folder: &Path) -> (Self, Vec<Exchange>) {
        let _ = fs::create_dir_all(folder);
        let path = folder.join(FILE);
        let mut newest = BTreeMap::new();
        let (mut lines, mut bytes) = (0, 0);
        if let Ok(file) = File::open(&path) {
            for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
                (lines, bytes) = (lines + 1, bytes + line.len() + 1);
                if let Ok(exchange) = serde_json::from_slice::<Exchange>(&line) {
                    newest.insert(exchange.id, exchange);
                }
            }
        }
        // A line that was cut off by the end of its process must not take the next one along.
        let mut journal = Self { file: append_to(&path), path, lines, bytes };
        if journal.bytes > 0 {
            journal.append(b"\n");
        }
        (journal, newest.into_values().collect())
    }

    pub(super) fn write(&mut self, exchange: &Exchange) {
        if let Ok(mut line) = serde_json::to_vec(exchange) {
            line.push(b'\n');
            self.lines += 1;
            self.append(&line);
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        if let Some(file) = &mut self.file
            && file.write_all(bytes).is_err()
        {
            self.file = None;
        }
    }

    /// Whether most lines are of requests that are forgotten, or are not the newest of theirs.
    pub(super) fn is_mostly_outdated(&self, kept: usize, most_bytes: usize) -> bool {
        const FEW: usize = 1_000;
        const LINES_EACH: usize = 8;
        self.lines > kept * LINES_EACH + FEW || self.bytes > most_bytes.saturating_mul(4)
    }

    /// Writes these anew, in place of all that is there.
    pub(super) fn rewrite<'e>(&mut self, exchanges: impl Iterator<Item = &'e Exchange>) {
        let other = self.path.with_extension("new");
        let _ = fs::remove_file(&other);
        let Some(file) = append_to(&other) else { return };
        (self.lines, self.bytes) = (0, 0);
        let mut out = BufWriter::new(file);
        for exchange in exchanges {
            let Ok(line) = serde_json::to_vec(exchange) else { continue };
            (self.lines, self.bytes) = (self.lines + 1, self.bytes + line.len() + 1);
            if out.write_all(&line).and_then(|()| out.write_all(b"\n")).is_err() {
                return;
            }
        }
        if out.flush().and_then(|()| fs::rename(&other, &self.path)).is_ok() {
            self.file = append_to(&self.path);
        }
    }

    pub(super) fn clear(&mut self) {
        (self.lines, self.bytes) = (0, 0);
        if self.file.as_ref().is_none_or(|file| file.set_len(0).is_err()) {
            let _ = fs::remove_file(&self.path);
            self.file = append_to(&self.path);
        }
    }
}

/// For its owner only: requests hold member numbers.
fn append_to(path: &Path) -> Option<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).ok()
}
