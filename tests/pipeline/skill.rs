//! The chatbot's skill.

use end_to_end::{Pipeline, Request, service::SKILL_KEY};
use serde_json::{Value, json};

use crate::kakao::{skill, skill_body, snapshot};

#[tokio::test]
async fn the_registration_check_is_answered_to_the_letter() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for path in ["/skill", "/skill/"] {
        let answer = pipeline.deliver(&Request::new("GET", path)).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.body, r#"{"version":"2.0","data":{}}"#);
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn the_health_check_is_answered() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let answer = pipeline.deliver(&Request::new("GET", "/health")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.body, r#"{"status":"ok"}"#);
}

/// The text of the answer to a message.
async fn reply(pipeline: &mut Pipeline, request: &Request) -> String {
    let answer = pipeline.deliver(request).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["version"], "2.0");
    assert_eq!(body["template"]["outputs"].as_array().unwrap().len(), 1);
    body["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_repeated() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (said, repeated) in
        [("안녕 🙂\n", "안녕 🙂"), ("  a \"b\" \\ ", "  a \"b\" \\"), ("\n", "무엇을 도와드릴까요?")]
    {
        assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", said), "r1")).await, repeated);
    }
    assert_eq!(pipeline.queue.bodies().len(), 3);
}

#[tokio::test]
async fn no_answer_is_longer_than_kakao_takes() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let text = reply(&mut pipeline, &skill(&skill_body("u1", &"한".repeat(1_001)), "r1")).await;
    assert_eq!(text, "한".repeat(1_000));
}

#[tokio::test]
async fn what_was_said_is_not_in_the_envelope() {
    let mut pipeline = Pipeline::start().await.unwrap();
    reply(&mut pipeline, &skill(&skill_body("u1", "my-secret-words"), "r1")).await;
    let texts = pipeline.queue.bodies();
    assert_eq!(texts.len(), 1);
    assert!(!texts[0].contains("my-secret-words"), "{texts:?}");
}

#[tokio::test]
async fn skill_text_is_the_answer_if_it_is_set() {
    let mut pipeline = Pipeline::start().await.unwrap().with("SKILL_TEXT", "곧 답해 드릴게요");
    assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", "안녕"), "r1")).await, "곧 답해 드릴게요");
}

#[tokio::test]
async fn any_field_may_be_absent_or_null() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut body = skill_body("u1", "");
    body["intent"] = Value::Null;
    body["action"] = json!({"params": null, "detailParams": null, "clientExtra": null});
    body["userRequest"]["utterance"] = Value::Null;
    body["userRequest"]["user"]["properties"] = Value::Null;
    assert_eq!(reply(&mut pipeline, &skill(&body, "r1")).await, "무엇을 도와드릴까요?");
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.items_of("BOT#").unwrap().len(), 3);
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_refused_and_queues_nothing() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let message = skill(&skill_body("u1", "안녕"), "r1");
    let mut missing = message.clone();
    missing.headers.retain(|(name, _)| name != SKILL_KEY.0);
    let wrong = missing.clone().header(SKILL_KEY.0, "wrong");
    let empty = missing.clone().header(SKILL_KEY.0, "");
    let twice = message.clone().header(SKILL_KEY.0, SKILL_KEY.1);
    let mut answers = vec![];
    for request in [missing, wrong, empty, twice] {
        let answer = pipeline.deliver(&request).await.unwrap();
        assert_eq!(answer.status, 401, "{request:?}");
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    snapshot("refused-skill-messages", &answers);
}

#[tokio::test]
async fn without_skill_auth_everybody_is_answered_and_nobody_believed() {
    let mut pipeline = Pipeline::start().await.unwrap().without("SKILL_AUTH");
    assert_eq!(reply(&mut pipeline, &skill(&skill_body("u1", "안녕"), "r1")).await, "안녕");
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    assert!(pipeline.table.items().unwrap().is_empty());
    let warning = pipeline.function("skill").await.unwrap().line("event", "unauthenticated").await.unwrap();
    assert_eq!(warning["level"], "WARN");
}

#[tokio::test]
async fn a_bot_of_no_app_of_ours_keeps_its_own_item_only() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut body = skill_body("u1", "안녕");
    body["bot"]["id"] = json!("an-unlisted-bot");
    body["userRequest"]["user"]["properties"] = json!({"appUserId": "3142858400"});
    reply(&mut pipeline, &skill(&body, "r1")).await;
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.items_of("USER#").unwrap(), []);
    let state = pipeline.state_of("BOT#an-unlisted-bot#u1").unwrap().unwrap();
    assert_eq!(state["app_user_id"], "3142858400");
}
