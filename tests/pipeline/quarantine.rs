//! Authentic requests that cannot be read or placed: acknowledged and quarantined.

use end_to_end::{
    Pipeline, Request,
    gateway::RECEIVED_AT,
    service::{APP_ID, OTHER_APP_ID},
};
use serde_json::{Map, Value, json};

use crate::kakao::{
    OAUTH, admin_key, channel, channel_body, share, signed, skill, skill_body, snapshot, token, unlink,
};

/// Delivers an unusable request: it is acknowledged, and only one quarantine item is stored.
async fn quarantined(name: &str, request: impl FnOnce(&Pipeline) -> Request) -> Map<String, Value> {
    let mut pipeline = Pipeline::start().await.unwrap();
    let request = request(&pipeline);
    let answer = pipeline.deliver(&request).await.unwrap();
    assert!((200..300).contains(&answer.status), "{answer:?}");
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let items = pipeline.table.items().unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    snapshot(&format!("quarantined-{name}"), &without_signature(&items[0]));
    assert_eq!(items[0]["pk"], "QUARANTINE#2025-03-01");
    items[0].clone()
}

/// The key that signed a token is another in each run.
fn without_signature(item: &Map<String, Value>) -> Map<String, Value> {
    let mut item = item.clone();
    let payload = payload(&item);
    let parts: Vec<_> = payload["text"].as_str().unwrap_or_default().split('.').collect();
    if let [header, _, signature] = parts.as_slice()
        && header.starts_with("eyJ")
    {
        let text = item["envelope"].as_str().unwrap().replace(signature, "[signature]");
        item.insert("envelope".to_owned(), json!(text));
    }
    item
}

/// The request, as the quarantined envelope has it.
fn payload(item: &Map<String, Value>) -> Value {
    let envelope: Value = serde_json::from_str(item["envelope"].as_str().unwrap()).unwrap();
    envelope["quarantine"]["payload"].clone()
}

#[tokio::test]
async fn an_unlink_that_names_no_user_is_quarantined_with_its_content() {
    let query = format!("app_id={APP_ID}&referrer_type=UNLINK_FROM_APPS");
    let request = Request::new("GET", &format!("/webhooks/unlink?{query}")).header("Authorization", &admin_key());
    let item = quarantined("missing-user-id", |_| request).await;
    assert_eq!(item["reason"], "missing_field");
    assert_eq!(payload(&item), json!({"text": query}));
}

#[tokio::test]
async fn an_unlinking_from_an_app_whose_key_did_not_come_is_quarantined() {
    let mut request = unlink("3142858200");
    request.query = request.query.replace(APP_ID, OTHER_APP_ID);
    let item = quarantined("other-app", |_| request).await;
    assert_eq!(item["reason"], "other_app");
    assert_eq!(item["app_id"], APP_ID);
}

#[tokio::test]
async fn a_parameter_that_came_twice_is_quarantined() {
    let mut request = unlink("3142858200");
    request.query.push_str("&user_id=3142858201");
    assert_eq!(quarantined("duplicate-parameter", |_| request).await["reason"], "duplicate_field");
}

#[tokio::test]
async fn a_channel_event_with_an_unknown_kind_of_id_is_quarantined() {
    let mut body = channel_body("added", "3142858200", "2025-03-01T01:00:00Z");
    body["id_type"] = json!("hashed_id");
    let item = quarantined("unknown-id-type", |_| channel(&body, "r1")).await;
    assert_eq!(item["reason"], "field_shape");
    assert_eq!(item["event_id"], "r1");
    assert_eq!(serde_json::from_str::<Value>(payload(&item)["text"].as_str().unwrap()).unwrap(), body);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_quarantined() {
    let request = Request::new("POST", "/webhooks/talk-channel")
        .header("Authorization", &admin_key())
        .body("application/json", b"\xff\xfe not json".to_vec());
    let item = quarantined("no-json", |_| request).await;
    assert_eq!(payload(&item), json!({"base64": "//4gbm90IGpzb24="}));
}

#[tokio::test]
async fn a_chatbot_message_that_names_no_user_is_answered_and_quarantined() {
    let mut body = skill_body("u1", "안녕");
    body["userRequest"]["user"]["id"] = Value::Null;
    assert_eq!(quarantined("skill-message-without-a-user", |_| skill(&body, "r1")).await["reason"], "missing_field");
}

#[tokio::test]
async fn a_query_glued_to_that_of_the_registered_url_is_quarantined_by_its_name() {
    for path in ["/webhooks/unlink", "/webhooks/talk-share"] {
        let mut pipeline = Pipeline::start().await.unwrap();
        let mut request = if path.ends_with("unlink") { unlink("7") } else { share("7", "r1") };
        request.query = format!("p=shop01?{}", request.query);
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 200);
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        let item = pipeline.items_of("QUARANTINE#").unwrap().remove(0);
        assert_eq!(item["reason"], "glued_query", "{path}");
        assert!(item["detail"].as_str().unwrap().contains("register the URL without a query"), "{item:?}");
    }
}

#[tokio::test]
async fn a_chat_room_webhook_that_names_no_room_is_quarantined() {
    let body = json!({"botId": "5f2e8d41a9c04b7e93d6c1aa!", "type": "entrance", "timestamp": 1_790_660_097_000_i64,
        "group": {}, "payload": {"inviter": {"botUserKey": "u1"}}});
    let item = quarantined("room-webhook-without-a-room", |_| skill(&body, "r1")).await;
    assert_eq!((&item["reason"], &item["app_id"]), (&json!("missing_field"), &json!(APP_ID)));
}

#[tokio::test]
async fn a_request_of_the_new_bot_platform_is_quarantined_without_its_token() {
    let body = json!({"op": 0, "d": {"type": "MESSAGE_CREATE", "callbackToken": "a-token", "text": "안녕"}, "t": 1});
    let item = quarantined("new-platform", |_| skill(&body, "r1")).await;
    assert_eq!(item["reason"], "new_platform");
    assert_eq!(payload(&item), json!({"text": ""}));
}

#[tokio::test]
async fn different_events_under_one_id_in_one_millisecond_are_all_in_quarantine() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let bodies = ["one", "two", "three"].map(|unknown| {
        let mut body = channel_body("added", "3142858200", "2025-03-01T01:00:00Z");
        body["id_type"] = json!(unknown);
        body
    });
    for body in bodies.iter().chain(&bodies) {
        assert_eq!(pipeline.deliver(&channel(body, "one-id")).await.unwrap().status, 200);
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    }
    let items = pipeline.items_of("QUARANTINE#").unwrap();
    assert_eq!(items.len(), bodies.len(), "each once: {items:?}");
    for body in bodies {
        let text = body.to_string();
        let is_of = |item: &&Map<String, Value>| payload(item)["text"] == text;
        assert_eq!(items.iter().filter(is_of).count(), 1);
    }
    assert_eq!(items.iter().filter(|item| item["sk"].as_str().unwrap().ends_with("#one-id")).count(), 1);
}

#[tokio::test]
async fn a_token_whose_event_has_an_unknown_shape_is_quarantined() {
    let consent = token("3142858200", &format!("{OAUTH}user-scope-consent"), 1, &json!({"scope": {"new": "shape"}}));
    let item = quarantined("token-of-an-unknown-shape", |pipeline| signed(pipeline, &consent)).await;
    assert_eq!(item["reason"], "field_shape");
    assert_eq!(item["event_id"], "jti-1:user-scope-consent");
}

#[tokio::test]
async fn a_token_that_claims_another_app_than_its_audience_is_quarantined() {
    let mut linked = token("3142858200", &format!("{OAUTH}user-linked"), 1, &json!({}));
    linked.claims.insert("app_id".to_owned(), json!(OTHER_APP_ID));
    assert_eq!(quarantined("token-of-another-app", |pipeline| signed(pipeline, &linked)).await["reason"], "other_app");
}

#[tokio::test]
async fn a_time_more_than_ten_minutes_after_the_receipt_is_quarantined() {
    // The receipt is at 03:30:00.
    let late = channel_body("blocked", "3142858200", "2025-03-01T03:40:00.001Z");
    assert_eq!(quarantined("future-time", |_| channel(&late, "r1")).await["reason"], "future_time");
}

#[tokio::test]
async fn a_time_ten_minutes_after_the_receipt_is_not() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let ahead = channel_body("blocked", "3142858200", "2025-03-01T03:40:00Z");
    let request = channel(&ahead, "r1").received_at(RECEIVED_AT);
    pipeline.deliver(&request).await.unwrap();
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "3142858200").unwrap().unwrap();
    assert_eq!(state["channels"]["_ISxgbxb"]["status"], "blocked");
    assert!(pipeline.items_of("QUARANTINE#").unwrap().is_empty());
}
