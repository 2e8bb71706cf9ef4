//! What the publisher counts and what it logs.

use end_to_end::{
    lambda::Lambda,
    stream::{event, with_new_member},
};
use serde_json::{Map, Value, json};

use crate::service::{Service, unlink_now, word};

/// The metrics of all invocations so far: counts added up, and every value of what is measured.
fn metrics(function: &Lambda) -> Map<String, Value> {
    let mut all = Map::new();
    for line in function.lines().into_iter().filter(|line| line.get("_aws").is_some()) {
        for (name, value) in line.as_object().unwrap() {
            match (all.entry(name.clone()).or_insert(json!(null)), value) {
                (Value::Array(values), Value::Array(more)) => values.extend(more.clone()),
                (entry, Value::Number(more)) => *entry = json!(entry.as_u64().unwrap_or(0) + more.as_u64().unwrap()),
                (entry, other) => *entry = other.clone(),
            }
        }
    }
    all
}

/// The lines of metrics take a moment from the process to here.
async fn counted(function: &Lambda, name: &str) -> Map<String, Value> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let metrics = metrics(function);
        if metrics.contains_key(name) {
            return metrics;
        }
        assert!(tokio::time::Instant::now() < deadline, "{:?}", function.lines());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_published_is_timed_from_the_write_on_and_members_who_left_are_counted() {
    let mut service = Service::start_now().await;
    service.send(&unlink_now("3142857901")).await;
    service.send_message(&word("service-linked", "3142857902")).await;
    service.publish().await;
    let metrics = counted(&service.publisher, "published_ms").await;
    assert_eq!(metrics["published_ms"].as_array().unwrap().len(), service.bus.taken().len());
    // The other one has come, which no alarm and no graph asks for.
    assert_eq!((&metrics["published_gone"], metrics.get("published_allowed")), (&json!(1), None));
    let published: Vec<_> = service.publisher.lines().into_iter().filter(|line| line["event"] == "published").collect();
    assert_eq!(published.len(), service.bus.taken().len());
    for line in published {
        // Both were written just now, though one says that it linked long ago.
        assert!(line["ms"].as_u64().unwrap() < 120_000, "{line}");
        // It has the member number.
        assert!(line.get("id").is_none(), "{line}");
    }
}

#[tokio::test]
async fn the_time_that_a_bus_kept_us_waiting_counts() {
    let mut service = Service::start_now().await;
    service.send(&unlink_now("3142857901")).await;
    service.bus.gate().set(end_to_end::faults::Fault::Slow(std::time::Duration::from_millis(1_500)));
    service.publish().await;
    let line = service.publisher.line("event", "published").await.unwrap();
    assert!((1_500..120_000).contains(&line["ms"].as_u64().unwrap()), "{line}");
}

/// An error makes `LoggedErrors` fire, which is the only alarm of the publisher with lean monitoring.
#[tokio::test]
async fn what_the_bus_refuses_is_an_error_once_it_has_waited_for_five_minutes() {
    let mut service = Service::start_now().await;
    service.send(&unlink_now("3142857901")).await;
    let mut record = service.stream.next(&service.pipeline.table).unwrap().remove(0);
    let written = record["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap();
    for waited in [0.0, 240.0, 301.0] {
        record["dynamodb"]["ApproximateCreationDateTime"] = json!(written - waited);
        service.bus.throttle("3142857901", 1);
        service.publisher.invoke(&event(&[record.clone()])).await.unwrap();
    }
    // Of the third, the last line: those before it have come, too.
    service.publisher.line("level", "ERROR").await.unwrap();
    let refused = service.publisher.lines().into_iter().filter(|line| line["event"] == "not_published");
    assert_eq!(refused.map(|line| line["level"].clone()).collect::<Vec<_>>(), ["WARN", "WARN", "ERROR"]);
}

/// The pipeline searches all logs for every value that was sent, member numbers and profile values among them.
#[tokio::test]
async fn the_log_holds_no_member_number_and_no_profile_value_whatever_happens() {
    let mut service = Service::start_with(&[("PUBLISH_PROFILE_VALUES", "true"), ("RUST_LOG", "trace")]).await;
    service.send_every_fixture().await;
    service.bus.throttle("3142857218", 1);
    service.publish().await;
    assert!(service.bus.taken().iter().any(|event| event.changed().contains("profile")));
    let batch = service.stream.again().next(&service.pipeline.table).unwrap();
    let of_profile = |record: &&Value| record["dynamodb"]["NewImage"]["profile"].is_object();
    let poison = with_new_member(batch.iter().find(of_profile).unwrap().clone(), "link", &json!({"N": "7"}));
    service.publisher.invoke(&event(&[poison])).await.unwrap();
    service.publisher.line("event", "unpublishable").await.unwrap();
    let (searched, finds) = service.pipeline.watch().search();
    assert_eq!(finds, []);
    assert_eq!(searched.lacks(&["published", "not_published", "unpublishable", "metrics"]), Vec::<&str>::new());
}

#[tokio::test]
async fn the_writes_that_the_stream_brings_to_the_publisher_are_counted_apart_from_all_others() {
    let mut service = Service::start().await;
    service.send_every_fixture().await;
    let processor = service.pipeline.function("processor").await.unwrap();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    // The last lines may still be on their way.
    loop {
        let applied: Vec<_> = processor.lines().into_iter().filter(|line| line["event"] == "applied").collect();
        let counted = metrics(processor).get("applied_stream").and_then(Value::as_u64);
        let of = |subject: &str| applied.iter().filter(|line| line["subject"] == subject).collect::<Vec<_>>();
        let (users, open_ids, bot_users) = (of("user"), of("open id"), of("bot user"));
        assert!(users.iter().chain(&open_ids).all(|line| line["destination"] == "stream"), "{applied:#?}");
        assert!(bot_users.iter().all(|line| line.get("destination").is_none()), "{applied:#?}");
        let are_all_there = ![&users, &open_ids, &bot_users].iter().any(|lines| lines.is_empty());
        if are_all_there && counted == Some((users.len() + open_ids.len()) as u64) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{counted:?} of {applied:#?}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
