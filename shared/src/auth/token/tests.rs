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
    wire::{Content, Time, account_status::EventType},
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

fn at(seconds: i64) -> Time {
    Time::from_seconds(seconds).unwrap()
}

fn verify(body: &str) -> Result<VerifiedToken, TokenRefusal> {
    let token = UnverifiedToken::parse(&request(body, MEDIA_TYPE), Typing::Required)?;
    let set = KeySet::from_json(play_kakao::key_set([&*KEY]).to_string().as_bytes()).unwrap();
    let key = set.get(token.key_id()).ok_or(TokenRefusal::UnknownKey)?;
    token.verify(key)?.accept(&apps())
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

fn claims_of(result: Result<VerifiedToken, TokenRefusal>) -> Claims {
    result.unwrap().claims.unwrap()
}

/// When it happened, of a token that is received now.
fn happened(result: Result<VerifiedToken, TokenRefusal>) -> Result<Time, Unreadable> {
    claims_of(result).at(at(NOW))
}

#[test]
fn a_token_of_kakao_for_our_app_is_verified() {
    let verified = signed(|_| ()).unwrap();
    assert_eq!(verified.app_id.unwrap().as_str(), "1");
    let claims = verified.claims.unwrap();
    assert_eq!(claims.token_id.as_deref(), Ok("jti-1"));
    assert_eq!(claims.at(at(NOW)), Ok(at(NOW)));
    assert_eq!(claims.events.unwrap()[0].0, EventType::UserUnlinked.uri());
    assert_eq!(claims.subject.unwrap().expose(), "123");
}

#[test]
fn every_forgery_is_refused_for_its_own_cause_and_nothing_else_that_kakao_signed_for_us_is() {
    for forgery in Forgery::ALL {
        let outcome = verify(&token().forge(&KEY, *forgery).unwrap());
        assert_eq!(outcome.err().map(TokenRefusal::code), forgery.code(), "{}", forgery.name());
    }
    for (forgery, cause) in [
        (Forgery::Signature, TokenRefusal::Signature),
        (Forgery::AlgNone, TokenRefusal::Algorithm),
        (Forgery::Hs256, TokenRefusal::Algorithm),
        (Forgery::Typ, TokenRefusal::Type),
    ] {
        assert_eq!(refused(verify(&token().forge(&KEY, forgery).unwrap())), cause, "{}", forgery.name());
    }
}

#[test]
fn signed_claims_that_are_no_json_are_a_token_of_no_app() {
    for forgery in [Forgery::DuplicateKey, Forgery::TrailingData] {
        let token = verify(&token().forge(&KEY, forgery).unwrap()).unwrap();
        assert_eq!((token.app_id, token.claims.unwrap_err().code()), (None, "json"), "{}", forgery.name());
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
fn rfc_8725_3_1_only_rs256_is_accepted() {
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
fn rfc_8725_3_11_the_type_distinguishes_a_token_from_every_other_jwt() {
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
    for (audience, app) in [(json!("r2"), "1"), (json!("r3"), "2"), (json!(["x", "r3"]), "2"), (json!([1, "r3"]), "2")]
    {
        assert_eq!(with_claim("aud", audience).unwrap().app_id.unwrap().as_str(), app);
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
    assert_eq!(happened(old), Ok(at(999_999)));
}

#[test]
fn clocks_may_differ_by_five_minutes_and_an_event_of_another_time_has_its_own_reason() {
    for ahead in [1, 300] {
        assert_eq!(happened(with_claim("toe", json!(NOW + ahead))), Ok(at(NOW + ahead)));
        assert_eq!(happened(with_claim("iat", json!(NOW + ahead))), Ok(at(NOW)));
    }
    for much in [301, 1_000_000] {
        assert_eq!(happened(with_claim("toe", json!(NOW + much))), Err(Unreadable::AfterIssue));
        assert_eq!(happened(with_claim("iat", json!(NOW + much))), Err(Unreadable::FutureTime));
    }
    for absent in [without_claim("toe"), with_claim("toe", json!(null))] {
        assert_eq!(happened(absent), Ok(at(NOW)));
    }
}

#[test]
fn a_token_from_the_future_can_be_read_once_that_has_come() {
    let claims = claims_of(with_claim("iat", json!(NOW + 1_000)));
    assert_eq!((claims.at(at(NOW)), claims.at(at(NOW + 700))), (Err(Unreadable::FutureTime), Ok(at(NOW))));
}

#[test]
fn rfc_7519_2_a_date_is_in_seconds_and_may_have_a_fraction() {
    let fraction = happened(with_claim("toe", json!(1_799_999_999.25)));
    assert_eq!(fraction, Ok(Time::from_millis(1_799_999_999_250).unwrap()));
    for wrong in [json!(-1.5), json!(1e300), json!(true), json!(NOW * 1_000), json!("1800000000")] {
        assert_eq!(happened(with_claim("toe", wrong.clone())), Err(Unreadable::Shape("toe")), "{wrong}");
        assert_eq!(happened(with_claim("iat", wrong.clone())), Err(Unreadable::Shape("iat")), "{wrong}");
    }
    for absent in [without_claim("iat"), with_claim("iat", json!(null))] {
        assert_eq!(happened(absent), Err(Unreadable::Missing("iat")));
    }
}

#[test]
fn rfc_8417_2_2_a_claim_that_every_token_has_is_missed_and_costs_no_other() {
    let with = |name, value: Value| claims_of(with_claim(name, value));
    for (id, why) in [
        (json!(7), Unreadable::Shape("jti")),
        (json!(""), Unreadable::Missing("jti")),
        (json!("jti-\u{fffd}"), Unreadable::FieldEncoding("jti")),
    ] {
        assert_eq!(with("jti", id).token_id, Err(why));
    }
    for (events, why) in [
        (json!([]), Unreadable::Shape("events")),
        (json!({}), Unreadable::Missing("events")),
        (json!(null), Unreadable::Missing("events")),
    ] {
        let claims = with("events", events);
        assert_eq!((claims.events.err(), claims.token_id.as_deref()), (Some(why), Ok("jti-1")));
    }
    assert_eq!(claims_of(without_claim("jti")).token_id, Err(Unreadable::Missing("jti")));
    assert_eq!(claims_of(without_claim("events")).events.err(), Some(Unreadable::Missing("events")));
}

/// Whom a token names whose claims have these members instead of `sub` and `events`.
fn named(uri: &str, event: &Value, more: &Value) -> Result<Value, Unreadable> {
    let token = signed(|token| {
        token.claims.remove("sub");
        token.claims.insert("events".to_owned(), json!({uri: event}));
        token.claims.extend(more.as_object().unwrap().clone());
    });
    claims_of(token).subject.map(Personal::into_inner)
}

#[test]
fn rfc_9493_all_parts_agree_on_the_subject() {
    let with_sub = |event: Value, more: Value| {
        let mut claims = json!({"sub": "123"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        named(EventType::UserLinked.uri(), &event, &claims)
    };
    for agreeing in [
        json!({}),
        json!({"subject": {"subject_type": "iss-sub", "iss": ISSUER, "sub": "123"}}),
        json!({"sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "123"}}),
        json!({"subject": {"sub": 123}}),
        json!({"subject": {"format": "opaque", "id": "124"}}),
        json!({"sub_id": {"format": "aliases", "identifiers": [{"iss": "https://x", "sub": "9"}, {"iss": ISSUER, "sub": "123"}]}}),
        json!(null),
    ] {
        assert_eq!(with_sub(agreeing.clone(), json!({})), Ok(json!("123")), "{agreeing}");
    }
    for other in [
        json!({"subject": {"sub": "124"}}),
        json!({"sub_id": {"sub": "124"}}),
        json!({"token_subject": {"sub": "124"}}),
        json!({"subject": {"sub": 124}}),
        json!({"subject": {"iss": "https://x", "sub": "123"}}),
        json!({"subject": {"format": "complex", "user": {"iss": ISSUER, "sub": "124"}}}),
        json!({"subject": {"format": "aliases", "identifiers": [{"sub": "123"}, {"sub": "124"}]}}),
    ] {
        assert_eq!(with_sub(other.clone(), json!({})), Err(Unreadable::OtherSubject), "{other}");
    }
    assert_eq!(with_sub(json!({}), json!({"sub_id": {"sub": "124"}})), Err(Unreadable::OtherSubject));
}

#[test]
fn rfc_9493_3_2_the_user_is_found_in_every_form_and_place() {
    let iss_sub = json!({"format": "iss_sub", "iss": ISSUER, "sub": "7"});
    let email = json!({"format": "email", "email": "a@example.com"});
    for form in [
        iss_sub.clone(),
        json!({"subject_type": "iss-sub", "iss": ISSUER, "sub": "7"}),
        json!({"format": "aliases", "identifiers": [email, {"format": "opaque", "id": "8"}, iss_sub]}),
        json!({"format": "aliases", "identifiers": [{"iss": "https://x", "sub": "8"}, iss_sub]}),
        json!({"format": "complex", "user": iss_sub, "device": {"format": "opaque", "id": "9"}}),
        json!({"user": {"format": "aliases", "identifiers": [iss_sub]}}),
    ] {
        let revoked = EventType::TokensRevoked;
        for place in ["subject", "sub_id", "token_subject"] {
            assert_eq!(named(revoked.uri(), &json!({place: form}), &json!({})), Ok(json!("7")), "{place}: {form}");
        }
        assert_eq!(named(revoked.uri(), &json!({}), &json!({"sub_id": form})), Ok(json!("7")), "{form}");
    }
}

#[test]
fn a_user_that_is_not_an_object_does_not_hide_a_sub() {
    for user in [json!("8"), json!(null), json!([]), json!([{"sub": "8"}]), json!(8), json!(true)] {
        let subject = json!({"subject": {"iss": ISSUER, "sub": "7", "user": user}});
        let linked = EventType::UserLinked.uri();
        assert_eq!(named(linked, &subject, &json!({})), Ok(json!("7")), "{user}");
        assert_eq!(named(linked, &subject, &json!({"sub": "9"})), Err(Unreadable::OtherSubject), "{user}");
        assert_eq!(
            named(linked, &json!({"subject": {"user": user}}), &json!({})),
            Err(Unreadable::NoSubject),
            "{user}"
        );
    }
}

#[test]
fn no_part_of_a_subject_hides_its_sub() {
    let linked = EventType::UserLinked.uri();
    for more in
        [json!({"user": {}}), json!({"user": {"format": "email", "email": "a@b.c"}}), json!({"identifiers": []})]
    {
        let mut subject = json!({"iss": ISSUER, "sub": "8"});
        subject.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        let event = json!({"subject": subject});
        assert_eq!(named(linked, &event, &json!({"sub": "7"})), Err(Unreadable::OtherSubject), "{event}");
        assert_eq!(named(linked, &event, &json!({"sub": "8"})), Ok(json!("8")), "{event}");
        assert_eq!(named(linked, &event, &json!({})), Ok(json!("8")), "{event}");
    }
}

#[test]
fn an_event_that_names_no_user_has_no_subject() {
    let opaque = json!({"format": "opaque", "id": "7"});
    for (uri, event, more) in [
        (EventType::TokensRevoked.uri(), json!({}), json!({})),
        (EventType::TokensRevoked.uri(), json!(null), json!({"sub_id": {"format": "opaque", "id": "stream"}})),
        (EventType::TokenRevoked.uri(), json!({"subject": {"subject_type": "oauth_token", "token": "7"}}), json!({})),
        (EventType::UserLinked.uri(), json!({"subject": [7], "sub_id": {"identifiers": {"sub": "7"}}}), json!({})),
        ("https://example.com/new", json!({"subject": opaque}), json!({"sub_id": opaque})),
        (EventType::UserUnlinked.uri(), json!({"subject": opaque}), json!({"sub_id": opaque})),
        (EventType::UserUnlinked.uri(), json!({"subject": {"subject_type": "opaque", "id": 7}}), json!({})),
        (EventType::UserUnlinked.uri(), json!({"subject": {"user": opaque}}), json!({})),
        (EventType::UserUnlinked.uri(), json!({}), json!({"sub_id": {"identifiers": [opaque]}})),
    ] {
        assert_eq!(named(uri, &event, &more), Err(Unreadable::NoSubject), "{uri} {event} {more}");
    }
}

#[test]
fn no_token_of_an_event_is_kept_in_clear_or_encoded() {
    let secret = "73616D706C652D746F6B656E";
    let revoked = Token::new(
        "r1",
        "123",
        "jti-1",
        NOW,
        EventType::TokenRevoked.uri(),
        &json!({
            "subject": {"subject_type": "oauth_token", "token_identifier_alg": "plain", "token": secret},
            "token_subject": {"iss": ISSUER, "sub": "123"}, "token_identifier": secret,
        }),
    );
    let text = revoked.sign(&KEY).unwrap();
    let request = request(&text, MEDIA_TYPE);
    let proven = request.proven_by_token(verify(&text).unwrap());
    let kept = std::str::from_utf8(proven.content.body.expose()).unwrap().to_owned();
    let claims = String::from_utf8(decode(kept.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert!(
        !claims.contains(secret) && kept.ends_with('.') && !kept.contains(text.rsplit('.').next().unwrap()),
        "{claims}"
    );
    let events = proven.proof.claims.clone().unwrap().events.unwrap();
    assert!(!events[0].1.to_string().contains(secret), "{events:?}");
    let again = Claims::of_kept_token(&proven.content).unwrap();
    assert_eq!((again.at(at(NOW)), again.events.unwrap()), (Ok(at(NOW)), events));
    assert_eq!(again.subject.unwrap().expose(), "123");
}

#[test]
fn a_token_without_such_a_member_is_kept_as_it_came() {
    let text = token().sign(&KEY).unwrap();
    let proven = request(&text, MEDIA_TYPE).proven_by_token(verify(&text).unwrap());
    assert_eq!(proven.content.body.expose(), text.as_bytes());
}

#[test]
fn several_events_are_all_read() {
    let several = with_claim("events", json!({EventType::UserLinked.uri(): {}, "https://example.com/new": {"x": 1}}));
    assert_eq!(claims_of(several).events.unwrap().len(), 2);
}

#[test]
fn the_error_response_never_shows_the_token_or_the_configuration() {
    for refusal in [TokenRefusal::Audience, TokenRefusal::Issuer, TokenRefusal::UnknownKey, TokenRefusal::Signature] {
        let shown = format!("{} {}", refusal.code(), refusal.description());
        for hidden in ["r1", "r2", "123", "jti", "k1"] {
            assert!(!shown.contains(hidden), "{shown}");
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
            prop_assert_eq!(verified.claims.unwrap().token_id.unwrap(), "jti-1");
        }
    }

    #[test]
    fn no_bytes_make_the_verifier_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = verify(&String::from_utf8_lossy(&bytes));
    }
}

mod changed_claims;
