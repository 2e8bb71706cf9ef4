//! A message of the queue, as the processor reads it.
#![no_main]

use kakao_webhooks::envelope::Envelope;
use kakao_webhooks_fuzz::promises;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(envelope) = Envelope::decode(text) else { return };
    promises::hold(&envelope);
    let again = envelope.clone().reread("user_id");
    promises::hold(&again);
    assert_eq!(again.clone().reread("user_id"), again, "reading again changes what was read");
});
