//! Strict JSON against a reader that isn't: what `serde_json` reads is read the same, unless it has a repeated key, too
//! much nesting, or is not an object. What only the strict reader takes has half a surrogate pair or a number beyond a
//! double.
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
            assert!(lenient.as_ref().map_or_else(|| has_what_is_replaced(text), |lenient| *lenient == value));
            let again = parse_strict_json(value.to_string().as_bytes()).unwrap();
            assert_eq!(Value::Object(again), value, "another value comes out of what it was written as");
        }
        // serde_json stops at 128 levels, and at the end of a text that was refused before it.
        Err(StrictJsonError::TooDeep | StrictJsonError::DuplicateKey) => {
            assert!(lenient.is_none_or(|value| value.is_object() || value.is_array()));
        }
        Err(StrictJsonError::NotAnObject) => {
            assert!(lenient.map_or_else(|| has_what_is_replaced(text), |value| !value.is_object()));
        }
        Err(StrictJsonError::Syntax) => assert_eq!(lenient, None),
    }
});

/// An escape of a surrogate, or a number that can be beyond a double.
fn has_what_is_replaced(text: &[u8]) -> bool {
    let has = |word: &[u8]| text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    has(b"\\ud") || text.iter().any(|byte| byte.eq_ignore_ascii_case(&b'e')) || text.len() > 308
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}
