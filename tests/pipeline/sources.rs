//! The address of an authenticated request: not checked, counted, or refused.

use end_to_end::{Fixture, Pipeline};
use serde_json::json;

use crate::kakao::unlink;

const LISTED: &str = "198.51.100.7";
const UNLISTED: &str = "203.0.113.9";

async fn checking(check: &str) -> Pipeline {
    Pipeline::start().await.unwrap().with("SOURCE_CHECK", check).with("SOURCE_CIDRS", "198.51.100.0/24,2001:db8::/32")
}

#[tokio::test]
async fn enforced_a_valid_key_from_an_unlisted_address_is_refused_and_from_a_listed_one_accepted() {
    let mut pipeline = checking("enforce").await;
    let refused = pipeline.deliver(&unlink("1").sent_by(UNLISTED)).await.unwrap();
    assert_eq!((refused.status, refused.body.as_str()), (403, r#"{"error":"forbidden"}"#));
    assert_eq!(pipeline.queue.bodies(), Vec::<String>::new());
    // The operator who adds it to the list needs the address.
    let unlink_function = pipeline.function("unlink").await.unwrap();
    let line = unlink_function.line("event", "source_unlisted").await.unwrap();
    assert_eq!(line["address"], UNLISTED);
    // For the alarms: all of Kakao's requests may be refused like this one.
    unlink_function.line("source_unlisted", json!(1)).await.unwrap();
    unlink_function.line("not_taken", json!(1)).await.unwrap();
    for address in [LISTED, "2001:db8::1"] {
        assert_eq!(pipeline.deliver(&unlink("1").sent_by(address)).await.unwrap().status, 200);
    }
    assert_eq!(pipeline.queue.bodies().len(), 2);
}

#[tokio::test]
async fn enforced_an_account_status_webhook_that_is_refused_is_one_that_kakao_counts_as_failed() {
    let mut pipeline = checking("enforce").await;
    let token = Fixture::load("account-status/user-linked").unwrap().request(pipeline.keys.key()).unwrap();
    assert_eq!(pipeline.deliver(&token.sent_by(UNLISTED)).await.unwrap().status, 403);
    pipeline.function("account-status").await.unwrap().line("account_status_taken", json!([0])).await.unwrap();
}

#[tokio::test]
async fn enforced_a_wrong_key_is_refused_from_any_address() {
    let mut pipeline = checking("enforce").await;
    for address in [LISTED, UNLISTED] {
        let mut forged = unlink("1").sent_by(address);
        forged.headers.clear();
        assert_eq!(pipeline.deliver(&forged).await.unwrap().status, 401);
    }
}

#[tokio::test]
async fn observed_a_request_from_an_unlisted_address_is_accepted_and_counted() {
    let mut pipeline = checking("observe").await;
    for address in [LISTED, UNLISTED] {
        assert_eq!(pipeline.deliver(&unlink("1").sent_by(address)).await.unwrap().status, 200);
    }
    assert_eq!(pipeline.queue.bodies().len(), 2);
    let unlink = pipeline.function("unlink").await.unwrap();
    let line = unlink.line("event", "source_unlisted").await.unwrap();
    assert_eq!(line["address"], UNLISTED);
    unlink.line("source_unlisted", json!(1)).await.unwrap();
    let remarks = unlink.lines().iter().filter(|line| line["event"] == "source_unlisted").count();
    assert_eq!(remarks, 1, "the listed one is no remark");
}

#[tokio::test]
async fn no_source_check_runs_when_it_is_off() {
    let mut pipeline = checking("off").await;
    assert_eq!(pipeline.deliver(&unlink("1").sent_by(UNLISTED)).await.unwrap().status, 200);
    let unlink = pipeline.function("unlink").await.unwrap();
    unlink.line("event", "answered").await.unwrap();
    assert!(unlink.lines().iter().all(|line| line["event"] != json!("source_unlisted")));
}
