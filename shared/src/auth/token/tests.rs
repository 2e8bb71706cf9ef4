//! Each refusal has its cause, each rule its section. Real keys, real signatures.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, Method};
use play_kakao::{Forgery, SigningKey, Token};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    auth::KeySet,
    wire::{Content, account_status::EventType},
};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("k1").unwrap());

const NOW: i64 = 1_800_000_000;

fn apps() -> Apps {
    Apps::from_json(r#"[{"app_id":"1","rest_api_keys":["r1","r2"]},{"app_id":"2","rest_api_key":"r3"}]"#).unwrap()
}

fn token() -> Token {
    Token::new("r1", "123", "jti-1", NOW, EventType::UserUnlinked.uri(), &json!({"reason": "UNLINK_FROM_APPS"}))
}

fn request(body: &str, media_type: &str) -> Unverified {
    let content = Content {
        method: Method::POST,
        query: Personal::default(),
        media_type: media_type.to_owned(),
        body: Personal::new(Bytes::copy_from_slice(body.as_bytes())),
    };
    Unverified::new(HeaderMap::new(), content)
}

fn verify(body: &str) -> Result<VerifiedToken, TokenRefusal> {
    let token = UnverifiedToken::parse(&request(body, MEDIA_TYPE), Typing::Required)?;
    let set = KeySet::from_json(play_kakao::key_set([&*KEY]).to_string().as_bytes()).unwrap();
    let key = set.get(token.key_id()).ok_or(TokenRefusal::UnknownKey)?;
    token.verify(key)?.accept(&apps(), Time::from_seconds(NOW).unwrap())
}

fn signed(change: impl FnOnce(&mut Token)) -> Result<VerifiedToken, TokenRefusal> {
    let mut token = token();
    change(&mut token);
    verify(&token.sign(&KEY).unwrap())
}

fn with_claim(name: &str, value: Value) -> Result<VerifiedToken, TokenRefusal> {
    signed(|token| {
        token.claims.insert(name.to_owned(), value);
    })
}

fn without_claim(name: &str) -> Result<VerifiedToken, TokenRefusal> {
    signed(|token| {
        token.claims.remove(name);
    })
}

fn with_header(name: &str, value: Value) -> Result<VerifiedToken, TokenRefusal> {
    signed(|token| {
        token.header.insert(name.to_owned(), value);
    })
}

fn refused(result: Result<VerifiedToken, TokenRefusal>) -> TokenRefusal {
    result.map(|_| "accepted").unwrap_err()
}

#[test]
fn a_token_of_kakao_for_our_app_is_verified() {
    let verified = signed(|_| ()).unwrap();
    assert_eq!(verified.app_id.as_str(), "1");
    assert_eq!(verified.claims.token_id, "jti-1");
    assert_eq!(verified.claims.at, Time::from_seconds(NOW).unwrap());
    assert_eq!(verified.claims.events[0].0, EventType::UserUnlinked.uri());
    assert_eq!(verified.claims.subject.unwrap().expose(), "123");
}

#[test]
fn every_forgery_is_refused_for_its_own_cause() {
    for forgery in Forgery::ALL {
        let refusal = refused(verify(&token().forge(&KEY, *forgery).unwrap()));
        assert_eq!(refusal.code(), forgery.code(), "{}: {refusal:?}", forgery.name());
    }
    for (forgery, cause) in [
        (Forgery::Signature, TokenRefusal::Signature),
        (Forgery::AlgNone, TokenRefusal::Algorithm),
        (Forgery::Hs256, TokenRefusal::Algorithm),
        (Forgery::Typ, TokenRefusal::Type),
        (Forgery::Subject, TokenRefusal::Subject),
        (Forgery::DuplicateKey, TokenRefusal::Malformed),
    ] {
        assert_eq!(refused(verify(&token().forge(&KEY, forgery).unwrap())), cause, "{}", forgery.name());
    }
}

#[test]
fn rfc_8935_2_1_the_content_type_is_that_of_a_pushed_token() {
    let text = token().sign(&KEY).unwrap();
    for media_type in ["", "application/jwt", "application/json", "application/secevent+jwtx"] {
        let refusal = UnverifiedToken::parse(&request(&text, media_type), Typing::Required).unwrap_err();
        assert_eq!(refusal, TokenRefusal::ContentType, "{media_type}");
    }
}

#[test]
fn rfc_7515_7_1_anything_but_three_base64url_parts_is_malformed() {
    let text = token().sign(&KEY).unwrap();
    let five_parts = format!("{text}.a.b");
    for body in [
        "",
        ".",
        "..",
        "a.b.c",
        "{}",
        &five_parts,
        &format!("{text}="),
        &format!("a{text}"),
        "e30.e30.",
        "\u{ff}.\u{ff}.a",
    ] {
        let refusal = refused(verify(body));
        assert!(matches!(refusal, TokenRefusal::Malformed | TokenRefusal::Algorithm), "{body}: {refusal:?}");
    }
    verify(&format!("\r\n {text} \n")).unwrap();
}

#[test]
fn rfc_8725_3_1_only_rs256_is_taken() {
    for algorithm in [json!("RS512"), json!("PS256"), json!("rs256"), json!("ES256"), json!(null), json!(["RS256"])] {
        assert_eq!(refused(with_header("alg", algorithm.clone())), TokenRefusal::Algorithm, "{algorithm}");
    }
}

#[test]
fn rfc_8725_3_10_no_token_brings_its_own_key() {
    let jwk = KEY.public_jwk();
    for (name, value) in [
        ("jku", json!("https://x")),
        ("jwk", jwk),
        ("x5u", json!("https://x")),
        ("x5c", json!([])),
        ("crit", json!(["x"])),
    ] {
        assert_eq!(refused(with_header(name, value)), TokenRefusal::ForbiddenHeader, "{name}");
    }
}

#[test]
fn rfc_8725_3_11_the_type_tells_a_token_from_every_other_jwt() {
    for accepted in ["secevent+jwt", "application/secevent+jwt", "SECEVENT+JWT", "Application/SecEvent+JWT"] {
        assert!(with_header("typ", json!(accepted)).is_ok(), "{accepted}");
    }
    for other in [json!("JWT"), json!("text/secevent+jwt"), json!(""), json!(1), json!(null)] {
        assert_eq!(refused(with_header("typ", other.clone())), TokenRefusal::Type, "{other}");
    }
    let absent = signed(|token| {
        token.header.remove("typ");
    });
    assert_eq!(refused(absent), TokenRefusal::Type);
}

#[test]
fn by_an_explicit_setting_a_token_may_say_nothing_of_its_type_but_nothing_else_either() {
    let typed = |typ: Option<Value>| {
        let mut token = token();
        token.header.remove("typ");
        token.header.extend(typ.map(|typ| ("typ".to_owned(), typ)));
        UnverifiedToken::parse(&request(&token.sign(&KEY).unwrap(), MEDIA_TYPE), Typing::Optional).map(drop)
    };
    assert_eq!(typed(None), Ok(()));
    assert_eq!(typed(Some(json!("JWT"))), Err(TokenRefusal::Type));
    assert_eq!(typed(Some(json!(null))), Err(TokenRefusal::Type));
}

#[test]
fn a_token_without_a_key_id_is_refused() {
    for kid in [json!(""), json!(1), json!(null), json!("x".repeat(257))] {
        assert_eq!(refused(with_header("kid", kid.clone())), TokenRefusal::NoKeyId, "{kid}");
    }
}

#[test]
fn rfc_8417_2_2_1_the_issuer_is_kakao_to_the_letter() {
    for issuer in [
        json!("https://kauth.kakao.com/"),
        json!("http://kauth.kakao.com"),
        json!(["https://kauth.kakao.com"]),
        json!(null),
    ] {
        assert_eq!(refused(with_claim("iss", issuer.clone())), TokenRefusal::Issuer, "{issuer}");
    }
    assert_eq!(refused(without_claim("iss")), TokenRefusal::Issuer);
}

#[test]
fn rfc_8725_3_9_the_audience_picks_the_app() {
    for (audience, app) in [(json!("r2"), "1"), (json!("r3"), "2"), (json!(["x", "r3"]), "2")] {
        assert_eq!(with_claim("aud", audience).unwrap().app_id.as_str(), app);
    }
    for audience in [json!("1"), json!(""), json!([]), json!(["x"]), json!([1]), json!(null), json!({"r1": 1})] {
        assert_eq!(refused(with_claim("aud", audience.clone())), TokenRefusal::Audience, "{audience}");
    }
}

#[test]
fn rfc_8417_2_2_4_age_never_rejects_and_no_exp_is_needed() {
    let old = signed(|token| {
        token.claims.insert("iat".into(), json!(1_000_000));
        token.claims.insert("toe".into(), json!(999_999));
        token.claims.insert("exp".into(), json!(1));
    });
    assert_eq!(old.unwrap().claims.at, Time::from_seconds(999_999).unwrap());
}

#[test]
fn the_time_of_the_event_is_not_after_the_issue_and_that_not_ahead_of_our_clock() {
    assert_eq!(refused(with_claim("toe", json!(NOW + 1))), TokenRefusal::Time);
    let issued = |ahead| with_claim("iat", json!(NOW + ahead));
    assert!(issued(300).is_ok());
    assert_eq!(refused(issued(301)), TokenRefusal::Time);
    for absent in [without_claim("toe"), with_claim("toe", json!(null))] {
        assert_eq!(absent.unwrap().claims.at, Time::from_seconds(NOW).unwrap());
    }
}

#[test]
fn rfc_7519_2_a_date_may_have_a_fraction() {
    let at = with_claim("toe", json!(1_799_999_999.25)).unwrap().claims.at;
    assert_eq!(at, Time::from_millis(1_799_999_999_250).unwrap());
    for wrong in [json!(-1.5), json!(1e300), json!(true)] {
        assert_eq!(refused(with_claim("toe", wrong.clone())), TokenRefusal::Claim, "{wrong}");
    }
}

#[test]
fn rfc_8417_2_2_a_claim_that_every_token_has_is_required() {
    for (name, wrong) in [
        ("iat", json!("1800000000")),
        ("toe", json!("x")),
        ("jti", json!(7)),
        ("jti", json!("")),
        ("events", json!([])),
        ("events", json!({})),
        ("events", json!({"uri": "x"})),
    ] {
        assert_eq!(refused(with_claim(name, wrong.clone())), TokenRefusal::Claim, "{name}: {wrong}");
    }
    for name in ["iat", "jti", "events"] {
        assert_eq!(refused(without_claim(name)), TokenRefusal::Claim, "{name}");
    }
}

#[test]
fn rfc_9493_all_parts_agree_on_the_subject() {
    let subject_is = |subject: Value| with_claim("events", json!({EventType::UserLinked.uri(): subject}));
    let issuer = "https://kauth.kakao.com";
    for agreeing in [
        json!({}),
        json!({"subject": {"subject_type": "iss-sub", "iss": issuer, "sub": "123"}}),
        json!({"sub_id": {"format": "iss_sub", "iss": issuer, "sub": "123"}}),
        json!({"subject": {"sub": 123}}),
        json!(null),
    ] {
        assert!(subject_is(agreeing.clone()).is_ok(), "{agreeing}");
    }
    for other in [
        json!({"subject": {"sub": "124"}}),
        json!({"sub_id": {"sub": "124"}}),
        json!({"subject": {"sub": 124}}),
        json!({"subject": {"iss": "https://x", "sub": "123"}}),
    ] {
        assert_eq!(refused(subject_is(other.clone())), TokenRefusal::Subject, "{other}");
    }
    assert_eq!(refused(with_claim("sub_id", json!({"sub": "124"}))), TokenRefusal::Subject);
}

#[test]
fn several_events_are_all_read() {
    let several = with_claim("events", json!({EventType::UserLinked.uri(): {}, "https://example.com/new": {"x": 1}}));
    assert_eq!(several.unwrap().claims.events.len(), 2);
}

#[test]
fn what_the_sender_is_told_never_shows_the_token_or_the_configuration() {
    for refusal in [TokenRefusal::Audience, TokenRefusal::Issuer, TokenRefusal::UnknownKey, TokenRefusal::Subject] {
        let told = format!("{} {}", refusal.code(), refusal.description());
        for hidden in ["r1", "r2", "123", "jti", "k1"] {
            assert!(!told.contains(hidden), "{told}");
        }
    }
}

#[test]
fn no_debug_output_shows_a_token() {
    let text = token().sign(&KEY).unwrap();
    let unverified = UnverifiedToken::parse(&request(&text, MEDIA_TYPE), Typing::Required).unwrap();
    let shown = format!("{unverified:?} {:?}", verify(&text).unwrap().claims);
    assert!(!shown.contains("UNLINK_FROM_APPS") && !shown.contains(text.split('.').nth(1).unwrap()), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_byte_of_a_token_can_be_changed_unnoticed(index in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let text = token().sign(&KEY).unwrap();
        let mut bytes = text.clone().into_bytes();
        let at = index.index(bytes.len());
        bytes[at] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        if let Ok(verified) = verify(&changed) {
            // White space at an end is no part of the token.
            prop_assert_eq!(changed.trim(), text.as_str());
            prop_assert_eq!(verified.claims.token_id, "jti-1");
        }
    }

    #[test]
    fn no_bytes_make_the_verifier_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = verify(&String::from_utf8_lossy(&bytes));
    }
}

mod changed_claims;
