//! The bus refuses, throttles and hangs, the publisher is killed, an item can't be read: nothing is lost.

use std::time::Duration;

use end_to_end::{
    faults::Fault,
    lambda::Outcome,
    stream::{event, sequence_number, with_new_member},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::service::{Service, word};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_bus_that_fails_for_a_while_gets_everything_in_the_end() {
    everything_arrives_after(Fault::Status(500)).await;
}

#[tokio::test]
async fn a_bus_that_throttles_for_a_while_gets_everything_in_the_end() {
    everything_arrives_after(Fault::Throttled).await;
}

#[tokio::test]
async fn a_bus_that_hangs_for_a_while_gets_everything_in_the_end() {
    everything_arrives_after(Fault::Hangs).await;
}

async fn everything_arrives_after(fault: Fault) {
    let mut service = Service::start().await;
    service.send_crowd().await;
    let waiting = service.stream.next(&service.pipeline.table).unwrap();
    assert_eq!(waiting.len(), 12);
    service.bus.gate().set(fault);
    service.stream.poll(&service.pipeline.table, &mut service.publisher).await.unwrap();
    assert_eq!(service.bus.taken(), []);
    assert_eq!(service.stream.next(&service.pipeline.table).unwrap(), waiting);

    service.bus.gate().set(Fault::None);
    service.publish().await;
    assert_eq!(service.bus.ids(), service.ids_of_a_calm_bus().await);
    assert_eq!(service.bus.ids().len(), 12);
    assert_eq!(service.bus.early(), []);
}

#[tokio::test]
async fn what_is_throttled_singly_is_put_again_alone() {
    let mut service = Service::start().await;
    service.send_crowd().await;
    service.bus.throttle("3142857915", 3);
    assert!(!service.stream.poll(&service.pipeline.table, &mut service.publisher).await.unwrap());
    assert_eq!(service.bus.ids(), service.ids_of_a_calm_bus().await);
    assert_eq!(service.bus.taken().len(), service.bus.ids().len());
    let entries: usize = service.bus.calls().iter().sum();
    assert_eq!(entries, service.bus.taken().len() + 3);
}

#[tokio::test]
async fn the_stream_waits_at_the_first_write_whose_entry_the_bus_throttles() {
    let mut service = Service::start().await;
    for user in ["3142857901", "3142857902", "3142857903"] {
        let said = if user == "3142857902" { "service-unlinked" } else { "service-linked" };
        service.send_message(&word(said, user)).await;
    }
    service.bus.throttle("3142857902", usize::MAX);
    assert!(service.stream.poll(&service.pipeline.table, &mut service.publisher).await.unwrap());
    let waiting = service.stream.next(&service.pipeline.table).unwrap();
    let of = |record: &Value| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap().to_owned();
    assert_eq!(waiting.iter().map(of).collect::<Vec<_>>(), ["USER#123456#3142857902", "USER#123456#3142857903"]);

    service.bus.throttle("3142857902", 0);
    service.publish().await;
    assert_eq!(service.bus.ids(), service.ids_of_a_calm_bus().await);
}

#[tokio::test]
async fn an_entry_that_the_bus_refuses_for_ever_is_set_aside_and_the_stream_goes_on() {
    let mut service = Service::start().await;
    for user in ["3142857901", "3142857902", "3142857903"] {
        let said = if user == "3142857902" { "service-unlinked" } else { "service-linked" };
        service.send_message(&word(said, user)).await;
    }
    let all = service.ids_of_a_calm_bus().await;
    let records = service.stream.next(&service.pipeline.table).unwrap();
    service.bus.refuse("3142857902", "InvalidArgument");
    service.publish().await;
    assert_eq!(service.stream.next(&service.pipeline.table).unwrap(), Vec::<Value>::new());
    assert!(service.bus.taken().iter().all(|event| event.text("user_id") != "3142857902"));
    assert_eq!(service.bus.ids().len(), all.len() - 1);

    let kept: Value = serde_json::from_str(&service.unpublished.bodies()[0]).unwrap();
    assert_eq!(service.unpublished.bodies().len(), 1);
    assert_eq!(kept["sequence_number"], records[1]["dynamodb"]["SequenceNumber"]);
    assert_eq!(kept["new"], records[1]["dynamodb"]["NewImage"]);
    let line = service.publisher.line("event", "unpublishable").await.unwrap();
    assert_eq!(line["why"], kept["why"]);
    assert!(line["why"].as_str().unwrap().ends_with("InvalidArgument"), "{line}");
}

#[tokio::test]
async fn a_publisher_that_is_killed_in_the_middle_of_a_batch_loses_nothing() {
    let mut service = Service::start().await;
    service.send_crowd().await;
    let all = service.ids_of_a_calm_bus().await;
    let spare = service.second_publisher().await;
    // One call is late; the others are answered at once.
    service.bus.gate().set_for("3142857915", Fault::Slow(Duration::from_secs(3)));
    let batch = service.stream.next(&service.pipeline.table).unwrap();
    service.publisher.begin(&event(&batch)).await;
    let deadline = Instant::now() + PATIENCE;
    while service.bus.taken().is_empty() {
        assert!(Instant::now() < deadline, "{:?}", service.publisher.lines());
        sleep(Duration::from_millis(5)).await;
    }
    service.publisher = spare;
    let published = service.bus.ids();
    assert!(!published.is_empty() && published.len() < all.len(), "{} of {}", published.len(), all.len());

    service.bus.gate().set(Fault::None);
    service.publish().await;
    assert_eq!(service.bus.ids(), all);
    assert_eq!(service.bus.early(), []);
}

#[tokio::test]
async fn an_item_of_an_unknown_form_is_set_aside_whole_and_the_stream_goes_on() {
    let mut service = Service::start().await;
    service.send_message(&word("service-linked", "3142857901")).await;
    service.send_message(&word("service-linked", "3142857902")).await;
    let records = service.stream.next(&service.pipeline.table).unwrap();
    for (poison, kept) in
        [("link", json!({"N": "7"})), ("version", json!({"S": "two"})), ("updated_at", json!({"N": "1"}))]
            .into_iter()
            .map(|(name, value)| with_new_member(records[0].clone(), name, &value))
            .zip(1..)
    {
        let batch = [poison.clone(), records[1].clone()];
        let outcome = service.publisher.invoke(&event(&batch)).await.unwrap();
        assert_eq!(outcome, Outcome::Response(json!({"batchItemFailures": []})));
        let set_aside = service.unpublished.bodies();
        assert_eq!(set_aside.len(), kept, "{set_aside:?}");
        let record: Value = serde_json::from_str(set_aside.last().unwrap()).unwrap();
        assert_eq!(record["new"], poison["dynamodb"]["NewImage"]);
        assert_eq!(record["keys"], poison["dynamodb"]["Keys"]);
        assert_eq!(record["sequence_number"], poison["dynamodb"]["SequenceNumber"]);
        assert!(service.bus.taken().iter().all(|event| event.text("user_id") == "3142857902"));
    }
    assert!(!service.bus.taken().is_empty());
}

#[tokio::test]
async fn what_can_neither_be_read_nor_set_aside_comes_again() {
    let mut service = Service::start().await;
    service.send_message(&word("service-linked", "3142857901")).await;
    let record = service.stream.next(&service.pipeline.table).unwrap().remove(0);
    let poison = with_new_member(record, "link", &json!({"N": "7"}));
    service.unpublished.gate().set(Fault::Status(500));
    let outcome = service.publisher.invoke(&event(std::slice::from_ref(&poison))).await.unwrap();
    let again = json!({"batchItemFailures": [{"itemIdentifier": sequence_number(&poison)}]});
    assert_eq!(outcome, Outcome::Response(again));
}

/// A record without this member of its `dynamodb`.
fn without(record: &Value, name: &str) -> Value {
    let mut record = record.clone();
    record["dynamodb"].as_object_mut().unwrap().remove(name);
    record
}

#[tokio::test]
async fn a_stream_of_another_view_type_is_reported_and_kept_and_no_deletion() {
    for missing in ["KEYS_ONLY", "OLD_IMAGE"] {
        let mut service = Service::start().await;
        service.send_message(&word("service-linked", "3142857901")).await;
        service.send_message(&word("service-linked", "3142857902")).await;
        let records = service.stream.next(&service.pipeline.table).unwrap();
        let mut blind = without(&records[0], "NewImage");
        blind["eventName"] = json!("MODIFY");
        if missing == "OLD_IMAGE" {
            blind["dynamodb"]["OldImage"] = records[0]["dynamodb"]["NewImage"].clone();
        }
        let outcome = service.publisher.invoke(&event(&[blind.clone(), records[1].clone()])).await.unwrap();
        assert_eq!(outcome, Outcome::Response(json!({"batchItemFailures": []})));
        let line = service.publisher.line("event", "unpublishable").await.unwrap();
        assert!(line["why"].as_str().unwrap().contains("NEW_AND_OLD_IMAGES"), "{line}");
        let kept: Value = serde_json::from_str(&service.unpublished.bodies()[0]).unwrap();
        assert_eq!(kept["keys"], blind["dynamodb"]["Keys"], "{missing}");
        assert!(service.bus.taken().iter().all(|event| event.text("user_id") == "3142857902"), "{missing}");
        assert!(!service.bus.taken().is_empty());
    }
}

#[tokio::test]
async fn a_record_that_lacks_what_is_not_read_is_published_and_an_odd_one_fails_alone() {
    let mut service = Service::start().await;
    for user in ["3142857901", "3142857902", "3142857903"] {
        service.send_message(&word("service-linked", user)).await;
    }
    let mut records = service.stream.next(&service.pipeline.table).unwrap();
    for member in ["SizeBytes", "StreamViewType", "ApproximateCreationDateTime"] {
        records[0] = without(&records[0], member);
    }
    records[0].as_object_mut().unwrap().remove("eventSourceARN");
    records[1]["dynamodb"]["NewImage"] = json!({"pk": 7});
    let outcome = service.publisher.invoke(&event(&records)).await.unwrap();
    assert_eq!(outcome, Outcome::Response(json!({"batchItemFailures": []})));
    let users: std::collections::BTreeSet<_> =
        service.bus.taken().iter().map(|event| event.text("user_id").to_owned()).collect();
    assert_eq!(users, ["3142857901", "3142857903"].map(str::to_owned).into());
    let kept: Value = serde_json::from_str(&service.unpublished.bodies()[0]).unwrap();
    assert_eq!(kept["unread"]["record"], records[1]);
    let now = jiff::Timestamp::now().as_second();
    for event in service.bus.taken() {
        let written_at: jiff::Timestamp = event.text("written_at").parse().unwrap();
        assert!((now - 120..=now + 1).contains(&written_at.as_second()), "{written_at}");
    }
}
