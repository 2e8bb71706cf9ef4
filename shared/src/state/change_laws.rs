//! The law of changes: a consumer that keeps the greatest version of each user has the item, whatever arrives late,
//! twice or not at all, as long as a later change of that user arrives.

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::{
    Effect, Link, Merge, Part, ProfileValue, ProfileValues, Rest, State, Subject, UserChange, UserItem, UserState,
    contract::UserChanged,
    laws::{Incident, cases, history, user},
    schemas::{is_published, schema_of},
    user_view,
};
use crate::wire::{EventId, Time};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_of::<UserChanged>("user-changed"));
static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).unwrap());

fn written_at() -> Time {
    Time::from_seconds(1_800_000_000).unwrap()
}

fn change(old: Option<&UserItem>, new: &UserItem, values: ProfileValues) -> Option<UserChange> {
    UserChange::between(old, new, written_at(), values).unwrap()
}

fn read(change: &UserChange) -> Value {
    serde_json::from_str(change.detail()).unwrap()
}

/// The items that these writes make one after the other. Versions leave gaps, as times in milliseconds do.
fn items(subject: &Subject, batches: &[Vec<Incident>]) -> Vec<UserItem> {
    let mut state = UserState::default();
    let write = |(number, batch): (u64, &Vec<Incident>)| {
        batch.iter().for_each(|incident| state.merge(incident.state()));
        UserItem { subject: subject.clone(), version: number * 7, state: state.clone() }
    };
    (1..).zip(batches.iter().filter(|batch| !batch.is_empty())).map(write).collect()
}

/// What is published of these items, in the order of their writes.
fn published(items: &[UserItem], values: ProfileValues) -> Vec<UserChange> {
    let old = [None].into_iter().chain(items.iter().map(Some));
    old.zip(items).filter_map(|(old, new)| change(old, new, values)).collect()
}

/// A consumer's copy of one user.
#[derive(Default)]
struct Replica {
    version: u64,
    state: Value,
}

impl Replica {
    /// The one rule.
    fn take(&mut self, detail: &Value) {
        let version = detail["version"].as_u64().unwrap();
        if version > self.version {
            *self = Self { version, state: detail["state"].clone() };
        }
    }
}

/// What `khook user show` prints of an item, without what is not published.
fn stored(item: &UserItem, values: ProfileValues) -> Value {
    let mut members = item.state.to_members(&item.subject, &Rest::default()).unwrap();
    members.extend(item.subject.attributes().into_iter().map(|(name, value)| (name.to_owned(), json!(value))));
    let mut view = user_view(members, None);
    let mut each = |map: &str, name: &str| {
        let entries = view[map].as_object_mut().into_iter().flat_map(|entries| entries.values_mut());
        entries.for_each(|entry| drop(entry.as_object_mut().unwrap().remove(name)));
    };
    each("bots", "last_seen_at");
    if values == ProfileValues::Withheld {
        each("profile", "value");
    }
    view.as_object_mut().unwrap().retain(|_, member| !member.is_null());
    view
}

/// What moves without a change that is published.
fn without_moving(mut state: Value) -> Value {
    let members = state.as_object_mut().unwrap();
    members.remove("version");
    members.remove("updated_at");
    state
}

fn subjects() -> impl Strategy<Value = Subject> {
    let open_id = Subject::OpenId("1".parse().unwrap(), "open:id".parse().unwrap());
    prop_oneof![Just(user()), Just(open_id)]
}

fn values() -> impl Strategy<Value = ProfileValues> {
    prop_oneof![Just(ProfileValues::Withheld), Just(ProfileValues::Published)]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_replica_that_keeps_the_greatest_version_equals_the_item(
        (subject, values, batches) in (subjects(), values(), vec(history(), 1..6)),
        (lost, twice) in (any::<u8>(), any::<u8>()),
        seed in any::<u64>(),
    ) {
        let items = items(&subject, &batches);
        let published = published(&items, values);
        // The last change arrives: any other may be lost, come twice, and in any order.
        let newest = published.len().saturating_sub(1);
        let is_one_of = |set: u8, index: usize| set & (1 << index) != 0;
        let arrives = |index: &usize| *index == newest || !is_one_of(lost, *index);
        let mut arriving: Vec<usize> = (0..published.len()).filter(arrives).collect();
        arriving.extend((0..published.len()).filter(|index| is_one_of(twice, *index) && arrives(index)));
        arriving.sort_by_key(|index| (*index as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let mut replica = Replica::default();
        arriving.iter().for_each(|index| replica.take(&read(&published[*index])));
        if let Some(item) = items.last().filter(|_| !published.is_empty()) {
            prop_assert_eq!(without_moving(replica.state), without_moving(stored(item, values)));
        }
    }

    #[test]
    fn exactly_the_parts_that_differ_are_named_in_order_and_nothing_else_is_published(
        (subject, batches) in (subjects(), vec(history(), 1..4))
    ) {
        let items = items(&subject, &batches);
        for pair in items.windows(2) {
            let [old, new] = pair else { unreachable!() };
            let state = |item| change(None, item, ProfileValues::Published).map(|whole| read(&whole)["state"].clone());
            let (before, after) = (state(old).unwrap_or_default(), state(new).unwrap_or_default());
            let differing: Vec<Part> =
                Part::ALL.into_iter().filter(|part| before.get(part.member()) != after.get(part.member())).collect();
            let changed = change(Some(old), new, ProfileValues::Withheld).map(|change| change.changed().to_vec());
            prop_assert_eq!(changed.unwrap_or_default(), differing);
        }
    }

    #[test]
    fn what_comes_again_is_not_published_again(history in history()) {
        let mut again = history.clone();
        again.extend(history);
        let items = items(&user(), &[again.clone(), again]);
        prop_assert_eq!(published(&items, ProfileValues::Published).len(), items.len().min(1));
    }
}

#[test]
fn the_published_schema_of_changes_is_that_of_the_types() {
    is_published("user-changed.json", &SCHEMA);
}

#[test]
fn every_change_of_generated_histories_fits_the_schema_and_reads_as_the_types() {
    let parts = Mutex::new(BTreeSet::new());
    proptest!(cases(), |(subject in subjects(), values in values(), batches in vec(history(), 1..4))| {
        for change in published(&items(&subject, &batches), values) {
            parts.lock().unwrap().extend(change.changed().iter().copied());
            let change = read(&change);
            prop_assert!(VALIDATOR.is_valid(&change), "{change}: {:?}", VALIDATOR.validate(&change));
            let typed: UserChanged = serde_json::from_value(change.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(typed).unwrap(), change);
        }
    });
    assert_eq!(parts.into_inner().unwrap(), Part::ALL.into());
}

/// An item of one event.
fn item(subject: Subject, version: u64, effects: Vec<Effect>) -> UserItem {
    let at = Time::from_seconds(1_700_000_000).unwrap();
    UserItem { subject, version, state: UserState::of_event(effects, at, &EventId::from_text("e")) }
}

fn profile(fields: usize, bytes: usize) -> Vec<Effect> {
    let value = ProfileValue { value: json!("x".repeat(bytes)).to_string() };
    (0..fields).map(|number| Effect::Profile(format!("field{number}"), value.clone())).collect()
}

#[test]
fn a_change_has_the_form_of_the_contract() {
    let linked = item(user(), 1, vec![Effect::Link(Link::Linked)]);
    let mut effects = vec![Effect::Link(Link::Unlinked { reason: Some("UNLINK_FROM_APPS".to_owned()) })];
    effects.extend([Effect::VoidSessions, Effect::Erase]);
    let unlinked = item(user(), 1_740_000_000_000, effects);
    let at = "2023-11-14T22:13:20.000Z";
    assert_eq!(
        read(&change(Some(&linked), &unlinked, ProfileValues::Withheld).unwrap()),
        json!({
            "v": 2, "id": "1:2:1740000000000", "app_id": "1", "user_id": "2", "version": 1_740_000_000_000_u64,
            "written_at": "2027-01-15T08:00:00.000Z",
            "changed": ["access", "link", "sessions", "erased"], "access_before": "allowed",
            "state": {
                "app_id": "1", "user_id": "2", "version": 1_740_000_000_000_u64, "access": "gone",
                "link": {"status": "unlinked", "at": at, "reason": "UNLINK_FROM_APPS"},
                "sessions_valid_from": at, "erased_until": at, "updated_at": at,
            },
        })
    );
    // A first write names access whatever it is, and nothing is known of before.
    let first = read(&change(None, &linked, ProfileValues::Withheld).unwrap());
    assert_eq!((&first["changed"], first.get("access_before")), (&json!(["access", "link"]), None));
}

#[test]
fn a_user_known_by_open_id_only_has_no_access() {
    let open_id = Subject::OpenId("1".parse().unwrap(), "open:id".parse().unwrap());
    let change = read(&change(None, &item(open_id, 3, vec![Effect::ProfileStale]), ProfileValues::Withheld).unwrap());
    assert_eq!((&change["id"], &change["open_id"]), (&json!("1:open:id:3"), &json!("open:id")));
    assert_eq!((&change["changed"], change["state"].get("access")), (&json!(["profile_stale"]), None));
}

#[test]
fn a_bot_that_sees_the_user_again_is_no_change_but_a_new_key_is_one() {
    let seen = |user_key: &str, at| {
        let effects = vec![Effect::Bot("bot".to_owned(), super::Bot { user_key: user_key.to_owned() })];
        let state = UserState::of_event(effects, Time::from_seconds(at).unwrap(), &EventId::from_text("e"));
        UserItem { subject: user(), version: at.unsigned_abs(), state }
    };
    let first = change(None, &seen("k", 1), ProfileValues::Withheld).unwrap();
    assert_eq!(read(&first)["state"]["bots"], json!({"bot": {"user_key": "k"}}));
    assert_eq!(change(Some(&seen("k", 1)), &seen("k", 2), ProfileValues::Withheld), None);
    assert_eq!(change(Some(&seen("k", 1)), &seen("l", 2), ProfileValues::Withheld).unwrap().changed(), [Part::Bots]);
}

#[test]
fn profile_values_are_published_only_where_they_are_asked_for_and_their_changes_always() {
    let items = [item(user(), 1, profile(1, 5)), item(user(), 2, profile(1, 6))];
    for (values, field) in [
        (ProfileValues::Withheld, json!({"at": "2023-11-14T22:13:20.000Z"})),
        (ProfileValues::Published, json!({"at": "2023-11-14T22:13:20.000Z", "value": "xxxxxx"})),
    ] {
        let change = change(Some(&items[0]), &items[1], values).unwrap();
        assert_eq!(
            (read(&change)["state"]["profile"]["field0"].clone(), change.changed()),
            (field, &[Part::Profile][..])
        );
    }
}

#[test]
fn a_long_change_leaves_out_values_first_and_then_what_did_not_change() {
    let long = read(&change(None, &item(user(), 1, profile(50, 4_000)), ProfileValues::Published).unwrap());
    assert_eq!((&long["partial"], long["state"]["profile"]["field0"].get("value")), (&json!(true), None));
    assert_eq!(long["state"]["profile"].as_object().unwrap().len(), 50);

    let channels = |number: usize| {
        let channel = super::Channel { status: "added".to_owned(), uuid: Some("u".repeat(9_000)) };
        (0..number).map(|number| Effect::Channel(format!("c{number:02}"), channel.clone())).collect::<Vec<_>>()
    };
    let (old, new) = (item(user(), 1, channels(29)), item(user(), 2, channels(30)));
    let long = change(Some(&old), &new, ProfileValues::Withheld).unwrap();
    assert_eq!(read(&long)["partial"], json!(true));
    let left: Vec<_> = read(&long)["state"]["channels"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(left, ["c29"]);
    assert!(VALIDATOR.is_valid(&read(&long)));
}

#[test]
fn a_change_shows_no_user_in_a_log() {
    let change = change(None, &item(user(), 1, profile(1, 5)), ProfileValues::Published).unwrap();
    assert_eq!(format!("{change:?}"), "UserChange { version: 1, changed: [Access, Profile] }");
}

/// A right one, with other members.
fn with(members: &Value) -> Value {
    let mut change = json!({
        "v": 2, "id": "123456:9007199254740993:2", "app_id": "123456", "user_id": "9007199254740993", "version": 2,
        "written_at": "2026-01-01T00:00:01.000Z", "changed": ["sessions"],
        "state": {"app_id": "123456", "user_id": "9007199254740993", "version": 2, "access": "allowed",
            "sessions_valid_from": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"},
    });
    change.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    change
}

#[test]
fn a_right_change_fits_whatever_is_added_and_a_wrong_one_does_not() {
    for right in [json!({}), json!({"new": 1}), json!({"partial": true}), json!({"access_before": "gone"})] {
        assert!(VALIDATOR.is_valid(&with(&right)), "{right}");
    }
    for wrong in [
        json!({"v": 1}),
        json!({"id": "a"}),
        json!({"app_id": 123_456}),
        json!({"user_id": 9_007_199_254_740_993_u64}),
        json!({"user_id": "x"}),
        json!({"version": 0}),
        json!({"written_at": "yesterday"}),
        json!({"changed": []}),
        json!({"changed": ["sessions", "sessions"]}),
        json!({"access_before": "denied"}),
        json!({"state": {}}),
    ] {
        assert!(!VALIDATOR.is_valid(&with(&wrong)), "{wrong}");
    }
    for missing in ["v", "id", "app_id", "user_id", "version", "written_at", "changed", "state"] {
        let mut wrong = with(&json!({}));
        wrong.as_object_mut().unwrap().remove(missing);
        assert!(!VALIDATOR.is_valid(&wrong), "without {missing}");
    }
}
