//! The holder against a store that behaves: it answers, fails, delays and counts. Time is tokio's paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};

use kakao_webhooks::wire::skill::SkillPayload;
use serde_json::{Value, json};
use tokio::time::{advance, sleep};

use super::*;

#[derive(Clone, Default)]
struct FakeStore(Arc<FakeStoreState>);

#[derive(Default)]
struct FakeStoreState {
    document: Mutex<Option<String>>,
    delay: Mutex<Duration>,
    is_down: Mutex<bool>,
    reads: AtomicUsize,
}

impl FakeStore {
    fn holds(&self, document: Option<String>) {
        *self.0.document.lock().unwrap() = document;
    }

    fn is_down(&self, is_down: bool) {
        *self.0.is_down.lock().unwrap() = is_down;
    }

    fn delays(&self, delay: Duration) {
        *self.0.delay.lock().unwrap() = delay;
    }

    fn reads(&self) -> usize {
        self.0.reads.load(Ordering::SeqCst)
    }
}

impl RuleStore for FakeStore {
    async fn stored(&self) -> Result<Option<String>, EdgeError> {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        let delay = *self.0.delay.lock().unwrap();
        sleep(delay).await;
        if *self.0.is_down.lock().unwrap() {
            return Err(EdgeError("down".to_owned()));
        }
        Ok(self.0.document.lock().unwrap().clone())
    }
}

fn document(reply: &str) -> Option<String> {
    Some(json!({"version": 1, "rules": [{"reply": reply}]}).to_string())
}

/// The rules of a store, and of the environment where none are stored.
fn held(store: &FakeStore) -> HeldRules<FakeStore> {
    HeldRules::new(store.clone(), Arc::new(Rules::from_list(r#"[{"text": "environment"}]"#).unwrap()))
}

/// What is answered to a message that comes now.
async fn answer(held: &HeldRules<FakeStore>) -> String {
    let rules = held.rules(Instant::now() + Duration::from_secs(4)).await;
    let reply = rules.answer(&SkillPayload::default()).unwrap().into_json();
    let reply: Value = serde_json::from_str(&reply).unwrap();
    reply["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_stored_rules_go_before_the_environments_and_may_come_and_go() {
    let store = FakeStore::default();
    let held = held(&store);
    assert_eq!(answer(&held).await, "environment");
    for (document, expected) in [(document("stored"), "stored"), (document("other"), "other"), (None, "environment")] {
        store.holds(document);
        advance(FRESH).await;
        assert_eq!(answer(&held).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_store_is_asked_once_in_twenty_seconds() {
    let store = FakeStore::default();
    let held = held(&store);
    for _ in 0..100 {
        answer(&held).await;
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(store.reads(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_takes_effect_within_thirty_seconds_even_after_a_failed_read() {
    let store = FakeStore::default();
    let held = held(&store);
    answer(&held).await;
    store.holds(document("stored"));
    store.is_down(true);
    advance(FRESH).await;
    assert_eq!(answer(&held).await, "environment");
    store.is_down(false);
    advance(AFTER_FAILURE).await;
    assert_eq!(answer(&held).await, "stored");
    assert!(FRESH + AFTER_FAILURE < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn the_last_good_rules_stay_while_the_store_fails_or_holds_what_is_none() {
    let store = FakeStore::default();
    let held = held(&store);
    store.holds(document("stored"));
    assert_eq!(answer(&held).await, "stored");
    for text in ["{", "{}", "", r#"{"version": 1, "rules": [{"reply": ""}]}"#] {
        store.holds(Some(text.to_owned()));
        advance(FRESH).await;
        assert_eq!(answer(&held).await, "stored", "{text}");
    }
    store.is_down(true);
    for _ in 0..10 {
        advance(FRESH).await;
        assert_eq!(answer(&held).await, "stored");
    }
    store.is_down(false);
    store.holds(document("fixed"));
    advance(FRESH).await;
    assert_eq!(answer(&held).await, "fixed");
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_a_moment_for_a_slow_store_and_never_past_its_deadline() {
    let store = FakeStore::default();
    store.holds(document("stored"));
    let held = held(&store);
    store.delays(Duration::from_millis(900));
    assert_eq!(answer(&held).await, "stored");
    store.delays(Duration::from_secs(2));
    store.holds(document("other"));
    advance(FRESH).await;
    let begun = Instant::now();
    assert_eq!(answer(&held).await, "stored");
    assert_eq!(begun.elapsed().as_millis(), WAIT.as_millis());
    // The next one doesn't wait again for the same read, which goes on.
    assert_eq!(answer(&held).await, "stored");
    assert_eq!(begun.elapsed().as_millis(), WAIT.as_millis());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(answer(&held).await, "other");
    advance(FRESH).await;
    let begun = Instant::now();
    held.rules(begun + Duration::from_millis(100)).await;
    assert_eq!(begun.elapsed().as_millis(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_began_during_init_is_the_first_messages() {
    let store = FakeStore::default();
    store.holds(document("stored"));
    let held = held(&store);
    held.begin();
    assert_eq!(answer(&held).await, "stored");
    assert_eq!(store.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_during_which_the_function_was_frozen_is_begun_anew() {
    let store = FakeStore::default();
    let held = held(&store);
    answer(&held).await;
    store.delays(Duration::from_secs(3_600));
    advance(FRESH).await;
    assert_eq!(answer(&held).await, "environment");
    store.holds(document("stored"));
    store.delays(Duration::ZERO);
    advance(FROZEN).await;
    assert_eq!(answer(&held).await, "stored");
}

#[tokio::test(start_paused = true)]
async fn after_hours_without_a_message_the_first_one_waits_for_the_stored_rules() {
    let store = FakeStore::default();
    store.holds(document("old"));
    let held = held(&store);
    answer(&held).await;
    store.holds(document("new"));
    store.delays(Duration::from_millis(900));
    advance(Duration::from_secs(7_200)).await;
    let begun = Instant::now();
    held.rules(begun + Duration::from_millis(100)).await;
    assert_eq!(begun.elapsed().as_millis(), 100);
    assert_eq!(answer(&held).await, "new");
    assert_eq!(begun.elapsed().as_millis(), 900);
}

#[test]
fn a_panic_makes_a_document_unreadable() {
    let unreadable = parsed("", |_| panic!("in the test")).unwrap_err();
    assert_eq!(unreadable, Unreadable { mistakes: 1, first: Some("a panic".to_owned()) });
}
