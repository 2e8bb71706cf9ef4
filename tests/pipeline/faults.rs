//! When queue or table fail: the event is in the inbox, or the answer is 503. How soon is for `tests/faults`.

use std::time::{Duration, Instant};

use end_to_end::{
    Pipeline, Request,
    faults::Fault,
    patience::{CHATBOT_LIMIT, WEBHOOK_LIMIT},
    service::APP_ID,
};
use serde_json::{Value, json};

use crate::kakao::{OAUTH, channel, channel_body, share, signed, skill, skill_body, snapshot, token, unlink};

/// The answer's status. An answer that waits for what hangs fails.
async fn within(pipeline: &mut Pipeline, request: &Request, limit: Duration) -> u16 {
    let request = request.clone().received_now();
    let start = Instant::now();
    let answer = pipeline.deliver(&request).await.unwrap();
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
    if answer.status == 503 {
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    answer.status
}

/// Each webhook's request, with its good status.
fn of_every_webhook(pipeline: &Pipeline) -> [(Request, u16); 5] {
    [
        (unlink("1"), 200),
        (share("1", "share-1"), 200),
        (channel(&channel_body("added", "1", "2025-03-01T01:00:00Z"), "channel-1"), 200),
        (skill(&skill_body("u1", "안녕"), "skill-1"), 200),
        (signed(pipeline, &token("1", &format!("{OAUTH}user-linked"), 1, &json!({}))), 202),
    ]
}

#[tokio::test]
async fn what_a_failing_queue_does_not_take_is_in_the_inbox_as_it_would_have_been_sent() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut texts = vec![];
    for (request, status) in of_every_webhook(&pipeline) {
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, status);
        texts.push(pipeline.queue.take().remove(0).body);
    }
    pipeline.queue.gate().set(Fault::Status(500));
    for (request, status) in of_every_webhook(&pipeline) {
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, status);
    }
    let inbox = pipeline.items_of("INBOX#").unwrap();
    let mut kept: Vec<_> = inbox.iter().map(|item| item["envelope"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    kept.sort();
    assert_eq!(kept, texts);
    assert_eq!(pipeline.table.items().unwrap().len(), 5);
    snapshot("inbox", &inbox);
    // From there it goes the same way as from the queue.
    assert_eq!(pipeline.process_texts(&kept).await.unwrap(), Vec::<usize>::new());
    assert_eq!(pipeline.state(APP_ID, "1").unwrap().unwrap()["channels"]["_ISxgbxb"]["status"], "added");
}

#[tokio::test]
async fn however_the_queue_fails_the_inbox_stores_the_event() {
    for fault in [Fault::Status(500), Fault::Status(403), Fault::Throttled, Fault::Hangs] {
        let mut pipeline = Pipeline::start().await.unwrap();
        pipeline.queue.gate().set(fault);
        assert_eq!(within(&mut pipeline, &unlink("1"), WEBHOOK_LIMIT).await, 200, "{fault:?}");
        assert_eq!(pipeline.items_of("INBOX#").unwrap().len(), 1, "{fault:?}");
        assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_same_event_is_in_the_inbox_once() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Throttled);
    for _ in 0..2 {
        assert_eq!(pipeline.deliver(&share("1", "share-1")).await.unwrap().status, 200);
    }
    assert_eq!(pipeline.items_of("INBOX#").unwrap().len(), 1);
}

#[tokio::test]
async fn different_events_under_one_id_are_all_in_the_inbox_and_then_in_the_table() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Status(500));
    let events = [
        share("1", "one-id"),
        share("2", "one-id"),
        channel(&channel_body("added", "1", "2025-03-01T01:00:00Z"), "one-id"),
        channel(&channel_body("blocked", "2", "2025-03-01T01:00:00Z"), "one-id"),
    ];
    for request in events.iter().chain(&events) {
        assert_eq!(pipeline.deliver(request).await.unwrap().status, 200);
    }
    let inbox = pipeline.items_of("INBOX#").unwrap();
    assert_eq!(inbox.len(), events.len(), "each once: {inbox:?}");
    assert_eq!(inbox.iter().filter(|item| item["sk"] == "one-id").count(), 1);
    pipeline.queue.gate().set(Fault::None);
    let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
    pipeline.function("janitor").await.unwrap().invoke(&event).await.unwrap();
    assert_eq!(pipeline.items_of("INBOX#").unwrap(), [], "the janitor finds each under its own key");
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    for (user_id, status) in [("1", "added"), ("2", "blocked")] {
        let state = pipeline.state(APP_ID, user_id).unwrap().unwrap();
        assert_eq!(state["shares"]["count"], 1);
        assert_eq!(state["channels"]["_ISxgbxb"]["status"], status);
    }
}

#[tokio::test]
async fn an_event_of_a_token_that_cannot_be_stored_does_not_stop_the_others() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut two = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    two.claims["events"][format!("{OAUTH}user-scope-consent")] = json!({"scope": "account_email"});
    let request = signed(&pipeline, &two);
    for gate in [pipeline.queue.gate(), pipeline.table.gate()] {
        gate.set_for(":user-linked", Fault::Status(500));
    }
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 503);
    let kept = pipeline.queue.bodies();
    assert!(kept.len() == 1 && kept[0].contains(":user-scope-consent"), "{kept:?}");
    for gate in [pipeline.queue.gate(), pipeline.table.gate()] {
        gate.set(Fault::None);
    }
    // Kakao delivers again.
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "1").unwrap().unwrap();
    assert_eq!(
        (&state["link"]["status"], &state["scopes"]["account_email"]["granted"]),
        (&json!("linked"), &json!(true))
    );
}

#[tokio::test]
async fn with_queue_and_table_failing_every_webhook_answers_503_and_works_again_afterwards() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for fault in [Fault::Status(500), Fault::Throttled] {
        pipeline.queue.gate().set(fault);
        pipeline.table.gate().set(fault);
        for (request, _) in of_every_webhook(&pipeline) {
            // Most of the budget is used up, or each would be tried again until its end.
            let request = request.received_at(Request::new("GET", "/").received_now().received_at - 2_000);
            let answer = pipeline.deliver(&request).await.unwrap();
            assert_eq!(answer.status, 503, "{}", request.path);
            assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
        }
    }
    for gate in [pipeline.queue.gate(), pipeline.table.gate()] {
        gate.set(Fault::None);
    }
    for (request, status) in of_every_webhook(&pipeline) {
        assert_eq!(within(&mut pipeline, &request, WEBHOOK_LIMIT).await, status, "{}", request.path);
    }
    assert_eq!(pipeline.queue.bodies().len(), 5);
    assert!(pipeline.table.items().unwrap().is_empty());
}

#[tokio::test]
async fn with_queue_and_table_hanging_the_answer_is_503() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Hangs);
    pipeline.table.gate().set(Fault::Hangs);
    assert_eq!(within(&mut pipeline, &unlink("1"), WEBHOOK_LIMIT).await, 503);
    let message = skill(&skill_body("u1", "안녕"), "skill-1");
    assert_eq!(within(&mut pipeline, &message, CHATBOT_LIMIT).await, 503);
}

#[tokio::test]
async fn time_that_the_gateway_has_used_up_is_not_there_for_the_queue() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.deliver(&unlink("0")).await.unwrap();
    pipeline.queue.gate().set(Fault::Hangs);
    pipeline.table.gate().set(Fault::Hangs);
    let now = Request::new("GET", "/").received_now().received_at;
    let start = Instant::now();
    let answer = pipeline.deliver(&unlink("1").received_at(now - 2_000)).await.unwrap();
    assert_eq!(answer.status, 503);
    // Half a second is left of the budget, which alone would be 2.5 s.
    assert!(start.elapsed() < Duration::from_millis(2_200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn with_little_time_left_a_hanging_queue_leaves_enough_of_it_for_the_inbox() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Status(500));
    pipeline.deliver(&unlink("0").id("first")).await.unwrap();
    pipeline.queue.gate().set(Fault::Hangs);
    // What is left for the inbox, 0.4 s, may be too little for a machine under load.
    for attempt in 0..5 {
        let (now, id) = (Request::new("GET", "/").received_now().received_at, format!("attempt-{attempt}"));
        // One second is left of the budget: less than the queue's attempts would take.
        let answer = pipeline.deliver(&unlink("1").id(&id).received_at(now - 1_500)).await.unwrap();
        if answer.status == 200 {
            let inbox = pipeline.items_of("INBOX#").unwrap();
            assert!(inbox.iter().any(|item| item["sk"] == json!(id)), "{id}: {inbox:?}");
            return;
        }
        assert_eq!(answer.status, 503);
    }
    panic!("the queue leaves no time for the inbox");
}

#[tokio::test]
async fn a_log_line_is_an_event_with_fields() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.deliver(&unlink("3142858300")).await.unwrap();
    pipeline.drain().await.unwrap();
    pipeline.function("unlink").await.unwrap().line("event", "answered").await.unwrap();
    pipeline.function("processor").await.unwrap().line("event", "recorded").await.unwrap();
    let mut lines = pipeline.raw_lines();
    lines.iter_mut().for_each(without_what_changes);
    snapshot("log-lines", &lines);
}

/// Takes out times, and Lambda's own ids, which the runtime adds.
fn without_what_changes(line: &mut Value) {
    match line {
        Value::Object(fields) => {
            fields.remove("spans");
            for (name, value) in fields {
                let changes = ["timestamp", "Timestamp", "ms", "version"].contains(&name.as_str());
                if changes || (name.ends_with("_ms") && !value.is_string()) {
                    *value = json!("[changes]");
                } else {
                    without_what_changes(value);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_what_changes),
        _ => {}
    }
}
