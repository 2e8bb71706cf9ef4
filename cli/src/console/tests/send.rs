use http::{Method, StatusCode};
use kakao_webhooks::wire::account_status::EventType;
use serde_json::{Value, json};

use super::{Edges, NOWHERE, Set, no_cloud};
use crate::{
    console::{
        sending::{FORMS, example_members},
        words::FORGERIES,
    },
    local::{Faults, Reading},
};

impl Set {
    /// What the API answers to an order: the status, and the body.
    async fn order(&self, order: &Value) -> (StatusCode, Value) {
        let answer = self.ask(Method::POST, "/api/send").body(order.to_string()).send().await.unwrap();
        (answer.status(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }

    /// The recorded requests of an order, the oldest first.
    async fn sent(&self, order: &Value) -> Vec<Value> {
        let (status, answer) = self.order(order).await;
        assert_eq!(status, StatusCode::OK, "{order}: {answer}");
        let mut sent = vec![];
        for one in answer["sent"].as_array().unwrap() {
            assert_eq!(one["status"], 200);
            sent.push(self.json(&format!("/api/events/{}", one["id"])).await);
        }
        sent
    }

    /// Posts a form as a browser does.
    async fn submit(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = self.ask(Method::POST, path).body(body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

/// The fields that a page has at first, as a browser sends them.
fn fields_of(page: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let form = page.split_once("<form class=\"order\"").unwrap().1.split_once("</form>").unwrap().0;
    let mut fields = vec![];
    for tag in form.split('<') {
        let name = || attribute(tag, "name").unwrap();
        if tag.starts_with("input") && !tag.contains("checkbox") {
            fields.push((name(), attribute(tag, "value").unwrap()));
        } else if tag.starts_with("textarea") {
            fields.push((name(), tag.split_once('>').unwrap().1.to_owned()));
        } else if tag.starts_with("select") {
            fields.push((name(), String::new()));
        } else if tag.starts_with("option") && tag.contains(" selected") {
            fields.last_mut().unwrap().1 = attribute(tag, "value").unwrap();
        }
    }
    fields
}

#[tokio::test]
async fn each_form_sends_what_it_has_at_first_and_leads_to_the_recorded_request() {
    let set = Set::new().await;
    for form in &FORMS {
        let path = format!("/send/{}", form.kind);
        let fields = fields_of(&set.text(&path).await);
        assert!(fields.len() >= form.fields.len() - 3, "{fields:?}");
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (status, page) = set.submit(&path, &fields).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let id = set.came().len();
        assert!(page.contains(&format!("href=\"/requests/{id}\"")), "{page}");
        assert!(page.contains(&format!("cargo khook send {}", form.kind)), "{page}");
        let recorded = set.json(&format!("/api/events/{id}")).await;
        assert_eq!(recorded["explanation"]["kind"], form.kind);
        assert_eq!(recorded["outcome"]["what"], "taken", "{recorded}");
    }
}

#[tokio::test]
async fn each_event_type_with_its_example_members_can_be_read() {
    let set = Set::new().await;
    for event in EventType::KNOWN.iter().filter_map(EventType::known_name) {
        let fields = fields_of(&set.text(&format!("/send/account-status?event={event}&example=1")).await);
        let mut order: serde_json::Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
        order.insert("kind".to_owned(), json!("account-status"));
        let sent = set.sent(&Value::Object(order)).await;
        let events = &sent[0]["explanation"]["events"];
        assert_eq!(events[0]["name"], event);
        assert_eq!((&events[0]["unreadable"], &events[1]), (&Value::Null, &Value::Null), "{event}: {events}");
    }
}

#[tokio::test]
async fn a_form_with_empty_members_sends_the_usual_ones() {
    let set = Set::new().await;
    for event in EventType::KNOWN.iter().filter_map(EventType::known_name) {
        for empty in ["", " \r\n"] {
            let form = [("event", event), ("user", "7"), ("member", empty)];
            assert_eq!(set.submit("/send/account-status", &form).await.0, StatusCode::OK, "{event}");
            let recorded = set.json(&format!("/api/events/{}", set.came().len())).await;
            assert_eq!(recorded["outcome"]["what"], "taken", "{event}: {recorded}");
            let claims = recorded["explanation"]["decoded"].to_string();
            for line in example_members(event).lines() {
                assert!(claims.contains(line.split_once('=').unwrap().0), "{event}: {claims}");
            }
        }
    }
    let form = [("event", "user-scope-consent"), ("user", "7"), ("member", "scope=talk_message")];
    let (_, page) = set.submit("/send/account-status", &form).await;
    assert!(page.contains("scope=talk_message") && !page.contains("--member=scope=account_email"), "{page}");
}

#[tokio::test]
async fn each_shape_is_sent_as_kakao_sends_it() {
    let set = Set::new().await;
    for (order, method, part) in [
        (json!({"kind": "unlink", "user": 7, "as": "query"}), Method::GET, "user_id=7"),
        (json!({"kind": "unlink", "user": "7", "as": "form"}), Method::POST, "user_id=7"),
        (json!({"kind": "unlink", "user": "7", "as": "json"}), Method::POST, r#""user_id":"7""#),
        (json!({"kind": "talk-share", "custom": {"user_id": 7}, "as": "query"}), Method::GET, "user_id=7"),
        (json!({"kind": "talk-share", "custom": ["user_id=7", "a=b"], "as": "form"}), Method::POST, "user_id=7"),
        (
            json!({"kind": "talk-channel", "event": "added", "open-id": "abc", "user": "7"}),
            Method::POST,
            r#""id":"abc""#,
        ),
        (json!({"kind": "talk-channel", "event": "added", "user": 7, "deprecated": true}), Method::POST, "plus_friend"),
        (json!({"kind": "skill", "check": true}), Method::GET, ""),
        (json!({"kind": "skill", "validation": true, "utterance": "u"}), Method::POST, "isInSlotFilling"),
        (json!({"kind": "skill", "room": "r"}), Method::POST, r#""botGroupKey":"r""#),
    ] {
        set.sent(&order).await;
        let came = set.came().pop().unwrap();
        let content = format!("{}\n{}", came.target, String::from_utf8_lossy(&came.body));
        assert_eq!(came.method, method, "{order}");
        assert!(content.contains(part), "{order}: {content}");
    }
}

#[tokio::test]
async fn each_forged_request_is_refused_for_the_reason_of_its_forgery() {
    let set = Set::new().await;
    for form in &FORMS {
        for forgery in form.forgeries() {
            let (_, words, _) = FORGERIES.iter().find(|(name, ..)| *name == forgery).unwrap();
            let order = json!({"kind": form.kind, "event": "user-linked", "user": "7", "forge": forgery});
            let order = match form.kind {
                "account-status" => order,
                "talk-channel" => json!({"kind": form.kind, "event": "added", "user": "7", "forge": forgery}),
                "unlink" => json!({"kind": form.kind, "user": "7", "forge": forgery}),
                _ => json!({"kind": form.kind, "forge": forgery}),
            };
            let explanation = set.sent(&order).await[0]["explanation"].clone();
            let is_refused = explanation["refusal"].is_string();
            let is_cut_token = forgery == "cut-off" && form.kind == "account-status";
            assert_eq!(is_refused, words.contains(": 40") || is_cut_token, "{order}: {explanation}");
            let is_quarantined = explanation["events"][0]["unreadable"].is_string();
            let is_cut = forgery == "cut-off" && !is_cut_token;
            assert!(is_quarantined || !is_cut, "{order}: {explanation}");
        }
    }
}

#[tokio::test]
async fn a_repeated_request_is_another_event_each_time_or_the_same_one() {
    let set = Set::new().await;
    let order = |same| json!({"kind": "account-status", "event": "user-linked", "user": "7", "times": 3, "same": same});
    for (same, different) in [(false, 3), (true, 1)] {
        let sent = set.sent(&order(same)).await;
        let mut bodies: Vec<_> = sent.iter().map(|sent| sent["request"]["body"]["text"].to_string()).collect();
        bodies.sort();
        bodies.dedup();
        assert_eq!((sent.len(), bodies.len()), (3, different));
    }
}

#[tokio::test]
async fn a_wrong_order_says_what_is_wrong_and_sends_nothing() {
    let set = Set::new().await;
    for (order, why) in [
        (json!([]), "not a JSON object"),
        (json!({"kind": "health"}), "`kind` must be one of account-status, unlink"),
        (json!({"kind": "unlink"}), "--user"),
        (json!({"kind": "unlink", "user": "7", "times": 101}), "from 1 to 100"),
        (json!({"kind": "unlink", "user": "7", "times": "0"}), "from 1 to 100"),
        (json!({"kind": "unlink", "user": "7", "forge": "signature"}), "nothing that can be wrong with unlink"),
        (json!({"kind": "unlink", "user": "7", "as": "xml"}), "invalid value 'xml'"),
        (json!({"kind": "unlink", "user": "7", "url": "http://example.com"}), "`url` is no option"),
        (json!({"kind": "unlink", "user": "7", "admin-key-file": "/etc/passwd"}), "`admin-key-file` is no option"),
        (json!({"kind": "talk-share", "resource-id": "a\nb"}), "x-kakao-resource-id can't have this value"),
        (json!({"kind": "account-status", "event": "user-linkd", "user": "7"}), "did you mean `user-linked`"),
        (json!({"kind": "account-status", "event": "user-linked", "user": "7", "at": "noon"}), "--at"),
    ] {
        let (status, answer) = set.order(&order).await;
        let error = answer["error"].as_str().unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(error.contains(why), "{order}: {error}");
    }
    let (status, page) = set.submit("/send/unlink", &[("user", ""), ("times", "1")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("role=\"alert\"") && page.contains("--user"), "{page}");
    assert_eq!(set.came().len(), 0);
}

#[tokio::test]
async fn what_was_typed_stays_in_the_form_as_text() {
    let set = Set::new().await;
    let hostile = "\"><script>alert(1)</script></textarea>\u{1b}]0;x\u{7}";
    let (_, page) =
        set.submit("/send/talk-share", &[("chat-type", hostile), ("custom", &format!("k=x{hostile}"))]).await;
    assert!(!page.contains("<script>") && !page.contains("</textarea>\u{1b}"), "{page}");
    assert!(page.contains("alert(1)"), "{page}");
    assert_eq!(set.came().len(), 1);
}

#[tokio::test]
async fn a_page_of_another_origin_can_send_nothing() {
    let set = Set::new().await;
    for path in ["/send/unlink", "/api/send"] {
        let ask = set.ask(Method::POST, path).header("origin", "http://evil.example").body("user=7");
        assert_eq!(ask.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(set.came().len(), 0);
}

#[tokio::test]
async fn an_accepted_event_changes_the_simulated_kakao_and_a_forged_one_does_not() {
    let kakao = super::KAKAO.clone();
    let reading = Reading::start(&kakao.app_id, &Faults::default()).await.unwrap();
    let set = Set::beside(Edges { kakao_api_url: reading.url().to_owned(), ..no_cloud() }).await;
    let is_linked = |user: &str| reading.api().members.connected_at(&kakao.app_id, user.parse().unwrap()).is_some();
    set.sent(&json!({"kind": "account-status", "event": "user-linked", "user": "7"})).await;
    set.sent(&json!({"kind": "account-status", "event": "user-linked", "user": "8", "forge": "signature"})).await;
    assert_eq!((is_linked("7"), is_linked("8")), (true, false));
    set.sent(&json!({"kind": "unlink", "user": "7", "forge": "wrong-key"})).await;
    assert!(is_linked("7"));
    set.sent(&json!({"kind": "unlink", "user": "7"})).await;
    assert!(!is_linked("7"));
}

#[tokio::test]
async fn a_request_that_was_sent_is_listed_although_the_simulated_kakao_does_not_answer() {
    let set = Set::beside(Edges { kakao_api_url: NOWHERE.to_owned(), ..no_cloud() }).await;
    let (status, answer) = set.order(&json!({"kind": "unlink", "user": "7", "times": 3})).await;
    assert_eq!((status, answer["sent"].as_array().unwrap().len()), (StatusCode::OK, 1), "{answer}");
    assert!(answer["problem"].is_string(), "{answer}");
}
