//! Tokens that Kakao's key signed, whatever they say: the header on the first line, then the claims.
#![no_main]

use std::collections::BTreeSet;

use kakao_webhooks::{
    auth::{TokenRefusal, Typing, UnverifiedToken},
    envelope::{Event, Letter, events_of_token},
    wire::Time,
};
use kakao_webhooks_fuzz::{APPS, promises, service, token};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let Some(signed) = token::sign(text) else { return };
    let Ok(unverified) = UnverifiedToken::parse(&token::delivery(signed.as_bytes()), Typing::Required) else { return };
    let claims = text.splitn(2, |byte| *byte == b'\n').nth(1).unwrap();
    let lenient = serde_json::from_slice::<Value>(claims).ok();
    let token = match unverified.verify(&token::PUBLIC_KEY) {
        Ok(token) => token,
        Err(refusal) => return assert_eq!(refusal, TokenRefusal::Malformed),
    };
    let claims = lenient.unwrap();
    let now = Time::from_seconds(1_800_000_000).unwrap();
    let Ok(token) = token.accept(&APPS, now) else { return };
    assert_eq!(claims["iss"], "https://kauth.kakao.com");
    let names =
        |key: &str| claims["aud"] == key || claims["aud"].as_array().is_some_and(|list| list.contains(&key.into()));
    let key =
        if token.app_id.as_str() == service::APP_ID { service::REST_API_KEY } else { service::OTHER_REST_API_KEY };
    assert!(names(key), "accepted for an app that it doesn't name");
    assert_eq!(claims["jti"], token.claims.token_id.as_str());
    assert!(token.claims.at.millis_since(now) <= 300_000);
    let events = events_of_token(&token.claims, &token.app_id);
    let ids: BTreeSet<_> = events.iter().map(|event| &event.id).collect();
    assert!(!events.is_empty() && ids.len() == events.len(), "two events of a token have one id");
    for event in events.into_iter().filter_map(|event| event.event.ok()) {
        let subject = token.claims.subject.as_ref().unwrap().expose();
        assert_eq!(
            subject.as_str().map_or_else(|| subject.to_string(), str::to_owned).trim_start_matches('0'),
            event.user_id.digits()
        );
        promises::hold(&promises::enveloped(&token.app_id, Letter::Event(Event::AccountStatus(event))));
    }
});
