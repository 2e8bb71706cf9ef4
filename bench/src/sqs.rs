//! What SQS hands to a function.

use serde_json::{Value, json};

/// A record of a batch: the message with this number in the run.
pub(crate) fn record(number: u32, body: &Value) -> Value {
    json!({
        "messageId": format!("00000000-0000-4000-8000-{number:012}"),
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body.to_string(),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1740799800100"},
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:ap-northeast-2:000000000000:events",
        "awsRegion": "ap-northeast-2",
    })
}
