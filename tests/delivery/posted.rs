//! What an endpoint gets.

use axum::http::Method;
use end_to_end::{
    bus::{self, Bus},
    service::APP_ID,
    stream::Stream,
    tls::{AuthorityFile, Tls},
};
use serde_json::json;

use crate::service::{NEW, OLD, Service, event};

const USER: &str = "3142857901";

#[tokio::test]
async fn a_change_arrives_signed_and_whole() {
    let mut service = Service::start().await;
    service.send(USER);
    assert_eq!(service.deliver().await, []);
    let posted = service.endpoint.posted();
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].method, Method::POST);
    assert_eq!(posted[0].uri.path(), "/kakao");
    assert!(posted[0].uri.query().is_some_and(|query| query.starts_with("key=")));
    assert_eq!(posted[0].header("content-type"), "application/json");
    assert_eq!(posted[0].header("webhook-id"), format!("123456:{USER}:1740799800000"));
    assert!(posted[0].is_signed(OLD) && !posted[0].is_signed(NEW));
    let detail = event(USER)["detail"].clone();
    let expected = json!({"type": "user.changed", "timestamp": detail["written_at"], "data": detail});
    assert_eq!(posted[0].json(), expected);
    assert_eq!(service.queue.hidden(), []);

    let line = service.deliverer.line("event", "delivered").await.unwrap();
    assert_eq!((&line["attempt"], &line["status"], &line["level"]), (&json!(1), &json!(204), &json!("INFO")));
    assert!(line["ms"].as_u64().is_some_and(|ms| ms > 1_000_000), "{line}");
}

#[tokio::test]
async fn what_the_publisher_puts_on_the_bus_arrives_at_the_endpoint() {
    let mut service = Service::start().await;
    let mut stream = Stream::begin(&service.pipeline.table).unwrap();
    let bus = Bus::start(&service.pipeline.table).await.unwrap();
    let variables = [("EVENT_BUS_NAME", bus::NAME), ("AWS_ENDPOINT_URL_EVENTBRIDGE", &bus.endpoint())];
    let mut publisher = service.pipeline.start_function_with("publisher", &variables).await.unwrap();
    let linked = json!({
        "v": 1, "kind": "service", "id": "a-link", "app_id": APP_ID, "received_at": "2025-03-01T03:30:00Z",
        "event": {"type": "service-linked", "user_id": USER, "at": "2025-03-01T03:00:00Z"},
    });
    assert_eq!(service.pipeline.process_texts(&[linked.to_string()]).await.unwrap(), [0; 0]);
    stream.drain(&service.pipeline.table, &mut publisher).await.unwrap();

    let published = bus.taken();
    assert_eq!(published.len(), 1);
    service.route(&published[0]);
    assert_eq!(service.deliver().await, [], "{:?}", service.deliverer.lines());
    let posted = service.endpoint.posted();
    assert_eq!(posted[0].json()["data"], json!(published[0].detail));
    assert_eq!(posted[0].header("webhook-id"), published[0].detail["id"].as_str().unwrap());
    assert!(posted[0].is_signed(OLD));
}

#[tokio::test]
async fn ten_changes_of_a_batch_are_delivered_at_once_and_their_connections_used_again() {
    let mut service = Service::start().await;
    for _ in 0..2 {
        (10..20).for_each(|n| drop(service.send(&format!("31428579{n}"))));
        assert_eq!(service.deliver().await, []);
    }
    assert_eq!(service.endpoint.posted().len(), 20);
}

#[tokio::test]
async fn an_endpoint_is_reached_by_tls_and_its_connection_is_used_again_and_replaced_when_it_is_dead() {
    let authority = AuthorityFile::new("delivery").unwrap();
    let mut service = Service::start().await;
    let front = Tls::before(&service.endpoint.url(), &authority).await.unwrap();
    service.restart_with(&[("DELIVERY_URL", &front.url()), ("AWS_CA_BUNDLE", authority.file())]).await;
    for _ in 0..3 {
        service.send(USER);
        assert_eq!(service.deliver().await, [], "{:?}", service.deliverer.lines());
    }
    assert_eq!((service.endpoint.posted().len(), front.handshakes()), (3, 1));
    assert!(service.endpoint.posted().iter().all(|posted| posted.is_signed(OLD)));

    front.close_connections();
    front.has_closed().await.unwrap();
    service.send(USER);
    assert_eq!(service.deliver_and_wait().await, [0; 0], "{:?}", service.deliverer.lines());
    assert_eq!((service.endpoint.posted().len(), front.handshakes()), (4, 2));
}

#[tokio::test]
async fn an_endpoint_whose_root_only_the_system_has_is_trusted() {
    let authority = AuthorityFile::new("delivery-system").unwrap();
    let mut service = Service::start().await;
    let front = Tls::before(&service.endpoint.url(), &authority).await.unwrap();
    service.restart_with(&[("DELIVERY_URL", &front.url()), ("SSL_CERT_FILE", authority.file())]).await;
    service.send(USER);
    assert_eq!(service.deliver().await, []);
    assert_eq!(service.endpoint.posted().len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_to_an_endpoint_with_a_wrong_certificate() {
    let authority = AuthorityFile::new("delivery-stranger").unwrap();
    let mut service = Service::start().await;
    let front = Tls::before(&service.endpoint.url(), &authority).await.unwrap();
    service.restart_with(&[("DELIVERY_URL", &front.url())]).await;
    service.send(USER);
    assert_eq!(service.deliver_and_wait().await.len(), 1);
    assert_eq!((service.endpoint.posted().len(), front.handshakes()), (0, 0));
    let line = service.deliverer.line("event", "not_delivered").await.unwrap();
    assert!(line["cause"].as_str().is_some_and(|cause| cause.contains("certificate")), "{line}");
}
