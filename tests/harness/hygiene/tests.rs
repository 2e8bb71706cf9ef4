use base64::engine::{
    Engine,
    general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use super::*;
use crate::Fixture;

const MEMBER: &str = "7318264950271828182";
const WORDS: &str = "예약을 \"내일\"로 🌸 바꿔 주세요";

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    [MEMBER, WORDS].into_iter().for_each(|value| secrets.add(value));
    secrets
}

fn found_in(text: &str) -> Vec<Form> {
    let line = Line { function: "unlink".to_owned(), text: text.to_owned() };
    search(&[line], &secrets()).1.into_iter().map(|find| find.form).collect()
}

#[test]
fn a_value_is_found_in_every_form() {
    for value in [MEMBER, WORDS] {
        let as_json = json!({ "error": value }).to_string();
        let as_ascii = kakao_webhooks::envelope::to_ascii_json(&json!({ "error": value })).unwrap();
        let percent_encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let bytewise: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for text in [
            format!("what came was {value}."),
            as_json.clone(),
            json!({"error": as_json}).to_string(),
            as_ascii.clone(),
            json!({"error": json!({"error": as_ascii}).to_string()}).to_string(),
            format!("{:?}", bytes_debug(value)),
            format!("{value:?}").escape_unicode().to_string(),
            format!(r#"{{"error":"no route for /x?user_id={percent_encoded}&a=b"}}"#),
            bytewise.replace('%', "%25"),
            bytewise,
        ] {
            assert_eq!(found_in(&text).len(), 1, "{text}");
        }
    }
}

fn bytes_debug(value: &str) -> String {
    value.bytes().flat_map(std::ascii::escape_default).map(char::from).collect()
}

#[test]
fn a_value_is_found_in_base64_wherever_it_begins() {
    for value in [MEMBER, WORDS] {
        for before in ["", "a", "ab", "abc", "{\"user_id\":\""] {
            let text = format!("{before}{value}\"}}");
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                assert_eq!(found_in(&format!("body={encoded}")), [Form::Base64], "{encoded}");
                assert_eq!(found_in(&json!({"body": format!("x{encoded}")}).to_string()), [Form::Base64], "{encoded}");
            }
        }
    }
}

#[test]
fn digits_within_a_longer_number_are_no_find() {
    for text in [format!("1{MEMBER}"), format!("{MEMBER}0"), MEMBER.chars().skip(1).collect()] {
        assert_eq!(found_in(&text), [], "{text}");
    }
    assert_eq!(found_in(&format!("id-{MEMBER}:x")), [Form::Plain]);
}

#[test]
fn either_end_of_a_token_is_found() {
    let token =
        format!("{}.{}.{}", "eyJhbGciOiJSUzI1NiJ9".repeat(3), "Zm9yIHlvdXI".repeat(9), "c2lnbmF0dXJl".repeat(20));
    let mut secrets = Secrets::default();
    secrets.add_token(&token);
    for part in token.split('.') {
        let (begin, end) = (part.get(..FRAGMENT).unwrap(), part.get(part.len() - FRAGMENT..).unwrap());
        for text in [begin, end] {
            let line = Line { function: "account-status".to_owned(), text: format!("refused {text}…") };
            assert_eq!(search(&[line], &secrets).1.len(), 1, "{text}");
        }
    }
}

#[test]
fn a_line_that_a_function_writes_is_clean() {
    let text =
        r#"{"timestamp":"2025-03-01T03:30:00.000Z","level":"INFO","event":"kept","event_id":"JKJaXmPLvHcESHA="}"#;
    assert_eq!(found_in(text), []);
}

#[test]
fn what_was_searched_is_counted_by_what_it_is() {
    let line = |text: &str| Line { function: "skill".to_owned(), text: text.to_owned() };
    let lines = [line(r#"{"event":"kept"}"#), line(r#"{"_aws":{},"kept":1}"#), line("thread 'main' panicked")];
    let (searched, finds) = search(&lines, &secrets());
    assert_eq!(finds, []);
    assert_eq!(searched.lines, 3);
    assert_eq!(searched.lacks(&["kept", "metrics", "text", "answered"]), ["answered"]);
    assert_eq!(search(&[], &secrets()).0.lacks(&["kept"]), ["kept"]);
}

/// What must be found of what each of these fixtures sends.
const PERSONAL: &[(&str, &[&str])] = &[
    ("unlink/post-form", &[service::ADMIN_KEY, "3142857144"]),
    ("talk-share/get", &["l7sQ0m2VbW4f", "3142857145", "봄 세일"]),
    ("talk-share/post-json", &["k2PZp9d0XyQ1", "안녕하세요"]),
    ("talk-channel/deprecated-twins", &["3142857149"]),
    ("talk-channel/open-id", &["Zk3Qb7xT1mWc"]),
    ("skill/message-with-app-user", &[service::SKILL_KEY.1, "u-9e44b2", "3142857150", "주문 조회", "2025-03-02"]),
    ("account-status/user-profile-changed", &["3142857218", "봄봄 🌸", "invented@example.com"]),
];

#[test]
fn what_is_personal_in_a_request_is_searched_for() {
    let key = play_kakao::SigningKey::generate("k").unwrap();
    for (name, values) in PERSONAL {
        let request = Fixture::load(name).unwrap().request(&key).unwrap();
        let mut secrets = Secrets::default();
        secrets.add_event(&request.event());
        for value in *values {
            let line = Line { function: "unlink".to_owned(), text: json!({ "error": value }).to_string() };
            assert_eq!(search(&[line], &secrets).1.len(), 1, "{name}: {value}");
        }
    }
}

#[test]
fn a_service_s_own_id_is_searched_for_but_not_the_id_of_an_event() {
    let message = |kind: &str| json!({"v": 1, "id": "event-of-a-user", "kind": kind}).to_string();
    for (kind, finds) in [("service", 1), ("unlink", 0)] {
        let mut secrets = Secrets::default();
        secrets.add_event(&json!({"Records": [{"body": message(kind)}]}));
        let line = Line { function: "processor".to_owned(), text: "event-of-a-user".to_owned() };
        assert_eq!(search(&[line], &secrets).1.len(), finds, "{kind}");
    }
}

#[test]
fn a_status_in_a_change_is_no_find_but_everything_personal_beside_it_is() {
    let channel = json!({"status": "blocked", "uuid": "@가게"});
    let state = json!({"link": {"status": "unlinked"}, "channels": {"_ISxgbxb": channel}, "profile": {"status": "away until monday"}});
    let change = json!({"detail-type": "user-changed", "detail": {"user_id": MEMBER, "state": state}});
    let mut secrets = Secrets::default();
    secrets.add_event(&json!({"Records": [{"body": change.to_string()}]}));
    for (value, finds) in [("blocked", 0), ("unlinked", 0), ("@가게", 1), (MEMBER, 1), ("away until monday", 1)] {
        let line = Line { function: "publisher".to_owned(), text: json!({"access": value}).to_string() };
        assert_eq!(search(&[line], &secrets).1.len(), finds, "{value}");
    }
}

#[test]
fn a_log_line_with_a_secret_fails_the_test_that_ends_the_service() {
    let watch = Watch::default();
    let message = json!({"v": 1, "kind": "unlink", "event": {"user_id": MEMBER}}).to_string();
    watch.log().forbid_values_of(&json!({"Records": [{"body": message}]}));
    watch.log().add("processor", &json!({"event": "not_applied", "fault": format!("bad id {MEMBER}")}).to_string());
    let panic = std::panic::catch_unwind(|| drop(watch)).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains(MEMBER));
}
