//! A sender without a key learns nothing and leaves nothing, whatever it sends: authentication precedes reading.
//! `shared/src/auth/digest.rs` shows by construction how the key itself is compared.

use end_to_end::{Answer, Request};
use serde_json::Value;

use super::{Bench, bench::forge};
use crate::kakao::{channel, channel_body, share, skill, skill_body, unlink};

/// A text in every piece of content, for which the log is searched.
const MARK: &str = "marked-content";

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let deep = format!("{}{MARK}", "[".repeat(10_000));
    vec![
        ("application/json", format!(r#"{{"user_id":"{MARK}"}}"#).into_bytes()),
        ("application/json", format!(r#"{{"{MARK}":1,"{MARK}":2}}"#).into_bytes()),
        ("application/json", deep.into_bytes()),
        ("application/json", [b"\xff\xfe\0", MARK.as_bytes()].concat()),
        ("application/json", format!("{{{MARK}").into_bytes()),
        ("application/x-www-form-urlencoded", format!("{MARK}=1&{MARK}=1").into_bytes()),
        ("application/x-www-form-urlencoded", format!("app_id=%FF{MARK}").into_bytes()),
        ("multipart/form-data; boundary=x", MARK.as_bytes().to_vec()),
        ("", vec![]),
        (MARK, vec![b'x'; 70_000]),
    ]
}

/// A well-formed request of each function that a key authenticates, and the same with everything else in its place.
fn requests() -> Vec<(&'static str, Request)> {
    let good = [
        ("unlink", unlink("1")),
        ("talk-share", share("1", "r1")),
        ("talk-channel", channel(&channel_body("added", "1", "2025-03-01T01:00:00Z"), "r1")),
        ("skill", skill(&skill_body("u1", "안녕"), "r1")),
    ];
    let mut requests = vec![];
    for (function, request) in good {
        requests.push((function, request.clone()));
        for (content_type, body) in contents() {
            let mut odd = request.clone();
            odd.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            odd.method = "POST".to_owned();
            odd.query = format!("{MARK}=\"<>&{MARK}");
            requests.push((
                function,
                odd.header("X-Kakao-Resource-ID", MARK).header("User-Agent", MARK).body(content_type, body),
            ));
        }
    }
    requests
}

#[tokio::test]
async fn with_a_wrong_key_anything_is_refused_as_a_good_request_is_and_not_looked_at() {
    let mut bench = Bench::start().await;
    let mut answers: Vec<(&'static str, Answer)> = vec![];
    for (function, request) in requests() {
        let mut event = request.event();
        forge(&mut event);
        answers.push((function, bench.answer(function, &event).await));
        if request.method == "POST" {
            let mut event = request.event();
            event["headers"]
                .as_object_mut()
                .unwrap()
                .retain(|name, _| name != "authorization" && name != "x-skill-key");
            answers.push((function, bench.answer(function, &event).await));
        }
        assert_eq!(bench.pipeline.queue.bodies(), Vec::<String>::new());
    }
    assert!(answers.len() > 80);
    answers.dedup();
    assert_eq!(answers.len(), 4, "one answer for each function: {answers:#?}");
    assert!(answers.iter().all(|(_, answer)| answer.status == 401));
    assert!(bench.pipeline.table.items().unwrap().is_empty());
    for function in ["unlink", "talk-share", "talk-channel", "skill"] {
        // What was logged before the good request's line is all there when that line is.
        bench.the_next_works(function).await;
        bench.pipeline.function(function).await.unwrap().line("event", "kept").await.unwrap();
    }
    let lines = bench.pipeline.lines();
    let refused = lines.iter().filter(|line| line["event"] == "refused").count();
    assert!(refused > 80, "{refused}");
    let telling: Vec<&Value> = lines.iter().filter(|line| line.to_string().contains(MARK)).collect();
    assert!(telling.is_empty(), "{telling:#?}");
}
