use kakao_webhooks::wire::Time;
use runtime::store::{Applier, Record, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A batch of the queue. Each message is read by itself, so that an odd one fails alone.
#[derive(Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Value>,
}

/// The messages that come again (Lambda, "Reporting batch item failures for Lambda functions with an Amazon SQS
/// trigger").
#[derive(Serialize)]
pub(crate) struct Response {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<Value>,
}

/// Applies a batch and names the messages that were not applied, so that only they come again.
pub(crate) async fn apply<S: Store>(applier: &Applier<S>, event: Event, deadline: Instant) -> Response {
    let records: Vec<Record> = event.records.iter().filter_map(record).collect();
    let failed = applier.apply(&records, deadline).await;
    Response { failures: failed.into_iter().map(|id| json!({"itemIdentifier": id})).collect() }
}

/// What of a message is read. One without an id can't be named as failed; SQS makes none. One without a body is not an
/// envelope, and is reported as such.
fn record(message: &Value) -> Option<Record> {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let sent_at = text("/attributes/SentTimestamp").and_then(|millis| Time::from_millis(millis.parse().ok()?));
    Some(Record { id: text("/messageId")?.to_owned(), body: text("/body").unwrap_or_default().to_owned(), sent_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_message_that_is_not_read_may_be_missing_or_odd() {
        let event = json!({"Records": [
            {"messageId": "1", "body": "{}"},
            {"messageId": "2", "body": "{}", "attributes": {"SentTimestamp": "1790660097000", "ApproximateReceiveCount": 7},
                "messageAttributes": [], "eventSourceARN": null, "md5OfBody": 3},
            {"messageId": "3", "body": 7, "attributes": {"SentTimestamp": 5}},
        ]});
        let event: Event = serde_json::from_value(event).unwrap();
        let records: Vec<_> = event.records.iter().filter_map(record).collect();
        assert_eq!(records.iter().map(|record| &*record.id).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(records.iter().map(|record| &*record.body).collect::<Vec<_>>(), ["{}", "{}", ""]);
        assert_eq!(records[1].sent_at, Time::from_millis(1_790_660_097_000));
    }
}
