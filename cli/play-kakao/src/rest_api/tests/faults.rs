use serde_json::json;

use super::*;

/// The answer of the list while it meets this fault.
fn list_with(fault: ApiFault) -> ApiAnswer {
    let mut api = api(3);
    api.script(ScriptedFault::all(ApiCall::UserIds, fault));
    sent(&mut api, &ApiRequest::new(ApiCall::UserIds, KEY, &[]))
}

fn elements(answer: &ApiAnswer) -> Value {
    serde_json::from_str::<Value>(&answer.body).unwrap()["elements"].clone()
}

#[test]
fn each_error_of_kakaos_list_can_be_scripted_for_each_call() {
    for call in ApiCall::ALL {
        for error in ApiError::ALL {
            let mut api = api(1);
            api.script(ScriptedFault::next(1, *call, ApiFault::Error(*error)));
            let expected = (error.status(), i64::from(error.code()));
            assert_eq!(failure(&mut api, *call, right_parameters(*call)), expected, "{call:?}");
            assert_eq!(called(&mut api, *call, right_parameters(*call)).0, 200, "{call:?}");
        }
    }
}

#[test]
fn an_error_that_kakao_does_not_list_can_be_scripted() {
    let answer = list_with(ApiFault::UnknownError { status: 418, code: -9_999 });
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &body["code"]), (418, &json!(-9_999)));
}

#[test]
fn an_app_seems_to_have_no_members() {
    let answer = list_with(ApiFault::NoMembers);
    assert_eq!(answer.body, r#"{"after_url":null,"before_url":null,"elements":[]}"#);
    let mut api = api(1);
    api.script(ScriptedFault::all(ApiCall::UserMe, ApiFault::NoMembers));
    assert_eq!(failure(&mut api, ApiCall::UserMe, right_parameters(ApiCall::UserMe)), (400, -101));
}

#[test]
fn an_answer_has_no_members_at_all() {
    assert_eq!(list_with(ApiFault::EmptyObject), ApiAnswer { status: 200, body: "{}".to_owned() });
}

#[test]
fn an_answer_is_about_another_app() {
    let fault = ApiFault::OtherApp(OTHER_APP.to_owned());
    assert_eq!(elements(&list_with(fault.clone())), json!([900]));
    let mut api = api(1);
    api.script(ScriptedFault::all(ApiCall::UserMe, fault));
    assert_eq!(failure(&mut api, ApiCall::UserMe, right_parameters(ApiCall::UserMe)), (400, -101));
}

#[test]
fn a_list_ends_early() {
    let mut api = api(250);
    api.end_list_after(APP, 120);
    let (_, first) = called(&mut api, ApiCall::UserIds, &[]);
    assert!(first["after_url"].is_string());
    let (_, second) = called(&mut api, ApiCall::UserIds, &[("from_id", "101")]);
    assert_eq!(second["elements"], json!((101..=120).collect::<Vec<u64>>()));
    assert!(second["after_url"].is_null());
    // The member is linked all the same.
    assert_eq!(called(&mut api, ApiCall::UserMe, &[BY_ID, ("target_id", "250")]).0, 200);
}

#[test]
fn a_list_ends_early_whichever_way_it_is_walked() {
    let mut api = api(10);
    api.end_list_after(APP, 4);
    let (_, body) = called(&mut api, ApiCall::UserIds, &[("order", "desc")]);
    assert_eq!(body["elements"], json!([4, 3, 2, 1]));
    let (_, body) = called(&mut api, ApiCall::UserIds, &[("from_id", "8")]);
    assert_eq!((&body["elements"], &body["after_url"]), (&json!([]), &Value::Null));
}

#[test]
fn a_list_ends_before_its_first_member() {
    let mut api = api(3);
    api.end_list_after(APP, 0);
    assert_eq!(called(&mut api, ApiCall::UserIds, &[]).1["elements"], json!([]));
}

#[test]
fn a_body_is_no_json() {
    let answer = list_with(ApiFault::NotJson);
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<Value>(&answer.body).is_err());
}

#[test]
fn a_proxy_answers_a_page() {
    let answer = list_with(ApiFault::Html(503));
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("<html>"));
}

#[test]
fn a_call_hangs_is_reset_or_is_slow() {
    let request = ApiRequest::new(ApiCall::UserIds, KEY, &[]);
    let reaction = |fault| {
        let mut api = api(1);
        api.script(ScriptedFault::all(ApiCall::UserIds, fault));
        api.react(&request, NOW)
    };
    assert_eq!(reaction(ApiFault::Hang), Reaction::Hang);
    assert_eq!(reaction(ApiFault::Reset), Reaction::Reset);
    let time = Duration::from_secs(9);
    let right = sent(&mut api(1), &request);
    assert_eq!(reaction(ApiFault::Slow(time)), Reaction::AnswerAfter(time, right));
}

#[test]
fn a_fault_hits_as_many_calls_as_it_is_scripted_for() {
    let mut api = api(1);
    api.script(ScriptedFault::next(2, ApiCall::UserIds, ApiFault::Error(ApiError::Internal)).after(1));
    api.script(ScriptedFault::next(1, ApiCall::UserIds, ApiFault::Error(ApiError::Maintenance)));
    let codes: Vec<i64> = (0..5).map(|_| failure(&mut api, ApiCall::UserIds, &[]).1).collect();
    assert_eq!(codes, [-7, -1, -1, 0, 0]);
}

#[test]
fn a_fault_hits_only_its_call_and_its_app_until_it_is_cleared() {
    let mut api = api(1);
    api.script(ScriptedFault::all(ApiCall::UserIds, ApiFault::Error(ApiError::Internal)).of_app(APP));
    assert_eq!(failure(&mut api, ApiCall::UserIds, &[]), (400, -1));
    assert_eq!(called(&mut api, ApiCall::SystemIps, &[]).0, 200);
    assert_eq!(sent(&mut api, &ApiRequest::new(ApiCall::UserIds, OTHER_KEY, &[])).status, 200);
    api.clear_faults();
    assert_eq!(called(&mut api, ApiCall::UserIds, &[]).0, 200);
}

#[test]
fn a_fault_gives_no_members_to_a_wrong_key() {
    let mut api = api(1);
    api.revoke_key(KEY);
    for fault in [ApiFault::NoMembers, ApiFault::OtherApp(OTHER_APP.to_owned()), ApiFault::ListEndsAt(1)] {
        api.script(ScriptedFault::next(1, ApiCall::UserIds, fault));
        assert_eq!(failure(&mut api, ApiCall::UserIds, &[]), (401, -401));
    }
}
