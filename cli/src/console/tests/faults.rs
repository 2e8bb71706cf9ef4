use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use super::Set;
use crate::local::{Fault, Faults};

/// Those of a local cloud in which these have an effect.
fn with_possible(possible: &[Fault]) -> Faults {
    let faults = Faults::default();
    faults.allow(possible);
    faults
}

async fn switch(set: &Set, form: &'static str) -> reqwest::Response {
    set.ask(Method::POST, "/faults").body(form).send().await.unwrap()
}

#[tokio::test]
async fn a_form_begins_a_fault_for_some_seconds_and_ends_it() {
    let faults = with_possible(&[Fault::QueueDown]);
    let set = Set::with_faults(&faults, None).await;
    assert!(!set.text("/faults").await.contains("End now"));
    assert_eq!(switch(&set, "fault=queue-down&seconds=20").await.status(), StatusCode::SEE_OTHER);
    let left = faults.left(Fault::QueueDown).unwrap();
    assert!(left <= Duration::from_secs(20) && left > Duration::from_secs(10), "{left:?}");
    let page = set.text("/faults").await;
    assert!(page.contains("data-until=") && page.contains("End now"), "{page}");
    switch(&set, "fault=queue-down&seconds=0").await;
    assert!(!faults.is(Fault::QueueDown));
}

#[tokio::test]
async fn an_unknown_fault_a_wrong_time_and_a_fault_without_effect_are_refused() {
    let faults = with_possible(&[Fault::QueueDown]);
    let set = Set::with_faults(&faults, None).await;
    for form in
        ["fault=x&seconds=1", "fault=queue-down", "fault=queue-down&seconds=601", "fault=delivery-fails&seconds=1"]
    {
        let answer = switch(&set, form).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{form}");
        assert!(answer.text().await.unwrap().contains("role=\"alert\""), "{form}");
    }
    let foreign = set.ask(Method::POST, "/faults").header("origin", "https://evil.example");
    let answer = foreign.body("fault=queue-down&seconds=9").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(Fault::ALL.into_iter().all(|fault| !faults.is(fault)));
}

#[tokio::test]
async fn the_api_begins_lists_and_ends_a_fault() {
    let faults = with_possible(&[Fault::ApiLies]);
    let set = Set::with_faults(&faults, None).await;
    let put = |path: &'static str, body: &'static str| set.ask(Method::PUT, path).body(body).send();
    assert_eq!(put("/api/faults/api-lies", r#"{"seconds":30}"#).await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(faults.is(Fault::ApiLies));
    let shown = set.json("/api/faults").await;
    let row = &shown["faults"][4];
    assert_eq!((&row["name"], &row["is_possible"]), (&json!("api-lies"), &json!(true)));
    assert!((1..=30_000).contains(&row["left_ms"].as_i64().unwrap()));
    set.ask(Method::DELETE, "/api/faults/api-lies").send().await.unwrap();
    assert!(!faults.is(Fault::ApiLies));
    for (path, body) in [
        ("/api/faults/x", r#"{"seconds":1}"#),
        ("/api/faults/api-lies", r#"{"seconds":-1}"#),
        ("/api/faults/api-lies", ""),
    ] {
        assert_eq!(put(path, body).await.unwrap().status(), StatusCode::BAD_REQUEST, "{path} {body}");
    }
}
