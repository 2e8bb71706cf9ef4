//! `khook inbox`, the real binary: events that the queue did not accept are listed, sent or dropped.

use end_to_end::{
    Pipeline,
    faults::Fault,
    khook_binary::{self, Done},
    service::APP_ID,
};
use serde_json::{Value, json};

use crate::kakao::{snapshot, unlink};

async fn khook(pipeline: &Pipeline, arguments: &[&str]) -> Done {
    khook_binary::of(pipeline, &[&["inbox"], arguments].concat()).await.unwrap()
}

fn user(event_id: &str) -> String {
    format!("31428586{event_id}")
}

/// Unlinkings with these ids while the queue fails. They are acknowledged.
async fn waiting(pipeline: &mut Pipeline, event_ids: &[&str]) {
    pipeline.queue.gate().set(Fault::Status(500));
    for event_id in event_ids {
        assert_eq!(pipeline.deliver(&unlink(&user(event_id)).id(event_id)).await.unwrap().status, 200);
    }
    pipeline.queue.gate().set(Fault::None);
}

fn left(pipeline: &Pipeline) -> Vec<Value> {
    let items = pipeline.items_of("INBOX#").unwrap();
    items.into_iter().map(|mut item| item.remove("sk").unwrap()).collect()
}

#[tokio::test]
async fn what_waits_is_listed_and_shown() {
    let mut pipeline = Pipeline::start().await.unwrap();
    assert_eq!(khook(&pipeline, &["list", "--json"]).await.json(), json!([]));
    waiting(&mut pipeline, &["11", "12", "13"]).await;
    let mut listed = khook(&pipeline, &["list", "--json"]).await.json();
    for event in listed.as_array_mut().unwrap() {
        assert!(event.as_object_mut().unwrap().remove("age_seconds").unwrap().as_i64().unwrap() > 0);
    }
    snapshot("khook-inbox-list", &listed);
    let printed = khook(&pipeline, &["list"]).await.printed();
    assert!(["11", "12", "13", "unlink", APP_ID].iter().all(|text| printed.contains(text)), "{printed}");
    let few = khook(&pipeline, &["list", "--json", "--limit", "2"]).await;
    assert!(few.error.contains("there may be more"), "{}", few.error);
    assert_eq!(few.json().as_array().unwrap().len(), 2);

    let shown = khook(&pipeline, &["show", "12"]).await.json();
    assert_eq!(shown["envelope"]["event"]["user_id"], user("12"));
    let error = khook(&pipeline, &["show", "14"]).await.refused();
    assert!(error.contains("not among the acknowledged events: `14`"), "{error}");
    assert_eq!(left(&pipeline).len(), 3);
}

#[tokio::test]
async fn a_limit_takes_from_every_partition_in_turn_and_claims_no_order() {
    let pipeline = Pipeline::start().await.unwrap();
    for (pk, id) in [("INBOX#0", "a"), ("INBOX#0", "b"), ("INBOX#0", "c"), ("INBOX#f", "d")] {
        pipeline.table.set(pk, id, "envelope", r#"{"v":2}"#).unwrap();
    }
    let cut = khook(&pipeline, &["list", "--json", "--limit", "2"]).await;
    assert!(cut.error.contains("may be more and older ones"), "{}", cut.error);
    let ids: Vec<_> = cut.json().as_array().unwrap().iter().map(|event| event["event_id"].clone()).collect();
    assert_eq!(ids, ["a", "d"]);
    let all = khook(&pipeline, &["list", "--json", "--limit", "5"]).await;
    assert_eq!((all.error.contains("may be more"), all.json().as_array().unwrap().len()), (false, 4));
}

#[tokio::test]
async fn what_is_replayed_reaches_the_table_once_however_often() {
    let mut pipeline = Pipeline::start().await.unwrap();
    waiting(&mut pipeline, &["11", "12"]).await;
    khook(&pipeline, &["replay", "11"]).await.printed();
    assert_eq!(left(&pipeline), ["12"]);
    // As if it had been interrupted before the deletion.
    waiting(&mut pipeline, &["11"]).await;
    let printed = khook(&pipeline, &["replay", "--all"]).await.printed();
    assert!(printed.starts_with("2 sent"), "{printed}");
    assert_eq!(left(&pipeline), Vec::<Value>::new());
    assert_eq!(pipeline.queue.bodies().len(), 3);
    assert!(khook(&pipeline, &["replay", "--all"]).await.printed().starts_with("0 sent"));
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    for user_id in ["11", "12"].map(user) {
        assert_eq!(pipeline.state(APP_ID, &user_id).unwrap().unwrap()["access"], "gone");
        assert_eq!(pipeline.history(&format!("USER#{APP_ID}#{user_id}")).unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_event_that_is_not_there_stops_no_other_and_is_named_at_the_end() {
    let mut pipeline = Pipeline::start().await.unwrap();
    waiting(&mut pipeline, &["12", "14"]).await;
    let done = khook(&pipeline, &["replay", "11", "12", "13", "14"]).await;
    assert_eq!(
        (done.code, done.out.as_str()),
        (Some(1), "2 sent to the event queue (table `users`)\n"),
        "{}",
        done.error
    );
    assert!(done.error.contains("`11`, `13`; gone: the janitor"), "{}", done.error);
    assert_eq!((left(&pipeline).len(), pipeline.queue.bodies().len()), (0, 2));
}

#[tokio::test]
async fn a_queue_that_fails_leaves_all_in_the_inbox() {
    let mut pipeline = Pipeline::start().await.unwrap();
    waiting(&mut pipeline, &["11", "12", "13", "14"]).await;
    pipeline.queue.gate().set(Fault::Status(403));
    let error = khook(&pipeline, &["replay", "--all"]).await.refused();
    assert!(error.contains("stays in the inbox") && error.contains("3 in a row were refused"), "{error}");
    assert_eq!(left(&pipeline).len(), 4);
}

#[tokio::test]
async fn what_is_dropped_is_lost_and_so_asked_about() {
    let mut pipeline = Pipeline::start().await.unwrap();
    waiting(&mut pipeline, &["11", "12", "13"]).await;
    for which in ["--all", "11"] {
        let error = khook(&pipeline, &["drop", which]).await.refused();
        assert!(error.contains("--yes") && error.contains("lost"), "{error}");
    }
    assert_eq!(left(&pipeline).len(), 3);
    let done = khook(&pipeline, &["drop", "12", "14", "--yes"]).await;
    assert_eq!((done.code, done.out.as_str()), (Some(1), "1 deleted (table `users`)\n"), "{}", done.error);
    assert!(done.error.contains("`14`"), "{}", done.error);
    assert_eq!(left(&pipeline).len(), 2);
    khook(&pipeline, &["drop", "--all", "--yes"]).await.printed();
    assert_eq!(left(&pipeline), Vec::<Value>::new());
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    assert!(khook(&pipeline, &["drop", "--all"]).await.printed().contains("The inbox is empty"));
}

#[tokio::test]
async fn what_no_version_of_ours_wrote_is_listed_and_sent_as_it_is() {
    let mut pipeline = Pipeline::start().await.unwrap();
    waiting(&mut pipeline, &["11"]).await;
    let [item] = <[_; 1]>::try_from(pipeline.items_of("INBOX#").unwrap()).unwrap();
    pipeline.table.set(item["pk"].as_str().unwrap(), "11", "envelope", r#"{"v":2}"#).unwrap();
    let listed = khook(&pipeline, &["list", "--json"]).await.json();
    assert_eq!(listed[0]["no_envelope"], "its version is unknown");
    khook(&pipeline, &["replay", "--all"]).await.printed();
    assert_eq!(pipeline.queue.bodies(), [r#"{"v":2}"#]);
}
