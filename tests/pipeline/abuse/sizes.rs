//! Too long, and too many.

use end_to_end::{
    Request,
    service::{APP_ID, SKILL_KEY},
};
use serde_json::{Value, json};

use super::{Bench, Case, Destination, changed, to_every_webhook};
use crate::kakao::{OAUTH, admin_key, channel, channel_body, pushed, share, signed, skill_body, token, unlink};

const LONGEST: usize = 64 * 1024;
/// About the longest body that Lambda accepts: as text, and before base64.
const LONGEST_TEXT: usize = 6_000_000;
const LONGEST_BYTES: usize = LONGEST_TEXT / 4 * 3;

fn post(path: &str) -> Request {
    Request::new("POST", path).header("Authorization", &admin_key())
}

/// A good request of each function that reads a body, as long as asked for.
fn of_length(length: usize) -> [Request; 4] {
    let filled = |text: String, end: &str| {
        let filler = "x".repeat(length - text.len() - end.len());
        text + &filler + end
    };
    let json = |body: &Value| filled(body.to_string().strip_suffix('}').unwrap().to_owned() + r#","filler":""#, "\"}");
    let form = filled(format!("app_id={APP_ID}&user_id=1&CHAT_TYPE=MemoChat&HASH_CHAT_ID=h&filler="), "");
    [
        post("/webhooks/unlink").body("application/x-www-form-urlencoded", form.clone()),
        post("/webhooks/talk-share").body("application/x-www-form-urlencoded", form),
        post("/webhooks/talk-channel")
            .body("application/json", json(&channel_body("added", "1", "2025-03-01T01:00:00Z"))),
        Request::new("POST", "/skill")
            .header(SKILL_KEY.0, SKILL_KEY.1)
            .body("application/json", json(&skill_body("u1", "안녕"))),
    ]
}

fn refused(name: &str, request: &Request, status: u16) -> Case {
    let (_, function) = request.path.rsplit_once('/').unwrap();
    let function = ["unlink", "talk-share", "talk-channel", "skill", "account-status"]
        .into_iter()
        .find(|known| *known == function)
        .unwrap();
    Case::new(name, function, request.event(), status, Destination::Nowhere)
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_but_a_sender_without_a_key_gets_401() {
    let mut bench = Bench::start().await;
    let mut cases = vec![];
    cases.extend(of_length(LONGEST).iter().map(|request| Case::taken("64 KiB", request, Destination::Event)));
    cases.extend(of_length(LONGEST + 1).iter().map(|request| refused("64 KiB and a byte", request, 413)));
    // A form comes in base64, JSON as text.
    let ([form, ..], [_, _, json, _]) = (of_length(LONGEST_BYTES), of_length(LONGEST_TEXT));
    cases.extend([form, json].iter().map(|request| refused("6 MB", request, 413)));
    for (name, length, status) in
        [("64 KiB", LONGEST, 400), ("64 KiB and a byte", LONGEST + 1, 413), ("6 MB", LONGEST_BYTES, 413)]
    {
        cases.push(refused(name, &pushed("x".repeat(length)), status));
    }
    let mut long = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    long.claims.insert("txn".to_owned(), json!("x".repeat(48_000)));
    cases.push(Case::taken("a long claim", &signed(&bench.pipeline, &long), Destination::Event));
    bench.try_all_and_forged(cases).await;
}

#[tokio::test]
async fn what_is_long_around_the_fact_does_not_cost_the_fact() {
    let mut bench = Bench::start().await;
    let webhooks = bench.webhooks();
    let mut cases = vec![];
    for length in [5_000, 100_000] {
        let long = "x".repeat(length);
        for header in ["x-kakao-resource-id", "x-request-id", "x-unknown"] {
            let name = format!("{header} of {length}");
            let change = |event: &Value| changed(event, &format!("/headers/{header}"), long.as_str());
            cases.extend(to_every_webhook(&webhooks, &name, change));
        }
        let change = |event: &Value| {
            let query = format!("{}&filler={long}", event["rawQueryString"].as_str().unwrap());
            changed(event, "/rawQueryString", query)
        };
        cases.extend(to_every_webhook(&webhooks, &format!("a query of {length}"), change));
    }
    let key = format!("KakaoAK {}", "f".repeat(100_000));
    let event = changed(&unlink("1").event(), "/headers/authorization", key);
    cases.push(Case::new("a key of 100,000", "unlink", event, 401, Destination::Nowhere));
    bench.try_all(cases).await;
}

#[tokio::test]
async fn ten_thousand_of_anything_are_read_or_refused_for_their_length() {
    let mut bench = Bench::start().await;
    let names = |count: usize| (0..count).map(|number| format!("{number:x}"));
    let parameters = names(10_000).collect::<Vec<_>>().join("&");
    let mut many = unlink("1");
    many.query = format!("{}&{parameters}", many.query);
    let mut shared = share("1", "r1");
    shared.query = format!("{}&{parameters}", shared.query);
    let form = format!("app_id={APP_ID}&user_id=1&{parameters}");
    let with_members = |count: usize| {
        let mut body = channel_body("added", "1", "2025-03-01T01:00:00Z");
        body.as_object_mut().unwrap().extend(names(count).map(|name| (name, json!(1))));
        channel(&body, "r1")
    };
    let mut claims = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    claims.claims.extend(names(5_000).map(|name| (name, json!(1))));
    let mut events = token("1", &format!("{OAUTH}user-linked"), 1, &json!({}));
    events.claims["events"].as_object_mut().unwrap().extend(names(3_000).map(|name| (name, json!({}))));
    let cases = vec![
        Case::taken("parameters", &many, Destination::Event),
        Case::taken("parameters", &shared, Destination::Event),
        Case::taken(
            "fields",
            &post("/webhooks/unlink").body("application/x-www-form-urlencoded", form),
            Destination::Event,
        ),
        Case::taken("6,000 members", &with_members(6_000), Destination::Event),
        refused("10,000 members", &with_members(10_000), 413),
        Case::taken("claims", &signed(&bench.pipeline, &claims), Destination::Event),
        Case::taken("events", &signed(&bench.pipeline, &events), Destination::Quarantine("too_many_events")),
    ];
    bench.try_all_and_forged(cases).await;
    let mut event = unlink("1").event();
    event["headers"].as_object_mut().unwrap().extend((0..2_000).map(|number| (format!("h{number}"), json!("x"))));
    bench.try_all([Case::new("headers", "unlink", event, 200, Destination::Event)]).await;
}
