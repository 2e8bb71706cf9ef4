//! The forms in which the same request can arrive.

use end_to_end::{
    Answer, Pipeline, Request,
    lambda::Outcome,
    service::{APP_ID, OTHER_ADMIN_KEY, OTHER_APP_ID},
};
use serde_json::{Value, json};

use crate::kakao::{admin_key, channel, channel_body, share, skill, skill_body, unlink};

#[tokio::test]
async fn head_is_get_without_a_body_and_without_effect() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let no_key = Request::new("HEAD", "/webhooks/unlink");
    let requests = [(unlink("1"), 200), (share("1", "r"), 200), (no_key, 401)];
    for (mut request, status) in requests {
        request.method = "HEAD".to_owned();
        let answer = pipeline.deliver(&request).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{request:?}");
    }
    for path in ["/skill", "/skill/", "/health", "/health/"] {
        let answer = pipeline.deliver(&Request::new("HEAD", path)).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
    }
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    assert!(pipeline.table.items().unwrap().is_empty());
}

fn of_every_webhook() -> Vec<Request> {
    vec![
        unlink("1"),
        share("1", "r1"),
        channel(&channel_body("added", "1", "2025-03-01T01:00:00Z"), "r2"),
        skill(&skill_body("u1", "안녕"), "r3"),
    ]
}

#[tokio::test]
async fn a_prefix_or_a_trailing_slash_makes_no_other_request_of_it() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for request in of_every_webhook() {
        let plain = pipeline.deliver(&request).await.unwrap();
        let text = pipeline.queue.take().remove(0).body;
        assert_eq!(plain.status, 200);
        let mut slash = request.clone();
        slash.path.push('/');
        let mut hidden = request.clone();
        hidden.path = format!("/x9f2c7e1{}", request.path);
        let shapes = [slash.clone(), hidden, request.clone().stage("prod"), slash.stage("prod")];
        for shape in shapes {
            assert_eq!(pipeline.deliver(&shape).await.unwrap(), plain, "{}", shape.path);
            let texts = pipeline.queue.take();
            assert_eq!(texts.iter().map(|message| &message.body).collect::<Vec<_>>(), [&text], "{}", shape.path);
        }
    }
}

#[tokio::test]
async fn a_body_is_the_same_whatever_its_type_and_its_encoding() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let body = channel_body("added", "1", "2025-03-01T01:00:00Z").to_string();
    let mut texts = vec![];
    for content_type in [
        "application/json",
        "application/json;charset=UTF-8",
        "Application/JSON; charset=\"utf-8\"",
        "text/plain; charset=utf-8",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "",
    ] {
        let request = Request::new("POST", "/webhooks/talk-channel")
            .header("Authorization", &admin_key())
            .header("X-Kakao-Resource-ID", "r1")
            .body(content_type, body.clone());
        assert_eq!(pipeline.deliver(&request).await.unwrap().status, 200, "{content_type}");
        texts.extend(pipeline.queue.take().into_iter().map(|message| message.body));
    }
    assert_eq!(texts.len(), 7);
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(!texts[0].contains("quarantine"), "{texts:?}");
}

async fn invoke(pipeline: &mut Pipeline, name: &'static str, event: &Value) -> Answer {
    match pipeline.function(name).await.unwrap().invoke(event).await.unwrap() {
        Outcome::Response(response) => Answer::of_response(&response).unwrap(),
        Outcome::Error(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_case_of_a_header_does_not_matter() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut event = channel(&channel_body("added", "1", "2025-03-01T01:00:00Z"), "the-resource").event();
    let headers = event["headers"].as_object().unwrap().clone();
    for change in [str::to_ascii_uppercase, str::to_ascii_lowercase] {
        event["headers"] = headers.iter().map(|(name, value)| (change(name), value.clone())).collect();
        assert_eq!(invoke(&mut pipeline, "talk-channel", &event).await.status, 200);
        let text = pipeline.queue.take().remove(0).body;
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["id"], "the-resource");
    }
}

#[tokio::test]
async fn percent_encoding_and_plus_signs_are_decoded_once() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let query = format!("app_id={APP_ID}&user_id=%31%32%33&referrer_type=A%2BB+C%252F%ED%95%9C");
    let request = Request::new("GET", &format!("/webhooks/unlink?{query}")).header("Authorization", &admin_key());
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 200);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "123").unwrap().unwrap();
    assert_eq!(state["link"]["reason"], "A+B C%2F한");
}

#[tokio::test]
async fn the_key_identifies_the_app_of_a_request() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut request = unlink("77");
    request.query = request.query.replace(APP_ID, OTHER_APP_ID);
    request.headers = vec![("Authorization".to_owned(), format!("KakaoAK {OTHER_ADMIN_KEY}"))];
    assert_eq!(pipeline.deliver(&request).await.unwrap().status, 200);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(pipeline.state(OTHER_APP_ID, "77").unwrap().unwrap()["access"], json!("gone"));
    assert_eq!(pipeline.state(APP_ID, "77").unwrap(), None);
}

#[tokio::test]
async fn an_unlinking_is_dated_by_our_clock_where_the_gateways_time_cannot_be_right() {
    let now = end_to_end::gateway::now();
    // In seconds, as `sam local` has it, and with clocks that are hours and years ahead.
    for time_epoch in [now / 1_000, now + 26 * 3_600_000, now + 3_650 * 86_400_000, 0] {
        let mut pipeline = Pipeline::start().await.unwrap();
        let linked = format!("{}user-linked", crate::kakao::OAUTH);
        let linked = crate::kakao::signed(&pipeline, &crate::kakao::token("78", &linked, 1, &json!({})));
        for request in [linked, unlink("78").received_at(time_epoch)] {
            assert!(pipeline.deliver(&request).await.unwrap().status < 300);
        }
        assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
        let state = pipeline.state(APP_ID, "78").unwrap().unwrap();
        assert_eq!(state["access"], "gone", "{time_epoch}");
        let at = state["link"]["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
        assert!((0..60_000).contains(&(at - now)), "{time_epoch}: {at}");
    }
}

#[tokio::test]
async fn an_unlinking_is_dated_by_the_gateways_clock() {
    let mut pipeline = Pipeline::start().await.unwrap();
    pipeline.deliver(&unlink("78").received_at(1_740_788_000_123)).await.unwrap();
    pipeline.drain().await.unwrap();
    assert_eq!(pipeline.state(APP_ID, "78").unwrap().unwrap()["link"]["at"], "2025-03-01T00:13:20.123Z");
}
