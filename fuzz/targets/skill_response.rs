//! A chatbot's answer that something else wrote: an answerer, a file of rules.
#![no_main]

use kakao_webhooks::skill::{MAX_REPLY_BYTES, Place, SkillResponse};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    for place in [Place::Chat, Place::Room] {
        let Ok(response) = SkillResponse::from_json(text, place) else { continue };
        assert!(response.as_json().len() <= MAX_REPLY_BYTES, "more than Kakao takes");
        let reply: Value = serde_json::from_str(response.as_json()).unwrap();
        assert_eq!(reply["version"], "2.0");
        assert_eq!(
            SkillResponse::from_json(response.as_json(), place).as_ref(),
            Ok(&response),
            "read again, it differs"
        );
        let bubbles = reply.pointer("/template/outputs").and_then(Value::as_array).map_or(0, Vec::len);
        assert!(bubbles <= 3, "more bubbles than Kakao takes");
    }
});
