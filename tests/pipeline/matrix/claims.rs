//! Steps 8 to 13: what a token must say that Kakao signed.

use end_to_end::service::{APP_ID, OTHER_APP_ID, OTHER_REST_API_KEY, REST_API_KEY};
use serde_json::{Map, Value, json};

use super::rows::{
    AUDIENCE, ExpectedResult, ISSUER, MISSING, Make, NO_SUBJECT, OTHER_SUBJECT, Row, SHAPE, quarantined, taken,
};
use crate::kakao::{KAKAO, MIDNIGHT, OAUTH, RISC};

const KAUTH: &str = "https://kauth.kakao.com";
const USER: &str = "3142859300";

pub(super) fn rows(make: &Make<'_>) -> Vec<Row> {
    let rows = [issuer(make), audience(make), required(make), times(make), events(make), subjects(make), content(make)];
    rows.into_iter().flatten().collect()
}

/// Each value of a claim; `None` is a claim that isn't there.
fn each(make: &Make<'_>, claim: &str, expected: ExpectedResult, values: impl IntoIterator<Item = Value>) -> Vec<Row> {
    values.into_iter().map(|value| make.claim(claim, Some(value), expected)).collect()
}

fn issuer(make: &Make<'_>) -> Vec<Row> {
    let others =
        ["", "https://kauth.kakao.com/", "HTTPS://KAUTH.KAKAO.COM", "http://kauth.kakao.com", "kauth.kakao.com"];
    let mut rows = each(make, "iss", ISSUER, others.map(Value::from));
    let more = [json!(" https://kauth.kakao.com"), json!([KAUTH]), json!({"iss": KAUTH}), json!(null), json!(1)];
    rows.extend(each(make, "iss", ISSUER, more));
    rows.push(make.claim("iss", None, ISSUER));
    rows
}

fn audience(make: &Make<'_>) -> Vec<Row> {
    let ours =
        [json!([REST_API_KEY]), json!(["x", OTHER_REST_API_KEY]), json!(OTHER_REST_API_KEY), json!([1, REST_API_KEY])];
    let mut rows = each(make, "aud", taken(1), ours);
    // Neither an app's number, nor a key in another spelling, nor a value that is not text.
    let others =
        [json!(""), json!(APP_ID), json!("another"), json!(REST_API_KEY.to_uppercase()), json!([]), json!([""])];
    rows.extend(each(make, "aud", AUDIENCE, others));
    let more = [json!(null), json!(1), json!({REST_API_KEY: 1}), json!([1]), json!([[REST_API_KEY]])];
    rows.extend(each(make, "aud", AUDIENCE, more));
    rows.extend(each(make, "aud", AUDIENCE, [json!(format!("{REST_API_KEY} "))]));
    rows.push(make.claim("aud", None, AUDIENCE));
    rows
}

fn required(make: &Make<'_>) -> Vec<Row> {
    let mut rows = each(make, "jti", MISSING, [json!(""), json!(null)]);
    rows.extend(each(make, "jti", SHAPE, [json!(7), json!(["j"]), json!({})]));
    rows.push(make.claim("jti", None, MISSING));
    rows.extend(each(make, "jti", taken(1), [json!("j".repeat(3_000)), json!("한#\u{1}")]));
    rows.extend(each(make, "iat", SHAPE, [json!("1740787260"), json!([MIDNIGHT]), json!(-1), json!(true)]));
    rows.extend(each(make, "iat", SHAPE, [json!(i64::MAX), json!(u64::MAX), json!(1e300)]));
    rows.extend(each(make, "iat", MISSING, [json!(null)]));
    rows.push(make.claim("iat", None, MISSING));
    rows.extend(each(make, "toe", SHAPE, [json!("1740787260"), json!({}), json!([MIDNIGHT]), json!(-1), json!(false)]));
    rows.extend(each(make, "toe", SHAPE, [json!(MIDNIGHT * 1_000), json!(MIDNIGHT * 1_000_000)]));
    // Absent, or with a fraction of a second (RFC 7519 §2).
    rows.extend(each(make, "toe", taken(1), [json!(null), json!(MIDNIGHT as f64 + 0.25)]));
    rows.extend(each(make, "iat", taken(1), [json!(MIDNIGHT as f64 + 60.5)]));
    rows
}

fn times(make: &Make<'_>) -> Vec<Row> {
    let now = end_to_end::gateway::now() / 1_000;
    let issued_at = |name: &str, issued: i64, happened: Option<i64>, expected: ExpectedResult| {
        let change = |claims: &mut Value| {
            claims["iat"] = json!(issued);
            claims.as_object_mut().unwrap().remove("toe");
            happened.into_iter().for_each(|happened| claims["toe"] = json!(happened));
        };
        make.claims(name, change, expected)
    };
    vec![
        issued_at("10 happened when issued", MIDNIGHT, Some(MIDNIGHT), taken(1)),
        issued_at("10 happened long before", MIDNIGHT, Some(1), taken(1)),
        issued_at("10 happened a second after", MIDNIGHT, Some(MIDNIGHT + 1), taken(1)),
        issued_at("10 happened five minutes after", MIDNIGHT, Some(MIDNIGHT + 300), taken(1)),
        issued_at("10 happened longer after", MIDNIGHT, Some(MIDNIGHT + 301), quarantined("time_after_issue")),
        issued_at("10 no toe", MIDNIGHT, None, taken(1)),
        issued_at("10 of 1970", 0, Some(0), taken(1)),
        issued_at("10 of now", now, Some(now), taken(1)),
        // The test itself takes time: the edge to the second is a unit test's.
        issued_at("10 a clock that is ahead", now + 290, Some(now), taken(1)),
        issued_at("10 of the future", now + 900, Some(now), quarantined("future_time")),
        issued_at("10 of the far future", 253_402_200_000, None, quarantined("future_time")),
        make.claim("exp", Some(json!(1)), taken(1)),
        make.claim("nbf", Some(json!(1)), taken(1)),
    ]
}

fn events(make: &Make<'_>) -> Vec<Row> {
    let linked = format!("{OAUTH}user-linked");
    let mut rows = vec![make.claim("events", None, MISSING)];
    rows.extend(each(make, "events", MISSING, [json!({}), json!(null)]));
    rows.extend(each(make, "events", SHAPE, [json!([]), json!(linked), json!([{}])]));
    // An event that has no members may be null.
    rows.extend(each(make, "events", taken(1), [json!({&linked: null})]));
    for wrong in [json!("x"), json!([]), json!(1), json!(false)] {
        rows.extend(each(make, "events", SHAPE, [json!({&linked: wrong})]));
        let beside_a_good_one = json!({&linked: {}, "https://example.com/new": wrong});
        rows.extend(each(make, "events", ExpectedResult::Quarantined(1, "field_shape"), [beside_a_good_one]));
    }
    rows.extend(each(make, "events", taken(1), [json!({&linked: {}}), json!({"https://example.com/new": {}})]));
    rows.extend(each(make, "events", taken(1), [json!({"": {"any": [1]}}), json!({&linked: {"new": {"한": null}}})]));
    let so_many = |count: usize| -> Value {
        let named = |number| (format!("https://example.com/{number}"), json!({}));
        (0..count).map(named).collect::<Map<_, _>>().into()
    };
    rows.extend(each(make, "events", taken(10), [so_many(10)]));
    rows.extend(each(make, "events", quarantined("too_many_events"), [so_many(11), so_many(1_000)]));
    rows
}

fn subjects(make: &Make<'_>) -> Vec<Row> {
    let linked = format!("{OAUTH}user-linked");
    // With or without `sub`, one event, a claim `sub_id`.
    let token = |name: &str, sub: Option<Value>, event: Value, sub_id: Option<Value>, expected: ExpectedResult| {
        let change = |claims: &mut Value| {
            claims["events"] = json!({&linked: event});
            let claims = claims.as_object_mut().unwrap();
            claims.remove("sub");
            claims.extend(sub.map(|sub| ("sub".to_owned(), sub)));
            claims.extend(sub_id.map(|sub_id| ("sub_id".to_owned(), sub_id)));
        };
        make.claims(&format!("11 {name}"), change, expected)
    };
    let sub = || Some(json!(USER));
    let older = |sub: &str| json!({"subject_type": "iss-sub", "iss": KAUTH, "sub": sub});
    let newer = |sub: &str| json!({"format": "iss_sub", "iss": KAUTH, "sub": sub});
    let of = |issuer: Value| json!({"subject": {"subject_type": "iss-sub", "iss": issuer, "sub": USER}});
    let mut second = make.claims(
        "11 two events of two users",
        |claims| claims["events"] = json!({&linked: {}, "https://example.com/new": {"subject": older("1")}}),
        ExpectedResult::AllQuarantined(2, "other_subject"),
    );
    second.request.id = "second".to_owned();
    vec![
        second,
        token("sub alone", sub(), json!({}), None, taken(1)),
        token("subject_type", sub(), json!({"subject": older(USER)}), None, taken(1)),
        token("format", sub(), json!({"sub_id": newer(USER)}), None, taken(1)),
        token(
            "all of them",
            sub(),
            json!({"subject": older(USER), "sub_id": newer(USER)}),
            Some(newer(USER)),
            taken(1),
        ),
        token("the event's subject alone", None, json!({"subject": older(USER)}), None, taken(1)),
        token("the event's sub_id alone", None, json!({"sub_id": newer(USER)}), None, taken(1)),
        token("the claim sub_id alone", None, json!({}), Some(newer(USER)), taken(1)),
        token(
            "of a form that names no sub",
            sub(),
            json!({"subject": {"format": "opaque", "id": "x"}}),
            None,
            taken(1),
        ),
        token(
            "a complex subject",
            None,
            json!({"subject": {"format": "complex", "user": newer(USER)}}),
            None,
            taken(1),
        ),
        token("another in a complex subject", sub(), json!({"subject": {"user": newer("1")}}), None, OTHER_SUBJECT),
        token("an alias", None, json!({}), Some(json!({"format": "aliases", "identifiers": [newer(USER)]})), taken(1)),
        token("an opaque id", None, json!({"sub_id": {"format": "opaque", "id": USER}}), None, NO_SUBJECT),
        token("an opaque id of something", None, json!({"sub_id": {"format": "opaque", "id": "x"}}), None, NO_SUBJECT),
        token("token_subject", None, json!({"token_subject": older(USER)}), None, taken(1)),
        token("another in token_subject", sub(), json!({"token_subject": older("1")}), None, OTHER_SUBJECT),
        token("a number everywhere", Some(json!(7)), json!({"subject": {"sub": 7}}), None, taken(1)),
        token("another in subject", sub(), json!({"subject": older("1")}), None, OTHER_SUBJECT),
        token("another in sub_id", sub(), json!({"sub_id": newer("1")}), None, OTHER_SUBJECT),
        token("another in the claim sub_id", sub(), json!({}), Some(newer("1")), OTHER_SUBJECT),
        token("two in the event", None, json!({"subject": older(USER), "sub_id": newer("1")}), None, OTHER_SUBJECT),
        token("event and claim differ", None, json!({"subject": older(USER)}), Some(newer("1")), OTHER_SUBJECT),
        token("a text and a number", sub(), json!({"subject": {"sub": 3_142_859_300_i64}}), None, taken(1)),
        token("a text and another number", sub(), json!({"subject": {"sub": 3_142_859_301_i64}}), None, OTHER_SUBJECT),
        token("null", sub(), json!({"subject": {"sub": null}}), None, taken(1)),
        token("of another issuer", sub(), of(json!("https://accounts.example.com")), None, OTHER_SUBJECT),
        token("of an issuer that is no text", sub(), of(json!(7)), None, OTHER_SUBJECT),
        token("of an issuer that is null", sub(), of(json!(null)), None, taken(1)),
        token("a user without an id", sub(), json!({"subject": {"sub": "1", "user": {}}}), None, OTHER_SUBJECT),
    ]
}

fn content(make: &Make<'_>) -> Vec<Row> {
    let only = |uri: &str, members: Value| {
        let uri = uri.to_owned();
        move |claims: &mut Value| claims["events"] = json!({uri: members})
    };
    let without_subject = |sub: Option<Value>| {
        move |claims: &mut Value| {
            claims["events"] = json!({format!("{OAUTH}user-linked"): {}});
            claims.as_object_mut().unwrap().remove("sub");
            sub.into_iter().for_each(|sub| claims["sub"] = sub);
        }
    };
    let mut rows = vec![make.claims("12 no user", without_subject(None), NO_SUBJECT)];
    rows.push(make.claims("12 a sub that is null", without_subject(Some(json!(null))), NO_SUBJECT));
    for strange in [json!("x"), json!(""), json!("0"), json!("-1"), json!(1.5), json!([USER])] {
        let name = format!("12 a sub that is no member number: {strange}");
        rows.push(make.claims(&name, without_subject(Some(strange)), quarantined("field_shape")));
    }
    for huge in [json!("18446744073709551616"), json!("1".repeat(5_000))] {
        rows.push(make.claims("12 a sub over 64 bits", without_subject(Some(huge)), quarantined("field_shape")));
    }
    rows.extend(of_nobody(make));
    rows.push(make.claims("12 64 bits", without_subject(Some(json!(u64::MAX.to_string()))), taken(1)));
    rows.extend(each(make, "app_id", taken(1), [json!(APP_ID), json!(123_456), json!(null)]));
    let others = [json!(OTHER_APP_ID), json!(""), json!([APP_ID]), json!(1.5)];
    rows.extend(each(make, "app_id", quarantined("other_app"), others));
    let scopes = format!("{OAUTH}user-scope-consent");
    rows.extend([
        make.claims(
            "12 an unreadable scope and a readable one",
            only(&scopes, json!({"scope": ["account_email", 7]})),
            ExpectedResult::Quarantined(1, "field_shape"),
        ),
        make.claims("12 a misshapen member", only(&scopes, json!({"scope": {"a": 1}})), quarantined("field_shape")),
        make.claims("12 no member of those needed", only(&scopes, json!({})), quarantined("missing_field")),
        make.claims(
            "12 an unreadable optional member",
            only(&format!("{RISC}account-disabled"), json!({"reason": {"new": true}})),
            taken(1),
        ),
        make.claims(
            "12 a profile of forty kilobytes",
            only(&format!("{KAKAO}user-profile-changed"), json!({"nickname": "ㄱ".repeat(13_000)})),
            taken(1),
        ),
        make.claims(
            "12 one that can be used and one that can't",
            |claims| claims["events"][&scopes] = json!({"scope": 1}),
            ExpectedResult::Quarantined(1, "field_shape"),
        ),
        make.claims("4 claims that are no object", |claims| *claims = json!([claims.clone()]), quarantined("json")),
        make.claims("12 unknown claims", |claims| claims["txn"] = json!({"any": ["thing"]}), taken(1)),
        make.claims("13 nothing changed", |_| (), taken(1)),
    ]);
    rows
}

/// What is about an app or about the stream of events, and about no user.
fn of_nobody(make: &Make<'_>) -> Vec<Row> {
    let alone = |uri: &str, expected: ExpectedResult| {
        let change = |claims: &mut Value| {
            claims["events"] = json!({uri: {"state": "x"}});
            claims["sub_id"] = json!({"format": "opaque", "id": "7"});
            claims.as_object_mut().unwrap().remove("sub");
        };
        make.claims(&format!("12 {uri}"), change, expected)
    };
    let profiles =
        ["ssf", "sse", "risc"].map(|profile| format!("https://schemas.openid.net/secevent/{profile}/event-type/"));
    let mut rows = vec![
        alone(&format!("{OAUTH}client-disabled"), NO_SUBJECT),
        alone(&format!("{OAUTH}verification"), NO_SUBJECT),
        alone("https://example.com/ssf/event-type/verification", NO_SUBJECT),
    ];
    for profile in profiles {
        rows.push(alone(&format!("{profile}verification"), taken(0)));
        // Events stop, and an operator must know.
        rows.push(alone(&format!("{profile}stream-updated"), NO_SUBJECT));
    }
    rows
}
