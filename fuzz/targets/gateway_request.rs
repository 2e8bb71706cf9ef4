//! Any request, by way of the gateway and with tokens signed: an answer always, a 2xx only for what is safe,
//! nothing queued of what isn't proven.
#![no_main]

use kakao_webhooks_fuzz::{function, request_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    if let Some((event, is_signed)) = request_text::event(text) {
        function::check(&event.to_string(), is_signed);
    }
});
