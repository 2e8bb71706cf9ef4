//! Any event of the gateway, as the runtime passes it on.
#![no_main]

use kakao_webhooks_fuzz::function;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|event: &[u8]| {
    if let Ok(event) = std::str::from_utf8(event) {
        function::check(event, false);
    }
});
