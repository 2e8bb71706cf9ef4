//! Tokens of another implementation: what joserfc signs is accepted, what it forges is refused.

use std::{collections::BTreeSet, process::Stdio};

use end_to_end::{Answer, Pipeline, binaries::workspace, service::REST_API_KEY};
use kakao_webhooks::wire::account_status::EventType;
use khook::{
    local::{Packages, Project, provision},
    ui::progress::Progress,
};
use serde_json::Value;
use tokio::process::Command;

use crate::kakao::{MIDNIGHT, pushed};

const JOSERFC: Packages =
    Packages { folder: "jose", requirements: "tests/jose/requirements.txt", of: "the test with another signer" };

/// What `tests/jose/sign.py` prints.
async fn signed_by_joserfc() -> Value {
    let python = provision(&Project::find().unwrap(), JOSERFC, Progress::Silent).await.unwrap();
    let mut command = Command::new(python);
    command.arg("-I").arg(workspace().join("tests/jose/sign.py")).args([REST_API_KEY, &MIDNIGHT.to_string()]);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn code(answer: &Answer) -> (u16, Option<String>) {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    (answer.status, body["err"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn what_another_implementation_signs_is_accepted_and_what_it_forges_is_refused() {
    let signed = signed_by_joserfc().await;
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.keys.serve(signed["key_set"].to_string());
    let mut types = BTreeSet::new();
    for (uri, token) in signed["genuine"].as_object().unwrap() {
        let answer = pipeline.deliver(&pushed(token.as_str().unwrap().to_owned())).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{uri}");
        let messages = pipeline.queue.take();
        let [message] = &messages[..] else { panic!("{uri}: {messages:?}") };
        let envelope: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(envelope["event"]["uri"], *uri, "{envelope}");
        types.insert(EventType::of_uri(uri));
    }
    assert_eq!(types, EventType::KNOWN.iter().cloned().collect());
    let next = pushed(signed["of_the_next_key"].as_str().unwrap().to_owned());
    assert_eq!(pipeline.deliver(&next).await.unwrap().status, 202);
    assert_eq!(pipeline.queue.take().len(), 1);

    for (reason, token) in signed["unusable"].as_object().unwrap() {
        let answer = pipeline.deliver(&pushed(token.as_str().unwrap().to_owned())).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{reason}");
        let messages = pipeline.queue.take();
        let [message] = &messages[..] else { panic!("{reason}: {messages:?}") };
        let envelope: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(envelope["quarantine"]["reason"], *reason, "{envelope}");
    }

    let forged = signed["forged"].as_array().unwrap();
    assert!(forged.len() > 30);
    for forgery in forged {
        let answer = pipeline.deliver(&pushed(forgery["token"].as_str().unwrap().to_owned())).await.unwrap();
        let expected = match forgery["code"].as_str().unwrap() {
            // A key that can't be used is as good as one that isn't there, and the set is just fetched.
            "later" => (503, None),
            code => (400, Some(code.to_owned())),
        };
        assert_eq!(code(&answer), expected, "{}", forgery["name"]);
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
}
