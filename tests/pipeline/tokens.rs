//! Security Event Tokens: what is refused with which registered code (RFC 8935 §2.4), and what the key set costs.

use std::time::{Duration, Instant};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use end_to_end::{
    Answer, Pipeline,
    faults::Fault,
    lambda::Outcome,
    patience::WEBHOOK_LIMIT,
    service::{APP_ID, OTHER_APP_ID, OTHER_REST_API_KEY},
};
use play_kakao::{Forgery, SigningKey};
use serde_json::{Value, json};

use crate::kakao::{KAKAO, OAUTH, RISC, pushed, signed, snapshot, token};

fn linked() -> play_kakao::Token {
    token("3142859001", &format!("{OAUTH}user-linked"), 1, &json!({}))
}

fn code(answer: &Answer) -> (u16, String) {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    (answer.status, body["err"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn each_forgery_is_refused_with_its_registered_code_and_leaves_nothing() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut answers = vec![];
    // An unknown key id is asked for below: its answer depends on when the key set was fetched.
    for forgery in Forgery::refused().filter(|forgery| *forgery != Forgery::Kid) {
        let forged = pushed(linked().forge(pipeline.keys.key(), forgery).unwrap());
        let answer = pipeline.deliver(&forged).await.unwrap();
        assert_eq!(code(&answer), (400, forgery.code().unwrap().to_owned()), "{forgery:?}");
        answers.push((forgery.name(), answer));
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    snapshot("refused-tokens", &answers);
    let genuine = signed(&pipeline, &linked());
    let answer = pipeline.deliver(&genuine).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    assert_eq!(pipeline.queue.bodies().len(), 1);
}

#[tokio::test]
async fn a_token_signed_by_another_key_under_kakaos_key_id_is_refused() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let thief = SigningKey::generate(pipeline.keys.key().id()).unwrap();
    let answer = pipeline.deliver(&pushed(linked().sign(&thief).unwrap())).await.unwrap();
    assert_eq!(code(&answer), (400, "invalid_key".to_owned()));
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
}

#[tokio::test]
async fn a_body_that_is_no_token_is_an_invalid_request() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let genuine = linked().sign(pipeline.keys.key()).unwrap();
    for body in [
        "",
        "x",
        "..",
        "{}",
        "a.b",
        genuine.get(1..).unwrap(),
        &format!("{genuine}.x"),
        &format!("{genuine} {genuine}"),
    ] {
        let answer = pipeline.deliver(&pushed(body.to_owned())).await.unwrap();
        assert_eq!(code(&answer), (400, "invalid_request".to_owned()), "{body}");
    }
    let mut mislabelled = pushed(genuine.clone());
    mislabelled.headers = vec![("Content-Type".to_owned(), "application/jwt".to_owned())];
    assert_eq!(code(&pipeline.deliver(&mislabelled).await.unwrap()), (400, "invalid_request".to_owned()));
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    let spaced = pushed(format!("\r\n {genuine}\n"));
    assert_eq!(pipeline.deliver(&spaced).await.unwrap().status, 202);
}

#[tokio::test]
async fn an_unknown_key_inside_the_cooldown_may_come_again_and_costs_no_fetch() {
    let mut pipeline = Pipeline::start().await.unwrap();
    assert_eq!(pipeline.deliver(&signed_linked(&pipeline)).await.unwrap().status, 202);
    for _ in 0..20 {
        let unknown = pushed(linked().forge(pipeline.keys.key(), Forgery::Kid).unwrap());
        let answer = pipeline.deliver(&unknown).await.unwrap();
        assert_eq!(answer.status, 503);
        assert_eq!(answer.headers["retry-after"], "10");
    }
    assert_eq!(pipeline.keys.fetches(), 1);
    assert_eq!(pipeline.queue.bodies().len(), 1);
}

#[tokio::test]
async fn two_invented_key_ids_within_the_cooldown_are_neither_an_error_nor_unavailable() {
    let mut pipeline = Pipeline::start().await.unwrap();
    assert_eq!(pipeline.deliver(&signed_linked(&pipeline)).await.unwrap().status, 202);
    for _ in 0..2 {
        let unknown = pushed(linked().forge(pipeline.keys.key(), Forgery::Kid).unwrap());
        let answer = pipeline.deliver(&unknown).await.unwrap();
        assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (503, "10"));
        assert_eq!(answer.body, r#"{"error":"unavailable"}"#);
    }
    // The metrics' line is the invocation's last.
    let lines = invocations(&mut pipeline, 3).await;
    let refused: Vec<_> = lines.iter().filter(|line| line["event"] == "refused").collect();
    assert_eq!(refused.len(), 2, "{lines:#?}");
    for line in refused {
        assert_eq!((&line["level"], &line["reason"]), (&json!("INFO"), &json!("unknown_key_cooldown")));
    }
    assert!(lines.iter().all(|line| line["level"] != "ERROR" && line["level"] != "WARN"), "{lines:#?}");
    let counted = |name: &str| lines.iter().filter_map(|line| line[name].as_u64()).sum::<u64>();
    assert_eq!(counted("refused_unavailable"), 0, "{lines:#?}");
}

#[tokio::test]
async fn without_a_usable_key_set_a_token_is_unavailable_and_that_is_an_error() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.keys.gate().set(Fault::Status(500));
    let request = signed_linked(&pipeline);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 503);
    let lines = invocations(&mut pipeline, 1).await;
    let refused = lines.iter().find(|line| line["event"] == "refused").unwrap();
    assert_eq!((&refused["level"], &refused["reason"]), (&json!("ERROR"), &json!("unavailable")));
    assert!(lines.iter().any(|line| line["refused_unavailable"] == 1), "{lines:#?}");
}

/// What the function wrote, once this many invocations have written their metrics, which arrive a moment later.
async fn invocations(pipeline: &mut Pipeline, number: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let lines = pipeline.function("account-status").await.unwrap().lines();
        if lines.iter().filter(|line| line.get("_aws").is_some()).count() >= number {
            return lines;
        }
        assert!(Instant::now() < deadline, "{lines:#?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn signed_linked(pipeline: &Pipeline) -> end_to_end::Request {
    signed(pipeline, &linked())
}

#[tokio::test]
async fn an_unknown_key_is_put_off_while_only_an_older_set_is_at_hand() {
    // Fetched before the token arrived, complete or not.
    for delay in [0, 750] {
        let pipeline = Pipeline::start().await.unwrap();
        pipeline.keys.gate().set(Fault::Slow(Duration::from_millis(delay)));
        let unknown = pushed(linked().forge(pipeline.keys.key(), Forgery::Kid).unwrap());
        let mut function = pipeline.start_function("account-status").await.unwrap();
        let Outcome::Response(response) = function.invoke(&unknown.event()).await.unwrap() else {
            panic!("no response");
        };
        let answer = Answer::of_response(&response).unwrap();
        assert_eq!((answer.status, answer.headers.contains_key("retry-after")), (503, true));
    }
}

#[tokio::test]
async fn without_a_key_set_a_genuine_token_is_asked_to_come_again_in_time() {
    for fault in [Fault::Status(500), Fault::Status(302), Fault::Hangs] {
        let mut pipeline = Pipeline::start().await.unwrap();
        pipeline.keys.gate().set(fault);
        let request = signed_linked(&pipeline).received_now();
        let start = Instant::now();
        let answer = pipeline.deliver(&request).await.unwrap();
        assert!(start.elapsed() < WEBHOOK_LIMIT, "{fault:?}: {:?}", start.elapsed());
        assert_eq!(answer.status, 503, "{fault:?}");
        assert!(answer.headers.contains_key("retry-after"), "{fault:?}");
        assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_key_set_without_a_usable_key_is_no_key_set() {
    for document in ["", "null", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"EC","kid":"x"}]}"#, &"x".repeat(300_000)] {
        let mut pipeline = Pipeline::start().await.unwrap();
        pipeline.keys.serve(document.to_owned());
        let request = signed_linked(&pipeline);
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 503, "{} bytes", document.len());
    }
}

#[tokio::test]
async fn a_bad_key_in_the_set_is_skipped_alone() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let good = pipeline.keys.key().public_jwk();
    let keys = json!({"keys": [1, {"kid": "x"}, {"kty": "RSA", "kid": "y", "n": "AQAB", "e": "AQAB"}, good]});
    pipeline.keys.serve(keys.to_string());
    let request = signed_linked(&pipeline);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
}

#[tokio::test]
async fn the_audience_identifies_the_app_of_a_token() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut theirs = linked();
    theirs.claims.insert("aud".to_owned(), json!(["another-app", OTHER_REST_API_KEY]));
    let request = signed(&pipeline, &theirs);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.state(OTHER_APP_ID, "3142859001").unwrap().unwrap()["link"]["status"], "linked");
    assert_eq!(pipeline.state(APP_ID, "3142859001").unwrap(), None);
}

#[tokio::test]
async fn each_event_of_a_token_is_an_event() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut several = token("3142859002", &format!("{RISC}account-disabled"), 1, &json!({"reason": "bulk-account"}));
    several.claims["events"][format!("{KAKAO}user-profile-changed")] = json!({"nickname": "봄"});
    several.claims["events"]["https://example.com/new"] = json!({});
    let request = signed(&pipeline, &several);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    assert_eq!(pipeline.queue.bodies().len(), 3);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "3142859002").unwrap().unwrap();
    assert_eq!(state["account"]["reason"], "bulk-account");
    assert_eq!(state["profile"]["nickname"]["value"], "봄");
    let history = pipeline.history(&format!("USER#{APP_ID}#3142859002")).unwrap();
    let ids: Vec<_> = history.iter().map(|item| item["event_id"].as_str().unwrap()).collect();
    // The unknown one by the SHA-256 of its URI (from `sha256sum`).
    assert_eq!(
        ids,
        [
            "jti-1:account-disabled",
            "jti-1:f8c0bb50121fc69868cda93a6be1eb57d2b47ee271041d48c1ad1ce999a3d248",
            "jti-1:user-profile-changed"
        ]
    );
}

#[tokio::test]
async fn every_token_that_kakao_signed_for_us_is_accepted_and_quarantined_with_its_reason_if_it_cannot_be_used() {
    for (forgery, reason, id) in [
        (Forgery::Subject, "other_subject", "jti-1:user-linked"),
        (Forgery::FutureIat, "future_time", "jti-1:user-linked"),
        (Forgery::ToeAfterIat, "time_after_issue", "jti-1:user-linked"),
        (Forgery::NoEvents, "missing_field", "jti-1"),
        (Forgery::NoJti, "missing_field", "the-request"),
        (Forgery::DuplicateKey, "json", "the-request"),
        (Forgery::TrailingData, "json", "the-request"),
    ] {
        let mut pipeline = Pipeline::start().await.unwrap();
        let request = pushed(linked().forge(pipeline.keys.key(), forgery).unwrap()).id("the-request");
        let answer = pipeline.deliver(&request).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{forgery:?}");
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        let items = pipeline.table.items().unwrap();
        let [item] = items.as_slice() else { panic!("{forgery:?}: {items:?}") };
        assert_eq!((&item["reason"], &item["event_id"]), (&json!(reason), &json!(id)), "{forgery:?}");
        let app = (reason != "json").then(|| json!(APP_ID));
        assert_eq!(item.get("app_id"), app.as_ref(), "{forgery:?}");
    }
}

#[tokio::test]
async fn a_token_is_valid_however_late_it_arrives_and_its_time_may_be_a_little_after_its_issue() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut ancient = linked();
    for claim in ["iat", "toe"] {
        ancient.claims.insert(claim.to_owned(), json!(946_684_800));
    }
    let request = signed(&pipeline, &ancient);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    ancient.claims.insert("toe".to_owned(), json!(946_684_801));
    let request = signed(&pipeline, &ancient);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "3142859001").unwrap().unwrap();
    assert_eq!(state["link"]["at"], "2000-01-01T00:00:01.000Z");
}

#[tokio::test]
async fn a_key_whose_numbers_are_sloppily_written_is_the_key() {
    let modulus = |jwk: &Value| URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    for is_alone in [true, false] {
        let mut pipeline = Pipeline::start().await.unwrap();
        let mut jwk = pipeline.keys.key().public_jwk();
        jwk["n"] = json!(STANDARD.encode([&[0], modulus(&jwk).as_slice()].concat()));
        let other = (!is_alone).then(|| SigningKey::generate("other").unwrap().public_jwk());
        let keys: Vec<_> = other.into_iter().chain([jwk]).collect();
        pipeline.keys.serve(json!({"keys": keys}).to_string());
        let request = signed(&pipeline, &linked());
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202, "alone: {is_alone}");
    }
}

#[tokio::test]
async fn a_token_in_an_event_is_in_no_item_message_or_line_in_clear_or_encoded() {
    let secret = "73616D706C652D746F6B656E";
    let account = json!({"subject_type": "iss-sub", "iss": "https://kauth.kakao.com", "sub": "3142859005"});
    let subject = json!({"subject_type": "oauth_token", "token_type": "refresh_token", "token_identifier_alg": "plain",
        "token": secret, "token_identifier": secret});
    // Known by `token_subject`, by nothing, and of a shape that can't be read.
    for (minutes, name, more) in [
        (1, "token-revoked", json!({"token_subject": account})),
        (2, "token-issued", json!({"access_token": secret})),
        (3, "user-scope-consent", json!({"token_subject": account, "scope": {"token": [secret]}})),
    ] {
        let mut pipeline = Pipeline::start().await.unwrap();
        let mut claimed = token("3142859005", &format!("{OAUTH}{name}"), minutes, &json!({}));
        claimed.claims.remove("sub");
        let mut event = json!({"subject": subject});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claimed.claims["events"][format!("{OAUTH}{name}")] = event;
        let request = signed(&pipeline, &claimed);
        assert!(holds(std::str::from_utf8(request.body.as_ref().unwrap()).unwrap(), secret));
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202, "{name}");
        let messages = pipeline.queue.bodies();
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        let items = pipeline.table.items().unwrap();
        assert!(!items.is_empty() && !messages.is_empty());
        let kept = items.into_iter().map(Value::Object).chain(pipeline.lines()).map(|value| value.to_string());
        for text in kept.chain(messages) {
            assert!(!holds(&text, secret), "{name}: {text}");
        }
        let history = pipeline.history(&format!("USER#{APP_ID}#3142859005")).unwrap();
        assert_eq!(history.len(), usize::from(name == "token-revoked"), "{name}");
    }
}

/// Whether a text has the secret in it, in clear or in base64 at any of its three offsets.
fn holds(text: &str, secret: &str) -> bool {
    let encoded = (0..3).map(|offset| {
        let text = STANDARD.encode(["x".repeat(offset).as_bytes(), secret.as_bytes()].concat());
        text.chars().skip(4).take(24).collect::<String>()
    });
    text.contains(secret) || encoded.into_iter().any(|encoded| text.contains(&encoded))
}

#[tokio::test]
async fn an_event_about_the_stream_is_acknowledged_without_an_alarm_and_one_about_the_app_is_quarantined() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let about = |uri: &str, minutes| {
        let mut claimed = token("1", uri, minutes, &json!({}));
        claimed.claims.remove("sub");
        claimed.claims["events"][uri] = json!({"state": "x"});
        claimed
    };
    let verification = about("https://schemas.openid.net/secevent/ssf/event-type/verification", 1);
    let request = signed(&pipeline, &verification);
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    let acknowledged = pipeline.function("account-status").await.unwrap().line("event", "no_event").await.unwrap();
    let lines = pipeline.lines();
    assert_eq!((&acknowledged["level"], &acknowledged["reason"]), (&json!("INFO"), &json!("no_subject")));
    assert!(lines.iter().all(|line| line["event"] != "unreadable"), "{lines:?}");

    let request = signed(&pipeline, &about(&format!("{OAUTH}client-disabled"), 2));
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let items = pipeline.table.items().unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    assert!(items[0]["pk"].as_str().unwrap().starts_with("QUARANTINE#") && items[0]["reason"] == "no_subject");
}

#[tokio::test]
async fn an_event_nested_as_deeply_as_a_token_may_be_reaches_the_table() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    for (user, uri) in [("3142859003", format!("{KAKAO}user-profile-changed")), ("3142859004", format!("{OAUTH}new"))] {
        // The claims, `events` and the event are three levels of the sixty-four.
        let deep = token(user, &uri, 1, &json!({"deep": nested(61)}));
        let request = signed(&pipeline, &deep);
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 202);
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        assert_eq!(pipeline.history(&format!("USER#{APP_ID}#{user}")).unwrap().len(), 1);
    }
}
