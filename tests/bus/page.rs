//! `docs/follow-up.md` and its Korean twin say what is so.

use std::fs;

use end_to_end::binaries::workspace;
use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(workspace().join(path)).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&read("infra/schemas/change.json")).unwrap()
}

/// The change that each section is about, and the pattern of its rule.
fn rules(page: &str) -> Vec<(String, Value)> {
    let sections = page.split("\n### `").skip(1);
    sections.map(|section| (section.split('`').next().unwrap().to_owned(), json_blocks(section).remove(0))).collect()
}

fn json_blocks(text: &str) -> Vec<Value> {
    let blocks = text.split("```json\n").skip(1);
    blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap()).collect()
}

#[test]
fn every_change_has_a_section_with_a_rule_that_matches_it_alone() {
    let mut names: Vec<String> = Vec::new();
    for form in schema()["oneOf"].as_array().unwrap() {
        names.push(form["properties"]["change"]["const"].as_str().unwrap().to_owned());
    }
    names.sort();
    for page in ["docs/follow-up.md", "docs/follow-up.ko.md"] {
        let rules = rules(&read(page));
        for (change, pattern) in &rules {
            assert_eq!(pattern["source"], serde_json::json!(["kakao-webhooks"]), "{page}: {change}");
            assert_eq!(pattern["detail-type"], serde_json::json!([change]), "{page}");
        }
        let mut told: Vec<String> = rules.into_iter().map(|(change, _)| change).collect();
        told.sort();
        assert_eq!(told, names, "{page}");
    }
}

#[test]
fn the_event_in_full_fits_the_schema() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for page in ["docs/follow-up.md", "docs/follow-up.ko.md"] {
        let event = json_blocks(&read(page)).remove(0);
        assert!(schema.is_valid(&event["detail"]), "{page}: {:?}", schema.validate(&event["detail"]));
        assert_eq!(event["detail-type"], event["detail"]["change"], "{page}");
    }
}

/// Both pages have the same examples; a comment may be in the page's language.
#[test]
fn the_korean_page_has_the_same_examples() {
    let code = |page: &str| -> Vec<String> {
        let text = read(page);
        let lines = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        lines.filter(|line| !line.contains("// ")).map(str::to_owned).collect()
    };
    let (english, korean) = (code("docs/follow-up.md"), code("docs/follow-up.ko.md"));
    assert!(english.len() > 100);
    assert_eq!(english, korean);
}
