use kakao_webhooks::state::is_published;
use runtime::{
    batch::{Batch, BatchResponse},
    edges::Queue,
    publish::{Bus, Publisher, Write},
};
use serde_json::Value;
use tokio::time::Instant;

/// Publishes a batch of the stream, and returns the record from which it has to be redelivered.
pub(crate) async fn publish<B: Bus, K: Queue>(
    publisher: &Publisher<B, K>,
    batch: Batch,
    deadline: Instant,
) -> BatchResponse {
    let writes: Vec<Write> = batch.records().into_iter().filter_map(write).collect();
    let failed = publisher.publish(&writes, runtime::clock::now(), deadline).await;
    BatchResponse::of_failed(failed)
}

/// The write of an item whose changes are published. The event source filters likewise; here it holds whatever the
/// source is.
fn write(record: Value) -> Option<Write> {
    Write::of_record(record, is_published)
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::wire::Time;
    use runtime::publish::Unread;
    use serde_json::json;

    use super::*;

    /// As the stream sends a change of a user's state.
    fn record() -> Value {
        let image = json!({"pk": {"S": "USER#123456#1"}, "sk": {"S": "STATE"}, "version": {"N": "2"}});
        json!({
            "eventID": "e1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_800_000_000, "SequenceNumber": "100", "SizeBytes": 900,
                "Keys": {"pk": {"S": "USER#123456#1"}, "sk": {"S": "STATE"}},
                "OldImage": image, "NewImage": image, "StreamViewType": "NEW_AND_OLD_IMAGES"
            }
        })
    }

    /// A record in which this stands instead, or no longer (`null`).
    fn with(pointer: &str, value: Value) -> Value {
        let mut record = record();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let members = record.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.to_owned(), value)
        };
        record
    }

    #[test]
    fn a_record_without_what_is_not_read_is_read() {
        let whole = write(record()).unwrap();
        assert!(whole.unread.is_none() && whole.old.is_some() && whole.new.is_some());
        let names = ["/eventID", "/eventName", "/eventSource", "/dynamodb/SizeBytes", "/dynamodb/StreamViewType"];
        for name in names {
            assert_eq!(write(with(name, Value::Null)).as_ref(), Some(&whole), "{name}");
            assert_eq!(write(with(name, json!([7]))).as_ref(), Some(&whole), "{name}");
        }
    }

    #[test]
    fn a_time_that_is_missing_or_cannot_be_one_is_none_and_not_1970() {
        let name = "/dynamodb/ApproximateCreationDateTime";
        let written_at = |value| write(with(name, value)).unwrap().written_at.map(Time::as_millis);
        assert_eq!(written_at(json!(1_800_000_000)), Some(1_800_000_000_000));
        assert_eq!(written_at(json!(1.8e9)), Some(1_800_000_000_000));
        assert_eq!(written_at(json!(1_800_000_000.5)), Some(1_800_000_000_500));
        for none in
            [Value::Null, json!(0), json!(-1), json!(1e300), json!(1_800_000_000_000_i64), json!("soon"), json!({})]
        {
            assert_eq!(written_at(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn only_the_event_name_says_that_an_item_was_deleted() {
        for view_type in ["/dynamodb/NewImage", "/dynamodb/OldImage"] {
            let mut removed = with(view_type, Value::Null);
            removed["eventName"] = json!("REMOVE");
            assert_eq!(write(removed), None);
        }
        for missing in [Value::Null, json!({})] {
            let without_image = write(with("/dynamodb/NewImage", missing)).unwrap();
            assert_eq!((without_image.new, without_image.unread), (None, None));
            assert!(!without_image.keys.is_empty());
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_is_kept_whole_with_its_reason() {
        for (name, value, why, number) in [
            ("/dynamodb/SequenceNumber", Value::Null, "a stream record without a sequence number", ""),
            ("/dynamodb/SequenceNumber", json!(""), "a stream record without a sequence number", ""),
            ("/dynamodb/SequenceNumber", json!(100), "a stream record without a sequence number", ""),
            ("/dynamodb/Keys", Value::Null, "a stream record without readable keys", "100"),
            ("/dynamodb/Keys", json!({}), "a stream record without readable keys", "100"),
            ("/dynamodb/Keys", json!("USER#1"), "a stream record without readable keys", "100"),
            (
                "/dynamodb/NewImage",
                json!({"link": {"X": 7}}),
                "a stream record with an image that is not an item",
                "100",
            ),
            ("/dynamodb/OldImage", json!("link"), "a stream record with an image that is not an item", "100"),
            ("/dynamodb", Value::Null, "a stream record without readable keys", ""),
        ] {
            let record = with(name, value);
            let read = write(record.clone()).unwrap();
            assert_eq!(read.sequence_number, number);
            assert_eq!(read.unread, Some(Unread { why, record }));
        }
        for record in [Value::Null, json!("record"), json!([])] {
            assert_eq!(write(record.clone()).unwrap().unread.unwrap().record, record);
        }
    }

    #[test]
    fn a_record_of_another_item_is_left_out_whatever_else_it_is() {
        for (name, value) in [("/dynamodb/Keys/sk/S", "EVENT#1"), ("/dynamodb/Keys/pk/S", "INBOX#a")] {
            assert_eq!(write(with(name, json!(value))), None);
            let mut odd = with(name, json!(value));
            odd["dynamodb"]["NewImage"] = json!(7);
            assert_eq!(write(odd), None);
        }
    }
}
