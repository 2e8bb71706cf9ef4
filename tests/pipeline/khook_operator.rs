//! khook's real binary on the service's table and queue: service events, the comparison of a state with its history,
//! and the quarantine.

use end_to_end::{
    Pipeline,
    khook_binary::{self, Done},
    service::APP_ID,
};
use kakao_webhooks::{
    envelope::{Envelope, Letter, Quarantine},
    wire::{EventId, Kind, Payload, Time, Unreadable},
};
use serde_json::{Value, json};

use crate::kakao::{KAKAO, OAUTH, channel, channel_body, signed, token};

const USER: &str = "3142858400";
/// The harness's queue dates its messages to that day's 03:30.
const BEFORE_THE_QUEUE: &str = "2025-03-01T03:20:00Z";

async fn khook(pipeline: &Pipeline, arguments: &[&str]) -> Done {
    khook_binary::of(pipeline, arguments).await.unwrap()
}

fn access(pipeline: &Pipeline) -> Value {
    pipeline.state(APP_ID, USER).unwrap().unwrap()["access"].clone()
}

async fn drained(pipeline: &mut Pipeline) {
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn service_events_sent_by_khook_go_through_the_queue_to_the_state() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (word, then) in [("link", "allowed"), ("unlink", "gone"), ("restore", "allowed")] {
        let minute = BEFORE_THE_QUEUE.replace("20:00", &format!("2{}:00", word.len()));
        khook(&pipeline, &["user", word, APP_ID, USER, "--at", &minute, "--yes"]).await.printed();
        assert_eq!(pipeline.queue.bodies().len(), 1, "{word}");
        drained(&mut pipeline).await;
        assert_eq!(access(&pipeline), then, "{word}");
    }
    khook(&pipeline, &["user", "erase", APP_ID, USER, "--at", "2025-03-01T03:29:00Z", "--yes"]).await.printed();
    drained(&mut pipeline).await;
    let item = pipeline.table.item(&format!("USER#{APP_ID}#{USER}"), "STATE").unwrap().unwrap();
    assert_eq!(item["link"]["status"], "linked", "access never changes by it: {item:?}");
    assert!(!item.contains_key("expires_at") && access(&pipeline) == "allowed", "{item:?}");
}

#[tokio::test]
async fn a_user_who_left_stays_gone_when_khook_erases_them_and_the_reason_is_removed() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.deliver(&crate::kakao::unlink(USER)).await.unwrap();
    drained(&mut pipeline).await;
    assert!(pipeline.state(APP_ID, USER).unwrap().unwrap()["link"].get("reason").is_some());
    pipeline.queue.take();
    khook(&pipeline, &["user", "erase", APP_ID, USER, "--at", "2025-03-01T03:39:00Z", "--yes"]).await.printed();
    drained(&mut pipeline).await;
    let item = pipeline.table.item(&format!("USER#{APP_ID}#{USER}"), "STATE").unwrap().unwrap();
    assert_eq!((&item["access"], item["link"].get("reason")), (&json!("gone"), None), "{item:?}");
    assert!(item.contains_key("expires_at"), "{item:?}");
}

#[tokio::test]
async fn an_event_far_ahead_of_the_clock_is_refused_as_a_wrong_command_line() {
    let pipeline = Pipeline::start().await.unwrap();
    let later = |seconds| Time::from_seconds(runtime::clock::now().as_seconds() + seconds).unwrap().to_string();
    let too_late = later(3_600);
    let at = ["--at", &too_late];
    for command in [
        &["user", "link", APP_ID, USER, "--yes"][..],
        &["user", "unlink", APP_ID, USER, "--yes"],
        &["user", "restore", APP_ID, USER, "--yes"],
        &["user", "erase", APP_ID, USER, "--yes"],
        &["send", "account-status", "--event", "user-linked", "--user", USER],
        &["send", "talk-channel", "--event", "added", "--user", USER],
    ] {
        let done = khook(&pipeline, &[command, &at].concat()).await;
        assert_eq!(done.code, Some(2), "{command:?} {}", done.error);
        assert!(done.error.contains("--at") && done.error.contains("10 minutes ahead"), "{}", done.error);
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    khook(&pipeline, &["user", "link", APP_ID, USER, "--yes", "--at", &later(300)]).await.printed();
}

#[tokio::test]
async fn what_cannot_be_undone_is_not_done_unasked() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for word in ["link", "unlink", "restore", "erase"] {
        let error = khook(&pipeline, &["user", word, APP_ID, USER]).await.refused();
        assert!(error.contains("--yes"), "{error}");
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    let key = put(&mut pipeline, "id", "app_id=2&user_id=7").await;
    for which in ["--all", &key] {
        let error = khook(&pipeline, &["quarantine", "drop", which]).await.refused();
        assert!(error.contains("--yes"), "{error}");
    }
    assert_eq!(pipeline.items_of("QUARANTINE#").unwrap().len(), 1);
}

#[tokio::test]
async fn history_proves_a_state_and_shows_what_was_changed_by_hand() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let event = |minutes, uri: &str, members| token(USER, uri, minutes, &members);
    for sent in [
        event(1, &format!("{OAUTH}user-linked"), json!({})),
        event(2, &format!("{OAUTH}user-scope-consent"), json!({"scope": "account_email gender"})),
        event(3, &format!("{KAKAO}user-profile-changed"), json!({"nickname": "봄"})),
        event(4, &format!("{OAUTH}user-unlinked"), json!({})),
        event(5, &format!("{OAUTH}user-linked"), json!({})),
    ] {
        let request = signed(&pipeline, &sent);
        pipeline.deliver(&request).await.unwrap();
    }
    pipeline.deliver(&channel(&channel_body("added", USER, "2025-03-01T01:00:00Z"), "r1")).await.unwrap();
    drained(&mut pipeline).await;

    let rebuild = ["user", "rebuild", APP_ID, USER];
    let printed = khook(&pipeline, &rebuild).await.printed();
    assert!(printed.contains("The stored state matches the history."), "{printed}");

    let changed = "2031-01-01T00:00:00.000Z";
    pipeline.table.set(&format!("USER#{APP_ID}#{USER}"), "STATE", "sessions_valid_from", changed).unwrap();
    let differs = khook(&pipeline, &rebuild).await;
    assert_eq!(differs.code, Some(1), "{}", differs.error);
    for shown in ["sessions_valid_from", changed, "2025-03-01T00:04:00.000Z"] {
        assert!(differs.out.contains(shown), "{}", differs.out);
    }
    let differs = khook(&pipeline, &[&rebuild[..], &["--json"]].concat()).await;
    assert_eq!(differs.code, Some(1), "{}", differs.error);
    assert_eq!(
        serde_json::from_str::<Value>(&differs.out).unwrap(),
        json!([{"member": "sessions_valid_from", "stored": changed, "history": "2025-03-01T00:04:00.000Z"}])
    );
    khook(&pipeline, &["user", "rebuild", APP_ID, "1"]).await.refused();
}

/// An envelope with a delivery of the unlink webhook that could not be read.
fn unreadable(id: &str, payload: &str) -> Envelope {
    Envelope {
        id: EventId::from_text(id),
        app_id: Some(APP_ID.parse().unwrap()),
        received_at: runtime::clock::now(),
        request_id: None,
        replayed_at: None,
        letter: Letter::Quarantined {
            kind: Kind::Unlink,
            quarantine: Quarantine::new(&Unreadable::Missing("user_id"), Payload::of(payload.as_bytes())),
        },
    }
}

/// Makes the processor quarantine an event. Returns its key.
async fn put(pipeline: &mut Pipeline, id: &str, payload: &str) -> String {
    let text = unreadable(id, payload).encode().unwrap();
    assert_eq!(pipeline.process_texts(&[text]).await.unwrap(), Vec::<usize>::new());
    key_of(pipeline, id)
}

/// The key of what is in quarantine with this id.
fn key_of(pipeline: &Pipeline, id: &str) -> String {
    let items = pipeline.items_of("QUARANTINE#").unwrap();
    items.iter().find(|item| item["event_id"] == id).unwrap()["sk"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_can_be_read_after_a_fix_is_replayed_once() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let key = put(&mut pipeline, "fixed", "app_id=2&user_id=7").await;
    // As if it had been put there by a version that could not read it.
    let pk = format!("QUARANTINE#{}", key.split_at(10).0);
    let text = unreadable("fixed", &format!("app_id={APP_ID}&user_id={USER}")).encode().unwrap();
    pipeline.table.set(&pk, &key, "envelope", &text).unwrap();

    let listed = khook(&pipeline, &["quarantine", "list", "--json"]).await.json();
    let detail = &listed[0]["detail"];
    assert!(detail.is_string(), "{listed}");
    assert_eq!(
        listed,
        json!([{"key": key, "kind": "unlink", "app_id": APP_ID, "reason": "missing_field", "detail": detail,
            "event_id": "fixed", "user": USER}])
    );
    let shown = khook(&pipeline, &["quarantine", "show", &key]).await.json();
    let payload = shown.pointer("/envelope/quarantine/payload/text").unwrap();
    assert_eq!(*payload, json!(format!("app_id={APP_ID}&user_id={USER}")));

    khook(&pipeline, &["quarantine", "replay", &key]).await.printed();
    assert!(pipeline.items_of("QUARANTINE#").unwrap().is_empty());
    let [sent] = <[String; 1]>::try_from(pipeline.queue.bodies()).unwrap();
    let (sent, mut stored) =
        (serde_json::from_str::<Value>(&sent).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
    sent["replayed_at"].as_str().unwrap().parse::<Time>().unwrap();
    stored["replayed_at"] = sent["replayed_at"].clone();
    assert_eq!(sent, stored);
    drained(&mut pipeline).await;
    assert_eq!(access(&pipeline), "gone");
    assert!(pipeline.items_of("QUARANTINE#").unwrap().is_empty());

    let done = khook(&pipeline, &["quarantine", "replay", &key]).await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (Some(1), "0 sent to the event queue (table `users`)\n"),
        "{}",
        done.error
    );
    assert!(done.error.contains(&format!("not among the quarantined events: `{key}`; gone")), "{}", done.error);
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn an_event_that_still_cannot_be_read_returns_and_can_be_dropped() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let key = put(&mut pipeline, "first", "app_id=2&user_id=7").await;
    put(&mut pipeline, "second", "user_id=7").await;
    khook(&pipeline, &["quarantine", "replay", "--all"]).await.printed();
    assert!(pipeline.items_of("QUARANTINE#").unwrap().is_empty());
    drained(&mut pipeline).await;
    assert_eq!(pipeline.items_of("QUARANTINE#").unwrap().len(), 2);
    assert_eq!(key_of(&pipeline, "first"), key);

    khook(&pipeline, &["quarantine", "drop", &key, "--yes"]).await.printed();
    let listed = khook(&pipeline, &["quarantine", "list", "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    khook(&pipeline, &["quarantine", "drop", "--all", "--yes"]).await.printed();
    assert_eq!(pipeline.table.items().unwrap(), vec![]);
    assert_eq!(khook(&pipeline, &["quarantine", "list", "--json"]).await.json(), json!([]));
    khook(&pipeline, &["quarantine", "show", &key]).await.refused();
}

#[tokio::test]
async fn an_event_that_is_quarantined_again_before_its_item_is_deleted_is_kept_once() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let key = put(&mut pipeline, "id", "user_id=7").await;
    let text = pipeline.items_of("QUARANTINE#").unwrap()[0]["envelope"].as_str().unwrap().to_owned();
    khook(&pipeline, &["quarantine", "replay", &key]).await.printed();
    let [sent] = <[String; 1]>::try_from(pipeline.queue.bodies()).unwrap();
    let replayed_at = serde_json::from_str::<Value>(&sent).unwrap()["replayed_at"].as_str().unwrap().to_owned();
    // As khook leaves it if it is killed after it sent the event.
    assert_eq!(pipeline.process_texts(&[text]).await.unwrap(), Vec::<usize>::new());
    let pk = format!("QUARANTINE#{}", key.split_at(10).0);
    pipeline.table.set(&pk, &key, "replayed_at", &replayed_at).unwrap();
    drained(&mut pipeline).await;
    let items = pipeline.items_of("QUARANTINE#").unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!((&items[0]["envelope"], items[0].get("replayed_at")), (&json!(sent), None));
}

#[tokio::test]
async fn a_queue_that_fails_leaves_it_in_quarantine() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let key = put(&mut pipeline, "id", "user_id=7").await;
    pipeline.queue.gate().set(end_to_end::faults::Fault::Status(403));
    khook(&pipeline, &["quarantine", "replay", &key]).await.refused();
    assert_eq!(key_of(&pipeline, "id"), key);
}

#[tokio::test]
async fn a_quarantined_event_is_found_by_its_event_id_unless_several_have_it() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let key = put(&mut pipeline, "once", &format!("app_id=2&user_id={USER}")).await;
    let listed = khook(&pipeline, &["quarantine", "list", "--json"]).await.json();
    assert_eq!((&listed[0]["event_id"], &listed[0]["user"]), (&json!("once"), &json!(USER)));
    assert!(khook(&pipeline, &["quarantine", "list"]).await.printed().contains(USER));
    assert_eq!(khook(&pipeline, &["quarantine", "show", "once"]).await.json()["sk"], json!(key));
    // Both name the one event, which is sent once.
    khook(&pipeline, &["quarantine", "replay", "once", &key]).await.printed();
    assert_eq!(pipeline.queue.take().len(), 1);

    put(&mut pipeline, "twice", "app_id=2&user_id=7").await;
    put(&mut pipeline, "twice", "app_id=2&user_id=8").await;
    for command in [&["show", "twice"][..], &["replay", "twice"], &["drop", "twice", "--yes"]] {
        let error = khook(&pipeline, &[&["quarantine"], command].concat()).await.refused();
        assert!(error.contains("several quarantined events have the id `twice`: name one of"), "{error}");
    }
    assert_eq!(pipeline.items_of("QUARANTINE#").unwrap().len(), 2);
    khook(&pipeline, &["quarantine", "list", "--days", "0"]).await.refused();
}

#[tokio::test]
async fn a_quarantined_token_is_shown_with_its_header_and_claims() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut sent = token(USER, &format!("{OAUTH}user-linked"), 1, &json!({}));
    sent.claims.insert("app_id".to_owned(), json!("654321"));
    sent.claims.insert("note".to_owned(), json!("\u{1b}[2J"));
    let request = signed(&pipeline, &sent);
    pipeline.deliver(&request).await.unwrap();
    drained(&mut pipeline).await;
    let items = pipeline.items_of("QUARANTINE#").unwrap();
    let printed = khook(&pipeline, &["quarantine", "show", items[0]["sk"].as_str().unwrap()]).await.printed();
    assert!(!printed.contains('\u{1b}'), "{printed}");
    let shown: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&shown["token"]["claims"]["sub"], &shown["token"]["claims"]["app_id"]),
        (&json!(USER), &json!("654321"))
    );
    assert_eq!(shown["token"]["header"]["alg"], "RS256");
}
