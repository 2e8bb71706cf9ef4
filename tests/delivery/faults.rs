//! What the endpoint does not take comes again after its pause, and in the end it is in UndeliveredQueue.

use std::time::{Duration, Instant};

use end_to_end::{
    endpoint::ANSWER,
    faults::Fault,
    proxy::{ConnectionFault, Proxy},
};
use serde_json::json;

use crate::service::{Service, event, is_about};

const USER: &str = "3142857901";

#[tokio::test]
async fn what_an_endpoint_refuses_comes_again_after_its_pause() {
    let mut service = Service::start().await;
    let id = service.send(USER);
    service.endpoint.answers(503);
    for (attempt, expected) in [(1, 5), (2, 30), (3, 120)] {
        let pauses = service.deliver_and_wait().await;
        assert!(pauses.len() == 1 && is_about(pauses[0], expected), "attempt {attempt}: {pauses:?}");
        assert_eq!(service.queue.receipts(&id), attempt);
    }
    service.endpoint.answers(200);
    assert_eq!(service.deliver_and_wait().await, [0; 0]);
    let posted = service.endpoint.posted();
    assert_eq!(posted.len(), 4);
    let sent = |nth: usize| (posted[nth].header("webhook-id"), &posted[nth].body);
    assert!((1..4).all(|nth| sent(nth) == sent(0)));

    let refused = service.logged("not_delivered", 3).await;
    let expected: Vec<_> = (1..=3).map(|attempt| json!([attempt, 503, "WARN"])).collect();
    let said: Vec<_> = refused.iter().map(|line| json!([line["attempt"], line["status"], line["level"]])).collect();
    assert_eq!(said, expected);
    let paused: Vec<_> = service.queue.hidden().iter().map(|(_, seconds)| json!(seconds)).collect();
    assert_eq!(refused.iter().map(|line| line["next_in_s"].clone()).collect::<Vec<_>>(), paused);
}

#[tokio::test]
async fn after_nine_attempts_a_change_is_in_the_undelivered_queue() {
    let mut service = Service::start().await;
    service.send(USER);
    service.endpoint.answers(500);
    let mut pauses = vec![];
    for _ in 0..9 {
        pauses.extend(service.deliver_and_wait().await);
    }
    let usual = [5, 30, 120, 600, 3_600, 10_800, 21_600, 39_600];
    assert!(pauses.iter().zip(usual).all(|(pause, usual)| is_about(*pause, usual)), "{pauses:?}");
    assert_eq!(pauses.len(), 9);
    assert_eq!(service.queue.receive(10), []);
    assert_eq!(service.queue.dead_letters().bodies(), [event(USER).to_string()]);
    assert_eq!(service.endpoint.posted().len(), 9);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let mut service = Service::start().await;
        service.send(USER);
        service.endpoint.answers(status);
        assert_eq!(service.deliver_and_wait().await.len(), 1);
        assert_eq!(service.endpoint.posted().len(), 1, "{status}");
        assert_eq!(service.logged("not_delivered", 1).await[0]["status"], status);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_an_error_and_is_tried_again() {
    let mut service = Service::start().await;
    service.send(USER);
    service.endpoint.answers(410);
    assert_eq!(service.deliver_and_wait().await.len(), 1);
    let gone = service.deliverer.line("event", "gone").await.unwrap();
    assert_eq!((&gone["level"], &gone["attempt"]), (&json!("ERROR"), &json!(1)));
    service.endpoint.answers(204);
    assert_eq!(service.deliver_and_wait().await, [0; 0]);
}

#[tokio::test]
async fn an_endpoint_that_hangs_for_one_change_delays_no_other() {
    let mut service = Service::start().await;
    let (other, slow) = ("3142857902", service.send(USER));
    service.send(other);
    service.endpoint.gate().set_for(USER, Fault::Hangs);
    let begun = Instant::now();
    let failed = service.deliver().await;
    assert_eq!(failed.iter().map(|message| &message.id).collect::<Vec<_>>(), [&slow]);
    // Lambda gave it five seconds, and its report is in before.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let posted = service.endpoint.posted();
    assert_eq!(posted.len(), 1);
    assert!(posted[0].header("webhook-id").contains(other));
    let hidden = service.queue.hidden();
    assert!(hidden.len() == 1 && hidden[0].0 == slow && is_about(hidden[0].1, 5), "{hidden:?}");
    assert_eq!(service.logged("not_delivered", 1).await[0]["cause"], "no response in time");
}

#[tokio::test]
async fn an_endpoint_that_is_down_gets_everything_when_it_is_back() {
    for fault in [ConnectionFault::Refuses, ConnectionFault::Closes] {
        let mut service = Service::start().await;
        let mut proxy = Proxy::before(&service.endpoint.url()).await.unwrap();
        service.restart_with(&[("DELIVERY_URL", &proxy.url())]).await;
        proxy.set(fault.clone()).await.unwrap();
        service.send(USER);
        let pauses = service.deliver_and_wait().await;
        assert!(pauses.len() == 1 && is_about(pauses[0], 5), "{fault:?}: {pauses:?}");
        assert!(service.logged("not_delivered", 1).await[0]["cause"].is_string(), "{fault:?}");
        proxy.set(ConnectionFault::None).await.unwrap();
        assert_eq!(service.deliver_and_wait().await, [0; 0], "{fault:?}");
        assert_eq!(service.endpoint.posted().len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn what_an_endpoint_answers_is_neither_read_to_a_far_end_nor_logged() {
    let mut service = Service::start().await;
    let mut proxy = Proxy::before(&service.endpoint.url()).await.unwrap();
    service.restart_with(&[("DELIVERY_URL", &proxy.url())]).await;
    // It says that a gigabyte comes, and sends a little of it.
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n{}", ANSWER.repeat(2_000));
    proxy.set(ConnectionFault::Answers(long)).await.unwrap();
    service.send(USER);
    let begun = Instant::now();
    assert_eq!(service.deliver_and_wait().await, [0; 0]);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_ends_in_the_undelivered_queue_and_holds_up_no_other() {
    let mut service = Service::start().await;
    let poison = r#"{"detail-type":"user-changed","detail":{"user_id":"3142857999"}}"#;
    service.queue.put(poison);
    service.send(USER);
    for _ in 0..9 {
        assert_eq!(service.deliver_and_wait().await, [5]);
    }
    assert_eq!(service.queue.receive(10), []);
    assert_eq!(service.queue.dead_letters().bodies(), [poison]);
    assert_eq!(service.endpoint.posted().len(), 1);
    let lines = service.logged("undeliverable", 9).await;
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["why"], "the event's detail is not an object with id and written_at");
}

#[tokio::test]
async fn where_a_pause_cannot_be_set_the_message_comes_again_all_the_same() {
    let mut service = Service::start().await;
    let id = service.send(USER);
    service.endpoint.answers(500);
    for fault in [Fault::Status(500), Fault::Throttled, Fault::Hangs] {
        service.queue.gate().set(fault);
        let failed = service.deliver().await;
        assert_eq!(failed.iter().map(|message| &message.id).collect::<Vec<_>>(), [&id], "{fault:?}");
        // The queue's own visibility timeout is over.
        service.queue.give_back(failed);
    }
    assert_eq!(service.queue.hidden(), []);
    service.logged("pause_not_set", 3).await;
    service.queue.gate().set(Fault::None);
    service.endpoint.answers(200);
    assert_eq!(service.deliver_and_wait().await, [0; 0]);
}
