//! Ids that look like others, or like more than one: none reaches another user's key.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::{
    Pipeline, Request,
    service::{APP_ID, BOT_ID},
};
use play_kakao::Token;
use serde_json::{Value, json};

use super::SENDINGS;
use crate::kakao::{OAUTH, channel, channel_body, share, signed, skill, skill_body, token, unlink};

const AT: &str = "2025-03-01T01:00:00Z";

/// Texts in the place of an id, and whether one may stand in a key.
const TRICKS: [(&str, bool); 26] = [
    ("USER#1#2", false),
    ("#", false),
    ("1#", false),
    ("#STATE", false),
    ("1\u{0}", false),
    ("1\n", false),
    ("\u{7}1", false),
    ("1\u{7f}", false),
    ("1\u{85}", false),
    ("\u{1b}[31m1", false),
    ("１２３", true),
    ("١٢٣", true),
    ("1\u{200b}", true),
    ("\u{feff}1", true),
    ("\u{202e}321", true),
    ("1\u{301}", true),
    ("＃1", true),
    ("1 ", true),
    (" ", true),
    ("+1", true),
    ("0x1", true),
    ("1e3", true),
    ("../1", true),
    ("STATE", true),
    ("1\u{2028}2", true),
    ("🙂", true),
];

/// The partitions that a field's trick may reach, if the text may occur in a key and if it may not.
struct Field {
    request: Request,
    touched: String,
}

const QUARANTINE: &str = "QUARANTINE#2025-03-01";

fn with_claims(pipeline: &Pipeline, user: &str, jti: &str) -> Request {
    let mut linked: Token = token(user, &format!("{OAUTH}user-linked"), 1, &json!({}));
    linked.claims.insert("jti".to_owned(), json!(jti));
    signed(pipeline, &linked)
}

fn with_open_id(id: &str) -> Value {
    let mut body = channel_body("added", id, AT);
    body["id_type"] = json!("open_id");
    body
}

fn with_channel(id: &str) -> Value {
    let mut body = channel_body("added", "11", AT);
    body["channel_public_id"] = json!(id);
    body
}

fn with_bot(id: &str) -> Value {
    let mut body = skill_body("user-of-a-trick", "안녕");
    body["bot"]["id"] = json!(id);
    body
}

fn with_room(key: &str) -> Value {
    json!({"botId": BOT_ID, "type": "entrance", "group": {"botGroupKey": key}})
}

fn with_app_user(id: &str) -> Value {
    let mut body = skill_body("user-with-a-trick", "안녕");
    body["userRequest"]["user"]["properties"] = json!({"appUserId": id});
    body
}

fn in_query(mut request: Request, name: &str, value: &str) -> Request {
    let encoded: String = form_encoded(value);
    let kept: Vec<&str> = request.query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
    request.query = format!("{}&{name}={encoded}", kept.join("&"));
    request
}

fn form_encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The trick in every field that becomes part of a key.
fn key_members(trick: &str, may_stand: bool) -> Vec<Field> {
    let field =
        |request, touched: String| Field { request, touched: if may_stand { touched } else { QUARANTINE.to_owned() } };
    vec![
        field(channel(&with_open_id(trick), "open-id"), format!("OPENID#{APP_ID}#{trick}")),
        field(channel(&with_channel(trick), "channel-id"), format!("USER#{APP_ID}#11")),
        field(skill(&with_bot(trick), "bot-id"), format!("BOT#{trick}#user-of-a-trick")),
        field(skill(&skill_body(trick, "안녕"), "user-key"), format!("BOT#{BOT_ID}#{trick}")),
        field(skill(&with_room(trick), "room-key"), format!("BOT#{BOT_ID}#ROOM#{trick}")),
        field(in_query(share("", "chat-id"), "HASH_CHAT_ID", trick), format!("SHARE#{APP_ID}#{trick}")),
    ]
}

/// The trick in every field that identifies an event: it costs no event.
fn event_ids(pipeline: &Pipeline, trick: &str) -> Vec<Field> {
    let field = |user: &str, request| Field { request, touched: format!("USER#{APP_ID}#{user}") };
    vec![
        field("21", unlink("21").id(trick)),
        field("22", channel(&channel_body("added", "22", AT), trick)),
        field("23", share("23", trick)),
        field("24", with_claims(pipeline, "24", trick)),
        Field { request: skill(&skill_body("u25", "안녕"), trick), touched: format!("BOT#{BOT_ID}#u25") },
    ]
}

/// The trick in the place of a member number: no trick is one.
fn member_numbers(pipeline: &Pipeline, trick: &str, serial: usize) -> Vec<Field> {
    let quarantined = |request| Field { request, touched: QUARANTINE.to_owned() };
    let id = |field: usize| format!("member-{serial}-{field}");
    vec![
        quarantined(in_query(unlink(""), "user_id", trick).id(&id(1))),
        quarantined(in_query(unlink("1"), "app_id", trick).id(&id(2))),
        quarantined(channel(&channel_body("added", trick, AT), &id(3))),
        quarantined(with_claims(pipeline, trick, &id(4))),
        // An invalid user in a message or a share is left out; the event itself counts.
        Field { request: skill(&with_app_user(trick), &id(5)), touched: format!("BOT#{BOT_ID}#user-with-a-trick") },
        Field { request: in_query(share("", &id(6)), "user_id", trick), touched: format!("SHARE#{APP_ID}#h1") },
    ]
}

type Items = BTreeMap<(String, String), Value>;

fn items(pipeline: &Pipeline) -> Items {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = pipeline.table.items().unwrap().into_iter();
    items.map(|item| ((text(&item["pk"]), text(&item["sk"])), Value::Object(item))).collect()
}

/// Sends it again if the machine was too slow: the same request is the same event.
async fn deliver(pipeline: &mut Pipeline, request: &Request) {
    let mut answer = pipeline.deliver(request).await.unwrap();
    for _ in 0..SENDINGS {
        if answer.status == 503 {
            answer = pipeline.deliver(request).await.unwrap();
        }
    }
    assert!((200..300).contains(&answer.status), "{request:?}: {answer:?}");
}

/// Delivers all of it and returns the partitions that were written.
async fn touched(pipeline: &mut Pipeline, requests: impl Iterator<Item = Request>) -> BTreeSet<String> {
    let before = items(pipeline);
    for request in requests {
        deliver(pipeline, &request).await;
    }
    pipeline.settle().await.unwrap();
    let after = items(pipeline);
    after.into_iter().filter(|(key, item)| before.get(key) != Some(item)).map(|((partition, _), _)| partition).collect()
}

/// Every key has the members that its kind has, and no control character in any.
fn assert_whole(items: &Items) {
    for (partition, sort) in items.keys() {
        let kind = partition.split('#').next().unwrap();
        let (of_partition, of_sort) = match (kind, sort.split('#').next().unwrap()) {
            ("USER" | "OPENID" | "BOT", "STATE") | ("USER", "SHARES") => (3, 1),
            ("BOT", "EVENT") if partition.split('#').nth(2) == Some("ROOM") && partition.matches('#').count() == 3 => {
                (4, 3)
            }
            ("USER" | "OPENID" | "BOT" | "SHARE", "EVENT") => (3, 3),
            ("QUARANTINE", _) => (2, 2),
            _ => panic!("a key of no known kind: {partition:?} {sort:?}"),
        };
        let members = (partition.split('#').count(), sort.split('#').count());
        assert_eq!(members, (of_partition, of_sort), "{partition:?} {sort:?}");
        assert!(!format!("{partition}{sort}").contains(char::is_control), "{partition:?} {sort:?}");
    }
}

async fn check(pipeline: &mut Pipeline, trick: &str, fields: Vec<Field>) {
    let expected: BTreeSet<String> = fields.iter().map(|field| field.touched.clone()).collect();
    let found = touched(pipeline, fields.into_iter().map(|field| field.request)).await;
    assert_eq!(found, expected, "{trick:?}");
}

#[tokio::test]
async fn an_id_becomes_one_whole_member_of_a_key_or_its_request_is_quarantined() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let long = "1".repeat(5_000);
    for (trick, may_stand) in TRICKS.into_iter().chain([(long.as_str(), false)]) {
        check(&mut pipeline, trick, key_members(trick, may_stand)).await;
    }
    assert_whole(&items(&pipeline));
}

#[tokio::test]
async fn an_events_id_may_be_anything_and_stays_within_its_users_partition() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let long = "1".repeat(5_000);
    for (number, trick) in TRICKS.into_iter().map(|(trick, _)| trick).chain([long.as_str()]).enumerate() {
        let mut fields = event_ids(&pipeline, trick);
        for field in &mut fields {
            // A header cannot contain such an id, so it does not count; the gateway's own id then has to differ.
            if field.request.id != trick {
                field.request.id = format!("request-{number}");
            }
        }
        check(&mut pipeline, trick, fields).await;
    }
    let items = items(&pipeline);
    assert_whole(&items);
    let history = items.keys().filter(|(partition, sort)| partition.starts_with("USER#") && sort.starts_with("EVENT#"));
    assert_eq!(history.count(), 4 * (TRICKS.len() + 1), "each is an event of its own");
}

#[tokio::test]
async fn nothing_but_digits_is_a_member_number() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let long = "1".repeat(5_000);
    let numbers = [long.as_str(), "18446744073709551616", "-1", "0"];
    for (serial, trick) in TRICKS.into_iter().map(|(trick, _)| trick).chain(numbers).enumerate() {
        let fields = member_numbers(&pipeline, trick, serial);
        check(&mut pipeline, trick, fields).await;
    }
    let items = items(&pipeline);
    assert_whole(&items);
    assert!(items.keys().all(|(partition, _)| !partition.starts_with("USER#")));
    // The message counts all the same, without a member number.
    assert!(items.values().all(|item| item.get("app_user_id").is_none()));
}
