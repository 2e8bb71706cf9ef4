//! Kakao's keys roll while tokens arrive: the whole path of an account status webhook in several instances, each with
//! a cache of its own, before one key endpoint. Time is tokio's paused clock, chance is seeded.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, StatusCode, header::CONTENT_TYPE};
use kakao_webhooks::{
    auth::{Apps, Typing},
    wire::{EventId, account_status::EventType},
};
use lambda_http::RequestExt;
use play_kakao::{SigningKey, Token};
use serde_json::json;
use tokio::time::{Duration, Instant, advance, sleep};

use super::*;
use crate::keys::{FetchError, KeyDocument, KeySetStore, KeySource, Keys};

const COOLDOWN: Duration = Duration::from_secs(10);

static KEYS: LazyLock<Vec<SigningKey>> =
    LazyLock::new(|| (0..8).map(|number| SigningKey::generate(format!("k{number}")).unwrap()).collect());

/// What Kakao publishes now, and whether the endpoint answers.
#[derive(Default)]
struct Kakao {
    published: Mutex<BTreeSet<usize>>,
    signing: AtomicUsize,
    is_down: AtomicBool,
}

impl Kakao {
    fn arriving(&self, chance: &mut Chance) -> Vec<Arriving> {
        let last = chance.below(5);
        let any = |_| match chance.below(10) {
            0 | 1 => Arriving::Junk,
            2 if self.signing.load(Ordering::SeqCst) >= 2 => Arriving::Gone,
            _ => Arriving::Genuine,
        };
        (0..=last).map(any).collect()
    }
}

/// The endpoint as one instance sees it.
#[derive(Clone)]
struct KakaoEndpoint {
    kakao: Arc<Kakao>,
    fetched: Arc<Mutex<Fetched>>,
}

/// When it was asked, and what it answered last.
#[derive(Default)]
struct Fetched {
    begun: Vec<Instant>,
    set: BTreeSet<usize>,
}

impl KeySource for KakaoEndpoint {
    async fn fetch(&self) -> Result<KeyDocument, FetchError> {
        self.fetched.lock().unwrap().begun.push(Instant::now());
        // What it answers is what it knows when it is asked; the answer is long on its way.
        let is_down = self.kakao.is_down.load(Ordering::SeqCst);
        let set = self.kakao.published.lock().unwrap().clone();
        sleep(Duration::from_millis(800)).await;
        if is_down {
            return Err(FetchError("down".to_owned()));
        }
        let text = play_kakao::key_set(set.iter().map(|number| &KEYS[*number])).to_string();
        self.fetched.lock().unwrap().set = set;
        Ok(KeyDocument { text: text.into(), max_age: None })
    }
}

struct EmptyStore;

impl KeySetStore for EmptyStore {
    async fn stored(&self) -> Result<Option<(Bytes, Duration)>, FetchError> {
        Ok(None)
    }
}

/// Takes everything.
struct Sink;

impl Queue for Sink {
    async fn send(&self, _envelope: &str) -> Result<(), EdgeError> {
        Ok(())
    }
}

impl Inbox for Sink {
    async fn put(&self, _id: &EventId, _envelope: &str, _within: Duration) -> Result<(), EdgeError> {
        Ok(())
    }
}

struct Instance {
    endpoint: KakaoEndpoint,
    ingest: Ingest<AccountStatusWebhook<KakaoEndpoint, EmptyStore>, Sink, Sink>,
}

impl Instance {
    fn of(kakao: &Arc<Kakao>) -> Self {
        let endpoint = KakaoEndpoint { kakao: Arc::clone(kakao), fetched: Arc::default() };
        let keys = Keys::new(endpoint.clone(), EmptyStore);
        let apps = Apps::from_json(r#"[{"app_id":"1","rest_api_keys":["r1"]}]"#).unwrap();
        Self {
            endpoint,
            ingest: Ingest::new(AccountStatusWebhook { apps, keys, typing: Typing::Required }, Sink, Sink),
        }
    }

    fn kept_the_cooldown(&self) {
        let fetched = self.endpoint.fetched.lock().unwrap();
        assert!(fetched.begun.windows(2).all(|two| two[1] - two[0] >= COOLDOWN), "{:?}", fetched.begun);
        assert!(fetched.begun.len() > KEYS.len() / 2, "the set of an instance was never refreshed");
    }

    fn set(&self) -> BTreeSet<usize> {
        self.endpoint.fetched.lock().unwrap().set.clone()
    }

    /// The answer to a token signed by this key, or with a key id that no key has.
    async fn answers(&self, key: Option<usize>, serial: u64) -> StatusCode {
        let known_before = self.set();
        let event = EventType::UserLinked.uri();
        let mut token = Token::new("r1", "7", &format!("j{serial}"), 1_700_000_000, event, &json!({}));
        if key.is_none() {
            token.header.insert("kid".to_owned(), json!(format!("junk{serial}")));
        }
        let body = token.sign(&KEYS[key.unwrap_or_default()]).unwrap();
        let path = "/webhooks/account-status";
        let request = http::Request::builder().method(Method::POST).uri(format!("https://x{path}"));
        let request = request.header(CONTENT_TYPE, "application/secevent+jwt").body(Body::Text(body)).unwrap();
        let begun = Instant::now();
        let response = self.ingest.accept(request.with_raw_http_path(path)).await.unwrap();
        assert!(begun.elapsed() < AccountStatusWebhook::<KakaoEndpoint, EmptyStore>::BUDGET);
        let status = response.status();
        assert_eq!(status == StatusCode::SERVICE_UNAVAILABLE, response.headers().contains_key("retry-after"));
        let known = &known_before | &self.set();
        let may_be_taken = key.is_some_and(|key| known.contains(&key));
        assert!(status != StatusCode::ACCEPTED || may_be_taken, "{key:?} was taken, but the set is {known:?}");
        status
    }
}

/// Numbers that only look random.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// How often things happen, and when a token that was answered 503 comes again.
struct Pace {
    longest_gap_ms: u64,
    bursts: u64,
    roll_every: Duration,
    down_for: Duration,
    again_after: &'static [u64],
}

/// A valid token that was put off.
struct DeferredToken {
    key: usize,
    attempts: usize,
    due: Instant,
}

#[derive(Debug, Default)]
struct Tally {
    taken: usize,
    deferred: usize,
    junk: usize,
    gone: usize,
}

/// What arrives.
#[derive(Clone, Copy)]
enum Arriving {
    Junk,
    /// Signed by a key that left the set with the last roll.
    Gone,
    Genuine,
    /// Genuine, and answered 503 this many times before.
    Again(usize, usize),
}

/// Kakao's own clockwork: a key is published when it begins to sign, and for one roll more after it signed last;
/// after each roll the endpoint is down for a while.
async fn roll(kakao: Arc<Kakao>, pace: &Pace) {
    for signing in 0..KEYS.len() {
        *kakao.published.lock().unwrap() = (signing.saturating_sub(1)..=signing).collect();
        kakao.signing.store(signing, Ordering::SeqCst);
        kakao.is_down.store(signing > 0 && !pace.down_for.is_zero(), Ordering::SeqCst);
        sleep(pace.down_for).await;
        kakao.is_down.store(false, Ordering::SeqCst);
        sleep(pace.roll_every - pace.down_for).await;
    }
}

/// Lets tokens arrive while keys roll. Every valid token must be taken, at the latest by its last redelivery.
async fn run(seed: u64, pace: &'static Pace) -> Tally {
    let (kakao, mut chance, mut tally) = (Arc::new(Kakao::default()), Chance(seed), Tally::default());
    let clockwork = tokio::spawn(roll(Arc::clone(&kakao), pace));
    tokio::task::yield_now().await;
    let instances: Vec<_> = (0..3).map(|_| Instance::of(&kakao)).collect();
    let (mut waiting, mut serial, mut bursts) = (Vec::<DeferredToken>::new(), 0, 0);
    while bursts < pace.bursts || !waiting.is_empty() {
        bursts += 1;
        sleep(Duration::from_millis(chance.below(pace.longest_gap_ms))).await;
        let mut arriving = kakao.arriving(&mut chance);
        let (due, later): (Vec<_>, _) = waiting.into_iter().partition(|token| token.due <= Instant::now());
        waiting = later;
        arriving.extend(due.iter().map(|token| Arriving::Again(token.key, token.attempts)));
        // Not all at once, so that they come before, during and after a fetch and a roll.
        let answers = arriving.into_iter().map(|what| {
            serial += 1;
            let (serial, wait) = (serial, Duration::from_millis(chance.below(400)));
            let (kakao, instance) = (&kakao, &instances[usize::try_from(chance.below(3)).unwrap()]);
            async move {
                sleep(wait).await;
                let signing = kakao.signing.load(Ordering::SeqCst);
                let (key, attempts) = match what {
                    Arriving::Junk => return (what, 0, 0, instance.answers(None, serial).await),
                    Arriving::Gone => (signing - 2, 0),
                    Arriving::Genuine => (signing, 0),
                    Arriving::Again(key, attempts) => (key, attempts),
                };
                (what, key, attempts, instance.answers(Some(key), serial).await)
            }
        });
        for (what, key, attempts, status) in join_all(answers.collect::<Vec<_>>()).await {
            match (what, status) {
                (Arriving::Junk, StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE) => tally.junk += 1,
                // What `answers` checks by the instance's own set.
                (Arriving::Gone, _) => tally.gone += 1,
                (Arriving::Genuine | Arriving::Again(..), StatusCode::ACCEPTED) => tally.taken += 1,
                (Arriving::Genuine | Arriving::Again(..), StatusCode::SERVICE_UNAVAILABLE) => {
                    tally.deferred += 1;
                    let after = pace.again_after.get(attempts);
                    let after = after.unwrap_or_else(|| panic!("k{key} was never taken: {tally:?}"));
                    let due = Instant::now() + Duration::from_secs(*after);
                    waiting.push(DeferredToken { key, attempts: attempts + 1, due });
                }
                _ => panic!("{status} to a token of k{key}: {tally:?}"),
            }
        }
    }
    clockwork.abort();
    instances.iter().for_each(Instance::kept_the_cooldown);
    tally
}

#[tokio::test(start_paused = true)]
async fn while_keys_rotate_under_load_every_valid_token_is_accepted_at_once_or_when_redelivered() {
    // A sender that must come again after the cooldown comes then; a fetch that was under way may cost a second wait.
    static PACE: Pace = Pace {
        longest_gap_ms: 700,
        bursts: 600,
        roll_every: Duration::from_secs(30),
        down_for: Duration::ZERO,
        again_after: &[10, 10],
    };
    for seed in 0..3 {
        let tally = run(seed, &PACE).await;
        assert!(tally.taken > 800 && tally.deferred > 10 && tally.junk > 200 && tally.gone > 50, "{tally:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_token_is_lost_by_kakaos_own_schedule_though_the_endpoint_is_down_at_every_roll() {
    // Two resends 5 minutes apart, two 30 minutes apart, one after 60 minutes: six attempts.
    static PACE: Pace = Pace {
        longest_gap_ms: 120_000,
        bursts: 700,
        roll_every: Duration::from_secs(3 * 3_600),
        down_for: Duration::from_secs(50 * 60),
        again_after: &[300, 300, 1_800, 1_800, 3_600],
    };
    let tally = run(7, &PACE).await;
    assert!(tally.taken > 800 && tally.deferred > 50 && tally.junk > 200 && tally.gone > 50, "{tally:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_left_the_set_is_accepted_for_an_hour_at_most_even_without_an_unknown_key() {
    let kakao = Arc::new(Kakao::default());
    *kakao.published.lock().unwrap() = [0, 1].into();
    let instance = Instance::of(&kakao);
    assert_eq!(instance.answers(Some(0), 0).await, StatusCode::ACCEPTED);
    *kakao.published.lock().unwrap() = [1].into();
    advance(Duration::from_secs(3_500)).await;
    assert_eq!(instance.answers(Some(0), 1).await, StatusCode::ACCEPTED);
    advance(Duration::from_secs(101)).await;
    assert_eq!(instance.answers(Some(0), 2).await, StatusCode::BAD_REQUEST);
    assert_eq!(instance.answers(Some(1), 3).await, StatusCode::ACCEPTED);
}
