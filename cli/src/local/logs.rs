//! The functions' logs in a local cloud: CloudWatch Logs, by plain HTTP.

use std::collections::HashSet;

use anyhow::{Context, Result};
use jiff::Timestamp;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::local::Cloud;

/// One line that a function logged.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The function's binary.
    pub function: String,
    /// When it was logged, or else when the local cloud got it, in milliseconds since 1970.
    pub at: i64,
    /// What it says: an event with fields, or (from a panic, say) something else as its `message`.
    pub fields: Map<String, Value>,
}

impl LogLine {
    /// The event's name.
    #[must_use]
    pub fn event(&self) -> &str {
        self.fields.get("event").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Reads on from where it stopped. A line appears when its invocation has ended.
#[derive(Debug)]
pub struct LogReader {
    client: Client,
    endpoint: String,
    groups: Vec<LogGroup>,
}

#[derive(Debug)]
struct LogGroup {
    function: String,
    name: String,
    newest: i64,
    /// The streams that were read. Each is of one invocation, and complete when it appears.
    streams: HashSet<String>,
}

#[derive(Deserialize)]
struct EventPage {
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    log_stream_name: String,
    timestamp: i64,
    message: String,
}

/// The local cloud's lines may come later than their times say, but not by more than this.
const LATE_MILLIS: i64 = 5_000;

/// It checks no signature, but wants one to be there.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/ap-northeast-2/logs/aws4_request, \
                             SignedHeaders=host, Signature=0";

impl LogReader {
    /// The logs of all functions.
    ///
    /// # Errors
    /// If there is no HTTP client.
    pub fn of_all(cloud: &Cloud) -> Result<Self> {
        let groups = cloud.stack().functions.iter();
        let groups = groups.map(|(binary, function)| (binary.clone(), function.log_group.clone())).collect();
        Self::new(cloud.endpoint(), groups)
    }

    /// The logs of one function, by its binary.
    ///
    /// # Errors
    /// If there is no such function.
    pub fn of(cloud: &Cloud, binary: &str) -> Result<Self> {
        let group = cloud.log_group(binary).with_context(|| format!("template.yaml has no function {binary}"))?;
        Self::new(cloud.endpoint(), vec![(binary.to_owned(), group.to_owned())])
    }

    fn new(endpoint: &str, groups: Vec<(String, String)>) -> Result<Self> {
        let groups = groups.into_iter();
        let groups = groups.map(|(function, name)| LogGroup { function, name, newest: 0, streams: HashSet::new() });
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, endpoint: endpoint.to_owned(), groups: groups.collect() })
    }

    /// What the functions have logged since, in the order of time.
    ///
    /// # Errors
    /// If the local cloud doesn't answer.
    pub async fn read(&mut self) -> Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        for group in &mut self.groups {
            let answer = self
                .client
                .post(&self.endpoint)
                .header("Authorization", AUTHORIZATION)
                .header("X-Amz-Target", "Logs_20140328.FilterLogEvents")
                .header("Content-Type", "application/x-amz-json-1.1")
                .body(json!({"logGroupName": group.name, "startTime": (group.newest - LATE_MILLIS).max(0)}).to_string())
                .send()
                .await
                .context("the local cloud doesn't answer any more")?;
            let page: EventPage =
                serde_json::from_str(&answer.text().await?).context("the local cloud has no such log")?;
            lines.extend(group.take(page.events));
        }
        lines.sort_by_key(|line| line.at);
        Ok(lines)
    }
}

impl LogGroup {
    fn take(&mut self, mut events: Vec<Event>) -> Vec<LogLine> {
        events.retain(|event| !self.streams.contains(&event.log_stream_name));
        self.newest = events.iter().map(|event| event.timestamp).chain([self.newest]).max().unwrap_or_default();
        self.streams.extend(events.iter().map(|event| event.log_stream_name.clone()));
        let function = &self.function;
        let lines = |event: Event| {
            let logged = logged(&event.message).into_iter();
            logged.map(move |fields| LogLine {
                function: function.clone(),
                at: logged_at(&fields).unwrap_or(event.timestamp),
                fields,
            })
        };
        events.into_iter().flat_map(lines).collect()
    }
}

/// The member with an invocation's events. Beside it stand what all of them have in common, and the metrics.
const EVENTS: &str = "events";
/// The members that are common to the events of a line. All of them were logged by its time: an invocation's events are
/// one line, at its end.
const COMMON: [&str; 3] = ["kind", "request_id", "timestamp"];

fn logged_at(fields: &Map<String, Value>) -> Option<i64> {
    let at: Timestamp = fields.get("timestamp")?.as_str()?.parse().ok()?;
    Some(at.as_millisecond())
}

/// What a line says, each event with its own fields; nothing for Lambda's own lines and a record of metrics alone.
fn logged(message: &str) -> Vec<Map<String, Value>> {
    let message = message.trim();
    if message.is_empty() || ["START ", "END ", "REPORT "].iter().any(|platform| message.starts_with(platform)) {
        return Vec::new();
    }
    let Ok(Value::Object(mut line)) = serde_json::from_str(message) else {
        return vec![Map::from_iter([("message".to_owned(), Value::from(message))])];
    };
    match line.remove(EVENTS) {
        Some(Value::Array(events)) => events.into_iter().filter_map(|event| with_common(event, &line)).collect(),
        _ if line.contains_key("_aws") => Vec::new(),
        _ => vec![line],
    }
}

fn with_common(event: Value, line: &Map<String, Value>) -> Option<Map<String, Value>> {
    let Value::Object(mut fields) = event else { return None };
    fields.entry("level").or_insert_with(|| Value::from("INFO"));
    let common = COMMON.iter().filter_map(|name| Some(((*name).to_owned(), line.get(*name)?.clone())));
    fields.extend(common);
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_once_and_lambdas_own_lines_are_left_out() {
        let mut group = LogGroup { function: "f".into(), name: "g".into(), newest: 0, streams: HashSet::new() };
        let event = |stream: &str, message: &str| Event {
            log_stream_name: stream.to_owned(),
            timestamp: 7,
            message: message.to_owned(),
        };
        let of = |stream| vec![event(stream, "START RequestId: x"), event(stream, r#"{"event":"kept"}"#)];
        let lines = group.take(of("a"));
        assert_eq!((lines.len(), lines[0].event(), group.newest), (1, "kept", 7));
        assert_eq!(group.take(of("a").into_iter().chain(of("b")).collect()).len(), 1);
        assert_eq!(group.take(vec![event("c", "thread panicked")])[0].fields["message"], "thread panicked");
    }

    #[test]
    fn an_event_has_the_time_at_which_its_line_was_written_and_not_that_of_its_stream() {
        let mut group = LogGroup { function: "f".into(), name: "g".into(), newest: 0, streams: HashSet::new() };
        let message = json!({"timestamp": "1970-01-01T00:00:09.500000Z", "events": [{"event": "replied"}]});
        let event = Event { log_stream_name: "a".to_owned(), timestamp: 7, message: message.to_string() };
        let lines = group.take(vec![event]);
        assert_eq!((lines[0].event(), lines[0].at), ("replied", 9_500));
    }

    #[test]
    fn each_event_of_an_invocations_line_has_what_all_have_in_common_and_no_metrics() {
        let line = json!({
            "_aws": {"Timestamp": 1}, "answered_ms": [3], "kind": "unlink", "request_id": "r",
            "events": [{"event": "kept", "destination": "queue"}, {"event": "answered", "ms": 3, "level": "DEBUG"}],
        });
        let fields: Vec<_> = logged(&line.to_string()).into_iter().map(Value::Object).collect();
        let kept = json!({
            "event": "kept", "destination": "queue", "kind": "unlink", "request_id": "r", "level": "INFO",
        });
        let answered = json!({"event": "answered", "ms": 3, "kind": "unlink", "request_id": "r", "level": "DEBUG"});
        assert_eq!(fields, [kept, answered]);
        assert!(logged(r#"{"_aws":{},"kept_inbox":1}"#).is_empty());
    }
}
