//! The key set in memory: which keys are right now, and when to ask again.

use std::{
    fmt,
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, timeout};

use kakao_webhooks::auth::{KeyId, KeySet, PublicKey};

/// At most one fetch in this time, failed ones included: a sender who invents key ids cannot make us
/// hammer Kakao.
const COOLDOWN: Duration = Duration::from_secs(10);
/// How long a set is used without another fetch, if the endpoint gives no `max-age`: then a withdrawn key is
/// dropped.
const FRESH: Duration = Duration::from_secs(3_600);
/// The least and the most of what the endpoint may say.
const FRESH_BOUNDS: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(3_600));
/// How long the last good set is used while the endpoint is down.
const USABLE: Duration = Duration::from_secs(24 * 3_600);

/// How long a start waits for the first set.
const WARM_UP: Duration = Duration::from_millis(500);
/// No source takes that long: it bounds its own time.
const FROZEN: Duration = Duration::from_secs(3);

/// Where the key set comes from.
pub trait KeySource: Send + Sync + 'static {
    /// Fetches the document. Bounds its own time and size.
    fn fetch(&self) -> impl Future<Output = Result<KeyDocument, FetchError>> + Send;
}

/// Where the last good key set is kept for a start while the endpoint is down.
pub trait KeySetStore: Send + Sync + 'static {
    /// The document that was put there last, and how long ago it was fetched. Bounds its own time.
    fn stored(&self) -> impl Future<Output = Result<Option<(Bytes, Duration)>, FetchError>> + Send;
}

/// A key set as the endpoint gave it.
#[derive(Clone, Debug)]
pub struct KeyDocument {
    /// The JSON text.
    pub text: Bytes,
    /// For how long the endpoint says it may be used (`Cache-Control: max-age`, RFC 9111 §5.2.2.1).
    pub max_age: Option<Duration>,
}

/// The key set could not be fetched. Trying again later may help; the text is for our log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// Why there is no key for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// A set that was asked for after the token arrived doesn't have it: refuse the token.
    #[error("a fresh key set doesn't have the key")]
    Unknown,
    /// The usable set doesn't have it, and no fresher one can be had now. As a rule the sender made the id up; but
    /// Kakao may have published the key a moment ago: let it deliver again.
    #[error("the key set doesn't have the key, and it is too soon to ask for a fresh one")]
    TooSoon {
        /// After how many seconds asking again makes sense.
        retry_after: u64,
    },
    /// There is no usable set: no token can be verified. Let Kakao deliver again.
    #[error("no usable key set")]
    Unavailable {
        /// After how many seconds asking again makes sense.
        retry_after: u64,
    },
}

/// Kakao's keys, cached. One fetch is shared by all who wait for it, and nothing is locked meanwhile.
pub struct Keys<S, K> {
    source: Arc<S>,
    store: Arc<K>,
    inner: Arc<Mutex<CacheState>>,
}

type Fetch = Shared<BoxFuture<'static, ()>>;

#[derive(Default)]
struct CacheState {
    held: Option<CachedKeySet>,
    /// When the last fetch ended, well or not.
    attempted: Option<Instant>,
    in_flight: Option<Fetch>,
}

/// The set in use.
#[derive(Clone)]
struct CachedKeySet {
    set: Arc<KeySet>,
    /// When we began to ask for it.
    asked: Instant,
    /// When we got it, and how old it was then: nothing, if it came from the endpoint.
    got: Instant,
    age_then: Duration,
    fresh_for: Duration,
}

impl CachedKeySet {
    fn age(&self) -> Duration {
        self.age_then + self.got.elapsed()
    }

    fn is_usable(&self) -> bool {
        self.age() <= USABLE
    }

    fn is_fresh(&self) -> bool {
        self.age() <= self.fresh_for
    }

    /// Whether the endpoint was asked for it at this moment or after. One that was asked before may have
    /// answered before it published a key, however late the answer came.
    fn is_newer_than(&self, moment: Instant) -> bool {
        self.age_then.is_zero() && self.asked >= moment
    }
}

impl<S: KeySource, K: KeySetStore> Keys<S, K> {
    /// An empty cache before a source; `store` stands in while the source fails.
    pub fn new(source: S, store: K) -> Self {
        Self { source: Arc::new(source), store: Arc::new(store), inner: Arc::default() }
    }

    /// Waits for the first fetch, during init, but not for long: a start never fails for it.
    pub async fn warm_up(&self) {
        let _ = timeout(WARM_UP, self.refresh_unless(|_| false)).await;
    }

    /// The key for a token that arrived at `arrived`.
    ///
    /// # Errors
    /// [`KeysFault`].
    pub async fn find(&self, id: &KeyId, arrived: Instant) -> Result<PublicKey, KeysFault> {
        self.refresh_unless(CachedKeySet::is_fresh).await;
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        self.refresh_unless(|held| held.is_newer_than(arrived)).await;
        let retry_after = COOLDOWN.as_secs();
        let held = self.held().ok_or(KeysFault::Unavailable { retry_after })?;
        held.set.get(id).cloned().ok_or_else(|| {
            if held.is_newer_than(arrived) { KeysFault::Unknown } else { KeysFault::TooSoon { retry_after } }
        })
    }

    fn held(&self) -> Option<CachedKeySet> {
        lock(&self.inner).held.clone().filter(CachedKeySet::is_usable)
    }

    fn known(&self, id: &KeyId) -> Option<PublicKey> {
        self.held()?.set.get(id).cloned()
    }

    /// Waits for the fetch under way, or for a new one, unless what is held will do or it is too soon.
    async fn refresh_unless(&self, will_do: impl Fn(&CachedKeySet) -> bool) {
        let fetch = {
            let mut inner = lock(&self.inner);
            if inner.held.as_ref().is_some_and(|held| held.is_usable() && will_do(held)) {
                return;
            }
            match &inner.in_flight {
                Some(fetch) => fetch.clone(),
                None if inner.is_cooling() => return,
                None => inner.in_flight.insert(self.fetch()).clone(),
            }
        };
        fetch.await;
    }

    /// A fetch on a task of its own: it goes on when its callers give up.
    fn fetch(&self) -> Fetch {
        let (source, store, shared) = (Arc::clone(&self.source), Arc::clone(&self.store), Arc::clone(&self.inner));
        let start = Instant::now();
        let task = tokio::spawn(async move {
            let got = AssertUnwindSafe(get_set(&*source, &*store, start)).catch_unwind().await;
            lock(&shared).take(got.unwrap_or_default(), start);
        });
        task.map(drop).boxed().shared()
    }
}

/// The set from the source, or else from the store.
async fn get_set(source: &impl KeySource, store: &impl KeySetStore, asked: Instant) -> Option<CachedKeySet> {
    let fetched = source.fetch().await.and_then(|document| {
        let (least, most) = FRESH_BOUNDS;
        let fresh_for = document.max_age.map_or(FRESH, |max_age| max_age.clamp(least, most));
        CachedKeySet::read(&document.text, asked, Duration::ZERO, fresh_for)
    });
    match fetched {
        Ok(held) => return Some(held),
        Err(error) => tracing::warn!(event = "key_set_fetch_failed", %error),
    }
    let (document, age) = store
        .stored()
        .await
        .inspect_err(|error| tracing::warn!(event = "key_set_load_failed", %error))
        .ok()
        .flatten()?;
    CachedKeySet::read(&document, asked, age, FRESH_BOUNDS.0).ok()
}

impl CachedKeySet {
    fn read(document: &[u8], asked: Instant, age_then: Duration, fresh_for: Duration) -> Result<Self, FetchError> {
        let set = KeySet::from_json(document).map_err(|error| FetchError(error.to_string()))?;
        Ok(Self { set: Arc::new(set), asked, got: Instant::now(), age_then, fresh_for })
    }
}

impl CacheState {
    fn is_cooling(&self) -> bool {
        self.attempted.is_some_and(|last| last.elapsed() < COOLDOWN)
    }

    /// Ends a fetch. What came from the store may be older than what is held. A fetch that failed because the
    /// function was frozen meanwhile says nothing of the endpoint: the next may come at once.
    fn take(&mut self, got: Option<CachedKeySet>, start: Instant) {
        self.in_flight = None;
        if got.is_some() || start.elapsed() < FROZEN {
            self.attempted = Some(Instant::now());
        }
        let got = got.filter(|got| self.held.as_ref().is_none_or(|held| got.age() <= held.age()));
        self.held = got.or_else(|| self.held.take());
    }
}

/// Nothing between lock and unlock can leave a half-changed value, so a poisoned one is whole.
fn lock(inner: &Mutex<CacheState>) -> std::sync::MutexGuard<'_, CacheState> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S, K> fmt::Debug for Keys<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

#[cfg(test)]
mod tests;
