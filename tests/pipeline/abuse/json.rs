//! JSON and forms in a valid encoding but badly formed: too deep, too big, with duplicates, empty.

use end_to_end::{Request, service::APP_ID};
use serde_json::{Value, json};

use super::{Bench, Case, Destination};
use crate::kakao::{OAUTH, admin_key, channel, channel_body, pushed, share, signed, skill, skill_body, token, unlink};

const AT: &str = "2025-03-01T01:00:00Z";

/// A request of a function with this text in the place of its body.
fn with_body(request: Request, body: impl Into<Vec<u8>>) -> Request {
    Request { body: Some(body.into()), ..request }
}

/// Each function's good JSON body with one more member, written as it is.
pub(super) fn with_member(member: &str) -> [Request; 4] {
    let added = |body: Value| format!("{},{member}}}", body.to_string().strip_suffix('}').unwrap());
    let unlinked = json!({"app_id": APP_ID, "user_id": "1"});
    let shared = json!({"CHAT_TYPE": "MemoChat", "HASH_CHAT_ID": "h"});
    let post = |path: &str, body| {
        Request::new("POST", path).header("Authorization", &admin_key()).body("application/json", added(body))
    };
    [
        post("/webhooks/unlink", unlinked),
        post("/webhooks/talk-share", shared),
        post("/webhooks/talk-channel", channel_body("added", "1", AT)),
        with_body(skill(&json!({}), "r1"), added(skill_body("u1", "안녕"))),
    ]
}

fn nested(levels: usize) -> [String; 2] {
    [
        format!("{}{}", "[".repeat(levels), "]".repeat(levels)),
        format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels)),
    ]
}

#[tokio::test]
async fn nesting_is_read_to_64_levels_and_quarantined_from_there_on() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for (levels, end) in [
        (63, Destination::Event),
        (64, Destination::Quarantine("json")),
        (65, Destination::Quarantine("json")),
        (10_000, Destination::Quarantine("json")),
    ] {
        for text in nested(levels) {
            let requests = with_member(&format!(r#""deep":{text}"#));
            cases.extend(requests.iter().map(|request| Case::taken(format!("{levels} levels"), request, end)));
        }
    }
    let unclosed = with_body(channel(&json!({}), "r1"), "[".repeat(60_000));
    cases.push(Case::taken("60,000 open brackets", &unclosed, Destination::Quarantine("json")));
    let unclosed = with_body(channel(&json!({}), "r1"), r#"{"a":"#.repeat(12_000));
    cases.push(Case::taken("12,000 open braces", &unclosed, Destination::Quarantine("json")));
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn an_optional_number_may_be_as_big_as_json_allows() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for number in [
        "-0",
        "1.5",
        "18446744073709551616",
        "9223372036854775808",
        &"9".repeat(400),
        "1e308",
        "-1e-400",
        "1e400",
        "-1e400",
    ] {
        let requests = with_member(&format!(r#""number":{number}"#));
        cases.extend(requests.iter().map(|request| Case::taken(number, request, Destination::Event)));
    }
    for number in ["01", "01e400", "+1", ".5", "1.", "0x1", "NaN", "Infinity", "1e"] {
        let requests = with_member(&format!(r#""number":{number}"#));
        cases.extend(requests.iter().map(|request| Case::taken(number, request, Destination::Quarantine("json"))));
    }
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn a_member_number_is_a_positive_integer_of_64_bits_or_the_request_is_quarantined() {
    let mut bench = Bench::start().await;
    let shape = Destination::Quarantine("field_shape");
    let mut cases = vec![];
    for (number, end) in [
        ("1", Destination::Event),
        ("9223372036854775808", Destination::Event),
        ("18446744073709551615", Destination::Event),
        ("18446744073709551616", shape),
        ("123456789012345678901234567890123456789", shape),
        ("0", shape),
        ("-0", shape),
        ("-1", shape),
        ("1.0", shape),
        ("1e3", shape),
        ("1e400", shape),
        ("true", shape),
        ("[1]", shape),
        (r#"{"a":1}"#, shape),
        (r#""1\u0000""#, shape),
        (r#""1 ""#, shape),
        ("null", Destination::Quarantine("missing_field")),
        (r#""""#, Destination::Quarantine("missing_field")),
    ] {
        let body = channel_body("added", "X", AT).to_string().replace("\"X\"", number);
        cases.push(Case::taken(number, &with_body(channel(&json!({}), "r1"), body), end));
        let body = format!(r#"{{"app_id":{APP_ID},"user_id":{number}}}"#);
        let request = Request::new("POST", "/webhooks/unlink").header("Authorization", &admin_key());
        cases.push(Case::taken(number, &request.body("application/json", body), end));
    }
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn a_name_that_stands_twice_is_quarantined_though_both_say_the_same() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for (name, query) in [("app_id", "app_id=123456"), ("user_id", "user_id=1"), ("user_id", "user%5Fid=2")] {
        let mut request = unlink("1");
        request.query = format!("{query}&{}", request.query);
        cases.push(Case::taken(name, &request, Destination::Quarantine("duplicate_field")));
    }
    for (name, query) in [("CHAT_TYPE", "CHAT_TYPE=DirectChat"), ("user_id", "user_id=2"), ("note", "note=1&note=2")] {
        let mut request = share("1", "r1");
        request.query.push_str(&format!("&{query}"));
        cases.push(Case::taken(name, &request, Destination::Quarantine("duplicate_field")));
    }
    for member in [
        r#""x":1,"x":1"#,
        r#""x":1,"\u0078":2"#,
        r#""x":{"y":[{"z":1,"z":1}]}"#,
        r#""":1,"":1"#,
        r#""app_id":1,"app_id":1"#,
    ] {
        let requests = with_member(member);
        cases.extend(requests.iter().map(|request| Case::taken(member, request, Destination::Quarantine("json"))));
    }
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn a_body_that_is_no_object_of_ours_is_quarantined() {
    let mut bench = Bench::start().await;
    let json = Destination::Quarantine("json");
    let mut cases = vec![];
    for (body, end) in [
        ("{}", Destination::Quarantine("missing_field")),
        ("[]", json),
        ("null", json),
        ("7", json),
        ("\"{}\"", json),
        ("{", json),
        ("{}{}", json),
        ("{},", json),
        ("{\"a\":1,}", json),
        ("{'a':1}", json),
        ("{\"a\":\"\n\"}", json),
        ("{} // a remark", json),
        ("\0\0\0", json),
        ("<xml/>", json),
    ] {
        let name = format!("{body:?}");
        cases.push(Case::taken(name.clone(), &with_body(channel(&json!({}), "r1"), body), end));
        cases.push(Case::taken(name, &with_body(skill(&json!({}), "r1"), body), end));
    }
    for body in ["", " ", "\r\n"] {
        let request = with_body(channel(&json!({}), "r1"), body);
        cases.push(Case::taken(format!("{body:?}"), &request, Destination::Quarantine("missing_field")));
        cases.push(Case::taken(format!("{body:?}"), &with_body(skill(&json!({}), "r1"), body), json));
    }
    bench.try_all_and_forged(cases).await;
}

/// The claims' text, signed as it is.
#[tokio::test]
async fn a_token_of_kakao_with_unusual_claims_is_accepted_and_a_malformed_token_is_refused() {
    let mut bench = Bench::start().await;
    let linked = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    let mut deep = linked.clone();
    deep.claims.insert("deep".to_owned(), serde_json::from_str(&nested(63)[0]).unwrap());
    let mut without_number = linked.clone();
    without_number.claims.insert("sub".to_owned(), json!("USER#1#2"));
    for event in without_number.claims["events"].as_object_mut().unwrap().values_mut() {
        event["subject"]["sub"] = json!("USER#1#2");
    }
    let genuine = linked.sign(bench.pipeline.keys.key()).unwrap();
    let [header, claims, signature]: [&str; 3] = genuine.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut cases = vec![
        Case::taken("63 levels", &signed(&bench.pipeline, &deep), Destination::Event),
        Case::taken(
            "no member number",
            &signed(&bench.pipeline, &without_number),
            Destination::Quarantine("field_shape"),
        ),
        Case::taken("white space around", &pushed(format!(" \n{genuine}\r\n")), Destination::Event),
    ];
    for body in [
        String::new(),
        "..".to_owned(),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{genuine}.{signature}"),
        format!("{header}.{claims}.{signature}="),
        format!("{header} .{claims}.{signature}"),
        format!("{header}\0.{claims}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("\u{feff}{genuine}"),
        format!("\"{genuine}\""),
        json!({"token": genuine}).to_string(),
        ".".repeat(60_000),
    ] {
        let name = format!("{body:.30}");
        cases.push(Case::new(name, "account-status", pushed(body).event(), 400, Destination::Nowhere));
    }
    bench.try_all(cases).await;
}
