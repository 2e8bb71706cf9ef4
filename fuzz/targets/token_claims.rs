//! Tokens that Kakao's key signed, whatever they say: the header on the first line, then the claims.
#![no_main]

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kakao_webhooks::{
    auth::{TokenRefusal, Typing, UnverifiedToken},
    envelope::{Event, Letter, Quarantine, events_of_token},
    wire::{EventId, Kind, Payload, Time, parse_strict_json},
};
use kakao_webhooks_fuzz::{APPS, promises, service, token};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const ISSUER: &str = "https://kauth.kakao.com";

fuzz_target!(|text: &[u8]| {
    let Some(signed) = token::sign(text) else { return };
    let request = token::delivery(signed.as_bytes());
    let Ok(unverified) = UnverifiedToken::parse(&request, Typing::Required) else { return };
    let text = text.splitn(2, |byte| *byte == b'\n').nth(1).unwrap();
    let said = parse_strict_json(text).map(Value::Object);
    let token = match unverified.verify(&token::PUBLIC_KEY).unwrap().accept(&APPS) {
        Ok(token) => token,
        // Only what is for another receiver is refused.
        Err(refusal) => {
            let said = said.unwrap();
            let is_ours = |key| names(&said, key);
            let is_for_us = is_ours(service::REST_API_KEY) || is_ours(service::OTHER_REST_API_KEY);
            return match refusal {
                TokenRefusal::Issuer => assert_ne!(said["iss"], ISSUER),
                TokenRefusal::Audience => assert!(!is_for_us),
                other => panic!("{other}"),
            };
        }
    };
    let (app_id, claims) = (token.app_id.clone(), token.claims.clone());
    // What is kept of it says the same.
    let kept = request.proven_by_token(token).content.payload();
    let Ok(claims) = claims else { return assert!(said.is_err() && app_id.is_none()) };
    let (said, app_id) = (said.unwrap(), app_id.unwrap());
    assert_eq!(said["iss"], ISSUER);
    let key = if app_id.as_str() == service::APP_ID { service::REST_API_KEY } else { service::OTHER_REST_API_KEY };
    assert!(names(&said, key), "accepted for an app that it doesn't name");
    assert!(claims.token_id.as_ref().is_ok_and(|id| said["jti"] == *id) || claims.token_id.is_err());
    let now = Time::from_seconds(1_800_000_000).unwrap();
    assert!(claims.at(now).is_ok_and(|at| at.millis_since(now) <= 600_000) || claims.at(now).is_err());
    let events = events_of_token(&claims, &app_id, now, &EventId::from_text("delivery"));
    let ids: BTreeSet<_> = events.iter().map(|event| &event.id).collect();
    assert!(!events.is_empty() && ids.len() == events.len(), "two events of a token have one id");
    for event in events {
        let letter = match event.event {
            Ok(status) => {
                let subject = claims.subject.as_ref().unwrap().expose();
                let digits = subject.as_str().map_or_else(|| subject.to_string(), str::to_owned);
                assert_eq!(digits.trim_start_matches('0'), status.user_id.digits());
                Letter::Event(Event::AccountStatus(status))
            }
            Err(why) => {
                Letter::Quarantined { kind: Kind::AccountStatus, quarantine: Quarantine::new(&why, kept.clone()) }
            }
        };
        let envelope = promises::enveloped(&app_id, letter);
        promises::hold(&envelope);
    }
    assert!(!kept_names_a_token(&kept), "a token in an event is kept");
});

fn names(claims: &Value, key: &str) -> bool {
    claims["aud"] == key || claims["aud"].as_array().is_some_and(|list| list.contains(&key.into()))
}

/// Whether a member that is called a token has a text of its own left.
fn kept_names_a_token(kept: &Payload) -> bool {
    let bytes = kept.bytes().unwrap();
    let claims = bytes.split(|byte| *byte == b'.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    has_token(&Value::Object(parse_strict_json(&claims.unwrap()).unwrap()))
}

fn has_token(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().any(|(name, member)| {
            let is_clear = member.as_str().is_some_and(|text| text.chars().any(|character| character != '*'));
            (["token", "token_identifier"].contains(&name.as_str()) && is_clear) || has_token(member)
        }),
        Value::Array(list) => list.iter().any(has_token),
        _ => false,
    }
}
