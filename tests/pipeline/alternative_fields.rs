//! A field under two names, in two forms, or with one unreadable value of two: the readable one counts.

use end_to_end::{Pipeline, service::APP_ID};
use serde_json::{Value, json};

use crate::kakao::{OAUTH, channel, channel_body, signed, token};

/// 2025-03-01T01:00:00Z.
const AT_MILLIS: i64 = 1_740_790_800_000;

async fn delivered(pipeline: &mut Pipeline, body: &Value, resource_id: &str) {
    let answer = pipeline.deliver(&channel(body, resource_id)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.items_of("QUARANTINE#").unwrap(), [], "{body}");
}

#[tokio::test]
async fn a_time_that_cannot_be_read_hides_no_good_one_in_either_order() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (user, updated_at, timestamp) in [
        ("31", json!("2025-03-01 10:00:00"), json!(AT_MILLIS)),
        ("32", json!(null), json!(AT_MILLIS.to_string())),
        ("33", json!("2025-03-01T01:00:00Z"), json!("yesterday")),
        ("34", json!("2025-03-01T01:00:00Z"), json!(-1)),
    ] {
        let mut body = channel_body("added", user, "");
        body["updated_at"] = updated_at;
        body["timestamp"] = timestamp;
        delivered(&mut pipeline, &body, user).await;
        let state = pipeline.state(APP_ID, user).unwrap().unwrap();
        assert_eq!(state["channels"]["_ISxgbxb"]["at"], "2025-03-01T01:00:00.000Z", "{body}");
    }
}

#[tokio::test]
async fn an_open_id_that_is_sent_as_a_number_is_the_same_open_id() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (id, event) in [(json!("1274364410"), "added"), (json!(1_274_364_410), "blocked")] {
        let mut body = channel_body(event, "", "2025-03-01T01:00:00Z");
        body["id"] = id;
        body["id_type"] = json!("open_id");
        delivered(&mut pipeline, &body, event).await;
        let state = pipeline.state_of(&format!("OPENID#{APP_ID}#1274364410")).unwrap().unwrap();
        assert_eq!(state["channels"]["_ISxgbxb"]["status"], event);
    }
}

#[tokio::test]
async fn scopes_with_commas_between_are_the_scopes_that_are_withdrawn_one_by_one() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for (event, minutes, members) in [
        ("user-scope-consent", 1, json!({"scope": "account_email,profile_nickname"})),
        ("user-scope-withdraw", 2, json!({"scopes": ["account_email,"]})),
    ] {
        let token = token("35", &format!("{OAUTH}{event}"), minutes, &members);
        let request = signed(&pipeline, &token);
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    }
    let state = pipeline.state(APP_ID, "35").unwrap().unwrap();
    let granted = |name: &str| state["scopes"][name]["granted"].clone();
    assert_eq!((granted("account_email"), granted("profile_nickname")), (json!(false), json!(true)));
    assert_eq!(state["scopes"].as_object().unwrap().len(), 2);
}
