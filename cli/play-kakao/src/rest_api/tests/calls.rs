use serde_json::json;

use super::*;

#[test]
fn several_members_are_answered_with_whole_seconds_and_without_those_who_are_not_linked() {
    let (status, body) = called(&mut api(3), ApiCall::AppUsers, &[BY_ID, ("target_ids", "[3,77,1]")]);
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!([
            {"id": 3, "connected_at": "2023-11-14T22:13:20Z"},
            {"id": 1, "connected_at": "2023-11-14T22:13:20Z"},
        ])
    );
}

#[test]
fn several_members_may_stand_under_elements() {
    let mut api = api(1);
    api.settings.app_users_shape = AppUsersShape::Elements;
    let (_, body) = called(&mut api, ApiCall::AppUsers, &[BY_ID, ("target_ids", "[1,2]")]);
    assert_eq!(body, json!({"elements": [{"id": 1, "connected_at": "2023-11-14T22:13:20Z"}]}));
}

#[test]
fn a_hundred_members_are_answered_at_once_and_twenty_with_property_keys() {
    let mut api = api(200);
    let mut status = |count: u64, keys: &[(&str, &str)]| {
        let ids = json!((1..=count).collect::<Vec<_>>()).to_string();
        called(&mut api, ApiCall::AppUsers, &[&[BY_ID, ("target_ids", &ids)], keys].concat()).0
    };
    let keys = [("property_keys", "[\"kakao_account.email\"]")];
    assert_eq!((status(100, &[]), status(101, &[])), (200, 400));
    assert_eq!((status(20, &keys), status(21, &keys)), (200, 400));
}

#[test]
fn a_member_is_answered_with_the_profile_unless_other_properties_are_asked_for() {
    let mut api = api(1);
    let profile = json!({"email": "ryan@example.com"});
    api.members.set_profile(APP, 1, profile.as_object().unwrap().clone());
    let account = |api: &mut SimulatedApi, keys: &[(&str, &str)]| {
        let parameters = [&[BY_ID, ("target_id", "1")], keys].concat();
        called(api, ApiCall::UserMe, &parameters).1.get("kakao_account").cloned()
    };
    assert_eq!(account(&mut api, &[]), Some(profile.clone()));
    assert_eq!(account(&mut api, &[("property_keys", "[\"kakao_account.email\"]")]), Some(profile));
    assert_eq!(account(&mut api, &[("property_keys", "[\"properties.nickname\"]")]), None);
}

#[test]
fn a_member_number_of_more_than_53_bits_is_not_rounded() {
    let mut api = api(0);
    api.members.link(APP, 9_007_199_254_740_993, LINKED_AT);
    let parameters = [BY_ID, ("target_id", "9007199254740993")];
    let answer = sent(&mut api, &ApiRequest::new(ApiCall::UserMe, KEY, &parameters));
    assert!(answer.body.contains(":9007199254740993"), "{}", answer.body);
}

#[test]
fn scopes_are_answered_without_times() {
    let mut api = api(1);
    api.members.set_scope(APP, 1, "account_email", true);
    api.members.set_scope(APP, 1, "birthday", false);
    let (_, body) = called(&mut api, ApiCall::UserScopes, right_parameters(ApiCall::UserScopes));
    assert_eq!(
        body,
        json!({"id": 1, "scopes": [
            {"id": "account_email", "type": "PRIVACY", "using": true, "agreed": true},
            {"id": "birthday", "type": "PRIVACY", "using": true, "agreed": false},
        ]})
    );
}

#[test]
fn an_unlink_answers_the_number_and_takes_the_member_off_the_list() {
    let mut api = api(2);
    let parameters = right_parameters(ApiCall::Unlink);
    assert_eq!(called(&mut api, ApiCall::Unlink, parameters), (200, json!({"id": 1})));
    assert_eq!(failure(&mut api, ApiCall::Unlink, parameters), (400, -101));
    assert_eq!(called(&mut api, ApiCall::UserIds, &[]).1["elements"], json!([2]));
    assert_eq!(api.members.connected_at(APP, 1), None);
}

#[test]
fn any_key_may_ask_for_kakaos_addresses() {
    let mut api = api(0);
    api.add_key(KEY, AdminKey::new(APP, []));
    let (status, body) = called(&mut api, ApiCall::SystemIps, &[]);
    assert_eq!((status, &body["inbound"][0]["service"]), (200, &json!("callback")));
}

#[test]
fn a_key_answers_about_its_own_app_only() {
    let mut api = api(1);
    let answer = sent(&mut api, &ApiRequest::new(ApiCall::UserIds, OTHER_KEY, &[]));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["elements"], json!([900]));
    assert_eq!(failure(&mut api, ApiCall::UserMe, &[BY_ID, ("target_id", "900")]), (400, -101));
}

#[test]
fn another_path_or_method_is_no_call() {
    let mut api = api(1);
    let right = ApiRequest::new(ApiCall::Unlink, KEY, right_parameters(ApiCall::Unlink));
    let elsewhere = ApiRequest { path: "/v1/user/unlinks".to_owned(), ..right.clone() };
    assert_eq!(sent(&mut api, &elsewhere).status, 404);
    assert_eq!(sent(&mut api, &ApiRequest { method: "GET".to_owned(), ..right }).status, 405);
    assert_eq!(api.members.count(APP), 1);
}
