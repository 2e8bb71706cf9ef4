//! The cache against a source that behaves: it answers, refuses, delays and counts. Time is tokio's
//! paused clock.

use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use play_kakao::SigningKey;
use tokio::time::{advance, sleep};

use super::*;

static OLD: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("old").unwrap());
static NEW: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("new").unwrap());

#[derive(Clone, Default)]
struct FakeKeyEndpoint(Arc<FakeKeyEndpointState>);

#[derive(Default)]
struct FakeKeyEndpointState {
    document: Mutex<Option<String>>,
    delay: Mutex<Duration>,
    max_age: Mutex<Option<Duration>>,
    panics: AtomicBool,
    fetches: AtomicUsize,
}

impl FakeKeyEndpoint {
    fn serving(keys: &[&SigningKey]) -> Self {
        let endpoint = Self::default();
        endpoint.serve(keys);
        endpoint
    }

    fn serve(&self, keys: &[&SigningKey]) {
        self.answer(Some(play_kakao::key_set(keys.iter().copied()).to_string()));
    }

    fn answer(&self, document: Option<String>) {
        *self.0.document.lock().unwrap() = document;
    }

    fn delay(&self, delay: Duration) {
        *self.0.delay.lock().unwrap() = delay;
    }

    fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }
}

impl KeySource for FakeKeyEndpoint {
    async fn fetch(&self) -> Result<KeyDocument, FetchError> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        assert!(!self.0.panics.load(Ordering::SeqCst), "the source panics");
        let delay = *self.0.delay.lock().unwrap();
        sleep(delay).await;
        let document = self.0.document.lock().unwrap().clone();
        let max_age = *self.0.max_age.lock().unwrap();
        let document = document.map(|text| KeyDocument { text: text.into(), max_age });
        document.ok_or_else(|| FetchError("down".to_owned()))
    }
}

/// A store with what was put there, so long before that moment.
#[derive(Clone, Default)]
struct Stored(Option<(String, Duration, Instant)>);

impl Stored {
    fn with(key: &SigningKey, age: Duration) -> Self {
        Self(Some((play_kakao::key_set([key]).to_string(), age, Instant::now())))
    }
}

impl KeySetStore for Stored {
    async fn stored(&self) -> Result<Option<(Bytes, Duration)>, FetchError> {
        Ok(self.0.clone().map(|(text, age, since)| (text.into(), age + since.elapsed())))
    }
}

fn keys(endpoint: &FakeKeyEndpoint) -> Keys<FakeKeyEndpoint, Stored> {
    Keys::new(endpoint.clone(), Stored::default())
}

fn id(text: &str) -> KeyId {
    KeyId::new(text).unwrap()
}

async fn find(keys: &Keys<FakeKeyEndpoint, Stored>, kid: &str) -> Result<PublicKey, KeysFault> {
    keys.find(&id(kid), Instant::now()).await
}

const TOO_SOON: KeysFault = KeysFault::TooSoon { retry_after: 10 };
const UNAVAILABLE: KeysFault = KeysFault::Unavailable { retry_after: 10 };

#[tokio::test(start_paused = true)]
async fn a_known_key_costs_one_fetch_for_many_tokens() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    let keys = keys(&endpoint);
    for _ in 0..100 {
        find(&keys, "old").await.unwrap();
    }
    assert_eq!(endpoint.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_kid_costs_at_most_one_fetch_per_cooldown() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    let keys = keys(&endpoint);
    find(&keys, "old").await.unwrap();
    for second in 0..100 {
        let fault = find(&keys, &format!("junk{second}")).await.unwrap_err();
        assert!(matches!(fault, KeysFault::Unknown | KeysFault::TooSoon { .. }));
        advance(Duration::from_secs(1)).await;
    }
    assert!(endpoint.fetches() <= 11, "{}", endpoint.fetches());
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_cools_down_too_and_the_old_set_stays() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    let keys = keys(&endpoint);
    find(&keys, "old").await.unwrap();
    advance(COOLDOWN).await;
    for answer in [None, Some("garbage".to_owned()), Some(r#"{"keys":[]}"#.to_owned())] {
        endpoint.answer(answer);
        let before = endpoint.fetches();
        assert_eq!(find(&keys, "new").await.unwrap_err(), TOO_SOON);
        assert_eq!(find(&keys, "new").await.unwrap_err(), TOO_SOON);
        assert_eq!(endpoint.fetches(), before + 1);
        find(&keys, "old").await.unwrap();
        advance(COOLDOWN).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_unknown_only_to_a_set_fetched_after_the_token_arrived() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    let keys = keys(&endpoint);
    let early = Instant::now();
    advance(Duration::from_millis(1)).await;
    assert_eq!(keys.find(&id("new"), early).await.unwrap_err(), KeysFault::Unknown);
    advance(Duration::from_secs(1)).await;
    // Within the cooldown it is unknown: Kakao may just have rotated.
    assert_eq!(find(&keys, "new").await.unwrap_err(), TOO_SOON);
    endpoint.serve(&[&OLD, &NEW]);
    advance(COOLDOWN).await;
    find(&keys, "new").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_on_its_way_when_the_token_came_proves_no_key_unknown() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    endpoint.delay(Duration::from_millis(500));
    let keys = keys(&endpoint);
    keys.warm_up().now_or_never();
    advance(Duration::from_millis(100)).await;
    assert_eq!(find(&keys, "new").await.unwrap_err(), TOO_SOON);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_one_fetch_and_none_who_gives_up_stops_it() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    endpoint.delay(Duration::from_millis(500));
    let keys = Arc::new(keys(&endpoint));
    keys.warm_up().now_or_never();
    let impatient = tokio::time::timeout(Duration::from_millis(100), find(&keys, "old")).await;
    assert!(impatient.is_err());
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            tokio::spawn({
                let keys = Arc::clone(&keys);
                async move { find(&keys, "old").await }
            })
        })
        .collect();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    assert_eq!(endpoint.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_no_longer_right_once_the_set_was_refreshed() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD, &NEW]);
    let keys = keys(&endpoint);
    find(&keys, "old").await.unwrap();
    endpoint.serve(&[&NEW]);
    advance(FRESH + Duration::from_secs(1)).await;
    find(&keys, "old").await.unwrap_err();
    find(&keys, "new").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_good_set_serves_for_a_day_while_the_endpoint_is_down() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    let keys = keys(&endpoint);
    find(&keys, "old").await.unwrap();
    endpoint.answer(None);
    advance(USABLE - Duration::from_secs(60)).await;
    find(&keys, "old").await.unwrap();
    advance(Duration::from_secs(120)).await;
    assert_eq!(find(&keys, "old").await.unwrap_err(), UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_start_while_the_endpoint_is_down_finds_the_set_on_the_shelf() {
    let store = |age| Stored::with(&OLD, age);
    let endpoint = FakeKeyEndpoint::default();
    let keys = Keys::new(endpoint.clone(), store(USABLE - Duration::from_secs(60)));
    find(&keys, "old").await.unwrap();
    // A stored set cannot show that a newer key does not exist.
    assert_eq!(find(&keys, "new").await.unwrap_err(), TOO_SOON);
    advance(Duration::from_secs(120)).await;
    assert_eq!(find(&keys, "old").await.unwrap_err(), UNAVAILABLE);
    let too_old = Keys::new(endpoint.clone(), store(USABLE + Duration::from_secs(1)));
    assert_eq!(find(&too_old, "old").await.unwrap_err(), UNAVAILABLE);
    endpoint.serve(&[&NEW]);
    advance(COOLDOWN).await;
    find(&keys, "new").await.unwrap();
    advance(Duration::from_millis(1)).await;
    assert_eq!(find(&keys, "old").await.unwrap_err(), TOO_SOON);
}

#[tokio::test(start_paused = true)]
async fn an_older_set_on_the_shelf_does_not_replace_what_is_held() {
    let endpoint = FakeKeyEndpoint::serving(&[&NEW]);
    let keys = Keys::new(endpoint.clone(), Stored::with(&OLD, Duration::from_secs(7_200)));
    find(&keys, "new").await.unwrap();
    endpoint.answer(None);
    advance(COOLDOWN).await;
    assert_eq!(find(&keys, "old").await.unwrap_err(), TOO_SOON);
    find(&keys, "new").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_decides_between_a_floor_and_a_ceiling_how_long_its_set_is_used() {
    for (max_age, used_for) in [(0, 300), (1_000, 1_000), (86_400, 3_600)] {
        let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
        *endpoint.0.max_age.lock().unwrap() = Some(Duration::from_secs(max_age));
        let keys = keys(&endpoint);
        find(&keys, "old").await.unwrap();
        advance(Duration::from_secs(used_for)).await;
        find(&keys, "old").await.unwrap();
        assert_eq!(endpoint.fetches(), 1);
        advance(Duration::from_secs(1)).await;
        find(&keys, "old").await.unwrap();
        assert_eq!(endpoint.fetches(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_the_first_set_but_not_for_long() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    endpoint.delay(Duration::from_millis(400));
    let quick = keys(&endpoint);
    quick.warm_up().await;
    assert!(quick.known(&id("old")).is_some());
    endpoint.delay(Duration::from_secs(2));
    let (slow, start) = (keys(&endpoint), Instant::now());
    slow.warm_up().await;
    assert_eq!(start.elapsed(), WARM_UP);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_was_frozen_with_the_function_starts_no_cooldown() {
    let endpoint = FakeKeyEndpoint::default();
    endpoint.delay(FROZEN);
    let keys = keys(&endpoint);
    assert_eq!(find(&keys, "old").await.unwrap_err(), UNAVAILABLE);
    endpoint.delay(Duration::ZERO);
    endpoint.serve(&[&OLD]);
    find(&keys, "old").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_a_failed_fetch() {
    let endpoint = FakeKeyEndpoint::serving(&[&OLD]);
    endpoint.0.panics.store(true, Ordering::SeqCst);
    let keys = keys(&endpoint);
    assert_eq!(find(&keys, "old").await.unwrap_err(), UNAVAILABLE);
    endpoint.0.panics.store(false, Ordering::SeqCst);
    advance(COOLDOWN).await;
    find(&keys, "old").await.unwrap();
}

#[test]
fn a_bad_key_is_skipped_alone() {
    let good = OLD.public_jwk();
    let other = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut jwk = NEW.public_jwk();
        change(&mut jwk);
        jwk
    };
    let small = SigningKey::generate_sized("small", aws_lc_rs::rsa::KeySize::Rsa2048).unwrap().public_jwk();
    let bad = [
        other(&|jwk| jwk["kty"] = "EC".into()),
        other(&|jwk| jwk["use"] = "enc".into()),
        other(&|jwk| jwk["alg"] = "RS512".into()),
        other(&|jwk| jwk["key_ops"] = serde_json::json!(["encrypt"])),
        other(&|jwk| jwk["kid"] = "".into()),
        other(&|jwk| jwk["n"] = "***".into()),
        other(&|jwk| jwk["n"] = "AQAB".into()),
        other(&|jwk| jwk["n"] = small["n"].as_str().unwrap().chars().take(300).collect::<String>().into()),
        other(&|jwk| jwk["e"] = "".into()),
        serde_json::json!(7),
    ];
    for jwk in bad {
        let set = serde_json::json!({"keys": [jwk, good]}).to_string();
        let set = KeySet::from_json(set.as_bytes()).unwrap();
        assert!(set.get(&id("old")).is_some() && set.get(&id("new")).is_none(), "{jwk}");
    }
}
