//! The document of the key endpoint: a bad key is skipped singly, and no key panics when it is used.
#![no_main]

use kakao_webhooks::auth::{KeyId, KeySet};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &[u8]| {
    let Ok(set) = KeySet::from_json(text) else { return };
    // Half a character or a huge number costs no set, and no other reader takes it.
    let Ok(mut document) = serde_json::from_slice::<Value>(text) else { return };
    let keys = document["keys"].as_array_mut().unwrap();
    let mut usable = 0;
    for key in keys.iter() {
        let id = key["kid"].as_str().and_then(KeyId::new);
        if let Some(key) = id.and_then(|id| set.get(&id)) {
            usable += 1;
            assert!(!key.verifies(b"message", &[1; 256]), "an invalid signature");
        }
    }
    assert!(usable > 0, "a set without a key");
    let padded: Vec<Value> = keys.iter().map(with_padding).collect();
    let sloppy = json!({"keys": padded});
    assert_eq!(KeySet::from_json(sloppy.to_string().as_bytes()).as_ref(), Ok(&set), "padding makes another key");
    keys.extend([json!(null), json!({"kty": "RSA", "kid": "bad", "n": "!", "e": "AQAB"})]);
    assert_eq!(KeySet::from_json(document.to_string().as_bytes()), Ok(set), "a bad key costs a good one");
});

/// The key with the padding that its numbers must not have, in the other alphabet.
fn with_padding(key: &Value) -> Value {
    let mut key = key.clone();
    for name in ["n", "e"] {
        if let Some(number) = key.get(name).and_then(Value::as_str) {
            key[name] = Value::from(number.replace('-', "+").replace('_', "/") + "==");
        }
    }
    key
}
