//! What lies in the quarantine, read again: the kind, a space and the event's id on the first line, then what
//! came.
#![no_main]

use kakao_webhooks::{
    envelope::{Envelope, Letter, Quarantine},
    wire::{EventId, Kind, Payload, Unreadable},
};
use kakao_webhooks_fuzz::{APP_ID, line_and_rest, promises};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((line, payload)) = line_and_rest(data) else { return };
    let Some((kind, id)) = line.split_once(' ') else { return };
    let Ok(kind) = serde_json::from_value::<Kind>(Value::from(kind)) else { return };
    let quarantine = Quarantine::new(&Unreadable::Missing("user_id"), Payload::of(payload));
    let letter = Letter::Quarantined { kind, quarantine };
    let kept = Envelope { id: EventId::from_text(id), ..promises::enveloped(&APP_ID, letter) };
    promises::hold(&kept);
    let again = kept.clone().reread("user_id");
    assert_eq!((again.kind(), &again.id, again.received_at), (kept.kind(), &kept.id, kept.received_at));
    assert!(again == kept || matches!(again.letter, Letter::Event(_)));
    promises::hold(&again);
});
