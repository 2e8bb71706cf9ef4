//! The secrets by which deliveries are signed: their rotation, and a source that fails.

use end_to_end::faults::Fault;
use serde_json::json;

use crate::service::{NEW, OLD, Service};

const USER: &str = "3142857901";

#[tokio::test]
async fn while_the_secret_rotates_both_sign() {
    let mut service = Service::start().await;
    service.secrets.set(&format!("{NEW} {OLD}"));
    service.restart_with(&[]).await;
    service.send(USER);
    assert_eq!(service.deliver().await, []);
    let posted = service.endpoint.posted();
    assert!(posted[0].is_signed(OLD) && posted[0].is_signed(NEW));
    assert_eq!(posted[0].header("webhook-signature").split(' ').count(), 2);
}

#[tokio::test]
async fn an_endpoint_that_already_wants_the_new_secret_has_it_read_again() {
    let mut service = Service::start().await;
    service.send(USER);
    assert_eq!(service.deliver().await, []);
    assert_eq!(service.secrets.reads(), 1);

    service.secrets.set(NEW);
    service.endpoint.wants(NEW);
    service.send("3142857902");
    assert_eq!(service.deliver_and_wait().await.len(), 1);
    assert_eq!(service.secrets.reads(), 2);
    assert_eq!(service.deliver_and_wait().await, [0; 0]);
    assert_eq!(service.secrets.reads(), 2);
}

#[tokio::test]
async fn many_refusals_of_a_signature_are_one_read() {
    let mut service = Service::start().await;
    service.endpoint.wants(NEW);
    (10..20).for_each(|n| drop(service.send(&format!("31428579{n}"))));
    assert_eq!(service.deliver_and_wait().await.len(), 10);
    assert_eq!(service.deliver_and_wait().await.len(), 10);
    assert_eq!(service.secrets.reads(), 2);
}

#[tokio::test]
async fn without_a_secret_changes_wait_and_are_delivered_when_there_is_one() {
    let mut service = Service::start().await;
    for fault in [Fault::Status(500), Fault::Status(400), Fault::Hangs] {
        service.secrets.gate().set(fault);
        service.restart_with(&[]).await;
        service.send(USER);
        assert_eq!(service.deliver_and_wait().await.len(), 1, "{fault:?}");
        assert_eq!(service.endpoint.posted().len(), 0, "{fault:?}");
        let line = service.deliverer.line("event", "secret_not_read").await.unwrap();
        assert_eq!((&line["level"], &line["variable"]), (&json!("ERROR"), &json!("DELIVERY_SECRET")), "{fault:?}");
        service.queue.take();
    }
    service.secrets.gate().set(Fault::None);
    service.send(USER);
    assert_eq!(service.deliver().await, []);
}

#[tokio::test]
async fn a_malformed_secret_is_reported_by_its_rule_and_not_shown() {
    let mut service = Service::start().await;
    for text in
        ["a-key-without-prefix", "whsec_not-base64-at-all!", "{\"secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}"]
    {
        service.secrets.set(text);
        service.restart_with(&[]).await;
        service.send(USER);
        assert_eq!(service.deliver_and_wait().await.len(), 1);
        let line = service.deliverer.line("event", "secret_not_read").await.unwrap();
        assert!(line["error"].as_str().is_some_and(|error| error.contains("whsec_ and a key in Base64")), "{line}");
        assert_eq!(line["variable"], "DELIVERY_SECRET");
        service.queue.take();
    }
}
