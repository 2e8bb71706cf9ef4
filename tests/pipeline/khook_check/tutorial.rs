//! The program that the common FastAPI tutorial for Kakao's skills shows (registration check, health, echo), as what
//! it answers; and that this project's function can replace it without a line of code.

use std::net::TcpListener;

use end_to_end::{Fixture, Pipeline, Request};
use play_kakao::SigningKey;
use serde_json::{Value, json};

use super::stand_in::{Asked, Said, bubble};

/// What the tutorial's program answers.
pub(super) fn tutorial(asked: &Asked) -> Said {
    let registration = || Said::json(200, &json!({"version": "2.0", "data": {}}));
    match (asked.path.as_str(), asked.method.as_str()) {
        ("/skill" | "/skill/", "GET") => registration(),
        ("/health", "GET") => Said::json(200, &json!({"status": "ok"})),
        ("/skill" | "/skill/", "POST") => match serde_json::from_str::<Value>(&asked.body) {
            Ok(payload) => {
                let utterance = payload.pointer("/userRequest/utterance").and_then(Value::as_str);
                Said::json(200, &bubble(utterance.unwrap_or_default().trim()))
            }
            Err(_) => Said::json(422, &json!({"detail": []})),
        },
        // As Starlette does: the first of the path's routes names its own methods.
        ("/skill" | "/skill/" | "/health", _) => {
            Said::json(405, &json!({"detail": "Method Not Allowed"})).header("allow", "GET")
        }
        _ => Said::json(404, &json!({"detail": "Not Found"})),
    }
}

/// What Kakao sends a bot's skill: the check, and payloads in the shapes that its guide shows and that were seen.
fn sent(key: &SigningKey, callback_url: &str) -> Vec<(&'static str, &'static str, String)> {
    let fixture = |name: &str| {
        let request = Fixture::load(name).unwrap().request(key).unwrap();
        serde_json::from_slice::<Value>(&request.body.unwrap()).unwrap()
    };
    let with = |change: &dyn Fn(&mut Value)| {
        let mut payload = fixture("skill/message");
        change(&mut payload);
        payload.to_string()
    };
    vec![
        ("GET", "/skill", String::new()),
        ("GET", "/skill/", String::new()),
        ("GET", "/health", String::new()),
        ("POST", "/skill", fixture("skill/message").to_string()),
        ("POST", "/skill/", fixture("skill/message").to_string()),
        ("POST", "/skill", fixture("skill/message-with-app-user").to_string()),
        ("POST", "/skill", with(&|payload| payload["userRequest"]["utterance"] = json!("발화 내용\n"))),
        (
            "POST",
            "/skill",
            with(&|payload| {
                payload["action"]["detailParams"] = json!({
                    "sys_date": {"groupName": "", "origin": "오늘", "value": {"value": "2025-03-01", "userTimeZone": "UTC+9"}},
                    "인원": {"groupName": "", "origin": "두 명", "value": {"amount": 2, "unit": "명"}},
                });
            }),
        ),
        ("POST", "/skill", with(&|payload| payload["userRequest"]["callbackUrl"] = json!(callback_url))),
        ("POST", "/skill", with(&|payload| payload["flow"] = Value::Null)),
    ]
}

#[tokio::test]
async fn the_tutorials_program_can_be_replaced_without_a_line_of_code() {
    let mut pipeline = Pipeline::start().await.unwrap().without("SKILL_AUTH");
    let callback = TcpListener::bind("127.0.0.1:0").unwrap();
    let callback_url = format!("http://{}/callback", callback.local_addr().unwrap());
    for (method, path, body) in sent(pipeline.keys.key(), &callback_url) {
        let theirs = tutorial(&Asked::new(method, path, &body));
        let mut request = Request::new(method, path);
        if !body.is_empty() {
            request = request.body("application/json", body.clone());
        }
        let ours = pipeline.deliver(&request).await.unwrap();
        assert_eq!(ours.status, theirs.status, "{method} {path} {body}");
        assert_eq!(ours.headers["content-type"], theirs.headers[0].1, "{method} {path} {body}");
        let meaning = |body: &str| serde_json::from_str::<Value>(body).unwrap();
        assert_eq!(meaning(&ours.body), meaning(&theirs.body), "{method} {path} {body}");
    }
    callback.set_nonblocking(true).unwrap();
    assert!(callback.accept().is_err(), "the callback was called");
}
