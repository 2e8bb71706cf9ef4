use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use kakao_webhooks::wire::Time;
use proptest::prelude::*;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Set, start};
use crate::kakao::{AccountStatus, Forgery, Shape, SkillMessage, Unlink};

/// Bytes of a query that a request's target may hold.
fn query() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop::sample::select(b"abc=&%20+/?:@!$'()*,;~-._".to_vec()), 0..60)
        .prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn method_target_headers_and_body_reach_the_service_as_they_came_and_its_answer_the_sender() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let set = runtime.block_on(Set::with(StatusCode::IM_A_TEAPOT, &[0xff, 0x00, 0x80, b'\n']));
    let methods = prop::sample::select(vec![Method::GET, Method::POST, Method::PUT, Method::DELETE]);
    let bodies = proptest::collection::vec(any::<u8>(), 0..2_000);
    let values = proptest::collection::vec(0x80_u8..=0xff, 0..40);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(64));
    runner
        .run(&(methods, query(), bodies, values), |(method, query, body, value)| {
            let target = format!("/webhooks/x%2Fy//z?{query}");
            let value = HeaderValue::from_bytes(&value).unwrap();
            runtime.block_on(async {
                let request =
                    set.client.request(method.clone(), set.url(&target)).header("x-odd", &value).body(body.clone());
                let answer = request.send().await.unwrap();
                prop_assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
                prop_assert_eq!(answer.headers().get("content-type").unwrap(), "application/x-odd");
                prop_assert_eq!(answer.bytes().await.unwrap(), Bytes::from_static(&[0xff, 0x00, 0x80, b'\n']));
                let came = set.came().pop().unwrap();
                // The client of this test encodes an apostrophe, as browsers do.
                let sent = format!("/prefix{}", target.replace('\'', "%27"));
                prop_assert_eq!((came.method, came.target), (method, sent.clone()));
                prop_assert_eq!(came.headers.get("x-odd"), Some(&value));
                prop_assert_eq!(came.body.to_vec(), body.clone());
                let recorded = set.console.history().newest(1, None, |exchange| Some(exchange.clone())).remove(0);
                prop_assert_eq!(recorded.request.body.bytes(), body);
                prop_assert_eq!(format!("/prefix{}?{}", recorded.request.path, recorded.request.query), sent);
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn no_key_is_recorded_sent_to_a_page_or_written_to_the_file() {
    let set = Set::new().await;
    let base = set.console.base_url().to_owned();
    let unlink = Unlink { app_id: set.kakao.app_id.clone(), user_id: "7".into(), ..Unlink::default() };
    for key in [set.kakao.admin_key.as_str(), "0123456789abcdef0123456789abcdef"] {
        unlink.request(key, Shape::Form).send(&base).await.unwrap();
    }
    let message = SkillMessage { bot_id: set.kakao.bot_id.clone(), user_key: "u".into(), ..SkillMessage::default() };
    message.request(Some(set.kakao.skill_proof())).send(&base).await.unwrap();
    let mistaken = format!("{base}/webhooks/unlink?key={}", set.kakao.admin_key);
    set.client.post(mistaken).body(set.kakao.skill_key.clone()).send().await.unwrap();

    let mut shown = std::fs::read_to_string(set.folder.0.join("history.jsonl")).unwrap();
    for path in [
        "/",
        "/rows",
        "/api/events",
        "/requests/1",
        "/requests/2",
        "/requests/3",
        "/requests/4",
        "/api/events/1",
        "/api/events/1/curl",
        "/users",
        "/api/users",
        "/send/unlink",
        "/send/account-status",
    ] {
        shown += &set.text(path).await;
    }
    let keys = [
        set.kakao.admin_key.as_str(),
        &set.kakao.skill_key,
        &set.kakao.signing_key,
        "0123456789abcdef0123456789abcdef",
    ];
    for key in keys {
        assert!(!shown.contains(key));
    }
    // The service itself got them.
    assert_eq!(set.came()[0].headers["authorization"], format!("KakaoAK {}", set.kakao.admin_key));
    assert!(set.text("/requests/1?keys=show").await.contains(&set.kakao.admin_key));
}

#[tokio::test]
async fn the_consoles_own_cookie_does_not_reach_the_service() {
    let set = Set::new().await;
    let cookie = format!("a=b; khook-console-{}={}; c=d", set.console.port(), set.token());
    set.client.get(set.url("/health")).header("cookie", cookie).send().await.unwrap();
    assert_eq!(set.came()[0].headers["cookie"], "a=b; c=d");
}

#[tokio::test]
async fn the_history_is_there_after_a_restart() {
    let mut set = Set::new().await;
    set.client.get(set.url("/health")).send().await.unwrap();
    let token = set.token();
    set.console = start(&set.base_url, &set.kakao, &set.folder).await;
    assert_eq!(set.token(), token);
    let listed = set.json("/api/events").await;
    assert_eq!((&listed["recorded"], &listed["events"][0]["path"]), (&json!(1), &json!("/health")));
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_recorded_as_a_failure() {
    let mut set = Set::new().await;
    set.console = start("http://127.0.0.1:1", &set.kakao, &set.folder).await;
    let answer = set.client.get(set.url("/health")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(set.json("/api/events").await["events"][0]["outcome"], "failed");
}

fn linked(set: &Set) -> AccountStatus {
    AccountStatus {
        audience: set.kakao.rest_api_key.clone(),
        user_id: Some("1234567890".into()),
        token_id: "t".into(),
        at: Time::from_millis(1_790_000_000_000).unwrap().as_seconds(),
        event_uri: "https://schemas.openid.net/secevent/oauth/event-type/user-linked".into(),
        ..AccountStatus::default()
    }
}

#[tokio::test]
async fn a_request_is_explained_by_what_the_function_would_find() {
    let set = Set::with(StatusCode::ACCEPTED, b"").await;
    let base = set.console.base_url().to_owned();
    linked(&set).request(&set.kakao.signing_key().unwrap(), None).unwrap().send(&base).await.unwrap();
    let taken = set.json("/api/events/1").await;
    assert_eq!(taken["outcome"]["what"], "taken");
    assert_eq!(taken["explanation"]["events"][0]["name"], "user-linked");
    assert_eq!(taken["explanation"]["events"][0]["partition"], "USER#123456#1234567890");
    assert!(taken["explanation"]["checks"].as_array().unwrap().iter().all(|check| check["verdict"] == "passed"));
    assert_eq!(taken["request_id"], "request-1");
}

#[tokio::test]
async fn each_forged_token_fails_in_the_check_that_its_forgery_is_for() {
    let set = Set::with(StatusCode::BAD_REQUEST, b"{}").await;
    let base = set.console.base_url().to_owned();
    for (forgery, check) in [
        (Forgery::Signature, "signature"),
        (Forgery::OtherKey, "signature"),
        (Forgery::AlgNone, "algorithm"),
        (Forgery::Hs256, "algorithm"),
        (Forgery::Rs512, "algorithm"),
        (Forgery::JwkHeader, "forbidden-header"),
        (Forgery::Crit, "forbidden-header"),
        (Forgery::Kid, "known-key"),
        (Forgery::NoKid, "key-id"),
        (Forgery::Typ, "type"),
        (Forgery::Issuer, "issuer"),
        (Forgery::Audience, "audience"),
        (Forgery::Subject, "readable"),
        (Forgery::FutureIat, "readable"),
        (Forgery::NoJti, "readable"),
        (Forgery::NoEvents, "readable"),
        (Forgery::DuplicateKey, "readable"),
    ] {
        let request = linked(&set).request(&set.kakao.signing_key().unwrap(), Some(forgery)).unwrap();
        request.send(&base).await.unwrap();
        let exchange = set.console.history().newest(1, None, |exchange| Some(exchange.clone())).remove(0);
        let exchange = serde_json::to_value(exchange).unwrap();
        let checks = exchange["explanation"]["checks"].as_array().unwrap().clone();
        let failed: Vec<_> = checks.iter().filter(|check| check["verdict"] == "failed").collect();
        assert_eq!((failed.len(), &failed[0]["name"]), (1, &json!(check)), "{}", forgery.name());
        let event = &exchange["explanation"]["events"][0];
        let is_claimed = event.get("is_claimed").is_some();
        assert_eq!(is_claimed, forgery.code().is_some(), "{}: {event}", forgery.name());
    }
}

#[tokio::test]
async fn a_request_is_sent_again_as_it_was_or_changed() {
    let set = Set::new().await;
    let base = set.console.base_url().to_owned();
    let unlink = Unlink { app_id: "123456".into(), user_id: "7".into(), ..Unlink::default() };
    unlink.request(&set.kakao.admin_key, Shape::Form).send(&base).await.unwrap();
    let sent = set.ask(Method::POST, "/api/events/1/send").send().await.unwrap();
    assert_eq!(sent.text().await.unwrap(), r#"{"id":2,"status":200}"#);
    let [first, again]: [super::Came; 2] = set.came().try_into().unwrap();
    assert_eq!((&first.body, &first.headers["authorization"]), (&again.body, &again.headers["authorization"]));

    let changed = json!({"headers": [["Authorization", "KakaoAK {unknown key}"]], "body": "user_id=8"}).to_string();
    set.ask(Method::POST, "/api/events/1/send").body(changed).send().await.unwrap();
    let came = set.came().pop().unwrap();
    assert_eq!(
        (&came.body[..], &came.headers["authorization"]),
        (&b"user_id=8"[..], &HeaderValue::from_str(&format!("KakaoAK {}", "f".repeat(32))).unwrap())
    );
    for wrong in [
        json!({"path": "/api/events"}),
        json!({"path": "/x"}),
        json!({"method": "A B"}),
        json!({"body": 7}),
        json!({"other": 1}),
    ] {
        let answer = set.ask(Method::POST, "/api/events/1/send").body(wrong.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
    assert_eq!(set.came().len(), 3);
}

/// A server that promises to keep a connection, and closes it when the next request comes.
async fn breaks_its_promise() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(connection.read_u8().await.unwrap());
                }
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
                let _ = connection.read_u8().await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_closes_idle_connections_answers_every_request() {
    let mut set = Set::new().await;
    set.console = start(&breaks_its_promise().await, &set.kakao, &set.folder).await;
    for _ in 0..3 {
        assert_eq!(set.client.get(set.url("/health")).send().await.unwrap().status(), StatusCode::OK);
    }
}
