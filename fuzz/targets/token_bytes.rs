//! Any bytes as a token's body. The fuzzer does not have the key, so the signature check refuses every token.
#![no_main]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kakao_webhooks::auth::{KeyId, TokenRefusal, Typing, UnverifiedToken};
use kakao_webhooks_fuzz::token;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    for typing in [Typing::Required, Typing::Optional] {
        let Ok(token) = UnverifiedToken::parse(&token::delivery(body), typing) else { continue };
        let parts: Vec<_> = std::str::from_utf8(body).unwrap().trim().split('.').collect();
        let [header, _, _] = parts[..] else { panic!("not three parts") };
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert_eq!(header["alg"], "RS256");
        assert_eq!(KeyId::new(header["kid"].as_str().unwrap()).as_ref(), Some(token.key_id()));
        assert!(["jku", "jwk", "x5u", "x5c", "crit"].iter().all(|name| header.get(name).is_none()));
        assert!(typing == Typing::Optional || header["typ"].is_string());
        assert_eq!(token.verify(&token::PUBLIC_KEY).unwrap_err(), TokenRefusal::Signature);
    }
});
