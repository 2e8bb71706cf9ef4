//! The document of a chatbot's rules: mistakes have places, and rules that are in order answer every message in a form
//! that Kakao takes.
#![no_main]

use kakao_webhooks::{
    skill::{MAX_REPLY_BYTES, Place, RuleSet, Rules, SkillResponse, Validation},
    wire::skill::SkillPayload,
};
use kakao_webhooks_fuzz::content;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    // The document, and behind it the words of a message.
    let (document, words) = text.split_once('\n').unwrap_or((text, ""));
    let rules = match Rules::from_json(document) {
        Ok(rules) => rules,
        Err(invalid) => {
            assert!(!invalid.0.is_empty(), "no mistake");
            return assert!(invalid.0.iter().all(|mistake| !mistake.to_string().is_empty()));
        }
    };
    let _ = rules.remarks();
    for chat in [json!(null), json!({"type": "botGroupKey"})] {
        let place = if chat.is_null() { Place::Chat } else { Place::Room };
        let payload: SkillPayload =
            serde_json::from_value(json!({"userRequest": {"utterance": words, "chat": chat}})).unwrap();
        let Some(reply) = rules.answer(&payload) else { continue };
        assert!(reply.as_json().len() <= MAX_REPLY_BYTES, "more than Kakao takes");
        assert!(SkillResponse::from_json(reply.as_json(), place).is_ok(), "a reply that its place doesn't take");
    }
    if let Some(Ok(body)) = content(data).map(|content| content.json()) {
        let _ = rules.validate(&Validation::read(&body));
    }
});
