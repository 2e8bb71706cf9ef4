//! Kakao's requests, for tests of a single property.

use end_to_end::{
    Pipeline, Request,
    service::{ADMIN_KEY, APP_ID, REST_API_KEY, SKILL_KEY},
};
use play_kakao::Token;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub(crate) const OAUTH: &str = "https://schemas.openid.net/secevent/oauth/event-type/";
pub(crate) const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
pub(crate) const KAKAO: &str = "https://schemas.kakao.com/platevent/kakao/event-type/";

/// 2025-03-01T00:00:00Z, in seconds.
pub(crate) const MIDNIGHT: i64 = 1_740_787_200;

pub(crate) fn admin_key() -> String {
    format!("KakaoAK {ADMIN_KEY}")
}

pub(crate) fn unlink(user_id: &str) -> Request {
    let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id={user_id}&referrer_type=UNLINK_FROM_APPS");
    Request::new("GET", &path).header("Authorization", &admin_key())
}

pub(crate) fn share(user_id: &str, resource_id: &str) -> Request {
    let path = format!("/webhooks/talk-share?CHAT_TYPE=DirectChat&HASH_CHAT_ID=h1&user_id={user_id}");
    Request::new("GET", &path).header("Authorization", &admin_key()).header("X-Kakao-Resource-ID", resource_id)
}

pub(crate) fn channel_body(event: &str, user_id: &str, updated_at: &str) -> Value {
    json!({"event": event, "id": user_id, "id_type": "app_user_id", "channel_public_id": "_ISxgbxb",
        "channel_uuid": "@가게", "updated_at": updated_at})
}

pub(crate) fn channel(body: &Value, resource_id: &str) -> Request {
    Request::new("POST", "/webhooks/talk-channel")
        .header("Authorization", &admin_key())
        .header("X-Kakao-Resource-ID", resource_id)
        .body("application/json", body.to_string())
}

pub(crate) fn skill_body(user_key: &str, utterance: &str) -> Value {
    json!({"bot": {"id": "5f2e8d41a9c04b7e93d6c1aa"},
        "userRequest": {"utterance": utterance, "user": {"id": user_key, "type": "botUserKey", "properties": {}}}})
}

pub(crate) fn skill(body: &Value, request_id: &str) -> Request {
    Request::new("POST", "/skill")
        .header(SKILL_KEY.0, SKILL_KEY.1)
        .header("X-Request-Id", request_id)
        .body("application/json", body.to_string())
}

/// A token of one event, `minutes` after midnight.
pub(crate) fn token(user_id: &str, uri: &str, minutes: i64, members: &Value) -> Token {
    let id = format!("jti-{minutes}");
    Token::new(REST_API_KEY, user_id, &id, MIDNIGHT + minutes * 60, uri, members)
}

pub(crate) fn pushed(token: String) -> Request {
    Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", token)
}

pub(crate) fn signed(pipeline: &Pipeline, token: &Token) -> Request {
    pushed(token.sign(pipeline.keys.key()).unwrap())
}

/// Items, without their versions: those go by the time of the write.
pub(crate) fn without_versions(mut items: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    for version in items.iter_mut().filter_map(|item| item.get_mut("version")) {
        assert!(version.as_u64() > Some(1_700_000_000_000), "{version}");
        *version = "[the time of the write]".into();
    }
    items
}

/// Compares with the stored snapshot of this name.
pub(crate) fn snapshot(name: &str, value: &impl Serialize) {
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true, sort_maps => true,
    }, {
        insta::assert_json_snapshot!(name, value);
    });
}
