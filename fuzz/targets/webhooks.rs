//! Each webhook's reader: whatever it makes of a content travels, and is what it was. The first line is the
//! webhook, the method and the media type.
#![no_main]

use kakao_webhooks::{
    envelope::{Event, Letter, Quarantine},
    wire::{Kind, skill::SkillRequest, talk_channel::TalkChannel, talk_share::TalkShare, unlink::Unlink},
};
use kakao_webhooks_fuzz::{APP_ID, content, promises};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(space) = data.iter().take(16).position(|byte| *byte == b' ') else { return };
    let Some(content) = content(&data[space + 1..]) else { return };
    let (kind, read) = match &data[..space] {
        b"unlink" => (Kind::Unlink, Unlink::read(&content, &APP_ID).map(Event::Unlink)),
        b"share" => (Kind::TalkShare, TalkShare::read(&content, "user_id").map(Event::TalkShare)),
        b"channel" => (Kind::TalkChannel, TalkChannel::read(&content).map(Event::TalkChannel)),
        b"skill" => (Kind::Skill, content.json().and_then(|payload| SkillRequest::read(&payload)).map(Event::from)),
        _ => return,
    };
    let letter = match read {
        Ok(event) => Letter::Event(event),
        Err(why) => Letter::Quarantined { kind, quarantine: Quarantine::new(&why, content.payload()) },
    };
    let is_small = data.len() <= 40_000;
    let envelope = promises::enveloped(&APP_ID, letter);
    assert!(!is_small || envelope.encode().is_ok(), "an authentic event that nothing takes");
    promises::hold(&envelope);
});
