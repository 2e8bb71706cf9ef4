use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

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

/// The events' times in milliseconds: their `ms`.
const TIMED: [&str; 5] = ["answered_ms", "applied_ms", "not_delivered_ms", "published_ms", "replied_ms"];

/// The fields whose value, behind the event's name, may be a metric.
const DETAILS: [&str; 4] = ["reason", "destination", "access", "pace"];

/// CloudWatch takes so many values of a metric in a line ("Embedded metric format specification").
const MOST_VALUES: usize = 100;

/// What was counted and measured since it was last written.
#[derive(Debug, Default)]
pub(super) struct Metrics(BTreeMap<Cow<'static, str>, Metric>);

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Metric {
    Count(u64),
    Values(Vec<u64>),
}

impl Metrics {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Counts an event, and takes in what it measures.
    pub(super) fn add(&mut self, fields: &Fields) {
        let Some(event) = fields.text("event") else { return };
        for name in COUNTED.into_iter().filter(|name| counts(name, event, fields)) {
            self.count(name);
        }
        for _ in NOT_TAKEN.into_iter().filter(|name| counts(name, event, fields)) {
            self.count("not_taken");
        }
        let is_its_time = |name: &&str| name.strip_suffix("_ms") == Some(event);
        if let Some((name, ms)) = TIMED.into_iter().find(is_its_time).zip(fields.number("ms")) {
            self.measure(name.into(), ms);
        }
        if let Some((gauge, value)) = fields.text("gauge").zip(fields.number("value")) {
            self.measure(gauge.to_owned().into(), value);
        }
        if let Some((name, holds)) = proof(event, fields) {
            self.measure(name.into(), u64::from(holds));
        }
    }

    fn count(&mut self, name: &'static str) {
        if let Metric::Count(count) = self.0.entry(name.into()).or_insert(Metric::Count(0)) {
            *count += 1;
        }
    }

    fn measure(&mut self, name: Cow<'static, str>, value: u64) {
        match self.0.entry(name).or_insert(Metric::Values(vec![])) {
            Metric::Values(values) if values.len() < MOST_VALUES => values.push(value),
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members of a line in CloudWatch's embedded metric format. None if nothing was counted.
    pub(super) fn record<'m>(&'m self, namespace: &'m str, millis: i64) -> Record<'m> {
        let metrics = self.0.keys().map(|name| Name { name }).collect();
        let directive = Directive { namespace, dimensions: [[]], metrics };
        let directives = Directives { timestamp: millis, cloud_watch_metrics: [directive] };
        Record { directives: (!self.is_empty()).then_some(directives), metrics: &self.0 }
    }
}

/// Whether a metric of this name counts an event, or what a detail of it says.
fn counts(name: &str, event: &str, fields: &Fields) -> bool {
    let is_detail = |rest: &str| DETAILS.iter().any(|detail| fields.text(detail) == Some(rest));
    match name.strip_prefix(event) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('_').is_some_and(is_detail),
        None => false,
    }
}

/// What a line says of metrics ("Embedded metric format specification").
#[derive(Serialize)]
pub(super) struct Record<'m> {
    #[serde(rename = "_aws", skip_serializing_if = "Option::is_none")]
    directives: Option<Directives<'m>>,
    #[serde(flatten)]
    metrics: &'m BTreeMap<Cow<'static, str>, Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directives<'m> {
    timestamp: i64,
    cloud_watch_metrics: [Directive<'m>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'m> {
    namespace: &'m str,
    dimensions: [[&'m str; 0]; 1],
    metrics: Vec<Name<'m>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Name<'m> {
    name: &'m str,
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
