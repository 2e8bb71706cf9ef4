//! What the janitor does every minute: the inbox goes to the queue, and the key set is stored in the table.

use end_to_end::{
    Pipeline, Request, faults::Fault, gateway::RECEIVED_AT, lambda::Outcome, patience::becomes, service::APP_ID,
};
use serde_json::json;

use crate::kakao::{OAUTH, signed, token, unlink};

/// What the schedule sends.
async fn a_minute_passes(pipeline: &mut Pipeline) {
    let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
    let outcome = pipeline.function("janitor").await.unwrap().invoke(&event).await.unwrap();
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
}

#[tokio::test]
async fn what_is_in_the_inbox_reaches_the_table_once_the_queue_works_again() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Status(500));
    for user_id in ["1", "2", "3"] {
        assert_eq!(pipeline.deliver(&unlink(user_id).id(user_id)).await.unwrap().status, 200);
    }
    a_minute_passes(&mut pipeline).await;
    assert_eq!(pipeline.items_of("INBOX#").unwrap().len(), 3, "nothing goes that the queue didn't take");
    pipeline.function("unlink").await.unwrap().line("kept_inbox", 1).await.unwrap();
    let janitor = pipeline.function("janitor").await.unwrap();
    janitor.line("inbox_waiting", json!([3])).await.unwrap();
    let oldest = janitor.line("gauge", "inbox_waiting").await.unwrap()["oldest_seconds"].as_f64().unwrap();
    let since = jiff::Timestamp::now().as_millisecond() - RECEIVED_AT;
    assert!((0.0..=60.0).contains(&(since as f64 / 1_000.0 - oldest)), "{oldest} seconds");

    pipeline.queue.gate().set(Fault::None);
    a_minute_passes(&mut pipeline).await;
    assert_eq!(pipeline.items_of("INBOX#").unwrap(), []);
    assert_eq!(pipeline.queue.bodies().len(), 3);
    a_minute_passes(&mut pipeline).await;
    let janitor = pipeline.function("janitor").await.unwrap();
    let logged = |name: &str, value: &str| janitor.lines().iter().filter(|line| line[name] == value).count();
    // A minute's events are one line, which takes a moment from the process to here.
    becomes("the lines of three minutes", &3, async || logged("event", "key_set_kept")).await;
    assert_eq!(logged("gauge", "inbox_waiting"), 1, "nothing waits after the first minute");
    assert_eq!(pipeline.queue.bodies().len(), 3);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    for user_id in ["1", "2", "3"] {
        assert_eq!(pipeline.state(APP_ID, user_id).unwrap().unwrap()["access"], "gone");
    }
}

#[tokio::test]
async fn another_event_that_takes_the_id_of_one_on_its_way_out_of_the_inbox_stays() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Status(500));
    assert_eq!(pipeline.deliver(&unlink("3142858000").id("one-id")).await.unwrap().status, 200);
    let partition = pipeline.items_of("INBOX#").unwrap()[0]["pk"].as_str().unwrap().to_owned();
    pipeline.queue.gate().set(Fault::None);
    // Its deletion is on its way while the other one comes.
    pipeline.table.gate().set_for("one-id", Fault::Slow(std::time::Duration::from_millis(1_500)));
    let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
    let id = pipeline.function("janitor").await.unwrap().begin(&event).await;
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while pipeline.queue.bodies().is_empty() {
        assert!(std::time::Instant::now() < patience, "the janitor sends nothing");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    pipeline.table.set(&partition, "one-id", "envelope", "another").unwrap();
    pipeline.function("janitor").await.unwrap().finish(&id).await.unwrap();
    let left = pipeline.items_of("INBOX#").unwrap();
    assert_eq!(left.iter().map(|item| item["envelope"].clone()).collect::<Vec<_>>(), ["another"]);
}

#[tokio::test]
async fn an_envelope_at_which_the_queue_hangs_or_that_it_refuses_holds_up_none_behind_it() {
    for fault in [Fault::Hangs, Fault::Status(500)] {
        let mut pipeline = Pipeline::start().await.unwrap();
        pipeline.queue.gate().set(Fault::Status(500));
        let users: Vec<String> = (0..40).map(|number| (3_142_858_000_u64 + number).to_string()).collect();
        for user_id in &users {
            assert_eq!(pipeline.deliver(&unlink(user_id).id(user_id)).await.unwrap().status, 200);
        }
        pipeline.queue.gate().set_for("3142858007", fault);
        a_minute_passes(&mut pipeline).await;
        let left = pipeline.items_of("INBOX#").unwrap();
        assert_eq!(left.iter().map(|item| item["sk"].clone()).collect::<Vec<_>>(), ["3142858007"], "{fault:?}");
        assert_eq!(pipeline.queue.bodies().len(), 39);
    }
}

#[tokio::test]
async fn a_partition_that_hangs_keeps_neither_the_others_nor_the_key_set_waiting() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.queue.gate().set(Fault::Status(500));
    for number in 0..40 {
        let id = format!("event-{number}");
        assert_eq!(pipeline.deliver(&unlink("3142858000").id(&id)).await.unwrap().status, 200);
    }
    let in_partition = |pipeline: &Pipeline, partition| pipeline.items_of(partition).unwrap().len();
    let hanging = in_partition(&pipeline, "INBOX#7");
    assert!(hanging > 0, "another id is needed");
    pipeline.queue.gate().set(Fault::None);
    pipeline.table.gate().set_for("INBOX#7", Fault::Hangs);
    a_minute_passes(&mut pipeline).await;
    pipeline.table.gate().set(Fault::None);
    assert_eq!(in_partition(&pipeline, "INBOX#"), hanging);
    assert!(pipeline.table.item("KEYSET", "KEYSET").unwrap().is_some());
    let gauge = pipeline.function("janitor").await.unwrap().line("gauge", "inbox_waiting").await.unwrap();
    assert_eq!((&gauge["value"], &gauge["unread"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_cold_start_with_the_endpoint_down_verifies_by_the_key_set_that_the_janitor_kept() {
    let mut pipeline = Pipeline::start().await.unwrap();
    a_minute_passes(&mut pipeline).await;
    assert!(pipeline.table.item("KEYSET", "KEYSET").unwrap().is_some());
    pipeline.keys.gate().set(Fault::Status(500));
    let linked = signed(&pipeline, &token("1", &format!("{OAUTH}user-linked"), 1, &json!({})));
    assert_eq!(pipeline.deliver(&linked).await.unwrap().status, 202);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.state(APP_ID, "1").unwrap().unwrap()["link"]["status"], "linked");
}

#[tokio::test]
async fn a_bad_answer_of_the_endpoint_does_not_replace_the_stored_key_set() {
    let mut pipeline = Pipeline::start().await.unwrap();
    a_minute_passes(&mut pipeline).await;
    let kept = pipeline.table.item("KEYSET", "KEYSET").unwrap().unwrap();
    for document in ["", r#"{"keys":[]}"#] {
        pipeline.keys.serve(document.to_owned());
        a_minute_passes(&mut pipeline).await;
        assert_eq!(pipeline.table.item("KEYSET", "KEYSET").unwrap().unwrap(), kept);
    }
}

#[tokio::test]
async fn an_inbox_that_could_not_be_read_is_not_called_empty() {
    let mut pipeline = Pipeline::start().await.unwrap();
    a_minute_passes(&mut pipeline).await;
    pipeline.table.gate().set(Fault::Status(400));
    a_minute_passes(&mut pipeline).await;
    let janitor = pipeline.function("janitor").await.unwrap();
    // What waits is unknown: each partition counts as one that may hold something.
    janitor.line("inbox_waiting", json!([16])).await.unwrap();
}

#[tokio::test]
async fn how_much_waits_in_the_quarantine_and_for_how_long_is_measured() {
    let mut pipeline = Pipeline::start().await.unwrap();
    a_minute_passes(&mut pipeline).await;
    for (id, days_ago) in [("old", 20), ("new", 0), ("expired", 40)] {
        deliver_days_ago(&pipeline, unlink("no-number").id(id), days_ago).await;
    }
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    a_minute_passes(&mut pipeline).await;
    let janitor = pipeline.function("janitor").await.unwrap();
    janitor.line("quarantine_waiting", json!([2])).await.unwrap();
    let oldest = janitor.line("gauge", "quarantine_waiting").await.unwrap()["oldest_seconds"].as_f64().unwrap();
    assert!((0.0..=60.0).contains(&(oldest - 20.0 * 86_400.0)), "{oldest} seconds");
}

#[tokio::test]
async fn how_many_days_a_webhook_has_been_silent_is_measured_once_it_came() {
    let mut pipeline = Pipeline::start().await.unwrap().with("WATCH_SILENCE", "true");
    for (id, days_ago) in [("first", 3), ("late", 5)] {
        deliver_days_ago(&pipeline, unlink(id).id(id), days_ago).await;
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    }
    let seen = pipeline.items_of("SEEN").unwrap();
    assert_eq!(seen.iter().map(|item| item["sk"].clone()).collect::<Vec<_>>(), ["unlink"]);
    a_minute_passes(&mut pipeline).await;
    let gauge = pipeline.function("janitor").await.unwrap().line("gauge", "days_silent").await.unwrap();
    assert_eq!((&gauge["kind"], &gauge["value"]), (&json!("unlink"), &json!(3)));
}

/// Delivers to a function whose clock is this many days behind the machine's, which the janitor reads.
async fn deliver_days_ago(pipeline: &Pipeline, request: Request, days: i64) {
    let behind = -days * DAY;
    let clock = behind.to_string();
    let mut function = pipeline.start_function_with("unlink", &[("TEST_CLOCK_AHEAD_MS", &clock)]).await.unwrap();
    let request = request.received_at(jiff::Timestamp::now().as_millisecond() + behind);
    let outcome = function.invoke(&request.event()).await.unwrap();
    assert!(matches!(&outcome, Outcome::Response(response) if response["statusCode"] == 200), "{outcome:?}");
}

/// In milliseconds.
const DAY: i64 = 86_400_000;
