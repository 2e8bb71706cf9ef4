//! What came through the console: the newest requests, bounded in number and bytes, kept in a file across restarts,
//! and announced to all that watch.

mod exchange;
mod file;

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::broadcast;

use file::Journal;

pub use exchange::{
    Exchange, MAX_BODY_BYTES, Outcome, Place, RecordedAnswer, RecordedBody, RecordedLine, RecordedRequest, Step, What,
};

/// The most that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of requests.
    pub exchanges: usize,
    /// Of bytes, about.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { exchanges: 10_000, bytes: 64 * 1024 * 1024 }
    }
}

/// What has happened to the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// A request is new, or more is known of it.
    Changed(u64),
    /// All is gone.
    Cleared,
}

/// The requests, the newest last.
#[derive(Debug)]
pub struct History {
    inside: Mutex<Inside>,
    updates: broadcast::Sender<Update>,
}

#[derive(Debug)]
struct Inside {
    exchanges: VecDeque<Exchange>,
    bytes: usize,
    next_id: u64,
    bounds: Bounds,
    journal: Journal,
    /// Those of which more is known than the file says.
    unsaved: BTreeSet<u64>,
}

/// A watcher that is further behind than this has missed something, and gets a notice of it.
const UPDATES_WAITING: usize = 1_024;

impl History {
    /// The history in this folder. What can't be read of it is left out; what can't be written is kept in memory only.
    #[must_use]
    pub fn open(folder: &Path, bounds: Bounds) -> Self {
        let (journal, exchanges) = Journal::open(folder);
        let next_id = exchanges.iter().map(|exchange| exchange.id + 1).max().unwrap_or(1);
        let bytes = exchanges.iter().map(Exchange::weight).sum();
        let mut inside =
            Inside { exchanges: exchanges.into(), bytes, next_id, bounds, journal, unsaved: BTreeSet::new() };
        inside.shed();
        Self { inside: Mutex::new(inside), updates: broadcast::Sender::new(UPDATES_WAITING) }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, which gets its number here. Returns the number.
    pub fn add(&self, mut exchange: Exchange) -> u64 {
        let id = {
            let mut inside = self.lock();
            exchange.id = inside.next_id;
            inside.next_id += 1;
            inside.bytes += exchange.weight();
            inside.journal.write(&exchange);
            let id = exchange.id;
            inside.exchanges.push_back(exchange);
            inside.shed();
            id
        };
        self.announce(Update::Changed(id));
        id
    }

    /// Changes each request that fits, from the newest to the oldest, until `change` has returned `true` as often as
    /// `most`. It returns whether it has changed the request. [`save`](Self::save) writes it to the file.
    pub fn change(&self, most: usize, mut change: impl FnMut(&mut Exchange) -> bool) -> usize {
        let mut changed = Vec::new();
        {
            let mut inside = self.lock();
            let Inside { exchanges, unsaved, .. } = &mut *inside;
            for exchange in exchanges.iter_mut().rev() {
                if changed.len() == most {
                    break;
                }
                if change(exchange) {
                    unsaved.insert(exchange.id);
                    changed.push(exchange.id);
                }
            }
        }
        changed.iter().for_each(|id| self.announce(Update::Changed(*id)));
        changed.len()
    }

    /// A request by its number.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<Exchange> {
        let inside = self.lock();
        find(&inside.exchanges, id).cloned()
    }

    /// Writes to the file what has become known since it was written last.
    pub fn save(&self) {
        self.lock().save();
    }

    /// What `pick` makes of the newest requests that it wants, the newest first, at most `most`, all older than `before`
    /// if that is named.
    pub fn newest<T>(&self, most: usize, before: Option<u64>, pick: impl FnMut(&Exchange) -> Option<T>) -> Vec<T> {
        let inside = self.lock();
        let is_older = |exchange: &&Exchange| before.is_none_or(|before| exchange.id < before);
        inside.exchanges.iter().rev().filter(is_older).filter_map(pick).take(most).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().exchanges.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all, the file included.
    pub fn clear(&self) {
        {
            let mut inside = self.lock();
            inside.exchanges.clear();
            inside.bytes = 0;
            inside.unsaved.clear();
            inside.journal.clear();
        }
        self.announce(Update::Cleared);
    }

    /// What happens from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Update> {
        self.updates.subscribe()
    }

    /// It fails only if no one watches.
    fn announce(&self, update: Update) {
        let _ = self.updates.send(update);
    }
}

impl Inside {
    fn save(&mut self) {
        for id in std::mem::take(&mut self.unsaved) {
            let Self { exchanges, journal, .. } = self;
            if let Some(exchange) = find(exchanges, id) {
                journal.write(exchange);
            }
        }
    }

    /// Forgets the oldest until the rest is within the bounds, and shortens the file where most of it is forgotten.
    fn shed(&mut self) {
        while self.exchanges.len() > self.bounds.exchanges || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.exchanges.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.weight());
        }
        if self.journal.is_mostly_outdated(self.exchanges.len(), self.bounds.bytes) {
            self.journal.rewrite(self.exchanges.iter());
        }
    }
}

fn find(exchanges: &VecDeque<Exchange>, id: u64) -> Option<&Exchange> {
    let index = exchanges.binary_search_by_key(&id, |exchange| exchange.id).ok()?;
    exchanges.get(index)
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.save();
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::Folder;
