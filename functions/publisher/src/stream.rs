use kakao_webhooks::{state::is_published, wire::Time};
use runtime::{
    ingest::Queue,
    publish::{Bus, Publisher, Write},
};
use serde::{Deserialize, Serialize};
use serde_dynamo::{AttributeValue, Item};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A batch of the table's stream. Each record is read by itself, so that an odd one fails alone.
#[derive(Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Value>,
}

/// What of a record is read (DynamoDB Streams, "Record" and "StreamRecord"); nothing else is required.
#[derive(Default, Deserialize)]
struct Record {
    #[serde(rename = "eventName", default)]
    event_name: Option<String>,
    dynamodb: Change,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Change {
    keys: Item,
    new_image: Option<Item>,
    old_image: Option<Item>,
    /// Seconds since 1970, with or without a fraction.
    approximate_creation_date_time: Option<f64>,
    sequence_number: Option<String>,
}

/// The first record that comes again, with all behind it.
#[derive(Serialize)]
pub(crate) struct Response {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Value>,
}

/// Publishes a batch of the stream, and names the record from which it has to come again.
pub(crate) async fn publish<B: Bus, K: Queue>(
    publisher: &Publisher<B, K>,
    event: Event,
    deadline: Instant,
) -> Response {
    let writes: Vec<Write> = event.records.into_iter().filter_map(write).collect();
    let failed = publisher.publish(&writes, runtime::clock::now(), deadline).await;
    Response { failures: failed.into_iter().map(|number| json!({"itemIdentifier": number})).collect() }
}

/// A record of an item whose changes are published. The event source filters likewise; here it holds
/// whatever the source is.
fn write(record: Value) -> Option<Write> {
    match Record::deserialize(&record) {
        Ok(Record { event_name, dynamodb }) => write_of(event_name.as_deref(), dynamodb),
        Err(_) => Some(Write {
            sequence_number: text(&record, "/dynamodb/SequenceNumber"),
            unreadable: Some("a record of an unknown form"),
            record: Some(record),
            ..Write::default()
        }),
    }
}

fn write_of(event_name: Option<&str>, change: Change) -> Option<Write> {
    let key = |name: &str| match change.keys.get(name) {
        Some(AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    let has_key = !key("pk").is_empty();
    if has_key && !is_published(key("pk"), key("sk")) {
        return None;
    }
    let image = |image: Option<Item>| image.filter(|image| !image.is_empty());
    let (old, new) = (image(change.old_image), image(change.new_image));
    let unreadable = match (event_name, &new) {
        _ if !has_key => Some("a record without a key"),
        // An expired or deleted item is no news.
        (Some("REMOVE"), _) | (_, Some(_)) => None,
        _ => Some("a write without its new image: the stream's view type must be NEW_AND_OLD_IMAGES"),
    };
    Some(Write {
        sequence_number: change.sequence_number.unwrap_or_default(),
        keys: change.keys,
        old,
        new: new.filter(|_| event_name != Some("REMOVE")),
        written_at: change.approximate_creation_date_time.and_then(time),
        unreadable,
        record: None,
    })
}

/// Nothing for a time that is none: 1970 would pass for a real one.
fn time(seconds: f64) -> Option<Time> {
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and the range is checked next")]
    Time::from_millis((seconds * 1_000.0).round() as i64).filter(|time| time.as_millis() > 0)
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(change: &str, with: Value) -> Value {
        let mut record = json!({"eventName": change, "dynamodb": {
            "Keys": {"pk": {"S": "USER#1#7"}, "sk": {"S": "STATE"}}, "SequenceNumber": "5",
            "NewImage": {"version": {"N": "1"}}}});
        for (name, value) in with.as_object().unwrap() {
            record["dynamodb"][name] = value.clone();
        }
        record
    }

    #[test]
    fn a_member_that_is_not_read_may_be_missing_or_odd() {
        let mut odd = record("MODIFY", json!({"SizeBytes": "many", "StreamViewType": 7, "Unknown": [1]}));
        odd["userIdentity"] = json!(3);
        odd["eventID"] = json!(null);
        for record in [record("MODIFY", json!({})), odd] {
            let write = write(record).unwrap();
            assert_eq!((write.unreadable, write.new.is_some(), write.sequence_number.as_str()), (None, true, "5"));
        }
    }

    #[test]
    fn a_record_without_a_creation_time_is_not_dated_1970() {
        for none in [json!({}), json!({"ApproximateCreationDateTime": null}), json!({"ApproximateCreationDateTime": 0})]
        {
            assert_eq!(write(record("MODIFY", none)).unwrap().written_at, None);
        }
        let dated = write(record("MODIFY", json!({"ApproximateCreationDateTime": 1_790_660_097.25}))).unwrap();
        assert_eq!(dated.written_at, Time::from_millis(1_790_660_097_250));
    }

    #[test]
    fn a_write_without_its_image_is_no_deletion() {
        for image in [json!({"NewImage": null}), json!({"NewImage": {}})] {
            for change in ["INSERT", "MODIFY", "SOMETHING"] {
                let write = write(record(change, image.clone())).unwrap();
                assert!(write.unreadable.unwrap().contains("NEW_AND_OLD_IMAGES"), "{change}");
                assert_eq!(write.keys.len(), 2);
            }
            let removed = write(record("REMOVE", image)).unwrap();
            assert_eq!((removed.unreadable, removed.new), (None, None));
        }
    }

    #[test]
    fn a_record_of_an_unknown_form_is_kept_as_it_came() {
        for odd in
            [json!({}), json!(7), record("MODIFY", json!({"Keys": 7})), record("MODIFY", json!({"NewImage": {"a": 1}}))]
        {
            let write = write(odd.clone()).unwrap();
            assert_eq!((write.unreadable.is_some(), write.record), (true, Some(odd)));
        }
        let keyless = write(record("MODIFY", json!({"Keys": {}}))).unwrap();
        assert!(keyless.unreadable.unwrap().contains("without a key"));
    }

    #[test]
    fn a_record_of_another_item_is_none_of_ours() {
        let keys = json!({"Keys": {"pk": {"S": "USER#1#7"}, "sk": {"S": "EVENT#1"}}, "NewImage": null});
        assert!(write(record("INSERT", keys)).is_none());
    }
}
