//! The published JSON Schemas are those of the types. `UPDATE_SCHEMAS=1 cargo test` writes them.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{
    Plan, Rest, State,
    contract::UserView,
    laws::{fold, history, user},
    plan, user_view,
};
use crate::envelope::{Envelope, ServiceMessage};

pub(crate) fn schema_of<T: JsonSchema>(id: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), json!(format!("urn:kakao-webhooks:{id}")));
    schema.to_value()
}

pub(crate) fn is_published(file: &str, schema: &Value) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/schemas")).join(file);
    let text = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert!(published == text, "infra/schemas/{file} is not the types' schema: run UPDATE_SCHEMAS=1 cargo test");
}

#[test]
fn the_published_schema_of_the_state_is_that_of_the_types() {
    is_published("user-state.json", &schema_of::<UserView>("user-state"));
}

#[test]
fn the_published_schema_of_the_services_messages_is_that_of_the_types() {
    is_published("service-message.json", &schema_of::<ServiceMessage>("service-message"));
}

#[test]
fn a_message_that_fits_the_schema_is_an_envelope_that_is_applied() {
    let schema = schema_of::<ServiceMessage>("service-message");
    for word in ["service-linked", "service-unlinked", "service-restored", "service-erased"] {
        let message = json!({
            "v": 1, "kind": "service", "id": "a1", "app_id": "123456", "received_at": "2026-01-01T00:00:00Z",
            "event": {"type": word, "user_id": "9007199254740993", "at": "2026-01-01T00:00:00Z"},
        });
        assert!(jsonschema::is_valid(&schema, &message), "{message}");
        let envelope = Envelope::decode(&message.to_string()).unwrap();
        assert!(matches!(plan(&envelope), Plan::Apply(_)));
    }
    for (name, wrong) in [("v", json!(2)), ("kind", json!("unlink")), ("app_id", json!("x")), ("event", json!({}))] {
        let mut message = json!({
            "v": 1, "kind": "service", "id": "a1", "app_id": "123456", "received_at": "2026-01-01T00:00:00Z",
            "event": {"type": "service-linked", "user_id": "1", "at": "2026-01-01T00:00:00Z"},
        });
        message[name] = wrong;
        assert!(!jsonschema::is_valid(&schema, &message), "{message}");
    }
}

proptest! {
    #[test]
    fn every_state_is_of_the_published_form(history in history()) {
        let state = fold(&history);
        prop_assume!(state.updated_at.0.is_some());
        let mut item = state.to_members(&user(), &Rest::default()).unwrap();
        item.extend(user().attributes().into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
        item.insert("version".to_owned(), json!(1));
        let shares = json!({"pk": "x", "count": 2, "by_chat_type": {"MemoChat": 2}, "last_at": "2026-01-01T00:00:00.000Z"});
        let view = user_view(item, shares.as_object().cloned());
        prop_assert!(jsonschema::is_valid(&schema_of::<UserView>("user-state"), &view), "{view}");
        let read: UserView = serde_json::from_value(view.clone()).unwrap();
        prop_assert_eq!(serde_json::to_value(read).unwrap(), view);
    }
}
