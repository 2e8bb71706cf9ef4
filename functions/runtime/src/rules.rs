//! The chatbot's rules in force: those that are stored, read again every few seconds, or else the environment's.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use kakao_webhooks::{
    skill::{InvalidRules, RuleSet, Rules},
    wire::sha256_hex,
};
use tokio::time::{Instant, timeout_at};

use crate::edges::{EdgeError, RuleSource};

/// Where rules are stored.
pub trait RuleStore: Send + Sync + 'static {
    /// The text of the stored document; `None` if none is stored. Bounds its own time.
    fn stored(&self) -> impl Future<Output = Result<Option<String>, EdgeError>> + Send;
}

/// Rules are used for so long without a look at the store: what is stored takes effect within 30 seconds.
const FRESH: Duration = Duration::from_secs(20);

/// So long after a failed read the next one begins.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How long a message waits for a read that has begun.
const WAIT: Duration = Duration::from_millis(300);

/// The same where the held rules, if there are any, may be older than what is stored must be in effect: the function was
/// idle.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// So old the held rules may be for the short wait.
const OLD: Duration = Duration::from_secs(25);

/// No store takes that long: it bounds its own time. The function was frozen meanwhile.
const FROZEN: Duration = Duration::from_secs(3);

/// The stored rules, held in memory. A read that fails, or rules that can't be used, leave the last good ones in force.
pub struct HeldRules<S> {
    store: Arc<S>,
    /// In force where none are stored.
    otherwise: Arc<dyn RuleSet>,
    state: Arc<Mutex<State>>,
}

type Read = Shared<BoxFuture<'static, ()>>;

#[derive(Default)]
struct State {
    /// The stored rules, if there are any that can be used.
    rules: Option<Arc<dyn RuleSet>>,
    /// Of the document that was read last, usable or not: it isn't parsed again.
    digest: Option<String>,
    /// When the last read that succeeded began.
    read_at: Option<Instant>,
    /// When the next read is due.
    due: Option<Instant>,
    in_flight: Option<(Instant, Read)>,
}

impl<S: RuleStore> HeldRules<S> {
    /// None are held yet.
    pub fn new(store: S, otherwise: Arc<dyn RuleSet>) -> Self {
        Self { store: Arc::new(store), otherwise, state: Arc::default() }
    }

    /// Begins the first read, during init. Nothing waits for it.
    pub fn begin(&self) {
        let _ = self.read_if_due();
    }

    /// The read that is under way, and when it began; a new one if one is due.
    fn read_if_due(&self) -> Option<(Instant, Read)> {
        let (mut state, now) = (lock(&self.state), Instant::now());
        if let Some((begun, read)) = state.in_flight.clone().filter(|(begun, _)| now - *begun < FROZEN) {
            return Some((begun, read));
        }
        if state.due.is_some_and(|due| now < due) {
            return None;
        }
        Some(state.in_flight.insert((now, self.read(now))).clone())
    }

    /// A read on a task of its own: it goes on when its callers give up.
    fn read(&self, begun: Instant) -> Read {
        let (store, shared) = (Arc::clone(&self.store), Arc::clone(&self.state));
        let task = tokio::spawn(async move {
            let read = AssertUnwindSafe(store.stored()).catch_unwind().await;
            let read = read.unwrap_or_else(|_| Err(EdgeError("a panic".to_owned())));
            lock(&shared).take(read, begun);
        });
        task.map(drop).boxed().shared()
    }

    fn in_force(&self) -> Arc<dyn RuleSet> {
        lock(&self.state).rules.clone().unwrap_or_else(|| Arc::clone(&self.otherwise))
    }
}

impl<S: RuleStore> RuleSource for HeldRules<S> {
    async fn rules(&self, until: Instant) -> Arc<dyn RuleSet> {
        if let Some((begun, read)) = self.read_if_due() {
            let is_young = lock(&self.state).read_at.is_some_and(|read_at| begun - read_at < OLD);
            let wait = if is_young { WAIT } else { LONG_WAIT };
            let _ = timeout_at(until.min(begun + wait), read).await;
        }
        self.in_force()
    }
}

impl State {
    /// Ends a read. One that failed because the function was frozen says nothing of the store.
    fn take(&mut self, read: Result<Option<String>, EdgeError>, begun: Instant) {
        let now = Instant::now();
        if self.in_flight.as_ref().is_some_and(|(of_now, _)| *of_now == begun) {
            self.in_flight = None;
        }
        match read {
            Ok(document) => {
                self.use_document(document);
                // What the store held when it was asked.
                self.read_at = Some(begun);
                self.due = Some(begun + FRESH);
            }
            Err(error) => {
                tracing::warn!(event = "rules_load_failed", %error);
                self.due = (now - begun < FROZEN).then_some(now + AFTER_FAILURE);
            }
        }
    }

    fn use_document(&mut self, document: Option<String>) {
        let digest = document.as_ref().map(|document| sha256_hex(document.as_bytes()));
        if self.read_at.is_some() && digest == self.digest {
            return;
        }
        self.digest = digest;
        match document.map(|document| parsed(&document, Rules::from_json)) {
            None => self.rules = None,
            Some(Ok(rules)) => self.rules = Some(Arc::new(rules)),
            Some(Err(Unreadable { mistakes, first })) => {
                let fix = "put rules with `khook skill rules put`, which checks them";
                tracing::error!(event = "rules_unreadable", mistakes, first, fix);
            }
        }
    }
}

/// Why a document can't be used.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable {
    mistakes: usize,
    first: Option<String>,
}

/// The rules of a document. A panic is one more reason why it can't be used: the next message must not meet it again.
fn parsed(document: &str, parse: impl FnOnce(&str) -> Result<Rules, InvalidRules>) -> Result<Rules, Unreadable> {
    match catch_unwind(AssertUnwindSafe(|| parse(document))) {
        Ok(rules) => {
            rules.map_err(|InvalidRules(all)| Unreadable { mistakes: all.len(), first: all.first().map(shortened) })
        }
        Err(_) => Err(Unreadable { mistakes: 1, first: Some("a panic".to_owned()) }),
    }
}

/// A place may hold a name of any length.
fn shortened(mistake: &impl ToString) -> String {
    mistake.to_string().chars().take(200).collect()
}

/// Nothing between lock and unlock can leave a half-changed value, so a poisoned one is whole.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
