//! One member of a token's `events`: its URI on the first line, then its object.
#![no_main]

use kakao_webhooks::{
    envelope::{Event, Letter},
    state::effects_of_security_event,
    wire::{
        Time, UserId,
        account_status::{AccountStatus, EventType, SecurityEvent},
        parse_strict_json,
    },
};
use kakao_webhooks_fuzz::{APP_ID, line_and_rest, promises};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((uri, object)) = line_and_rest(data) else { return };
    let Ok(members) = parse_strict_json(object) else { return };
    let is_unknown = EventType::of_uri(uri).known_name().is_none();
    let event = SecurityEvent::read(uri, members);
    assert!(!is_unknown || event.is_ok(), "an unknown event is refused");
    let Ok(event) = event else { return };
    assert_eq!(event.event_type().uri(), uri);
    assert!(!is_unknown || effects_of_security_event(&event).is_empty(), "an unknown event does something");
    let at = Time::from_seconds(1_740_700_000).unwrap();
    let status = AccountStatus { user_id: UserId::new(7).unwrap(), at, event };
    promises::hold(&promises::enveloped(&APP_ID, Letter::Event(Event::AccountStatus(status))));
});
