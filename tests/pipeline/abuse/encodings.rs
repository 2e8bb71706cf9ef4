//! Bytes in a wrong encoding, and content types that do not match.

use base64::{Engine, engine::general_purpose::STANDARD};
use end_to_end::{Request, service::APP_ID};
use serde_json::{Value, json};

use super::{Bench, Case, Destination, changed, json::with_member, to_every_webhook};
use crate::kakao::{admin_key, channel, channel_body, skill, skill_body, unlink};

/// `{"a":1}` through gzip.
const GZIP: [u8; 27] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 5, 0, 0xaf, 0xac, 0x1b, 0x56, 7, 0,
    0, 0,
];

fn post(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", path).header("Authorization", &admin_key()).body(content_type, body)
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// JSON in encodings that RFC 8259 §8.1 forbids.
fn wrong_encodings(json: &str) -> Vec<(&'static str, Vec<u8>)> {
    let spoilt = |bytes: &[u8]| [&json.as_bytes()[..json.len() - 1], b",\"x\":\"", bytes, b"\"}"].concat();
    vec![
        ("UTF-8 with a mark", [b"\xef\xbb\xbf", json.as_bytes()].concat()),
        ("UTF-16 with a mark", [&b"\xfe\xff"[..], &utf_16(json)].concat()),
        ("UTF-16", utf_16(json)),
        ("Latin-1", spoilt(b"\xe9")),
        ("an overlong form", spoilt(b"\xc0\xaf")),
        ("a surrogate in UTF-8", spoilt(b"\xed\xa0\x80")),
        ("a raw NUL", spoilt(b"\0")),
        ("gzip", GZIP.to_vec()),
    ]
}

#[tokio::test]
async fn json_in_a_wrong_encoding_is_quarantined() {
    let mut bench = Bench::start().await;
    let added = channel_body("added", "1", "2025-03-01T01:00:00Z").to_string();
    let unlinked = json!({"app_id": APP_ID, "user_id": "1"}).to_string();
    let message = skill_body("u1", "안녕").to_string();
    let mut cases = vec![];
    for (name, body) in wrong_encodings(&added) {
        let request = post("/webhooks/talk-channel", "application/json", body).header("Content-Encoding", "gzip");
        cases.push(Case::taken(name, &request, Destination::Quarantine("json")));
    }
    for (name, body) in wrong_encodings(&unlinked) {
        cases.push(Case::taken(
            name,
            &post("/webhooks/unlink", "application/json", body),
            Destination::Quarantine("json"),
        ));
    }
    for (name, body) in wrong_encodings(&message) {
        let mut request = skill(&json!({}), "r1");
        request.body = Some(body);
        cases.push(Case::taken(name, &request, Destination::Quarantine("json")));
    }
    bench.try_all_and_forged(cases).await;
}

/// Escaped halves of a pair are JSON's grammar (RFC 8259 §8.2): a title that was cut through an emoji has one.
#[tokio::test]
async fn half_a_surrogate_pair_in_an_optional_member_costs_no_event() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for member in
        [r#""title":"제주 여행 \ud83c""#, r#""title":"\udf0a\ud83c""#, r#""\ud83c":{"\udf0a":["\ud83c\ud83c\udf0a"]}"#]
    {
        let requests = with_member(member);
        cases.extend(requests.iter().map(|request| Case::taken(member, request, Destination::Event)));
    }
    bench.try_all_and_forged(cases).await;
}

/// Two ids that differ only in the half pair would become one id.
#[tokio::test]
async fn half_a_character_is_never_part_of_an_id() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for half in [r"\ud83c", r"\udf0a", r"\ufffd"] {
        let share = format!(r#"{{"CHAT_TYPE":"MemoChat","HASH_CHAT_ID":"h{half}"}}"#);
        let channel = channel_body("blocked", "1", "2025-03-01T01:00:00Z").to_string();
        let channel = channel.replace("_ISxgbxb", &format!("_I{half}"));
        let requests = [("talk-share", share), ("talk-channel", channel)];
        let requests = requests.map(|(path, text)| post(&format!("/webhooks/{path}"), "application/json", text));
        cases.extend(requests.iter().map(|request| Case::taken(half, request, Destination::Quarantine("encoding"))));
    }
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn a_value_in_a_wrong_encoding_costs_the_event_only_where_it_is_an_id() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for odd in ["%FF", "%C0%AF", "%ED%A0%80", "%FE%FF%001", "a%E9b", "\u{fffd}"] {
        let mut in_query = unlink("1");
        in_query.query.push_str(&format!("&note={odd}"));
        cases.push(Case::taken(format!("note={odd}"), &in_query, Destination::Event));
        in_query.query.push_str(&format!("&{odd}=1&{odd}=2"));
        cases.push(Case::taken(format!("{odd}=1"), &in_query, Destination::Event));
        let form = format!("CHAT_TYPE=MemoChat&HASH_CHAT_ID={odd}");
        let in_form = post("/webhooks/talk-share", "application/x-www-form-urlencoded", form);
        cases.push(Case::taken(format!("HASH_CHAT_ID={odd}"), &in_form, Destination::Quarantine("encoding")));
    }
    for (name, body, end) in [
        ("Latin-1 beside the fact", &b"app_id=123456&user_id=1&note=\xe9"[..], Destination::Event),
        ("Latin-1 in the member number", &b"app_id=123456&user_id=1\xe9"[..], Destination::Quarantine("encoding")),
        ("gzip", &GZIP, Destination::Quarantine("encoding")),
    ] {
        let request = post("/webhooks/unlink", "application/x-www-form-urlencoded", body);
        cases.push(Case::taken(name, &request, end));
    }
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn a_body_with_a_wrong_base64_flag_is_read_as_it_is() {
    let mut bench = Bench::start().await;
    let form = format!("app_id={APP_ID}&user_id=1");
    let added = channel_body("added", "1", "2025-03-01T01:00:00Z");
    let with = |request: &Request, body: Value, flag: Value| {
        changed(&changed(&request.event(), "/body", body), "/isBase64Encoded", flag)
    };
    let unlink = post("/webhooks/unlink", "application/x-www-form-urlencoded", "");
    let channel = channel(&added, "r1");
    let encoded = |text: &str| json!(STANDARD.encode(text));
    let case = |name: &str, function, event, end| Case::new(name, function, event, 200, end);
    let mut cases = vec![
        case("a plain form", "unlink", with(&unlink, json!(form), json!(true)), Destination::Event),
        case("plain JSON", "talk-channel", with(&channel, json!(added.to_string()), json!(true)), Destination::Event),
        case("no base64", "unlink", with(&unlink, json!("%%%"), json!(true)), Destination::Quarantine("missing_field")),
        case("no padding", "unlink", with(&unlink, json!("YQ"), json!(true)), Destination::Quarantine("missing_field")),
    ];
    for flag in [json!(false), json!(null), json!("true"), json!(1)] {
        let name = format!("encoded, and the flag is {flag}");
        let event = with(&unlink, encoded(&form), flag.clone());
        cases.push(case(&name, "unlink", event, Destination::Quarantine("missing_field")));
        let event = with(&channel, encoded(&added.to_string()), flag);
        cases.push(case(&name, "talk-channel", event, Destination::Quarantine("json")));
    }
    let mut without_flag = with(&channel, json!(added.to_string()), json!(null));
    without_flag.as_object_mut().unwrap().remove("isBase64Encoded");
    cases.push(case("no flag", "talk-channel", without_flag, Destination::Event));
    bench.try_all_and_forged(cases).await;
    let webhooks = bench.webhooks();
    let pushed = webhooks.last().unwrap();
    let token = STANDARD.decode(pushed.genuine["body"].as_str().unwrap()).unwrap();
    let event = changed(&pushed.genuine, "/body", String::from_utf8(token).unwrap());
    bench.try_all([Case::new("a plain token", pushed.function, event, 202, Destination::Event)]).await;
}

#[tokio::test]
async fn a_wrong_or_absent_content_type_costs_no_event_of_a_key() {
    let mut bench = Bench::start().await;
    let mut webhooks = bench.webhooks();
    let pushed = webhooks.pop().unwrap();
    let long = "x".repeat(5_000);
    let types = [
        "",
        "text/xml",
        "text/plain; charset=utf-16",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/secevent+jwt",
        "application/secevent+jwt,application/secevent+jwt",
        "a,b",
        ";;;",
        "한",
        "\r\n",
        long.as_str(),
    ];
    let mut cases = vec![];
    for content_type in types {
        let name = format!("type {content_type:.30}");
        let change = |event: &Value| changed(event, "/headers/content-type", content_type);
        cases.extend(to_every_webhook(&webhooks, &name, change));
        if content_type != "application/secevent+jwt" {
            cases.push(Case::new(name, pushed.function, change(&pushed.genuine), 400, Destination::Nowhere));
        }
    }
    let without = |event: &Value| {
        let mut event = event.clone();
        event["headers"].as_object_mut().unwrap().remove("content-type");
        event
    };
    cases.extend(to_every_webhook(&webhooks, "no type", without));
    cases.push(Case::new("no type", pushed.function, without(&pushed.genuine), 400, Destination::Nowhere));
    for content_type in ["application/json", "application/json,application/json", "text/json"] {
        let form = post("/webhooks/unlink", content_type, format!("app_id={APP_ID}&user_id=1"));
        cases.push(Case::taken(format!("a form as {content_type}"), &form, Destination::Quarantine("json")));
    }
    bench.try_all(cases).await;
}
