//! What is published: exactly the changes, once, in the published form.

use std::collections::BTreeMap;

use end_to_end::{Fixture, binaries::workspace, bus::Event};
use kakao_webhooks::wire::Time;
use serde_json::{Value, json};

use crate::service::Service;

const OAUTH: &str = "https://schemas.openid.net/secevent/oauth/event-type/";

#[tokio::test]
async fn every_fixture_publishes_exactly_its_change() {
    let mut service = Service::start().await;
    let (mut published, mut seen) = (BTreeMap::new(), 0);
    for name in Fixture::names().unwrap() {
        service.send_fixture(&Fixture::load(&name).unwrap()).await;
        service.publish().await;
        let events = service.bus.taken().split_off(seen);
        seen += events.len();
        published.insert(name, events.iter().map(as_in_a_snapshot).collect::<Vec<_>>());
    }
    assert_eq!(service.bus.ids().len(), seen);
    assert_eq!(service.bus.early(), []);
    assert!(service.unpublished.is_empty());
    insta::with_settings!({
        snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true, sort_maps => true,
    }, {
        insta::assert_json_snapshot!("published", published);
    });
}

/// What EventBridge is published beside the text says the same; when it was written differs each time.
fn as_in_a_snapshot(event: &Event) -> Value {
    assert_eq!(event.detail_type, "user-changed");
    let written_at: Time = event.text("written_at").parse().unwrap();
    assert!((event.time - written_at.as_millis() as f64 / 1_000.0).abs() < 0.001, "{event:?}");
    assert!((0..60_000).contains(&runtime::clock::now().millis_since(written_at)), "{event:?}");
    let version = event.detail["version"].as_i64().unwrap();
    // The stream dates a write in whole seconds.
    assert!((-1_000..=1_000).contains(&(version - written_at.as_millis())), "{event:?}");
    assert_eq!(event.detail["state"]["version"], version);
    let whose = if event.detail.contains_key("user_id") { "user_id" } else { "open_id" };
    assert_eq!(event.id(), format!("{}:{}:{version}", event.text("app_id"), event.text(whose)));
    let mut detail = event.detail.clone();
    for name in ["id", "version", "written_at"] {
        detail.remove(name);
    }
    detail["state"].as_object_mut().unwrap().remove("version");
    Value::Object(detail)
}

#[tokio::test]
async fn published_events_match_the_published_schema() {
    let text = std::fs::read_to_string(workspace().join("infra/schemas/user-changed.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    for values in ["true", "false"] {
        let mut service = Service::start_with(&[("PUBLISH_PROFILE_VALUES", values)]).await;
        service.send_every_fixture().await;
        service.publish().await;
        let published = service.bus.taken();
        assert!(published.len() > 20, "{}", published.len());
        for event in published {
            let detail = Value::Object(event.detail);
            assert!(schema.is_valid(&detail), "{detail}: {:?}", schema.validate(&detail));
        }
    }
}

#[tokio::test]
async fn a_redelivered_event_is_not_published_again() {
    let mut service = Service::start().await;
    service.send_every_fixture().await;
    service.publish().await;
    let published = service.bus.taken();
    service.send_every_fixture().await;
    service.publish().await;
    assert_eq!(service.bus.taken(), published);
}

#[tokio::test]
async fn an_event_too_late_to_have_an_effect_is_not_published() {
    let mut service = Service::start().await;
    let event = |name: &str| format!("{OAUTH}{name}");
    service.send_event("3142857999", &event("user-unlinked"), 1_740_790_000, &json!({})).await;
    service.publish().await;
    let changed: Vec<_> = service.bus.taken().iter().map(end_to_end::bus::Event::changed).collect();
    assert_eq!(changed, ["access,link,sessions,tokens,erased"]);

    let consent = json!({"scope": "account_email"});
    service.send_event("3142857999", &event("user-linked"), 1_740_780_000, &json!({})).await;
    service.send_event("3142857999", &event("user-scope-consent"), 1_740_780_060, &consent).await;
    service.send_event("3142857999", &event("tokens-revoked"), 1_740_780_120, &json!({})).await;
    service.publish().await;
    assert_eq!(service.bus.taken().len(), changed.len());
}

#[tokio::test]
async fn shares_chatbot_messages_and_counters_publish_nothing() {
    let mut service = Service::start().await;
    for name in Fixture::names().unwrap().iter().filter(|name| name.starts_with("talk-share/")) {
        service.send_fixture(&Fixture::load(name).unwrap()).await;
    }
    service.send_fixture(&Fixture::load("skill/message").unwrap()).await;
    assert!(!service.pipeline.table.stream_records().unwrap().is_empty());
    service.publish().await;
    assert_eq!(service.bus.taken(), []);
}
