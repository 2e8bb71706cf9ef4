//! The processor's batches: each record is independent.

use std::time::Duration;

use end_to_end::{Pipeline, faults::Fault, service::APP_ID};
use serde_json::{Value, json};

use crate::kakao::{OAUTH, signed, token, unlink};

/// An envelope as the functions send it.
async fn envelope(pipeline: &mut Pipeline, user_id: &str) -> String {
    pipeline.deliver(&unlink(user_id)).await.unwrap();
    pipeline.queue.take().remove(0).body
}

#[tokio::test]
async fn a_user_whose_items_hang_or_fail_is_alone_in_the_failures_and_the_others_are_applied_at_once() {
    for fault in [Fault::Hangs, Fault::Status(500), Fault::Throttled] {
        let mut pipeline = Pipeline::start().await.unwrap().processor_limit(Duration::from_secs(5));
        let mut batch = vec![];
        for user_id in ["3142858501", "3142858502", "3142858503", "3142858504"] {
            batch.push(envelope(&mut pipeline, user_id).await);
        }
        pipeline.table.gate().set_for("#3142858502", fault);
        assert_eq!(pipeline.process_texts(&batch).await.unwrap(), [1], "{fault:?}");
        pipeline.table.gate().set(Fault::None);
        for user_id in ["3142858501", "3142858503", "3142858504"] {
            assert_eq!(pipeline.state(APP_ID, user_id).unwrap().unwrap()["access"], "gone", "{fault:?} {user_id}");
        }
        assert_eq!(pipeline.process_texts(&batch[1..2]).await.unwrap(), Vec::<usize>::new());
        assert_eq!(pipeline.state(APP_ID, "3142858502").unwrap().unwrap()["access"], "gone", "{fault:?}");
    }
}

#[tokio::test]
async fn unknown_chat_types_beyond_fifty_are_counted_together_and_known_ones_by_name() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.deliver(&crate::kakao::share("7", "first")).await.unwrap();
    let first = pipeline.queue.take().remove(0).body;
    let of =
        |number: u32| first.replace("DirectChat", &format!("Chat{number:04}")).replace("first", &format!("r{number}"));
    let mut texts: Vec<String> = (0..120).chain(0..120).map(of).collect();
    // Known ones by name, however many others came before.
    texts.push(first.clone());
    for batch in texts.chunks(10) {
        assert_eq!(pipeline.process_texts(batch).await.unwrap(), Vec::<usize>::new());
    }
    let shares = pipeline.state(APP_ID, "7").unwrap().unwrap()["shares"].clone();
    let by_chat_type = shares["by_chat_type"].as_object().unwrap();
    assert_eq!(shares["count"], 121);
    assert_eq!((by_chat_type.len(), &by_chat_type["DirectChat"], &by_chat_type["other"]), (52, &json!(1), &json!(70)));
}

#[tokio::test]
async fn workers_that_all_read_room_for_one_more_chat_type_do_not_pass_the_bound() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let names = (0..49).map(|number| (format!("Old{number:04}"), json!({"N": "1"})));
    let by_chat_type: serde_json::Map<String, Value> = names.collect();
    let pk = format!("USER#{APP_ID}#7");
    let item = json!({
        "pk": {"S": pk}, "sk": {"S": "SHARES"}, "count": {"N": "49"}, "by_chat_type": {"M": by_chat_type},
    });
    pipeline.table.put(&item).unwrap();
    pipeline.deliver(&crate::kakao::share("7", "first")).await.unwrap();
    let first = pipeline.queue.take().remove(0).body;
    let of = |number: u32| first.replace("DirectChat", &format!("New{number}")).replace("first", &format!("r{number}"));
    let texts: Vec<String> = (0..10).map(of).collect();
    // Each of them has read the counter before the first is counted.
    pipeline.table.gate().set_for("TransactItems", Fault::Slow(Duration::from_millis(500)));
    assert_eq!(pipeline.process_texts(&texts).await.unwrap(), Vec::<usize>::new());
    let counter = pipeline.table.item(&pk, "SHARES").unwrap().unwrap();
    let by_chat_type = counter["by_chat_type"].as_object().unwrap();
    assert_eq!((&counter["count"], by_chat_type.len(), &by_chat_type["other"]), (&json!(59), 51, &json!(9)));
}

#[tokio::test]
async fn a_share_from_before_an_erasure_is_recorded_without_a_transaction_and_moves_nothing() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.deliver(&crate::kakao::share("7", "first")).await.unwrap();
    let text = pipeline.queue.take().remove(0).body;
    let pk = format!("USER#{APP_ID}#7");
    let erased = json!({
        "pk": {"S": pk}, "sk": {"S": "SHARES"}, "count": {"N": "0"}, "by_chat_type": {"M": {}},
        "erased_until": {"S": "2999-01-01T00:00:00.000Z"},
    });
    pipeline.table.put(&erased).unwrap();
    let before = pipeline.table.item(&pk, "SHARES").unwrap();
    pipeline.table.gate().set_for("TransactItems", Fault::Status(500));
    for _ in 0..2 {
        assert_eq!(pipeline.process_texts(std::slice::from_ref(&text)).await.unwrap(), Vec::<usize>::new());
    }
    assert_eq!(pipeline.history(&pk).unwrap().len(), 1);
    assert_eq!(pipeline.table.item(&pk, "SHARES").unwrap(), before);
}

/// The longest number for which something is accepted, from 0 on.
fn longest(limit: usize, is_accepted: impl Fn(usize) -> bool) -> usize {
    let (mut accepted, mut refused) = (0, limit);
    while refused - accepted > 1 {
        let middle = usize::midpoint(accepted, refused);
        *(if is_accepted(middle) { &mut accepted } else { &mut refused }) = middle;
    }
    accepted
}

/// Puts a counter of shares that has these chat types, each counted once, and no byte left.
fn put_full_counter(pipeline: &Pipeline, user_id: &str, chat_types: usize) {
    let names = (0..chat_types).map(|number| format!("{}{number:04}", "x".repeat(96)));
    let by_chat_type: serde_json::Map<String, Value> = names.map(|name| (name, json!({"N": "1"}))).collect();
    let item = |padding: usize| {
        json!({
            "pk": {"S": format!("USER#{APP_ID}#{user_id}")}, "sk": {"S": "SHARES"},
            "count": {"N": chat_types.to_string()}, "by_chat_type": {"M": by_chat_type.clone()},
            "padding": {"S": "x".repeat(padding)},
        })
    };
    let most = longest(500_000, |padding| pipeline.table.put(&item(padding)).is_ok());
    pipeline.table.put(&item(most)).unwrap();
    assert!(pipeline.table.set(&format!("USER#{APP_ID}#{user_id}"), "SHARES", "more", "x").is_err());
}

#[tokio::test]
async fn a_counter_that_is_full_of_chat_types_from_before_they_were_bounded_counts_again() {
    let mut pipeline = Pipeline::start().await.unwrap();
    put_full_counter(&pipeline, "7", 3_000);
    for id in ["first", "second"] {
        pipeline.deliver(&crate::kakao::share("7", id)).await.unwrap();
        let known = pipeline.queue.take().remove(0).body;
        let unknown = known.replace("DirectChat", "ChatNew").replace(id, &format!("{id}-new"));
        assert_eq!(pipeline.process_texts(&[known, unknown]).await.unwrap(), Vec::<usize>::new());
    }
    let counter = pipeline.table.item(&format!("USER#{APP_ID}#7"), "SHARES").unwrap().unwrap();
    assert_eq!(counter["count"], 3_004);
    let by_chat_type = counter["by_chat_type"].as_object().unwrap();
    let of = |name: &str| by_chat_type[name].as_u64().unwrap();
    assert_eq!((by_chat_type.len(), of("DirectChat"), of("other")), (52, 2, 2_952));
    assert_eq!(pipeline.history(&format!("USER#{APP_ID}#7")).unwrap().len(), 4);
}

#[tokio::test]
async fn a_counter_that_is_full_of_something_else_costs_no_history_and_is_reported() {
    let mut pipeline = Pipeline::start().await.unwrap();
    put_full_counter(&pipeline, "7", 0);
    pipeline.deliver(&crate::kakao::share("7", "first")).await.unwrap();
    let text = pipeline.queue.take().remove(0).body;
    for _ in 0..2 {
        assert_eq!(pipeline.process_texts(std::slice::from_ref(&text)).await.unwrap(), Vec::<usize>::new());
    }
    assert_eq!(pipeline.history(&format!("USER#{APP_ID}#7")).unwrap().len(), 1);
    let line = pipeline.function("processor").await.unwrap().line("event", "not_counted").await.unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
}

#[tokio::test]
async fn only_the_poisonous_messages_of_a_batch_come_again() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let good = envelope(&mut pipeline, "1").await;
    let change = |pointer: &str, value: Value| {
        let mut changed: Value = serde_json::from_str(&good).unwrap();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    let batch = [
        good.clone(),
        "not json".to_owned(),
        change("/v", json!(2)),
        change("/v", json!("1")),
        String::new(),
        change("/kind", json!("unheard-of")),
        change("/event/user_id", json!("not-a-number")),
        change("/event/user_id", json!("1#STATE")),
        format!("{good}x"),
        change("/event/user_id", json!("2")),
    ];
    assert_eq!(pipeline.process_texts(&batch).await.unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
    for user_id in ["1", "2"] {
        assert_eq!(pipeline.state(APP_ID, user_id).unwrap().unwrap()["access"], "gone", "{user_id}");
    }
    // Two users with a state and one line of history each, and nothing of the rest.
    assert_eq!(pipeline.table.items().unwrap().len(), 4);
}

#[tokio::test]
async fn an_event_that_a_failing_table_refused_is_redelivered_and_applied() {
    let limit = Duration::from_secs(3);
    for fault in [Fault::Status(500), Fault::Throttled, Fault::Hangs] {
        let mut pipeline = Pipeline::start().await.unwrap().processor_limit(limit);
        let batch = [envelope(&mut pipeline, "1").await, envelope(&mut pipeline, "2").await];
        pipeline.table.gate().set(fault);
        assert_eq!(pipeline.process_texts(&batch).await.unwrap(), [0, 1], "{fault:?}");
        pipeline.table.gate().set(Fault::None);
        assert_eq!(pipeline.process_texts(&batch).await.unwrap(), Vec::<usize>::new(), "{fault:?}");
        for user_id in ["1", "2"] {
            assert_eq!(pipeline.state(APP_ID, user_id).unwrap().unwrap()["access"], "gone", "{fault:?}");
        }
        assert_eq!(pipeline.table.items().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn the_events_of_one_user_in_one_batch_are_written_once() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for minute in 1..=10 {
        let members = json!({"scope": format!("item_{minute}")});
        let consent = token("7", &format!("{OAUTH}user-scope-consent"), minute, &members);
        let request = signed(&pipeline, &consent);
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    }
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "7").unwrap().unwrap();
    assert_eq!(state["scopes"].as_object().unwrap().len(), 10);
    let processor = pipeline.function("processor").await.unwrap();
    // An invocation's events are one line, which takes a moment from the process to here.
    processor.line("event", "applied").await.unwrap();
    assert_eq!(processor.lines().iter().filter(|line| line["event"] == "applied").count(), 1);
    assert_eq!(pipeline.history(&format!("USER#{APP_ID}#7")).unwrap().len(), 10);
}

#[tokio::test]
async fn members_that_another_version_stored_in_a_state_survive_a_write() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let first = envelope(&mut pipeline, "8").await;
    pipeline.process_texts(&[first]).await.unwrap();
    let pk = format!("USER#{APP_ID}#8");
    pipeline.table.set(&pk, "STATE", "from_the_future", "kept").unwrap();
    let linked = signed(&pipeline, &token("8", &format!("{OAUTH}user-linked"), 215, &json!({})));
    pipeline.deliver(&linked).await.unwrap();
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let item = pipeline.table.item(&pk, "STATE").unwrap().unwrap();
    assert_eq!(item["from_the_future"], "kept");
    assert_eq!(item["link"]["status"], "linked");
}
