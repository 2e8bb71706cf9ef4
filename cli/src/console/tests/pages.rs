use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::Set;
use crate::console::{
    explain::{ExplainedEvent, Explanation},
    history::{Exchange, Outcome, RecordedAnswer, RecordedBody, RecordedLine, RecordedRequest, What},
};

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}</pre></textarea>";

/// A request each of whose texts is hostile.
fn hostile() -> Exchange {
    let text = || HOSTILE.to_owned();
    let event =
        ExplainedEvent { name: text(), user: Some(text()), unreadable: Some(text()), ..ExplainedEvent::default() };
    Exchange {
        id: 0,
        at: 0,
        request: RecordedRequest {
            method: text(),
            path: text(),
            query: text(),
            headers: vec![(text(), text())],
            body: RecordedBody::of(HOSTILE.as_bytes()),
        },
        answer: Some(RecordedAnswer {
            status: 200,
            headers: vec![(text(), text())],
            body: RecordedBody::of(HOSTILE.as_bytes()),
        }),
        ms: 1,
        request_id: Some(text()),
        explanation: Explanation {
            kind: Some(text()),
            events: vec![event],
            decoded: json!({HOSTILE: HOSTILE}),
            ..Explanation::default()
        },
        outcome: Outcome { what: What::Refused, reason: Some(text()) },
        steps: vec![],
        lines: vec![RecordedLine {
            function: text(),
            at: 0,
            fields: json!({"event": HOSTILE, HOSTILE: HOSTILE}).as_object().unwrap().clone(),
        }],
        changes: vec![json!({"changed": [HOSTILE], HOSTILE: HOSTILE})],
    }
}

#[tokio::test]
async fn times_are_shown_with_their_zone() {
    let set = Set::new().await;
    set.console.history().add(hostile());
    let zone = crate::console::pages::zone();
    assert!(!zone.is_empty() && !zone.contains("Unknown"), "{zone}");
    assert!(set.text("/").await.contains(&format!("<span>Time ({zone})</span>")));
    assert!(set.text("/requests/1").await.contains(&format!(".000 {zone}</time>")));
}

#[tokio::test]
async fn hostile_content_of_a_request_is_escaped_on_each_page() {
    let set = Set::new().await;
    set.console.history().add(hostile());
    let encoded: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let queries = [
        format!("/?q={encoded}&user={encoded}"),
        format!("/users?q={encoded}"),
        format!("/send/unlink?user={encoded}"),
        format!("/send/account-status?event={encoded}&member={encoded}"),
    ];
    let pages = ["/", "/rows", "/requests/1", "/requests/1?keys=show"].map(str::to_owned);
    for path in pages.iter().chain(&queries) {
        let page = set.text(path).await;
        for forbidden in ["<script>", "<img", "</textarea>{", "'{{7"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        assert!(page.contains("alert(1)"), "{path}");
    }
}

#[tokio::test]
async fn the_list_of_requests_has_only_those_that_fit_the_filter() {
    let set = Set::new().await;
    set.client.get(set.url("/health")).send().await.unwrap();
    set.client.get(set.url("/webhooks/unlink?needle=1")).send().await.unwrap();
    for (filter, ids) in [
        ("", vec![2, 1]),
        ("?kind=unlink", vec![2]),
        ("?q=NEEDLE", vec![2]),
        ("?outcome=answered", vec![2, 1]),
        ("?outcome=refused", vec![]),
        ("?user=7", vec![]),
        ("?before=2", vec![1]),
        ("?limit=1", vec![2]),
        ("?ids=1", vec![1]),
    ] {
        let listed = set.json(&format!("/api/events{filter}")).await;
        let found: Vec<_> =
            listed["events"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect();
        assert_eq!(found, ids, "{filter}");
    }
}

#[tokio::test]
async fn the_event_stream_reports_each_new_request_and_when_all_are_deleted() {
    let set = Set::new().await;
    let mut live = set.ask(Method::GET, "/api/events").header("accept", "text/event-stream").send().await.unwrap();
    set.client.get(set.url("/health")).send().await.unwrap();
    set.ask(Method::DELETE, "/api/events").send().await.unwrap();
    let mut heard = String::new();
    while !heard.contains("event: cleared") {
        heard += std::str::from_utf8(&live.chunk().await.unwrap().unwrap()).unwrap();
    }
    let data = heard.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let row: Value = serde_json::from_str(data).unwrap();
    assert!(heard.starts_with("event: request"), "{heard}");
    assert_eq!((&row["id"], &row["path"]), (&json!(1), &json!("/health")));
    assert_eq!(set.json("/api/events").await["events"], json!([]));
}

#[tokio::test]
async fn a_page_that_does_not_exist_answers_404_in_the_readers_language() {
    let set = Set::new().await;
    for path in ["/requests/7", "/requests/x", "/none"] {
        let answer = set.ask(Method::GET, path).header("accept-language", "ko").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        assert!(answer.text().await.unwrap().contains("페이지가 없거나"), "{path}");
    }
}
