//! Refusals and their order: wrong method, no or wrong key, too large, then the rest.

use end_to_end::{
    Answer, Pipeline, Request,
    service::{ADMIN_KEY, APP_ID, SKILL_KEY},
};
use serde_json::json;

use crate::kakao::{admin_key, snapshot, unlink};

const WEBHOOKS: [&str; 3] = ["/webhooks/unlink", "/webhooks/talk-share", "/webhooks/talk-channel"];
const TOO_LARGE: usize = 64 * 1024 + 1;

/// A request in which everything is wrong.
fn hopeless(method: &str, path: &str) -> Request {
    Request::new(method, path)
        .header("Authorization", "KakaoAK 00000000000000000000000000000000")
        .header(SKILL_KEY.0, "wrong")
        .body("application/json", vec![b'x'; TOO_LARGE])
}

async fn nothing_was_kept(pipeline: &Pipeline) {
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    assert!(pipeline.table.items().unwrap().is_empty());
}

#[tokio::test]
async fn a_wrong_method_is_refused_first_with_the_allowed_ones() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let mut answers: Vec<(String, Answer)> = vec![];
    let routes = WEBHOOKS.iter().chain(&["/webhooks/account-status", "/skill", "/health"]);
    for path in routes {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
            let takes_it = match (*path, method) {
                ("/health", method) => ["GET", "HEAD"].contains(&method),
                ("/webhooks/account-status" | "/webhooks/talk-channel", method) => method == "POST",
                (_, method) => ["GET", "HEAD", "POST"].contains(&method),
            };
            let answer = pipeline.deliver(&hopeless(method, path)).await.unwrap();
            assert_eq!(answer.status == 405, !takes_it, "{method} {path}: {answer:?}");
            if answer.status == 405 {
                answers.push((format!("{method} {path}"), answer));
            }
        }
    }
    nothing_was_kept(&pipeline).await;
    // The answer is the same for each wrong method of a route; only HEAD's has no body.
    answers.retain(|(request, _)| ["PUT", "HEAD"].iter().any(|method| request.starts_with(method)));
    snapshot("refused-for-the-method", &answers);
}

#[tokio::test]
async fn no_or_a_wrong_key_is_refused_before_the_size_and_the_content_matter() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let wrong = [
        None,
        Some(String::new()),
        Some("KakaoAK".to_owned()),
        Some("KakaoAK 00000000000000000000000000000000".to_owned()),
        Some(ADMIN_KEY.to_owned()),
        Some(format!("Bearer {ADMIN_KEY}")),
        Some(format!("KakaoAK {}", ADMIN_KEY.get(..31).unwrap())),
        Some(format!("KakaoAK {}", ADMIN_KEY.to_uppercase())),
        Some(format!("KakaoAK {ADMIN_KEY}, KakaoAK {ADMIN_KEY}")),
    ];
    let mut answers = vec![];
    for path in WEBHOOKS {
        for value in &wrong {
            for size in [2, TOO_LARGE] {
                let mut request = Request::new("POST", path).body("application/json", vec![b'{'; size]);
                if let Some(value) = value {
                    request = request.header("Authorization", value);
                }
                let answer = pipeline.deliver(&request).await.unwrap();
                assert_eq!(answer.status, 401, "{path} {value:?}");
                answers.push(answer);
            }
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "who is refused learns nothing of why");
    nothing_was_kept(&pipeline).await;
    snapshot("refused-for-the-key", &answers);
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_and_one_byte_less_is_not() {
    let mut pipeline = Pipeline::start().await.unwrap();
    let filled = |path: &str, size: usize| {
        let mut body = format!("app_id={APP_ID}&user_id=1&CHAT_TYPE=MemoChat&HASH_CHAT_ID=h&filler=").into_bytes();
        body.resize(size, b'x');
        Request::new("POST", path).header("Authorization", &admin_key()).body("application/x-www-form-urlencoded", body)
    };
    let mut answers = vec![];
    for path in WEBHOOKS {
        answers.push((path, pipeline.deliver(&filled(path, TOO_LARGE)).await.unwrap()));
    }
    let token =
        Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", vec![b'x'; TOO_LARGE]);
    answers.push(("/webhooks/account-status", pipeline.deliver(&token).await.unwrap()));
    let message =
        Request::new("POST", "/skill").header(SKILL_KEY.0, SKILL_KEY.1).body("application/json", vec![b'x'; TOO_LARGE]);
    answers.push(("/skill", pipeline.deliver(&message).await.unwrap()));
    for (path, answer) in &answers {
        assert_eq!(answer.status, 413, "{path}");
    }
    nothing_was_kept(&pipeline).await;
    snapshot("refused-for-the-size", &answers);
    for path in ["/webhooks/unlink", "/webhooks/talk-share"] {
        assert_eq!(pipeline.deliver(&filled(path, TOO_LARGE - 1)).await.unwrap().status, 200, "{path}");
    }
    assert_eq!(pipeline.queue.bodies().len(), 2);
}

#[tokio::test]
async fn a_path_of_no_route_is_not_found() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for path in ["/", "", "/webhooks", "/webhooks/unlink/more", "/webhooks/unlinked", "/webhooks/talk-share", "/xskill"]
    {
        let request = Request::new("GET", path).header("Authorization", &admin_key());
        let answer = pipeline.deliver_to("unlink", &request).await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (404, r#"{"error":"not_found"}"#), "{path}");
    }
    nothing_was_kept(&pipeline).await;
}

#[tokio::test]
async fn a_path_that_is_no_uri_gets_an_error_and_the_next_request_works() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for path in
        ["/webhooks/unlink with a space", "/webhooks/\"unlink\"", "/<webhooks>/unlink", "/webhooks/연결/unlink", "/\0"]
    {
        let answer = pipeline.deliver_to("unlink", &Request::new("GET", path)).await.unwrap();
        assert!(answer.status >= 400, "{path:?}: {answer:?}");
        let answer = pipeline.deliver(&unlink("1")).await.unwrap();
        assert_eq!(answer.status, 200, "after {path:?}: {answer:?}");
    }
    assert_eq!(pipeline.queue.take().len(), 5);
}

#[tokio::test]
async fn a_refused_request_leaves_no_trace_and_the_same_function_accepts_the_next() {
    let mut pipeline = Pipeline::start().await.unwrap();
    for path in WEBHOOKS {
        assert_eq!(pipeline.deliver(&hopeless("POST", path)).await.unwrap().status, 401);
    }
    assert_eq!(pipeline.deliver(&unlink("3142858100")).await.unwrap().status, 200);
    assert_eq!(pipeline.drain().await.unwrap(), Vec::<String>::new());
    let state = pipeline.state(APP_ID, "3142858100").unwrap().unwrap();
    assert_eq!(state["link"]["status"], json!("unlinked"));
    assert!(pipeline.items_of("USER#").unwrap().len() == 2 && pipeline.table.items().unwrap().len() == 2);
}
