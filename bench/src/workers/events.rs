//! What Lambda hands to the publisher, the deliverer and the answerer.

use end_to_end::{delivery, service::BOT_ID};
use serde_json::{Value, json};

use crate::sqs;

/// The first user's number.
const FIRST: u64 = 3_142_850_000;

/// Makes batches, each of users that no batch before had.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// How many were made.
    count: u32,
    /// So many bytes are added to each change of the delivery queue: a planted regression.
    pub(super) padding: usize,
}

impl Events {
    fn next(&mut self) -> (u32, u64) {
        self.count += 1;
        (self.count, FIRST + u64::from(self.count))
    }

    /// A batch of the stream: so many members unlinked.
    pub(super) fn of_stream(&mut self, users: usize) -> Value {
        let records: Vec<Value> =
            (0..users).map(|_| self.next()).map(|(number, user)| unlinked(number, user)).collect();
        json!({"Records": records})
    }

    /// A batch of the delivery queue, with as many changes.
    pub(super) fn of_deliveries(&mut self, changes: usize) -> Value {
        let padding = "x".repeat(self.padding);
        let record = |(number, user): (u32, u64)| {
            let mut event = delivery::event(&user.to_string());
            let detail = event.get_mut("detail").and_then(Value::as_object_mut);
            if let Some(detail) = detail.filter(|_| !padding.is_empty()) {
                detail.insert("padding".to_owned(), json!(padding));
            }
            sqs::record(number, &event)
        };
        json!({"Records": (0..changes).map(|_| record(self.next())).collect::<Vec<_>>()})
    }

    /// A message to the bot, received at this time (RFC 3339), that is answered on this URL.
    pub(super) fn of_answers(&mut self, callback_url: &str, received_at: &str) -> Value {
        let (number, _) = self.next();
        let user = json!({"id": "a-user-key-of-the-bot", "type": "botUserKey", "properties": {}});
        let request = json!({"utterance": "배송은 언제 되나요?", "user": user, "callbackUrl": callback_url});
        let job = json!({
            "v": 1, "request_id": format!("JKJaXmPL{number:08}"), "bot_id": BOT_ID, "received_at": received_at,
            "room": false, "callback_url": callback_url,
            "payload": {"bot": {"id": BOT_ID}, "userRequest": request},
        });
        json!({"Records": [sqs::record(number, &job)]})
    }
}

/// As the stream reports that a linked member's state became that of one who left.
fn unlinked(number: u32, user: u64) -> Value {
    let text = |text: &str| json!({"S": text});
    let dated = |at: &str, name: &str, value: &str| json!({"M": {"at": text(at), name: text(value)}});
    let keys = json!({"pk": text(&format!("USER#123456#{user}")), "sk": text("STATE")});
    let image = |version: &str, members: Value| {
        let of_all = json!({"version": {"N": version}, "updated_at": text("2026-01-01T00:00:00.000Z")});
        let parts = [&keys, &of_all, &members].into_iter().filter_map(Value::as_object);
        parts.flat_map(|part| part.clone()).collect::<serde_json::Map<_, _>>()
    };
    let profile = json!({"M": {"nickname": dated("2025-01-01T00:00:00.000Z", "value", "봄봄")}});
    let old = json!({"link": dated("2025-01-01T00:00:00.000Z", "status", "linked"), "profile": profile});
    let new = json!({"link": dated("2026-01-01T00:00:00.000Z", "status", "unlinked")});
    json!({
        "eventID": format!("{number:032x}"), "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "ap-northeast-2",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_767_225_600, "SequenceNumber": format!("{number:021}"), "SizeBytes": 900,
            "Keys": keys, "OldImage": image("1740799800000", old), "NewImage": image("1767225600000", new),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}
