//! `infra/examples/published.json`: samples for consumers, one of each change that the publisher publishes.

use std::{collections::BTreeMap, fs};

use end_to_end::binaries::workspace;
use serde_json::{Value, json};

const FILE: &str = "infra/examples/published.json";
const FIX: &str = "WRITE_DOCS=1 cargo test -p end-to-end --test bus samples";

/// The version of the first sample; each further one has the next.
const FIRST_VERSION: u64 = 1_772_334_001_000;

/// The published changes of the snapshot, with the members that differ each time.
fn samples() -> Vec<Value> {
    let snapshot = fs::read_to_string(workspace().join("tests/snapshots/published.snap")).unwrap();
    let published = snapshot.splitn(3, "---\n").last().unwrap();
    let published: BTreeMap<String, Vec<Value>> = serde_json::from_str(published).unwrap();
    published.into_values().flatten().zip(FIRST_VERSION..).map(|(detail, version)| complete(detail, version)).collect()
}

fn complete(mut detail: Value, version: u64) -> Value {
    let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    let id = format!("{}:{}{}:{version}", text("app_id"), text("user_id"), text("open_id"));
    detail["id"] = json!(id);
    detail["version"] = json!(version);
    detail["written_at"] = json!("2026-03-01T03:00:01.000Z");
    detail["state"]["version"] = json!(version);
    detail
}

#[test]
fn the_samples_for_consumers_are_what_is_published() {
    let lines: Vec<String> = samples().iter().map(Value::to_string).collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(workspace().join(FILE), &text).unwrap();
    }
    assert!(fs::read_to_string(workspace().join(FILE)).unwrap() == text, "{FILE} is out of date. To write it: {FIX}");
}

#[test]
fn the_samples_for_consumers_fit_the_schema() {
    let schema = fs::read_to_string(workspace().join("infra/schemas/user-changed.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for sample in samples() {
        assert!(schema.is_valid(&sample), "{sample}: {:?}", schema.validate(&sample));
    }
}
