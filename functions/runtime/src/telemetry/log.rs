use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::Level;

use super::{
    fields::Fields,
    metrics::{Metrics, Record},
};

/// An invocation that logs more than so many events has more than one line.
const MOST_EVENTS: usize = 200;

/// What an invocation has logged and counted and not yet written. All of it is one line, which is CloudWatch's record of
/// the metrics, too: each line costs its frame again. Warnings and errors are written at once, with what came before:
/// whatever happens next, they are known.
#[derive(Debug)]
pub(super) struct Log {
    events: Vec<Fields>,
    metrics: Metrics,
    namespace: String,
}

/// The bytes of a line as an acknowledging function writes it, and some more.
const USUAL_LENGTH: usize = 768;

/// The members that stand once beside the events if every event of the line has the same.
const COMMON: [&str; 2] = ["kind", "request_id"];

impl Log {
    pub(super) const fn new() -> Self {
        Self { events: Vec::new(), metrics: Metrics::new(), namespace: String::new() }
    }

    /// Names the namespace of the metrics.
    pub(super) fn set_namespace(&mut self, namespace: String) {
        self.namespace = namespace;
    }

    /// Counts an event, and takes in what it measures.
    pub(super) fn count(&mut self, fields: &Fields) {
        self.metrics.add(fields);
    }

    /// Logs an event.
    pub(super) fn add(&mut self, level: Level, mut fields: Fields, now: Timestamp, output: impl Write) {
        if level <= Level::WARN {
            let mut lines = self.take(now);
            let nothing = Metrics::new();
            // A library may have fields of these names.
            OF_THE_LINE.iter().for_each(|name| fields.remove(name));
            append(&mut lines, &Line { level: level.as_str(), fields, ..self.line(&nothing, now) });
            return write(&lines, output);
        }
        if level > Level::INFO {
            fields.add("level", level.as_str());
        }
        self.events.push(fields);
        if self.events.len() >= MOST_EVENTS {
            self.leave(now, output);
        }
    }

    /// Writes what there is.
    pub(super) fn leave(&mut self, now: Timestamp, output: impl Write) {
        let line = self.take(now);
        write(&line, output);
    }

    /// The line of what was logged and counted; empty if nothing was.
    fn take(&mut self, now: Timestamp) -> Vec<u8> {
        let (metrics, mut events) = (std::mem::take(&mut self.metrics), std::mem::take(&mut self.events));
        let mut line = Vec::with_capacity(USUAL_LENGTH);
        if !events.is_empty() || !metrics.is_empty() {
            let common = COMMON.into_iter().filter_map(|name| Some((name, common(&mut events, name)?))).collect();
            append(&mut line, &Line { fields: common, events, ..self.line(&metrics, now) });
        }
        line
    }

    fn line<'l>(&'l self, metrics: &'l Metrics, now: Timestamp) -> Line<'l> {
        Line {
            metrics: metrics.record(&self.namespace, now.as_millisecond()),
            timestamp: format!("{now:.6}"),
            level: Level::INFO.as_str(),
            fields: Fields::default(),
            events: vec![],
        }
    }
}

/// The members that a line has once.
const OF_THE_LINE: [&str; 4] = ["_aws", "timestamp", "level", "events"];

/// With the members that Lambda adds by itself where a line lacks them, `timestamp` and `level` ("Log-level filtering").
#[derive(Serialize)]
struct Line<'l> {
    #[serde(flatten)]
    metrics: Record<'l>,
    timestamp: String,
    level: &'static str,
    #[serde(flatten)]
    fields: Fields,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<Fields>,
}

/// Takes a member out of all events, if every one has it and all have the same: an event without it must not seem to
/// belong to another's request.
fn common(events: &mut [Fields], name: &str) -> Option<Value> {
    let value = events.first()?.get(name)?.clone();
    if events.iter().any(|event| event.get(name) != Some(&value)) {
        return None;
    }
    events.iter_mut().for_each(|event| event.remove(name));
    Some(value)
}

fn append(lines: &mut Vec<u8>, line: &Line<'_>) {
    // A vector takes everything, and no name of a member is anything but text.
    let _ = serde_json::to_writer(&mut *lines, line);
    lines.push(b'\n');
}

/// In one piece. Where standard output can't be written to, no log can report it.
fn write(lines: &[u8], mut output: impl Write) {
    if !lines.is_empty() {
        drop(output.write_all(lines).and_then(|()| output.flush()));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Output(Vec<String>);

    impl Write for &mut Output {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8(text.to_vec()).unwrap());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00.123456Z".parse().unwrap()
    }

    fn log(log: &mut Log, level: Level, fields: &Value, output: &mut Output) {
        let fields = fields.as_object().unwrap().clone().into_iter();
        let fields: Fields = fields.map(|(name, value)| (&*name.leak(), value)).collect();
        log.count(&fields);
        log.add(level, fields, now(), output);
    }

    fn invocation(events: &[(Level, Value)]) -> Vec<Value> {
        let (mut of, mut output) = (Log::new(), Output::default());
        of.set_namespace("KakaoWebhooks/s".to_owned());
        events.iter().for_each(|(level, fields)| log(&mut of, *level, fields, &mut output));
        of.leave(now(), &mut output);
        output.0.iter().flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap())).collect()
    }

    #[test]
    fn an_invocation_is_one_line_that_is_the_metrics_record_too() {
        let kept = json!({"event": "kept", "kind": "unlink", "request_id": "r", "destination": "inbox"});
        let answered = json!({"event": "answered", "kind": "unlink", "request_id": "r", "ms": 4});
        let lines = invocation(&[(Level::INFO, kept), (Level::INFO, answered)]);
        assert_eq!(
            lines,
            [json!({
                "_aws": {"Timestamp": 1_767_225_600_123_i64, "CloudWatchMetrics": [{
                    "Namespace": "KakaoWebhooks/s", "Dimensions": [[]],
                    "Metrics": [{"Name": "admin_key_known"}, {"Name": "answered_ms"}, {"Name": "kept_inbox"}],
                }]},
                "timestamp": "2026-01-01T00:00:00.123456Z", "level": "INFO", "admin_key_known": [1], "answered_ms": [4], "kept_inbox": 1, "kind": "unlink", "request_id": "r",
                "events": [{"event": "kept", "destination": "inbox"}, {"event": "answered", "ms": 4}],
            })]
        );
    }

    #[test]
    fn what_is_not_the_same_of_all_stays_with_each() {
        let recorded = |id: &str| (Level::INFO, json!({"event": "recorded", "kind": "unlink", "request_id": id}));
        let lines = invocation(&[recorded("a"), recorded("b")]);
        assert_eq!((lines.len(), &lines[0]["kind"], lines[0].get("request_id")), (1, &json!("unlink"), None));
        assert_eq!(lines[0]["events"][1], json!({"event": "recorded", "request_id": "b"}));
    }

    #[test]
    fn an_event_without_a_request_does_not_get_that_of_its_neighbours() {
        let recorded = json!({"event": "recorded", "kind": "unlink", "request_id": "r", "event_id": "e"});
        let of_the_service = json!({"event": "recorded", "kind": "service", "event_id": "s"});
        let applied = json!({"event": "applied", "subject": "user"});
        for events in [[&recorded, &of_the_service, &applied], [&applied, &recorded, &recorded]] {
            let lines = invocation(&events.map(|event| (Level::INFO, event.clone())));
            assert_eq!((lines.len(), lines[0].get("kind"), lines[0].get("request_id")), (1, None, None));
            assert_eq!(lines[0]["events"], json!(events));
        }
    }

    #[test]
    fn a_warning_is_written_at_once_behind_what_came_before_it() {
        let refused = json!({"event": "refused", "kind": "account-status", "reason": "unavailable"});
        let (mut of, mut output) = (Log::new(), Output::default());
        log(&mut of, Level::INFO, &json!({"event": "started"}), &mut output);
        log(&mut of, Level::ERROR, &refused, &mut output);
        let lines: Vec<Value> = output.0[0].lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((output.0.len(), &lines[0]["events"]), (1, &json!([{"event": "started"}])));
        assert_eq!((&lines[0]["refused_unavailable"], &lines[0]["account_status_taken"]), (&json!(1), &json!([0])));
        assert_eq!((&lines[1]["level"], &lines[1]["reason"]), (&json!("ERROR"), &json!("unavailable")));
        assert_eq!(lines[1]["timestamp"], "2026-01-01T00:00:00.123456Z");
        of.leave(now(), &mut output);
        assert_eq!(output.0.len(), 1);
    }

    #[test]
    fn a_librarys_fields_are_not_a_second_time_and_a_second_level() {
        let (mut of, mut output) = (Log::new(), Output::default());
        let fields = json!({"message": "m", "timestamp": "t", "level": "l", "events": 1, "_aws": {}});
        log(&mut of, Level::WARN, &fields, &mut output);
        assert_eq!(
            output.0,
            ["{\"timestamp\":\"2026-01-01T00:00:00.123456Z\",\"level\":\"WARN\",\"message\":\"m\"}\n"]
        );
    }

    #[test]
    fn what_is_lost_or_nearly_late_is_counted_by_its_cause_and_altogether() {
        let refused = |kind: &str, reason: &str| json!({"event": "refused", "kind": kind, "reason": reason});
        let metrics = |event: Value| {
            let line = invocation(&[(Level::INFO, event)]).remove(0);
            let names = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().cloned().unwrap_or_default();
            names
                .iter()
                .map(|name| format!("{} {}", name["Name"], line[name["Name"].as_str().unwrap()]))
                .collect::<Vec<_>>()
        };
        let lost = [r#""not_taken" 1"#, r#""refused_unavailable" 1"#];
        assert_eq!(metrics(refused("unlink", "unavailable")), lost);
        let untaken = r#""account_status_taken" [0]"#;
        assert_eq!(metrics(refused("account-status", "unavailable")), [&[untaken], &lost[..]].concat());
        assert_eq!(metrics(refused("account-status", "source_unlisted")), [untaken, lost[0]]);
        assert_eq!(metrics(refused("talk-share", "source_unlisted")), [lost[0]]);
        assert_eq!(metrics(json!({"event": "source_unlisted", "kind": "unlink"})), [r#""source_unlisted" 1"#]);
        assert_eq!(metrics(json!({"event": "answered", "pace": "slow"})), [r#""answered_slow" 1"#, lost[0]]);
        // Anyone can cause these.
        let unknown = [r#""admin_key_known" [0]"#, r#""refused_key_unknown" 1"#];
        assert_eq!(metrics(refused("unlink", "key_unknown")), unknown);
        assert_eq!(metrics(refused("account-status", "token_audience")), [r#""refused_token_audience" 1"#]);
        assert_eq!(metrics(refused("account-status", "unknown_key_cooldown")), Vec::<String>::new());
    }

    #[test]
    fn many_events_are_written_in_pieces_and_many_values_not_beyond_what_cloudwatch_takes() {
        let published = (Level::INFO, json!({"event": "published", "ms": 7}));
        let lines = invocation(&vec![published; 450]);
        let events: Vec<_> = lines.iter().map(|line| line["events"].as_array().unwrap().len()).collect();
        assert_eq!(events, [200, 200, 50]);
        assert!(lines.iter().all(|line| line["published_ms"].as_array().unwrap().len() <= 100));
    }

    #[test]
    fn an_invocation_without_an_event_writes_nothing() {
        assert_eq!(invocation(&[]), Vec::<Value>::new());
    }
}
