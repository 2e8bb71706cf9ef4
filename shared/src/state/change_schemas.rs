//! The published JSON Schema of changes is that of the types, and whatever is published fits it.
//! `UPDATE_SCHEMAS=1 cargo test` writes it.

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{
    Merge, ProfileValues, Publication, UserItem, UserState,
    change_contract::PublishedChange,
    laws::{Incident, history, user},
    schemas::{is_published, schema_of},
};
use crate::wire::Time;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_of::<PublishedChange>("change"));
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).unwrap());

#[test]
fn the_published_schema_of_changes_is_that_of_the_types() {
    is_published("change.json", &SCHEMA);
}

/// The names that the schema has a form for.
fn names_in_schema() -> BTreeSet<String> {
    let name = |form: &Value| form["properties"]["change"]["const"].as_str().unwrap().to_owned();
    SCHEMA["oneOf"].as_array().unwrap().iter().map(name).collect()
}

/// What a member's item tells in these writes.
fn published(batches: &[Vec<Incident>], values: ProfileValues) -> Vec<Value> {
    let item = |version, state| UserItem { subject: user(), version, state };
    let written_at = Time::from_seconds(1_800_000_000).unwrap();
    let (mut old, mut published) = (None::<UserItem>, vec![]);
    for (version, batch) in (1..).zip(batches) {
        let mut state = old.as_ref().map_or_else(UserState::default, |old| old.state.clone());
        batch.iter().for_each(|incident| state.merge(incident.state()));
        let new = item(version, state);
        published.extend(Publication::all(old.as_ref(), &new, written_at, values));
        old = Some(new);
    }
    published.iter().map(|one| serde_json::from_str(&one.detail()).unwrap()).collect()
}

/// Every name that generated histories have published.
static NAMES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn whatever_is_published_fits() {
    proptest!(super::laws::cases(), |(batches in vec(history(), 1..4), are_published in any::<bool>())| {
        let values = if are_published { ProfileValues::Published } else { ProfileValues::Withheld };
        for change in published(&batches, values) {
            prop_assert!(VALIDATOR.is_valid(&change), "{change}: {:?}", VALIDATOR.validate(&change));
            let read: PublishedChange = serde_json::from_value(change.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(read).unwrap(), change.clone());
            NAMES.lock().unwrap().insert(change["change"].as_str().unwrap().to_owned());
        }
    });
}

#[test]
fn every_change_of_generated_histories_fits_the_schema_and_the_schema_has_no_other() {
    whatever_is_published_fits();
    assert_eq!(*NAMES.lock().unwrap(), names_in_schema());
}

/// A right one, with other members.
fn change(members: &Value) -> Value {
    let mut change = json!({
        "v": 1, "id": "a".repeat(64), "app_id": "123456", "user_id": "9007199254740993", "version": 2,
        "at": "2026-01-01T00:00:00.000Z", "written_at": "2026-01-01T00:00:01.000Z",
        "change": "sessions-voided", "valid_from": "2026-01-01T00:00:00.000Z",
    });
    change.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    change
}

#[test]
fn a_right_change_fits_of_whomever_it_is_and_whatever_is_added() {
    let credential = json!({"change": "credential-changed",
        "to": {"status": "change_required", "at": "2026-01-01T00:00:00.000Z"}});
    let mut of_an_open_id = change(&json!({"open_id": "abc"}));
    of_an_open_id.as_object_mut().unwrap().remove("user_id");
    for right in [change(&json!({})), change(&json!({"new": 1})), change(&credential), of_an_open_id] {
        assert!(VALIDATOR.is_valid(&right), "{right}");
    }
}

#[test]
fn a_wrong_change_does_not_fit() {
    let at = "2026-01-01T00:00:00.000Z";
    for wrong in [
        json!({"v": 2}),
        json!({"id": "a"}),
        json!({"app_id": 123_456}),
        json!({"user_id": 9_007_199_254_740_993_u64}),
        json!({"user_id": "x"}),
        json!({"version": 0}),
        json!({"at": "yesterday"}),
        json!({"written_at": null}),
        json!({"change": "session-voided"}),
        json!({"valid_from": 1}),
        json!({"change": "access-changed"}),
        json!({"change": "access-changed", "to": "denied"}),
        json!({"change": "access-changed", "to": "gone", "why": {"scope": {"granted": true, "at": at}}}),
        json!({"change": "link-changed", "to": {"status": "cut", "at": at}}),
        json!({"change": "account-changed", "to": {"status": "disabled"}}),
        json!({"change": "scopes-changed", "scopes": {"account_email": true}}),
        json!({"change": "profile-changed", "fields": {"nickname": {"value": "x"}}}),
        json!({"change": "erased"}),
    ] {
        assert!(!VALIDATOR.is_valid(&change(&wrong)), "{wrong}");
    }
    for missing in ["v", "id", "app_id", "user_id", "version", "at", "written_at", "change", "valid_from"] {
        let mut wrong = change(&json!({}));
        wrong.as_object_mut().unwrap().remove(missing);
        assert!(!VALIDATOR.is_valid(&wrong), "without {missing}");
    }
}
