//! `docs/follow-up.md` and its Korean twin agree with the schema, with each other and with what is published.

use std::fs;

use end_to_end::binaries::workspace;
use serde_json::{Value, json};

const PAGES: [&str; 2] = ["docs/follow-up.md", "docs/follow-up.ko.md"];

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("infra/schemas/user-changed.json")).unwrap()
}

/// The names that `changed` can contain, in the order of the contract.
fn parts() -> Vec<String> {
    let names = schema()["$defs"]["Part"]["oneOf"].as_array().unwrap().clone();
    names.iter().map(|part| part["const"].as_str().unwrap().to_owned()).collect()
}

fn json_blocks(text: &str) -> Vec<Value> {
    let blocks = text.split("```json\n").skip(1);
    blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap()).collect()
}

#[test]
fn the_table_names_exactly_the_parts_in_the_order_of_the_contract() {
    for page in PAGES {
        let text = read(page);
        let (_, table) = text.split_once("\n\n| `changed` | ").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
        let mut named: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
        named.dedup();
        assert_eq!(named, parts(), "{page}");
    }
}

#[test]
fn the_full_event_fits_the_schema() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for page in PAGES {
        let event = json_blocks(&read(page)).remove(0);
        let detail = &event["detail"];
        assert!(schema.is_valid(detail), "{page}: {:?}", schema.validate(detail));
        assert_eq!((&event["source"], &event["detail-type"]), (&json!("kakao-webhooks"), &json!("user-changed")));
        let text = |name: &str| detail[name].as_str().unwrap();
        assert_eq!(text("id"), format!("{}:{}:{}", text("app_id"), text("user_id"), detail["version"]), "{page}");
        for name in ["app_id", "user_id", "version"] {
            assert_eq!(detail[name], detail["state"][name], "{page}");
        }
    }
}

#[test]
fn the_rules_ask_for_what_is_published() {
    for page in PAGES {
        let rules = json_blocks(&read(page)).split_off(1);
        assert_eq!(rules.len(), 2, "{page}");
        for rule in rules {
            assert_eq!((&rule["source"], &rule["detail-type"]), (&json!(["kakao-webhooks"]), &json!(["user-changed"])));
            let asked = rule["detail"]["changed"].as_array().cloned().unwrap_or_default();
            assert!(asked.iter().all(|part| parts().iter().any(|known| part == known)), "{page}: {rule}");
        }
    }
}

#[test]
fn both_languages_have_the_same_code() {
    let code = |page: &str| -> Vec<String> { read(page).split("```").skip(1).step_by(2).map(str::to_owned).collect() };
    assert!(code(PAGES[0]).len() >= 5);
    assert_eq!(code(PAGES[0]), code(PAGES[1]));
}

#[test]
fn each_page_is_shorter_than_200_lines() {
    for page in PAGES {
        assert!(read(page).lines().count() < 200, "{page}");
    }
}
