//! Each row of Kakao's table, each fault, and the server.

mod faults;
mod rules;
#[cfg(feature = "server")]
mod server;

use super::*;

const BOT: &str = "0123456789abcdef01234567";
const TOKEN: &str = "token-1";
const WAIT: &str = r#"{"version":"2.0","useCallback":true,"data":{"text":"잠시만요"}}"#;

/// 2023-11-14T22:13:20Z and as many seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn reply(text: &str) -> String {
    json!({"version": "2.0", "template": {"outputs": [{"simpleText": {"text": text}}]}}).to_string()
}

/// With one URL, whose first answer says that the reply is to come.
fn callbacks(kind: CallbackKind) -> SimulatedCallbacks {
    let mut callbacks = SimulatedCallbacks::default();
    callbacks.issue(TOKEN, BOT, kind, at(0));
    callbacks.take_first_answer(TOKEN, WAIT, at(0));
    callbacks
}

fn post(path: &str, body: &str) -> CallbackRequest {
    CallbackRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        content_type: "application/json".to_owned(),
        body: body.to_owned(),
    }
}

fn answered(callbacks: &mut SimulatedCallbacks, request: &CallbackRequest, now: Timestamp) -> CallbackAnswer {
    match callbacks.react(request, now) {
        CallbackReaction::Answer(answer) => answer,
        other => panic!("no answer at once: {other:?}"),
    }
}

/// `status` and `message` of the answer to this body.
fn said(callbacks: &mut SimulatedCallbacks, body: &str, now: Timestamp) -> (String, String) {
    verdict(&answered(callbacks, &post(&callback_path(BOT, TOKEN), body), now))
}

fn verdict(answer: &CallbackAnswer) -> (String, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let member = |name: &str| body[name].as_str().unwrap().to_owned();
    (member("status"), member("message"))
}

fn fail(fail: CallbackFail) -> (String, String) {
    ("FAIL".to_owned(), fail.message().to_owned())
}

fn success() -> (String, String) {
    ("SUCCESS".to_owned(), "success".to_owned())
}

fn heard(callbacks: &SimulatedCallbacks) -> Vec<String> {
    callbacks.exchange(TOKEN).unwrap().heard()
}
