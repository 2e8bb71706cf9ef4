//! Whatever was stored or is expected, as the service reads it, is valid by the published schema.

use std::{fs, path::Path};

use end_to_end::{Fixture, binaries::workspace};
use jsonschema::Validator;
use kakao_webhooks::state::user_view;
use serde_json::{Map, Value};

fn contract() -> Validator {
    let text = fs::read_to_string(workspace().join("infra/schemas/user-state.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn assert_valid(contract: &Validator, view: &Value, of: &str) {
    let errors: Vec<_> =
        contract.iter_errors(view).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{of}: {errors:#?}\n{view:#}");
}

/// The items of a snapshot: a list, or a member of what else it shows.
fn items(path: &Path) -> Vec<Map<String, Value>> {
    let text = fs::read_to_string(path).unwrap();
    // Behind the head.
    let shown: Value = serde_json::from_str(text.splitn(3, "---\n").nth(2).unwrap()).unwrap();
    let items = shown.get("items").unwrap_or(&shown).as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item.as_object().cloned()).collect()
}

#[test]
fn every_users_item_of_every_snapshot_is_of_the_published_form() {
    let (contract, mut seen) = (contract(), 0);
    for entry in fs::read_dir(workspace().join("tests/snapshots")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "snap") {
            continue;
        }
        let items = items(&path);
        let is = |item: &&Map<String, Value>, sort: &str| {
            item.get("sk").is_some_and(|sk| sk == sort)
                && item["pk"].as_str().is_some_and(|partition| partition.starts_with("USER#"))
        };
        for item in items.iter().filter(|item| is(item, "STATE")) {
            let shares = items.iter().find(|shares| is(shares, "SHARES") && shares["pk"] == item["pk"]);
            let mut item = item.clone();
            // It goes by the time of the write, which no snapshot has.
            item.insert("version".to_owned(), Value::from(1));
            assert_valid(&contract, &user_view(item, shares.cloned()), &path.display().to_string());
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn every_users_state_that_a_fixture_expects_is_of_the_published_form() {
    let (contract, mut seen) = (contract(), 0);
    for name in Fixture::names().unwrap() {
        let expected = Fixture::load(&name).unwrap().expected;
        let is_user = expected.of.is_some_and(|partition| partition.starts_with("USER#"));
        let Some(view) = expected.state.filter(|_| is_user) else { continue };
        assert_valid(&contract, &view, &name);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn what_is_not_of_the_published_form_is_found() {
    let contract = contract();
    let good = Fixture::load("unlink/get").unwrap().expected.state.unwrap();
    assert_valid(&contract, &good, "unlink/get");
    for (name, wrong) in
        [("access", "whatever".into()), ("user_id", 7.into()), ("version", "1".into()), ("link", 1.into())]
    {
        let mut changed = good.clone();
        changed[name] = wrong;
        assert!(!contract.is_valid(&changed), "{name}");
        changed.as_object_mut().unwrap().remove(name);
        assert_eq!(contract.is_valid(&changed), name != "user_id", "{name}");
    }
}
