//! The key set in memory: which keys are right now, and when to ask again.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::Instant;

use super::{KeyId, KeySet, PublicKey};

/// At most one fetch in this time, failed ones included: a stranger who invents key ids can't make us
/// hammer Kakao.
const COOLDOWN: Duration = Duration::from_secs(10);
/// After this time a set is fetched anew before it is used, so that a withdrawn key is dropped.
const FRESH: Duration = Duration::from_secs(3_600);
/// For so long the last good set serves while the endpoint is down.
const USABLE: Duration = Duration::from_secs(24 * 3_600);

/// Where the key set comes from.
pub trait KeySource: Send + Sync + 'static {
    /// Fetches the document. Bounds its own time and size.
    fn fetch(&self) -> impl Future<Output = Result<Bytes, FetchError>> + Send;
}

/// The key set could not be fetched. Trying again later may help; the text is for our log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// A set that was fetched after the token arrived doesn't have it: refuse the token.
    #[error("a fresh key set doesn't have the key")]
    Unknown,
    /// We can't know: no usable set, or it is too soon to ask again. Let Kakao deliver again.
    #[error("no fresh key set can be had now")]
    Unavailable {
        /// After how many seconds asking again makes sense.
        retry_after: u64,
    },
}

/// Kakao's keys, cached. One fetch is shared by all who wait for it, and nothing is locked meanwhile.
pub struct Keys<S> {
    source: Arc<S>,
    inner: Arc<Mutex<Inner>>,
}

type Fetch = Shared<BoxFuture<'static, ()>>;

#[derive(Default)]
struct Inner {
    set: Option<Arc<KeySet>>,
    /// When the fetch of `set` ended.
    fetched: Option<Instant>,
    /// When the last fetch ended, well or not.
    attempted: Option<Instant>,
    in_flight: Option<Fetch>,
}

impl<S: KeySource> Keys<S> {
    /// An empty cache before a source.
    pub fn new(source: S) -> Self {
        Self { source: Arc::new(source), inner: Arc::default() }
    }

    /// Starts the first fetch, during init, so that the first token doesn't wait for all of it.
    pub fn prefetch(&self) {
        drop(self.join_fetch());
    }

    /// The key for a token that arrived at `arrived`.
    ///
    /// # Errors
    /// [`KeysFault`].
    pub async fn find(&self, id: &KeyId, arrived: Instant) -> Result<PublicKey, KeysFault> {
        let now = Instant::now();
        if self.age(now).is_none_or(|age| age > FRESH) && self.may_fetch(now) {
            self.join_fetch().await;
        }
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        if !self.is_newer_than(arrived) && self.may_fetch(Instant::now()) {
            self.join_fetch().await;
        }
        match self.known(id) {
            Some(key) => Ok(key),
            None if self.is_newer_than(arrived) => Err(KeysFault::Unknown),
            None => Err(KeysFault::Unavailable { retry_after: COOLDOWN.as_secs() }),
        }
    }

    fn known(&self, id: &KeyId) -> Option<PublicKey> {
        let inner = lock(&self.inner);
        let usable = inner.fetched.is_some_and(|fetched| fetched.elapsed() <= USABLE);
        inner.set.as_ref().filter(|_| usable)?.get(id).cloned()
    }

    fn age(&self, now: Instant) -> Option<Duration> {
        lock(&self.inner).fetched.map(|fetched| now.saturating_duration_since(fetched))
    }

    fn is_newer_than(&self, arrived: Instant) -> bool {
        lock(&self.inner).fetched.is_some_and(|fetched| fetched > arrived)
    }

    fn may_fetch(&self, now: Instant) -> bool {
        let inner = lock(&self.inner);
        let cooled = inner.attempted.is_none_or(|last| now.saturating_duration_since(last) >= COOLDOWN);
        inner.in_flight.is_some() || cooled
    }

    /// The fetch under way, or a new one.
    fn join_fetch(&self) -> Fetch {
        let mut inner = lock(&self.inner);
        if let Some(fetch) = &inner.in_flight {
            return fetch.clone();
        }
        let (source, shared) = (Arc::clone(&self.source), Arc::clone(&self.inner));
        // On a task of its own: it goes on when whoever waits for it gives up.
        let task = tokio::spawn(async move {
            let outcome = read_set(&*source).await;
            lock(&shared).take(outcome, Instant::now());
        });
        let fetch = task.map(drop).boxed().shared();
        inner.in_flight = Some(fetch.clone());
        fetch
    }
}

async fn read_set(source: &impl KeySource) -> Result<KeySet, FetchError> {
    let document = source.fetch().await?;
    KeySet::from_json(&document).map_err(|error| FetchError(error.to_string()))
}

impl Inner {
    fn take(&mut self, outcome: Result<KeySet, FetchError>, now: Instant) {
        self.in_flight = None;
        self.attempted = Some(now);
        match outcome {
            Ok(set) => {
                self.set = Some(Arc::new(set));
                self.fetched = Some(now);
            }
            Err(error) => tracing::warn!(event = "key_set_fetch_failed", %error),
        }
    }
}

/// Nothing between lock and unlock can leave a half-changed value, so a poisoned one is whole.
fn lock(inner: &Mutex<Inner>) -> std::sync::MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> fmt::Debug for Keys<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests;
