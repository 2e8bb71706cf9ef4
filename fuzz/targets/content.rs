//! Fields out of a query, a form or JSON, and what the quarantine keeps of them. The first line is the method
//! and the media type.
#![no_main]

use kakao_webhooks::wire::{BotId, ChannelId, Payload, UserId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(content) = kakao_webhooks_fuzz::content(data) else { return };
    let came = if content.method == "GET" { content.query.expose().as_bytes() } else { content.body.expose() };
    let payload = content.payload();
    assert_eq!(payload.bytes().unwrap(), came, "the quarantine keeps something else");
    let stored: Payload = serde_json::from_str(&serde_json::to_string(&payload).unwrap()).unwrap();
    assert_eq!(stored, payload);
    let shown = format!("{content:?} {payload:?}");
    assert!(shown.len() < 400 + content.media_type.len() * 12, "{shown}");
    for fields in [content.fields(), content.json()].iter().flatten() {
        for name in ["a", "id", "user_id", "event"] {
            let number = fields.integer(name);
            assert!(fields.word(name).is_none_or(|word| word.chars().count() <= 128));
            assert!(fields.text(name).is_err() || fields.get(name).is_none_or(|value| value.is_string()));
            if let Ok(Some(user)) = fields.id::<UserId>(name) {
                assert_eq!(number.unwrap().unwrap().to_string(), user.digits());
            }
            let _ = (fields.flag(name), fields.object(name));
            for id in [
                fields.id::<BotId>(name).map(|id| id.map(String::from)),
                fields.id::<ChannelId>(name).map(|id| id.map(String::from)),
            ] {
                let id = id.unwrap_or_default();
                assert!(id.as_ref().is_none_or(|id| !id.contains('#') && id.len() <= 128));
                assert!(!id.is_some_and(|id| id.contains('\u{fffd}')), "an id with replaced characters");
            }
        }
    }
});
