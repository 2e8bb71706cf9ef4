//! Strict JSON against a reader that isn't: what is taken is what `serde_json` reads, and what only that one
//! reads has a repeated key, too much nesting, or is no object.
#![no_main]

use kakao_webhooks::wire::{StrictJsonError, parse_strict_json};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let lenient = serde_json::from_slice::<Value>(text).ok();
    match parse_strict_json(text) {
        Ok(members) => {
            let value = Value::Object(members);
            assert!(levels(&value) <= 64);
            assert_eq!(lenient.as_ref(), Some(&value));
            let again = parse_strict_json(value.to_string().as_bytes()).unwrap();
            assert_eq!(Value::Object(again), value, "another value comes out of what it was written as");
        }
        // serde_json stops at 128 levels, and at the end of a text that was refused before it.
        Err(StrictJsonError::TooDeep | StrictJsonError::DuplicateKey) => {
            assert!(lenient.is_none_or(|value| value.is_object() || value.is_array()));
        }
        Err(StrictJsonError::NotAnObject) => assert!(lenient.is_some_and(|value| !value.is_object())),
        Err(StrictJsonError::Syntax) => assert_eq!(lenient, None),
    }
});

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}
