//! Text that would be a log line of its own, in every field that is logged.

use std::{collections::BTreeSet, time::Duration};

use end_to_end::{Pipeline, Request, service::APP_ID};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{SENDINGS, answer, changed};
use crate::kakao::{OAUTH, channel, channel_body, share, signed, skill, skill_body, token, unlink};

const INJECTIONS: [&str; 12] = [
    r#"","event":"kept","forged":"1"#,
    r#"\","event":"kept","forged":"1"#,
    r#"\\","forged":"1"#,
    r#"{"event":"kept","forged":1}"#,
    "\n{\"event\":\"kept\",\"forged\":1}",
    "x\r\n{\"event\":\"kept\",\"forged\":1}\r\n",
    "\u{85}{\"forged\":1}",
    "\u{2028}{\"forged\":1}",
    "\u{1b}[2K\u{1b}[31mforged",
    "\u{9b}31m\u{202e}",
    "\0\u{8}\u{7f}",
    "%0a%7b%22forged%22:1%7d ${forged} {} {0}",
];

/// The members that our lines have; a line of metrics has others. The last are of those that a machine under load adds.
const MEMBERS: [&str; 26] = [
    "timestamp",
    "level",
    "event",
    "function",
    "version",
    "kind",
    "event_id",
    "app_id",
    "quarantined",
    "destination",
    "cold_start",
    "request_id",
    "status",
    "ms",
    "reason",
    "detail",
    "subject",
    "address",
    "error",
    "fix",
    "message_id",
    "fault",
    "partition",
    "sent",
    "gauge",
    "value",
];

/// Events that a machine under load may log, whatever is sent.
const OF_LOAD: [&str; 3] = ["not_applied", "inbox_not_sent", "inbox_not_read"];

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The injection wherever something of a request comes into a log line, and marked where nothing may.
fn requests(pipeline: &Pipeline, injection: &str) -> Vec<(&'static str, Value)> {
    let personal = &format!("personal-{injection}-personal");
    let (encoded, hidden) = (percent_encoded(injection), percent_encoded(personal));
    let mut twice = unlink("1");
    twice.query.push_str(&format!("&{encoded}=1&{encoded}=2"));
    let mut linked = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    linked.claims.insert("jti".to_owned(), json!(injection));
    let unknown = token("1", personal, 1, &json!({"value": personal}));
    let mut misshapen = token("1", &format!("{OAUTH}user-scope-consent"), 1, &json!({"scope": 7}));
    misshapen.claims.insert("jti".to_owned(), json!(injection));
    let mut not_ours = channel_body("added", "1", "2025-03-01T01:00:00Z");
    not_ours["id_type"] = json!(personal);
    let mut odd_event = channel_body(personal, "1", "2025-03-01T01:00:00Z");
    odd_event["channel_uuid"] = json!(personal);
    let share_of = |name: &str| {
        let query = format!("CHAT_TYPE=DirectChat&HASH_CHAT_ID=h&user_id=1&{name}={hidden}");
        Request { query, ..share("1", injection) }
    };
    [
        ("unlink", unlink("1").id(injection)),
        ("unlink", twice.id(injection)),
        ("unlink", Request { query: format!("app_id={APP_ID}&user_id={hidden}"), ..unlink("1") }),
        ("talk-share", share_of("note").id(injection)),
        ("talk-share", share_of("CHAT_MEMBER_COUNT_RANGE")),
        ("talk-channel", channel(&not_ours, injection)),
        ("talk-channel", channel(&odd_event, injection).id(injection)),
        ("skill", skill(&skill_body(personal, personal), injection)),
        ("skill", skill(&json!({personal: personal}), injection).id(injection)),
        ("account-status", signed(pipeline, &linked).id(injection)),
        ("account-status", signed(pipeline, &unknown)),
        ("account-status", signed(pipeline, &misshapen)),
    ]
    .map(|(function, request)| (function, request.event()))
    .into()
}

fn has_member(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(member, value)| member == name || has_member(value, name)),
        Value::Array(elements) => elements.iter().any(|element| has_member(element, name)),
        _ => false,
    }
}

fn count(lines: &[Value], event: &str) -> usize {
    lines.iter().filter(|line| line["event"] == event).count()
}

/// The statuses of a genuine event: the last one acknowledges it. It is sent again if the machine was too slow.
async fn taken(pipeline: &mut Pipeline, function: &'static str, event: &Value) -> Vec<u16> {
    let mut statuses = vec![answer(pipeline, function, event).await.status];
    while statuses.ends_with(&[503]) && statuses.len() <= SENDINGS {
        statuses.push(answer(pipeline, function, event).await.status);
    }
    assert!(matches!(statuses.last(), Some(200..300)), "{event}: {statuses:?}");
    statuses
}

/// All lines, once they contain this many answers and at least this many of the processor's lines.
async fn lines(pipeline: &Pipeline, answered: usize, processed: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let lines = pipeline.lines();
        let words: usize = ["recorded", "duplicate", "quarantined"].map(|event| count(&lines, event)).iter().sum();
        if count(&lines, "answered") == answered && words >= processed {
            return lines;
        }
        assert!(Instant::now() < deadline, "{} answers, {words} words: {lines:#?}", count(&lines, "answered"));
        sleep(Duration::from_millis(5)).await;
    }
}

/// Sends all of it, each again without authentication, because refusals are logged, too. Returns the statuses.
async fn send_all(pipeline: &mut Pipeline) -> Vec<u16> {
    let mut statuses = vec![];
    for injection in INJECTIONS {
        for (function, event) in requests(pipeline, injection) {
            statuses.extend(taken(pipeline, function, &event).await);
            let forged = changed(&event, "/headers/authorization", format!("KakaoAK {injection}"));
            let forged = changed(&forged, "/headers/x-skill-key", injection);
            if function != "account-status" {
                let refused = answer(pipeline, function, &forged).await.status;
                assert_eq!(refused, 401, "{forged}");
                statuses.push(refused);
            }
        }
    }
    statuses
}

#[tokio::test]
async fn what_is_sent_makes_no_log_line_and_no_member_of_one() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let statuses = send_all(&mut pipeline).await;
    let accepted = statuses.iter().filter(|status| **status < 300).count();
    pipeline.empty_inbox().await.unwrap();
    // One that was taken twice is the same text twice.
    let events = BTreeSet::from_iter(pipeline.queue.bodies()).len();
    assert_eq!((accepted, events), (INJECTIONS.len() * 12, accepted), "each authentic one is kept, and no other");
    pipeline.settle().await.unwrap();
    let lines = lines(&pipeline, statuses.len(), events).await;
    assert_eq!(count(&lines, "kept"), accepted);
    assert_eq!(count(&lines, "refused"), statuses.len() - accepted);
    for line in &lines {
        let members = line.as_object().unwrap_or_else(|| panic!("no JSON object: {line}"));
        assert!(!has_member(line, "forged"), "{line}");
        if members.contains_key("_aws") {
            continue;
        }
        let unknown: Vec<_> = members.keys().filter(|name| !MEMBERS.contains(&name.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {line}");
        let is_of_load = line["reason"] == "unavailable" || OF_LOAD.iter().any(|event| line["event"] == *event);
        assert!(line["level"] != "ERROR" || is_of_load, "{line}");
        assert!(!line.to_string().contains("personal-"), "{line}");
    }
}
