//! A function with an unusable variable refuses to start; its error names the variable and the fix.

use end_to_end::{Pipeline, lambda::Outcome, secrets};
use serde_json::json;

use crate::kakao::{snapshot, unlink};

const ACKNOWLEDGING: [&str; 5] = ["unlink", "account-status", "talk-share", "talk-channel", "skill"];

/// The error of a function that refuses to start.
async fn refusal(pipeline: &Pipeline, function: &str) -> String {
    let (code, lines) = pipeline.start_function(function).await.unwrap().ended().await.unwrap();
    assert!(code.is_some_and(|code| code != 0), "{function} ended with {code:?}");
    let said: Vec<_> = lines.iter().filter(|line| line["event"] != json!("started")).collect();
    let [line] = said[..] else { panic!("{function}: {said:?}") };
    assert_eq!(
        (&line["event"], &line["level"], &line["function"]),
        (&json!("not_started"), &json!("ERROR"), &json!(function))
    );
    line["error"].as_str().unwrap().to_owned()
}

/// Of a key that was empty when it was hashed.
const DIGEST_OF_NOTHING: &str =
    r#"{"header":"x-skill-key","sha256":["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}"#;

/// The deliverer's, the reconciler's and the answerer's variables, of which one is then missing or malformed.
fn with_options(pipeline: Pipeline) -> Pipeline {
    pipeline
        .with("KAKAO_READER_KEYS", secrets::READER_KEYS_ARN)
        .with("DELIVERY_URL", "https://example.com/kakao")
        .with("DELIVERY_QUEUE_URL", "https://sqs.ap-northeast-2.amazonaws.com/123456789012/delivery")
        .with("DELIVERY_SECRET", secrets::DELIVERY_ARN)
        .with("SKILL_ANSWERER", "https://example.com/answer")
        .with("SKILL_ANSWERER_SECRET", secrets::ANSWERER_ARN)
        .with("ANSWER_QUEUE_URL", "https://sqs.ap-northeast-2.amazonaws.com/123456789012/answers")
        .with("ANSWERER_FUNCTION", "answerer")
}

#[tokio::test]
async fn a_missing_variable_is_named() {
    let mut said = vec![];
    for variable in ["KAKAO_APPS", "EVENT_QUEUE_URL", "TABLE_NAME"] {
        let pipeline = Pipeline::start().await.unwrap().without(variable);
        for function in ACKNOWLEDGING {
            let refusal = refusal(&pipeline, function).await;
            assert!(refusal.contains(variable), "{function}: {refusal}");
            said.push(refusal);
        }
    }
    for (function, variable) in [
        ("processor", "TABLE_NAME"),
        ("janitor", "TABLE_NAME"),
        ("janitor", "EVENT_QUEUE_URL"),
        ("publisher", "EVENT_BUS_NAME"),
        ("recorder", "TABLE_NAME"),
        ("deliverer", "DELIVERY_URL"),
        ("deliverer", "DELIVERY_QUEUE_URL"),
        ("deliverer", "DELIVERY_SECRET"),
        ("reconciler", "TABLE_NAME"),
        ("reconciler", "EVENT_QUEUE_URL"),
        ("reconciler", "KAKAO_READER_KEYS"),
        ("answerer", "TABLE_NAME"),
        ("answerer", "SKILL_ANSWERER"),
        ("answerer", "SKILL_ANSWERER_SECRET"),
        ("answerer", "ANSWER_QUEUE_URL"),
        ("skill", "ANSWERER_FUNCTION"),
        ("skill", "ANSWER_QUEUE_URL"),
    ] {
        let pipeline = with_options(Pipeline::start().await.unwrap()).without(variable);
        let refusal = refusal(&pipeline, function).await;
        assert!(refusal.contains(variable), "{function}: {refusal}");
        said.push(refusal);
    }
    said.sort();
    said.dedup();
    snapshot("missing-variables", &said);
}

#[tokio::test]
async fn a_malformed_variable_is_named_and_its_value_is_not_shown() {
    let mut said = vec![];
    for (function, variable, value) in [
        ("unlink", "KAKAO_APPS", "a-secret"),
        ("unlink", "KAKAO_APPS", "[]"),
        ("talk-share", "KAKAO_APPS", r#"[{"app_id":"1","rest_api_key":"a-secret","typing_error":1}]"#),
        ("talk-channel", "KAKAO_APPS", r#"[{"app_id":"1","admin_key_sha256":["a-secret"]}]"#),
        ("account-status", "KAKAO_JWKS_URL", "http://a-secret.example.com/jwks.json"),
        ("skill", "SKILL_AUTH", r#"{"header":"x","sha256":["a-secret"]}"#),
        ("skill", "SKILL_ANSWERS", r#"[{"utterance":"a-secret"}]"#),
        ("skill", "SKILL_ANSWERS", r#"[{"text":"a"},{"utterance":"a-secret","text":" "}]"#),
        ("unlink", "SOURCE_CHECK", "a-secret"),
        ("unlink", "SOURCE_CHECK", "enforce"),
        ("unlink", "SOURCE_CIDRS", "192.0.2.0/24,a-secret"),
        ("skill", "SKILL_ANSWERS", r#"[{"a-secret":1}]"#),
        ("publisher", "PUBLISH_PROFILE_VALUES", "a-secret"),
        ("processor", "HISTORY_RETENTION_DAYS", "a-secret"),
        ("processor", "HISTORY_RETENTION_DAYS", "1"),
        ("processor", "GONE_RETENTION_DAYS", "30"),
        ("recorder", "GONE_RETENTION_DAYS", "a-secret"),
        ("deliverer", "HISTORY_RETENTION_DAYS", "a-secret"),
        ("talk-share", "EVENT_QUEUE_URL", "a-secret"),
        ("publisher", "UNPUBLISHED_QUEUE_URL", "a-secret"),
        ("janitor", "RUST_LOG", "a-secret"),
        ("unlink", "RUST_LOG", "info,runtime"),
        ("unlink", "RUST_LOG", "info,a-secret target=warn"),
        ("unlink", "RUST_LOG", "3"),
        ("processor", "QUARANTINE_RETENTION_DAYS", "0"),
        ("talk-share", "SHARE_USER_KEY", "a-secret key"),
        ("unlink", "KAKAO_APPS", r#"[{"app_id":"007","rest_api_key":"a-secret"}]"#),
        ("skill", "SKILL_AUTH", DIGEST_OF_NOTHING),
        ("deliverer", "DELIVERY_URL", "http://a-secret.example.com/"),
        ("deliverer", "DELIVERY_URL", "https://name:a-secret@example.com/"),
        ("deliverer", "DELIVERY_URL", "https://example.com/#a-secret"),
        ("deliverer", "DELIVERY_QUEUE_URL", "a-secret"),
        ("deliverer", "DELIVERY_SECRET", "whsec_a-secret"),
        ("reconciler", "KAKAO_API_URL", "http://a-secret.example.com"),
        ("reconciler", "KAKAO_READER_KEYS", r#"{"123456":"a-secret"}"#),
        ("reconciler", "RECONCILE_MAX_UNLINKS", "a-secret"),
        ("reconciler", "RECONCILE_MAX_UNLINKS", "-1"),
        ("reconciler", "RECONCILE_AT", "25:00"),
        ("answerer", "SKILL_ANSWERER", "http://a-secret.example.com/"),
        ("answerer", "SKILL_ANSWERER", "arn:aws:lambda:a-secret"),
        ("answerer", "SKILL_ANSWERER_SECRET", "whsec_a-secret"),
        ("answerer", "ANSWER_QUEUE_URL", "a-secret"),
        ("answerer", "KAKAO_CALLBACK_URL", "https://example.com/a-secret"),
        ("skill", "KAKAO_CALLBACK_URL", "http://a-secret.example.com"),
        ("skill", "ANSWER_QUEUE_URL", "a-secret"),
    ] {
        let pipeline =
            with_options(Pipeline::start().await.unwrap()).with("EVENT_BUS_NAME", "bus").with(variable, value);
        let refusal = refusal(&pipeline, function).await;
        assert!(refusal.contains(variable), "{function}: {refusal}");
        assert!(!refusal.contains("a-secret"), "{function}: {refusal}");
        said.push(refusal);
    }
    snapshot("malformed-variables", &said);
}

#[tokio::test]
async fn an_app_without_an_admin_key_is_named_where_its_webhooks_would_be_refused() {
    let apps = r#"[{"app_id":"7","rest_api_keys":["r"],"admin_key_sha256":[]}]"#;
    let pipeline = Pipeline::start().await.unwrap().with("KAKAO_APPS", apps);
    for function in ["unlink", "talk-share", "talk-channel"] {
        let running = pipeline.start_function(function).await.unwrap();
        let warning = running.line("event", "app_without_admin_key").await.unwrap();
        assert_eq!((&warning["app_id"], &warning["level"]), (&json!("7"), &json!("WARN")), "{function}");
    }
    // The account status change webhook needs none.
    let mut running = pipeline.start_function("account-status").await.unwrap();
    running.invoke(&unlink("1").event()).await.unwrap();
    running.line("event", "answered").await.unwrap();
    assert!(running.lines().iter().all(|line| line["event"] != "app_without_admin_key"));
}

#[tokio::test]
async fn with_nothing_behind_it_a_function_starts_all_the_same() {
    // Closed ports: the queue's, the table's and the key set's.
    let nowhere = "http://127.0.0.1:9";
    let pipeline = Pipeline::start().await.unwrap();
    let pipeline = pipeline
        .with("AWS_ENDPOINT_URL_SQS", nowhere)
        .with("AWS_ENDPOINT_URL_DYNAMODB", nowhere)
        .with("KAKAO_JWKS_URL", &format!("{nowhere}/jwks.json"));
    for function in ACKNOWLEDGING {
        let mut running = pipeline.start_function(function).await.unwrap();
        // A path that is not one of its routes, which it can answer by itself.
        let mut request = unlink("1");
        request.path = "/nothing".to_owned();
        let Outcome::Response(response) = running.invoke(&request.event()).await.unwrap() else {
            panic!("{function} failed");
        };
        assert_eq!(response["statusCode"], 404, "{function}");
    }
}
