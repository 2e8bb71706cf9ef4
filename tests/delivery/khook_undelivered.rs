//! `khook undelivered`, the real binary: what was not delivered is listed, delivered again or dropped.

use end_to_end::{faults::Fault, khook_binary};
use serde_json::{Value, json};

use crate::service::{Service, event};

const USER: &str = "3142857901";
const POISON: &str = r#"{"detail-type":"user-changed","detail":{"user_id":"3142857999"}}"#;

fn variables(service: &Service) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL_SQS", service.queue.endpoint()),
        ("UNDELIVERED_QUEUE_URL", service.queue.dead_letter_url()),
        ("DELIVERY_QUEUE_URL", service.queue.url()),
    ]
}

async fn khook(service: &Service, arguments: &[&str]) -> khook_binary::Done {
    khook_binary::run(&variables(service), &[&["undelivered"], arguments].concat()).await.unwrap()
}

fn undelivered(service: &Service, body: &str) -> String {
    service.queue.dead_letters().put(body)
}

#[tokio::test]
async fn a_list_shows_whose_change_it_is_and_what_cannot_be_read_and_returns_all_of_them() {
    let service = Service::start().await;
    undelivered(&service, &event(USER).to_string());
    undelivered(&service, POISON);
    let mut listed = khook(&service, &["list", "--json"]).await.json();
    for message in listed.as_array_mut().unwrap() {
        assert!(message.as_object_mut().unwrap().remove("age_seconds").unwrap().as_i64().unwrap() > 0);
    }
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true, sort_maps => true,
    }, {
        insta::assert_json_snapshot!("khook-undelivered-list", listed);
    });
    let printed = khook(&service, &["list"]).await.printed();
    for shown in
        [&format!("123456 {USER}"), "1740799800000", "access", "7×", "2025-03-01T03:30:00.100Z", "unreadable: "]
    {
        assert!(printed.contains(shown), "{shown}\n{printed}");
    }
    assert!(!printed.contains("춘식이네집"), "{printed}");
    assert_eq!(service.queue.dead_letters().visible().len(), 2);
}

#[tokio::test]
async fn an_empty_queue_is_an_empty_list() {
    let service = Service::start().await;
    assert_eq!(khook(&service, &["list", "--json"]).await.json(), json!([]));
    assert!(khook(&service, &["list"]).await.printed().contains("no undelivered changes"));
    assert!(khook(&service, &["replay", "--all"]).await.printed().starts_with("0 sent to the delivery queue"));
}

#[tokio::test]
async fn what_is_replayed_is_delivered_as_it_was_and_is_not_undelivered_any_more() {
    let mut service = Service::start().await;
    let body = event(USER).to_string();
    let (id, poison) = (undelivered(&service, &body), undelivered(&service, POISON));
    assert!(khook(&service, &["replay", &id]).await.printed().starts_with("1 sent to the delivery queue"));
    assert_eq!(service.queue.bodies(), [body]);
    assert_eq!(service.queue.dead_letters().visible(), [poison]);
    assert_eq!(service.deliver().await, []);
    let posted = service.endpoint.posted();
    assert_eq!((posted.len(), &posted[0].json()["data"]["user_id"]), (1, &json!(USER)));
}

#[tokio::test]
async fn what_cannot_be_read_is_shown_and_dropped_and_never_replayed() {
    let service = Service::start().await;
    let (id, poison) = (undelivered(&service, &event(USER).to_string()), undelivered(&service, "no event"));
    assert_eq!(khook(&service, &["show", &id]).await.json()["body"], event(USER));
    let shown = khook(&service, &["show", &poison]).await.json();
    assert_eq!((&shown["body"], &shown["user_id"]), (&json!("no event"), &Value::Null));
    assert!(shown["unreadable"].as_str().unwrap().contains("not an EventBridge event"), "{shown}");

    let replayed = khook(&service, &["replay", "--all"]).await;
    assert_eq!(replayed.code, Some(1), "{}", replayed.error);
    assert!(replayed.out.starts_with("1 sent") && replayed.error.contains(&poison), "{}", replayed.error);
    assert_eq!(service.queue.dead_letters().visible(), std::slice::from_ref(&poison));

    let error = khook(&service, &["drop", "--all"]).await.refused();
    assert!(error.contains("--yes") && error.contains("khook publish"), "{error}");
    assert!(khook(&service, &["drop", &poison, "--yes"]).await.printed().starts_with("1 deleted"));
    assert_eq!(service.queue.dead_letters().ids(), Vec::<String>::new());
}

#[tokio::test]
async fn a_queue_that_fails_leaves_all_of_them() {
    let service = Service::start().await;
    let id = undelivered(&service, &event(USER).to_string());
    service.queue.gate().set_for(&service.queue.url(), Fault::Status(403));
    let error = khook(&service, &["replay", "--all"]).await.refused();
    assert!(error.contains("the delivery queue did not accept") && error.contains("stays undelivered"), "{error}");
    assert_eq!(service.queue.dead_letters().visible(), [id]);
}

#[tokio::test]
async fn nothing_goes_to_another_service_or_back_into_the_undelivered_ones() {
    let service = Service::start().await;
    undelivered(&service, &event(USER).to_string());
    let mut one = variables(&service);
    one.retain(|(name, _)| *name != "DELIVERY_QUEUE_URL");
    let error = khook_binary::run(&one, &["undelivered", "replay", "--all"]).await.unwrap().refused();
    assert!(error.contains("UNDELIVERED_QUEUE_URL is named and DELIVERY_QUEUE_URL isn't"), "{error}");
    let same = service.queue.dead_letter_url();
    let error = khook(&service, &["replay", "--all", "--delivery-queue", &same]).await.refused();
    assert!(error.contains("the same queue"), "{error}");
    assert_eq!(service.queue.dead_letters().visible().len(), 1);
}
