//! Any part of the claims taken out or replaced by anything else, and signed anew by the right key: what is verified
//! then is what the changed claims say, read here a second time and in another way.

use super::*;

/// Claims with everything in them that the verifier looks at.
fn claims() -> Value {
    let subject = |form: &str| json!({form: "x", "iss": ISSUER, "sub": "123"});
    json!({
        "iss": ISSUER, "aud": ["x", "r3", "r1"], "sub": "123", "iat": NOW, "toe": NOW - 5, "jti": "jti-1", "app_id": "2",
        "sub_id": subject("format"),
        "events": {
            EventType::UserUnlinked.uri(): {"subject": subject("subject_type"), "reason": "UNLINK_FROM_APPS"},
            "https://example.com/new": {"sub_id": subject("format"), "more": {"of": [1, {"it": null}]}},
        },
    })
}

/// The places of all values in it (RFC 6901).
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (escaped(name), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => vec![],
    };
    for (name, value) in inner {
        let place = format!("{place}/{name}");
        places(value, &place, found);
        found.push(place);
    }
}

fn take_out(claims: &mut Value, place: &str) {
    let (parent, name) = place.rsplit_once('/').unwrap();
    match claims.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Value::Array(list) => drop(list.remove(name.parse().unwrap())),
        _ => unreachable!("a place is in an object or a list"),
    }
}

/// Other values, among them those that are right elsewhere.
fn anything() -> impl Strategy<Value = Value> {
    let words = ["", "123", "124", "r1", "r2", "r3", "1", "2", "jti-2", ISSUER, "sub", "https://example.com/new"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (NOW - 3..NOW + 400).prop_map(Value::from),
        prop_oneof![Just(0), Just(-1), Just(123), Just(i64::MAX), Just(i64::MIN)].prop_map(Value::from),
        Just(json!(1.5)),
        proptest::sample::select(words.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let names =
            proptest::sample::select(vec!["sub", "iss", "format", "subject", "r1", "x"]).prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(names, inner, 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Every `sub` that the claims hold where one may name the subject. What is null is absent.
fn subjects(claims: &Value) -> Vec<&Value> {
    let in_events = claims["events"]
        .as_object()
        .into_iter()
        .flat_map(Map::values)
        .flat_map(|event| [event.pointer("/subject/sub"), event.pointer("/sub_id/sub")]);
    let all = in_events.chain([claims.get("sub"), claims.pointer("/sub_id/sub")]).flatten();
    all.filter(|value| !value.is_null()).collect()
}

/// A member number may be a text or an integer.
fn digits(value: &Value) -> Value {
    value.as_str().and_then(|text| text.parse::<u64>().ok()).map_or_else(|| value.clone(), Value::from)
}

/// The apps that the audience names.
fn apps_named(claims: &Value) -> Vec<&'static str> {
    let named = |text: &Value| match text.as_str()? {
        "r1" | "r2" => Some("1"),
        "r3" => Some("2"),
        _ => None,
    };
    let one = claims.get("aud").and_then(named).into_iter();
    one.chain(claims["aud"].as_array().into_iter().flatten().filter_map(named)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_changed_claim_is_verified_as_anything_but_what_it_says(
        index in any::<prop::sample::Index>(),
        value in prop_oneof![1 => Just(None), 3 => anything().prop_map(Some)],
    ) {
        let mut changed = claims();
        let mut found = vec![];
        places(&changed, "", &mut found);
        let place = &found[index.index(found.len())];
        match value {
            None => take_out(&mut changed, place),
            Some(value) => *changed.pointer_mut(place).unwrap() = value,
        }
        let token = Token { header: token().header, claims: changed.as_object().unwrap().clone() };
        let is_ours = changed["iss"] == ISSUER && !apps_named(&changed).is_empty();
        let verified = verify(&token.sign(&KEY).unwrap());
        prop_assert_eq!(verified.is_ok(), is_ours);
        let Ok(VerifiedToken { app_id, claims: Ok(claims), .. }) = verified else { return Ok(()) };
        prop_assert_eq!(app_id.as_ref().map(AppId::as_str), apps_named(&changed).first().copied());
        prop_assert_eq!(claims.token_id.as_ref().ok().map(String::as_str), changed["jti"].as_str().filter(|id| !id.is_empty()));
        if let Ok(found) = claims.at(at(NOW)) {
            let issued = changed["iat"].as_f64().unwrap();
            let happened = changed["toe"].as_f64().unwrap_or(issued);
            prop_assert!(happened <= issued + 300.0 && issued <= NOW as f64 + 300.0);
            prop_assert_eq!(found.as_millis() as f64, (happened * 1_000.0).floor());
        }
        prop_assert_eq!(claims.app_id.as_ref(), changed.get("app_id").filter(|app_id| !app_id.is_null()));
        if let Ok(events) = claims.events {
            prop_assert!(!events.is_empty());
            prop_assert_eq!(&changed["events"], &events.into_iter().collect::<Value>());
        }
        match claims.subject {
            Ok(subject) => {
                let subject = digits(subject.expose());
                prop_assert!(subjects(&changed).into_iter().all(|theirs| digits(theirs) == subject));
            }
            Err(Unreadable::NoSubject) => prop_assert!(subjects(&changed).is_empty()),
            Err(why) => prop_assert_eq!(why, Unreadable::OtherSubject),
        }
    }
}

#[test]
fn the_claims_that_are_changed_here_are_verified_as_they_are() {
    let token = Token { header: token().header, claims: claims().as_object().unwrap().clone() };
    assert_eq!(verify(&token.sign(&KEY).unwrap()).unwrap().app_id.unwrap().as_str(), "2");
}
