use kakao_webhooks::wire::Time;
use runtime::{
    batch::{Batch, BatchResponse},
    store::{Applier, Record, Store},
};
use serde_json::Value;
use tokio::time::Instant;

/// Applies a batch and names the messages that were not applied, so that only they are redelivered.
pub(crate) async fn apply<S: Store>(applier: &Applier<S>, batch: Batch, deadline: Instant) -> BatchResponse {
    let records: Vec<Record> = batch.records().iter().map(record).collect();
    BatchResponse::of_failed(applier.apply(&records, deadline).await)
}

/// What of a message is read. One without an id is reported by an empty one, by which Lambda has the whole batch come
/// again: nothing is lost. One without a body is not an envelope, and is reported as such.
fn record(message: &Value) -> Record {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let sent_at = text("/attributes/SentTimestamp").and_then(|millis| Time::from_millis(millis.parse().ok()?));
    let owned = |pointer| text(pointer).unwrap_or_default().to_owned();
    Record { id: owned("/messageId"), body: owned("/body"), sent_at }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_of_a_message_that_is_not_read_may_be_missing_or_odd() {
        let event = json!({"Records": [
            {"messageId": "1", "body": "{}"},
            {"messageId": "2", "body": "{}", "attributes": {"SentTimestamp": "1790660097000", "ApproximateReceiveCount": 7},
                "messageAttributes": [], "eventSourceARN": null, "md5OfBody": 3},
            {"messageId": "3", "body": 7, "attributes": {"SentTimestamp": 5}},
            {"messageId": 4, "body": "{}"},
        ]});
        let batch: Batch = serde_json::from_value(event).unwrap();
        let records: Vec<_> = batch.records().iter().map(record).collect();
        assert_eq!(records.iter().map(|record| &*record.id).collect::<Vec<_>>(), ["1", "2", "3", ""]);
        assert_eq!(records.iter().map(|record| &*record.body).collect::<Vec<_>>(), ["{}", "{}", "", "{}"]);
        assert_eq!(records[1].sent_at, Time::from_millis(1_790_660_097_000));
    }
}
