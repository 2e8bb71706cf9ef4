use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::Fields;

/// The events that are a metric of their own or by a detail of theirs. Each metric costs money in each hour in which it
/// is written: only what an alarm or the dashboard looks at is one; the log has all else.
const COUNTED: [&str; 13] = [
    "answered_slow",
    "applied_stream",
    "callback_failed",
    "fallback",
    "gone",
    "kept_inbox",
    "key_set_not_kept",
    "published_gone",
    "quarantined",
    "refused_key_unknown",
    "refused_token_audience",
    "refused_unavailable",
    "source_unlisted",
];

/// The counts of what Kakao sent and what is lost, or was nearly answered too late. `not_taken` is the sum of them and of
/// what the gateway's log has: one alarm metric for all.
const NOT_TAKEN: [&str; 3] = ["answered_slow", "refused_source_unlisted", "refused_unavailable"];

/// The events whose `ms` is a metric.
const TIMED: [&str; 5] = ["answered", "applied", "not_delivered", "published", "replied"];

/// The fields whose value, behind the event's name, may be a metric.
const DETAILS: [&str; 4] = ["reason", "destination", "access", "pace"];

/// CloudWatch takes so many values of a metric in a line ("Embedded metric format specification").
const MOST_VALUES: usize = 100;

/// What was counted and measured since it was last written.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    counts: BTreeMap<String, u64>,
    values: BTreeMap<String, Vec<u64>>,
}

impl Metrics {
    pub(super) const fn new() -> Self {
        Self { counts: BTreeMap::new(), values: BTreeMap::new() }
    }

    /// Counts an event, and takes in what it measures.
    pub(super) fn add(&mut self, fields: &Fields) {
        let Some(event) = fields.text("event") else { return };
        let details = DETAILS.iter().filter_map(|name| fields.text(name)).map(|detail| format!("{event}_{detail}"));
        for name in details.chain([event.to_owned()]) {
            let not_taken = NOT_TAKEN.contains(&name.as_str()).then(|| "not_taken".to_owned());
            let counted = COUNTED.contains(&name.as_str()).then_some(name);
            for name in counted.into_iter().chain(not_taken) {
                *self.counts.entry(name).or_default() += 1;
            }
        }
        let time = fields.number("ms").filter(|_| TIMED.contains(&event)).map(|ms| (format!("{event}_ms"), ms));
        let measured = fields.text("gauge").map(str::to_owned).zip(fields.number("value"));
        let proof = proof(event, fields).map(|(name, holds)| (name.to_owned(), u64::from(holds)));
        for (name, value) in [time, measured, proof].into_iter().flatten() {
            let values = self.values.entry(name).or_default();
            if values.len() < MOST_VALUES {
                values.push(value);
            }
        }
    }

    /// Takes all out, as members of a line in CloudWatch's embedded metric format. Empty if nothing was counted.
    pub(super) fn take(&mut self, namespace: &str, millis: i64) -> Map<String, Value> {
        let Self { counts, values } = std::mem::take(self);
        let counts = counts.into_iter().map(|(name, count)| (name, Value::from(count)));
        let mut members: Map<String, Value> =
            counts.chain(values.into_iter().map(|(name, values)| (name, Value::from(values)))).collect();
        if members.is_empty() {
            return members;
        }
        let names: Vec<Value> = members.keys().map(|name| json!({"Name": name})).collect();
        let directive = json!({"Namespace": namespace, "Dimensions": [[]], "Metrics": names});
        members.insert("_aws".to_owned(), json!({"Timestamp": millis, "CloudWatchMetrics": [directive]}));
        members
    }
}

/// Whether a webhook could be proven or taken, for the alarms that ask whether *none* could: of these values the maximum
/// of an hour is 0 then, and nothing where nothing came.
fn proof(event: &str, fields: &Fields) -> Option<(&'static str, bool)> {
    match (event, fields.text("kind")?, fields.text("reason")) {
        ("kept" | "no_event", "account-status", _) => Some(("account_status_taken", true)),
        ("refused", "account-status", Some("unavailable" | "source_unlisted")) => Some(("account_status_taken", false)),
        ("kept", "unlink" | "talk-share" | "talk-channel", _) => Some(("admin_key_known", true)),
        ("refused", "unlink" | "talk-share" | "talk-channel", Some("key_unknown")) => Some(("admin_key_known", false)),
        _ => None,
    }
}
