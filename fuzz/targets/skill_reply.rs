//! A skill's payload and the reply to it, as Kakao takes one.
#![no_main]

use kakao_webhooks::{
    skill::{Echo, MAX_REPLY_BYTES, Responder, respond},
    wire::skill::SkillPayload,
};
use kakao_webhooks_fuzz::content;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some(Ok(body)) = content(data).map(|content| content.json()) else { return };
    let payload = SkillPayload::read(body);
    let built = Echo.reply(&payload).build();
    assert!(built.is_ok(), "an echo that Kakao doesn't take: {built:?}");
    let reply = respond(&Echo, &payload).into_json();
    assert!(reply.len() <= MAX_REPLY_BYTES, "more than Kakao takes");
    let reply: Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(reply["version"], "2.0");
    let text = reply.pointer("/template/outputs/0/simpleText/text").and_then(Value::as_str).unwrap();
    assert!((1..=1_000).contains(&text.chars().count()));
    assert!(payload.user_request.words().is_none_or(|words| words.starts_with(text)), "other words than the user's");
});
