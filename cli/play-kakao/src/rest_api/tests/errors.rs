use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;

use super::*;

#[test]
fn each_error_has_the_code_and_the_status_of_kakaos_list() {
    let listed: Vec<(i32, u16)> = ApiError::ALL.iter().map(|error| (error.code(), error.status())).collect();
    assert_eq!(
        listed,
        [
            (-1, 400),
            (-2, 400),
            (-3, 403),
            (-5, 403),
            (-7, 400),
            (-8, 400),
            (-10, 429),
            (-12, 403),
            (-101, 400),
            (-103, 400),
            (-401, 401),
            (-603, 400),
            (-9798, 400),
        ]
    );
}

#[test]
fn the_body_of_an_error_is_its_message_and_its_code() {
    let answer = ApiError::NotLinked.answer();
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body, json!({"msg": "the user is not linked to the app", "code": -101}));
}

#[test]
fn a_wrong_parameter_is_minus_2() {
    let mut api = api(3);
    let wrong: &[(ApiCall, &[(&str, &str)])] = &[
        (ApiCall::UserIds, &[("limit", "0")]),
        (ApiCall::UserIds, &[("limit", "101")]),
        (ApiCall::UserIds, &[("limit", "many")]),
        (ApiCall::UserIds, &[("order", "up")]),
        (ApiCall::UserIds, &[("from_id", "-1")]),
        (ApiCall::UserIds, &[("from_id", "first")]),
        (ApiCall::UserIds, &[("from_id", "9223372036854775808")]),
        (ApiCall::AppUsers, &[("target_ids", "[1]")]),
        (ApiCall::AppUsers, &[BY_ID]),
        (ApiCall::AppUsers, &[BY_ID, ("target_ids", "1,2")]),
        (ApiCall::AppUsers, &[BY_ID, ("target_ids", "[]")]),
        (ApiCall::AppUsers, &[BY_ID, ("target_ids", "[\"1\"]")]),
        (ApiCall::AppUsers, &[BY_ID, ("target_ids", "[1.5]")]),
        (ApiCall::AppUsers, &[BY_ID, ("target_ids", "[1]"), ("property_keys", "email")]),
        (ApiCall::UserMe, &[("target_id", "1")]),
        (ApiCall::UserMe, &[("target_id_type", "open_id"), ("target_id", "1")]),
        (ApiCall::UserMe, &[BY_ID]),
        (ApiCall::UserMe, &[BY_ID, ("target_id", "one")]),
        (ApiCall::UserMe, &[BY_ID, ("target_id", "1"), ("property_keys", "{}")]),
        (ApiCall::UserScopes, &[BY_ID]),
        (ApiCall::Unlink, &[BY_ID]),
    ];
    for (call, parameters) in wrong {
        assert_eq!(failure(&mut api, *call, parameters), (400, -2), "{call:?} {parameters:?}");
    }
    assert_eq!(api.members.count(APP), 3);
}

#[test]
fn a_member_who_is_not_linked_is_minus_101() {
    let mut api = api(0);
    for call in [ApiCall::UserMe, ApiCall::UserScopes, ApiCall::Unlink] {
        assert_eq!(failure(&mut api, call, right_parameters(call)), (400, -101), "{call:?}");
    }
}

#[test]
fn a_dormant_account_is_minus_103_linked_or_not() {
    let mut api = api(1);
    api.members.set_dormant(APP, 1, true);
    api.members.set_dormant(APP, 2, true);
    for id in ["1", "2"] {
        for call in [ApiCall::UserMe, ApiCall::UserScopes, ApiCall::Unlink] {
            assert_eq!(failure(&mut api, call, &[BY_ID, ("target_id", id)]), (400, -103), "{call:?} {id}");
        }
    }
    api.members.set_dormant(APP, 1, false);
    assert_eq!(called(&mut api, ApiCall::UserMe, right_parameters(ApiCall::UserMe)).0, 200);
}

/// The status and the body of a call with this header.
fn authorized_by(api: &mut SimulatedApi, call: ApiCall, authorization: Option<&str>) -> (u16, Value) {
    let request = ApiRequest {
        authorization: authorization.map(str::to_owned),
        ..ApiRequest::new(call, KEY, right_parameters(call))
    };
    let answer = sent(api, &request);
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn no_call_is_answered_without_a_right_key() {
    let mut api = api(1);
    api.revoke_key(OTHER_KEY);
    let (bearer, revoked) = (format!("Bearer {KEY}"), format!("KakaoAK {OTHER_KEY}"));
    let wrong = format!("wrong appKey({OTHER_KEY}) format");
    for call in ApiCall::ALL {
        for (authorization, message) in [
            (None, "no authentication key!"),
            (Some(bearer.as_str()), "this access token does not exist"),
            (Some(revoked.as_str()), wrong.as_str()),
        ] {
            let expected = (401, json!({"msg": message, "code": -401}));
            assert_eq!(authorized_by(&mut api, *call, authorization), expected, "{call:?}");
        }
    }
    assert_eq!(api.members.count(APP), 1);
}

#[test]
fn a_caller_whose_address_is_not_on_the_keys_list_is_minus_401() {
    let mut api = api(1);
    let listed = IpAddr::from([203, 0, 113, 7]);
    api.add_key(KEY, AdminKey::reader(APP).only_from([listed]));
    let request = ApiRequest::new(ApiCall::UserIds, KEY, &[]);
    let answer = sent(&mut api, &ApiRequest { caller: Ipv4Addr::new(203, 0, 113, 8).into(), ..request.clone() });
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let message = "ip mismatched! callerIp=203.0.113.8. check out registered ips.";
    assert_eq!((answer.status, body), (401, json!({"msg": message, "code": -401})));
    assert_eq!(sent(&mut api, &ApiRequest { caller: listed, ..request }).status, 200);
}

#[test]
fn a_key_without_the_calls_category_is_minus_3() {
    let mut api = api(1);
    api.add_key(KEY, AdminKey::reader(APP));
    for call in [ApiCall::UserIds, ApiCall::AppUsers, ApiCall::UserMe, ApiCall::UserScopes] {
        assert_eq!(called(&mut api, call, right_parameters(call)).0, 200, "{call:?}");
    }
    assert_eq!(failure(&mut api, ApiCall::Unlink, right_parameters(ApiCall::Unlink)), (403, -3));
    api.add_key(KEY, AdminKey::new(APP, [ApiCategory::UnlinkUsers]));
    for call in [ApiCall::UserIds, ApiCall::AppUsers, ApiCall::UserMe, ApiCall::UserScopes] {
        assert_eq!(failure(&mut api, call, right_parameters(call)), (403, -3), "{call:?}");
    }
    assert_eq!(called(&mut api, ApiCall::Unlink, right_parameters(ApiCall::Unlink)).0, 200);
}
