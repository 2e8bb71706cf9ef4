//! Paths and queries that no valid URI has.

use end_to_end::{Request, service::APP_ID};
use serde_json::Value;

use super::{Bench, Case, Destination, changed, to_every_webhook};
use crate::kakao::{admin_key, unlink};

/// Characters that no URI may contain, or that change its meaning.
const ODD: [&str; 24] = [
    " ", "\"", "<", ">", "%zz", "%", "%0", "%00", "\0", "\r\n", "\t", "\u{7f}", "한", "\u{202e}", "🙂", "\\", "^", "`",
    "{|}", "[", "#", "?", ";", "://",
];

#[tokio::test]
async fn a_prefix_may_hold_anything() {
    let mut bench = Bench::start().await;
    let webhooks = bench.webhooks();
    let mut cases = vec![];
    let long = "x".repeat(100_000);
    for odd in ODD.into_iter().chain(["..", ".", "", "a/../..", "http://kakao.example", &long]) {
        let change =
            |event: &Value| changed(event, "/rawPath", format!("/{odd}{}", event["rawPath"].as_str().unwrap()));
        cases.extend(to_every_webhook(&webhooks, &format!("/{:.20}", odd.escape_debug().to_string()), change));
    }
    bench.try_all(cases).await;
}

#[tokio::test]
async fn a_path_that_does_not_end_in_the_route_is_not_found_with_or_without_a_key() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for webhook in bench.webhooks() {
        let route = webhook.genuine["rawPath"].as_str().unwrap();
        let behind =
            ODD.into_iter().chain(["/..", "/.", "//", "/x", "%2f", ".json"]).map(|odd| format!("{route}{odd}"));
        let (parent, last) = route.rsplit_once('/').unwrap();
        let within = [
            format!("{parent}//{last}"),
            format!("{parent}/./{last}"),
            format!("{parent}%2F{last}"),
            format!("{parent}\\{last}"),
            route.to_uppercase(),
            last.to_owned(),
            String::new(),
            "/".to_owned(),
        ];
        // The chatbot's route is one segment, which its parent leaves as it is.
        let is_elsewhere = |path: &String| !path.strip_suffix('/').unwrap_or(path).ends_with(route);
        for path in behind.chain(within).filter(is_elsewhere) {
            for event in [&webhook.genuine, &webhook.forged] {
                let event = changed(event, "/rawPath", path.as_str());
                cases.push(Case::new(format!("{path:?}"), webhook.function, event, 404, Destination::Nowhere));
            }
        }
    }
    bench.try_all(cases).await;
}

#[tokio::test]
async fn an_unusual_optional_parameter_does_not_cost_the_event() {
    let mut bench = Bench::start().await;
    let webhooks = bench.webhooks();
    let mut cases = vec![];
    for odd in ODD.into_iter().chain(["&&&", "=", "a=b=c", "+"]) {
        let change = |event: &Value| {
            changed(event, "/rawQueryString", format!("{}&note={odd}", event["rawQueryString"].as_str().unwrap()))
        };
        cases.extend(to_every_webhook(&webhooks, &format!("note={odd:?}"), change));
    }
    bench.try_all(cases).await;
}

#[tokio::test]
async fn a_member_number_that_only_looks_like_one_in_a_query_is_quarantined() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    for odd in ODD.into_iter().filter(|odd| *odd != "?" && *odd != "#").chain(["?", "#", "+", "%20", "%23", "e1", ".0"])
    {
        let mut request = Request::new("GET", "/webhooks/unlink").header("Authorization", &admin_key());
        request.query = format!("app_id={APP_ID}&user_id=1{odd}2");
        cases.push(Case::taken(format!("user_id=1{odd:?}2"), &request, Destination::Quarantine("field_shape")));
    }
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn an_unlinking_with_a_raw_space_and_a_quote_in_its_query_reaches_its_user() {
    let mut bench = Bench::start().await;
    let mut request = unlink("42");
    request.query.push_str("&note=a \"raw\" <query> #1");
    assert_eq!(bench.answer("unlink", &request.event()).await.status, 200);
    assert_eq!(bench.pipeline.drain().await.unwrap(), Vec::<String>::new());
    assert_eq!(bench.pipeline.state(APP_ID, "42").unwrap().unwrap()["access"], "gone");
}
