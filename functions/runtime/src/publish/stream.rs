//! The records of the table's stream, as Lambda delivers them.

use std::time::Duration;

use kakao_webhooks::wire::Time;
use serde::Deserialize;
use serde_dynamo::Item;
use serde_json::Value;

use super::{Unread, Write};

/// What is read of a record's `dynamodb`. An image is optional: the stream's view type decides whether it is there.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Item,
    sequence_number: String,
    old_image: Option<Item>,
    new_image: Option<Item>,
    #[serde(default)]
    approximate_creation_date_time: Value,
}

impl Write {
    /// The write that a record of the stream reports. `None`: a deletion, or a write of an item that `is_wanted` leaves
    /// out by its partition and sort key. Only the event name `REMOVE` means a deletion.
    #[must_use]
    pub fn of_record(record: Value, is_wanted: impl Fn(&str, &str) -> bool) -> Option<Self> {
        let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
        let is_other_item = match (text("/dynamodb/Keys/pk/S"), text("/dynamodb/Keys/sk/S")) {
            (Some(partition), Some(sort)) => !is_wanted(partition, sort),
            _ => false,
        };
        if is_other_item || text("/eventName") == Some("REMOVE") {
            return None;
        }
        let change = record.get("dynamodb").map(Change::deserialize);
        match change {
            Some(Ok(change)) if !change.keys.is_empty() && !change.sequence_number.is_empty() => Some(change.into()),
            _ => Some(unread(record)),
        }
    }
}

impl From<Change> for Write {
    fn from(change: Change) -> Self {
        let image = |image: Option<Item>| image.filter(|image| !image.is_empty());
        Self {
            sequence_number: change.sequence_number,
            keys: change.keys,
            old: image(change.old_image),
            new: image(change.new_image),
            written_at: time(&change.approximate_creation_date_time),
            unread: None,
        }
    }
}

/// Seconds since 1970, with or without a fraction. None for a number that can't be a time.
fn time(seconds: &Value) -> Option<Time> {
    let since_1970 = Duration::try_from_secs_f64(seconds.as_f64()?).ok().filter(|time| !time.is_zero())?;
    Time::from_millis(since_1970.as_millis().try_into().ok()?)
}

/// A record that can't be read, whole, with what is known of it.
fn unread(record: Value) -> Write {
    let keys: Option<Item> = record.pointer("/dynamodb/Keys").and_then(|keys| Item::deserialize(keys).ok());
    let keys = keys.unwrap_or_default();
    let sequence_number = record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default();
    let sequence_number = sequence_number.to_owned();
    let why = match (keys.is_empty(), sequence_number.is_empty()) {
        (true, _) => "a stream record without readable keys",
        (_, true) => "a stream record without a sequence number",
        _ => "a stream record with an image that is not an item",
    };
    Write { sequence_number, keys, unread: Some(Unread { why, record }), ..Write::default() }
}
