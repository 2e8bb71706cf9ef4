//! The laws of merging, over any three stored states, each on a line as JSON.
#![no_main]

use kakao_webhooks::state::{BotUser, State, UserState};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    laws::<UserState>(text);
    laws::<BotUser>(text);
});

fn laws<S: State + std::fmt::Debug>(text: &[u8]) {
    let states: Vec<S> = text
        .splitn(3, |byte| *byte == b'\n')
        .map_while(|line| match serde_json::from_slice(line) {
            Ok(Value::Object(members)) => S::from_members(members).ok(),
            _ => None,
        })
        .map(|(state, _)| state)
        .collect();
    let (Some(one), Some(last)) = (states.first(), states.last()) else { return };
    let two = states.get(1).unwrap_or(one);
    let merged = |one: &S, other: &S| {
        let mut one = one.clone();
        one.merge(other.clone());
        one
    };
    assert_eq!(merged(one, one), *one, "not idempotent");
    assert_eq!(merged(one, two), merged(two, one), "not commutative");
    assert_eq!(merged(&merged(one, two), last), merged(one, &merged(two, last)), "not associative");
}
