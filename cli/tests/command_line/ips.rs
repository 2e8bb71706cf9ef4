//! `khook ips`, the real binary against a server that answers as Kakao documents it.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use end_to_end::{
    faults::{Gate, Server},
    khook_binary::{self, Done},
    service::REST_API_KEY,
};
use serde::Serialize;
use serde_json::{Value, json};

/// What Kakao is asked with: the authorization and the query.
type Asked = Arc<Mutex<Vec<(String, String)>>>;

struct Kakao {
    server: Server,
    asked: Asked,
}

impl Kakao {
    async fn answering(status: u16, body: Value) -> Self {
        let asked = Asked::default();
        let answer = async move |State(asked): State<Asked>, RawQuery(query): RawQuery, headers: HeaderMap| {
            let authorization = headers["authorization"].to_str().unwrap().to_owned();
            asked.lock().unwrap().push((authorization, query.unwrap_or_default()));
            (StatusCode::from_u16(status).unwrap(), body.to_string())
        };
        let router = Router::new().route("/v1/system/ips", get(answer)).with_state(Arc::clone(&asked));
        Self { server: Server::start(router, Gate::default()).await.unwrap(), asked }
    }

    async fn khook(&self, configured: Option<&str>, more: &[&str]) -> Done {
        let mut variables = vec![("KAKAO_REST_API_KEY", REST_API_KEY.to_owned())];
        variables.extend(configured.map(|list| ("SOURCE_CIDRS", list.to_owned())));
        let done =
            khook_binary::run(&variables, &[&["ips", "--url", &self.server.url()], more].concat()).await.unwrap();
        assert!(!format!("{}{}", done.out, done.error).contains(REST_API_KEY), "the key is shown");
        done
    }
}

/// In the form that Kakao documents, with addresses reserved for documentation.
fn documented() -> Value {
    json!({
        "inbound": [
            {
                "service": "callback",
                "ips": ["192.0.2.0/25", "192.0.2.128/25", "198.51.100.7/32", "2001:db8::/32"],
                "ports": [80, 443],
                "addition": {"ips": ["198.51.100.8/32"]},
                "exclusion": {"ips": ["198.51.100.7/32"]},
                "updatedDate": "2025-01-01",
            },
            {"service": "scrap", "ips": ["203.0.113.0/24"], "ports": [80, 443], "updatedDate": "2025-01-01"},
        ],
        "outbound": [{"service": "https://kapi.kakao.com", "ips": ["203.0.113.9/32"], "ports": [443]}],
        "updatedDate": "2025-01-01",
    })
}

fn snapshot(name: &str, value: &impl Serialize) {
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true, sort_maps => true,
    }, {
        insta::assert_json_snapshot!(name, value);
    });
}

const ALL: &str = "192.0.2.0/24,198.51.100.7/32,198.51.100.8/32,2001:db8::/32";

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test]
async fn what_is_published_is_shown_with_a_line_to_paste() {
    let kakao = Kakao::answering(200, documented()).await;
    let printed = kakao.khook(None, &[]).await.printed();
    snapshot("khook-ips", &lines(&printed));
    let asked = kakao.asked.lock().unwrap().clone();
    assert_eq!(asked, [(format!("KakaoAK {REST_API_KEY}"), "rule_type=inbound".to_owned())]);
    let pasted = printed.lines().last().unwrap().strip_prefix("SourceCidrs=").unwrap().to_owned();
    let same = kakao.khook(Some(&pasted), &[]).await.printed();
    assert!(same.contains("The configured networks are those that Kakao publishes."), "{same}");
}

#[tokio::test]
async fn differences_are_printed_and_end_with_1() {
    let kakao = Kakao::answering(200, documented()).await;
    let configured = "192.0.2.0/24, 198.51.100.0/29,203.0.113.0/24";
    let differs = kakao.khook(Some(configured), &[]).await;
    assert_eq!(differs.code, Some(1), "{}", differs.error);
    snapshot("khook-ips-differs", &lines(&differs.out));
    let differs = kakao.khook(Some(configured), &["--json"]).await;
    assert_eq!(differs.code, Some(1), "{}", differs.error);
    snapshot("khook-ips-differs-json", &serde_json::from_str::<Value>(&differs.out).unwrap());
    // An option goes before the variable.
    kakao.khook(Some(configured), &["--cidrs", ALL]).await.printed();
}

#[tokio::test]
async fn what_kakao_may_mean_by_an_unreadable_element_is_not_passed_over() {
    let list = json!({"inbound": [{"service": "callback", "ips": ["192.0.2.0/24", "198.51.100.1-198.51.100.9"]}]});
    let kakao = Kakao::answering(200, list).await;
    let found = kakao.khook(Some("192.0.2.0/24"), &["--json"]).await;
    assert_eq!(found.code, Some(1), "{}", found.error);
    assert!(found.error.contains("198.51.100.1-198.51.100.9"), "{}", found.error);
}

#[tokio::test]
async fn what_cannot_be_determined_ends_with_2_and_names_the_next_step() {
    for (status, body, fix) in [
        (401, json!({"msg": "wrong appKey", "code": -401}), "Is it a REST API key"),
        (500, json!({}), "Try again later"),
        (302, json!({}), "Try again later"),
        (200, json!({"inbound": []}), "has no address"),
    ] {
        let done = Kakao::answering(status, body).await.khook(Some(ALL), &[]).await;
        assert_eq!(done.code, Some(2), "{status}");
        assert!(done.refused().contains(fix), "{status}");
    }
    let kakao = Kakao::answering(200, documented()).await;
    let done = kakao.khook(Some("192.0.2.0/24,secret"), &[]).await;
    assert_eq!(done.code, Some(2));
    assert!(done.error.contains("element 2") && !done.error.contains("secret"), "{}", done.error);
    let done = khook_binary::run(&[], &["ips", "--url", &kakao.server.url()]).await.unwrap();
    assert_eq!(done.code, Some(2));
    assert!(done.refused().contains("KAKAO_REST_API_KEY"));
    assert!(kakao.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_key_goes_over_plain_http_on_this_machine_only() {
    let variables = [("KAKAO_ADMIN_KEY", "0f1e".to_owned())];
    let done = khook_binary::run(&variables, &["ips", "--url", "http://192.0.2.1"]).await.unwrap();
    assert_eq!(done.code, Some(2));
    assert!(done.refused().contains("must begin with https://"));
}
