//! Headers that occur twice or are invalid.

use end_to_end::service::{ADMIN_KEY, SKILL_KEY};
use serde_json::{Value, json};

use super::{Bench, Case, Destination, changed, to_every_webhook};
use crate::kakao::{channel, channel_body, share, skill, skill_body, unlink};

#[tokio::test]
async fn a_key_that_stands_twice_proves_nothing() {
    let mut bench = Bench::start().await;
    let key = format!("KakaoAK {ADMIN_KEY}");
    let by_key = [
        ("unlink", unlink("1")),
        ("talk-share", share("1", "r1")),
        ("talk-channel", channel(&channel_body("added", "1", "2025-03-01T01:00:00Z"), "r1")),
    ];
    let mut cases = vec![];
    for (function, request) in by_key {
        for second in [key.as_str(), "KakaoAK 00000000000000000000000000000000", "Basic eDp5"] {
            let twice = request.clone().header("authorization", second).event();
            cases.push(Case::new(format!("joined with {second}"), function, twice, 401, Destination::Nowhere));
            let beside = changed(&request.event(), "/headers/AUTHORIZATION", second);
            cases.push(Case::new(format!("beside {second}"), function, beside, 401, Destination::Nowhere));
        }
    }
    let message = skill(&skill_body("u1", "안녕"), "r1").header(SKILL_KEY.0, SKILL_KEY.1);
    cases.push(Case::new("joined", "skill", message.event(), 401, Destination::Nowhere));
    bench.try_all(cases).await;
}

#[tokio::test]
async fn any_other_header_may_stand_twice_or_hold_anything() {
    let mut bench = Bench::start().await;
    let webhooks = bench.webhooks();
    let mut cases = vec![];
    let [unlink, _, share, _, channel, skill, token] = &webhooks[..] else { panic!("other webhooks") };
    // Each where it is read, and those that a URI could be made of.
    for (header, readers) in [
        ("x-kakao-resource-id", vec![share, channel]),
        ("x-request-id", vec![skill]),
        ("host", vec![unlink, token]),
        ("x-forwarded-proto", vec![unlink, token]),
        ("cookie", vec![unlink]),
    ] {
        for value in [
            "a,b",
            "",
            " ",
            "a\r\nX-Kakao-Resource-ID: forged",
            "a\r\n\r\n{\"forged\":1}",
            "a\nb",
            "a\rb",
            "a\0b",
            "\u{1b}[31mred",
            "\u{7f}",
            "a\tb",
            "한글",
            "\u{202e}1",
            "a b/<>\"",
            "[::1",
            "../../..",
        ] {
            let change = |event: &Value| changed(event, &format!("/headers/{header}"), value);
            cases.extend(to_every_webhook(readers.iter().copied(), &format!("{header}: {value:?}"), change));
        }
    }
    for name in ["", "a b", "a\r\nauthorization", "a:b", "한", "\0", "__proto__"] {
        let change = |event: &Value| {
            let mut event = event.clone();
            event["headers"][name] = json!("x");
            event
        };
        cases.extend(to_every_webhook(&webhooks, &format!("a header named {name:?}"), change));
    }
    for value in [json!(null), json!(7), json!(["a", "b"]), json!({"a": "b"})] {
        let change = |event: &Value| changed(event, "/headers/x-kakao-resource-id", value.clone());
        cases.extend(to_every_webhook(&webhooks, &format!("a header that is {value}"), change));
    }
    bench.try_all(cases).await;
}

#[tokio::test]
async fn a_key_with_anything_injected_proves_nothing() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for webhook in bench.webhooks() {
        for (header, key) in
            [("authorization", format!("KakaoAK {ADMIN_KEY}")), ("x-skill-key", SKILL_KEY.1.to_owned())]
        {
            if webhook.genuine["headers"].get(header).is_none() {
                continue;
            }
            for value in [
                format!("{key}\r\nX-Kakao-Resource-ID: forged"),
                format!("{key}\n"),
                format!("{key}\0"),
                format!("\u{feff}{key}"),
                format!("{key}\u{200b}"),
                format!("{key},"),
                format!("{key} x"),
                String::new(),
            ] {
                let event = changed(&webhook.genuine, &format!("/headers/{header}"), value.as_str());
                cases.push(Case::new(
                    format!("{header}: {value:?}"),
                    webhook.function,
                    event,
                    401,
                    Destination::Nowhere,
                ));
            }
        }
    }
    bench.try_all(cases).await;
}

#[tokio::test]
async fn without_any_header_no_sender_is_authenticated() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for webhook in bench.webhooks() {
        for headers in [json!(null), json!({}), json!([]), json!("authorization"), json!(7)] {
            let name = format!("headers {headers}");
            let event = changed(&webhook.genuine, "/headers", headers);
            cases.push(Case::new(name, webhook.function, event, webhook.refused, Destination::Nowhere));
        }
    }
    bench.try_all(cases).await;
}
