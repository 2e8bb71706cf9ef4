use super::*;

/// The status and code of a list at this second.
fn list_at(api: &mut SimulatedApi, second: u64) -> u16 {
    match api.react(&ApiRequest::new(ApiCall::UserIds, KEY, &[]), Duration::from_secs(second)) {
        Reaction::Answer(answer) => answer.status,
        other => panic!("no answer at once: {other:?}"),
    }
}

#[test]
fn the_101st_list_of_an_app_in_a_minute_is_over_the_quota() {
    let mut api = api(1);
    assert!((0..100).all(|_| list_at(&mut api, 0) == 200));
    assert_eq!(failure(&mut api, ApiCall::UserIds, &[]), (429, -10));
    assert_eq!(list_at(&mut api, 59), 429);
    assert_eq!(sent(&mut api, &ApiRequest::new(ApiCall::UserIds, OTHER_KEY, &[])).status, 200);
    assert_eq!(called(&mut api, ApiCall::UserMe, right_parameters(ApiCall::UserMe)).0, 200);
    assert_eq!(list_at(&mut api, 60), 200);
}

#[test]
fn the_quota_is_of_any_sixty_seconds() {
    let mut api = api(1);
    assert!((0..50).all(|_| list_at(&mut api, 0) == 200));
    assert!((0..50).all(|_| list_at(&mut api, 30) == 200));
    assert_eq!(list_at(&mut api, 59), 429);
    assert!((0..50).all(|_| list_at(&mut api, 60) == 200));
    assert_eq!(list_at(&mut api, 60), 429);
}

#[test]
fn two_keys_of_an_app_share_its_quota() {
    let mut api = api(1);
    api.settings.lists_per_minute = Some(1);
    api.add_key("another", AdminKey::reader(APP));
    assert_eq!(list_at(&mut api, 0), 200);
    assert_eq!(sent(&mut api, &ApiRequest::new(ApiCall::UserIds, "another", &[])).status, 429);
}

#[test]
fn a_call_over_the_quota_may_come_with_status_400() {
    let mut api = api(1);
    api.settings = ApiSettings { lists_per_minute: Some(0), over_quota_status: 400, ..api.settings };
    assert_eq!(failure(&mut api, ApiCall::UserIds, &[]), (400, -10));
}

#[test]
fn without_a_limit_every_list_is_answered() {
    let mut api = api(1);
    api.settings.lists_per_minute = None;
    assert!((0..1_000).all(|_| list_at(&mut api, 0) == 200));
}

#[test]
fn calls_are_counted_by_kind_and_by_app_refused_and_faulty_ones_too() {
    let mut api = api(1);
    api.script(ScriptedFault::next(1, ApiCall::UserIds, ApiFault::Hang));
    let request = ApiRequest::new(ApiCall::UserIds, KEY, &[]);
    assert_eq!(api.react(&request, NOW), Reaction::Hang);
    assert_eq!(failure(&mut api, ApiCall::UserIds, &[("limit", "0")]), (400, -2));
    sent(&mut api, &ApiRequest::new(ApiCall::UserIds, OTHER_KEY, &[]));
    sent(&mut api, &ApiRequest::new(ApiCall::UserIds, "unknown", &[]));
    let usage = api.usage();
    assert_eq!(usage.calls(ApiCall::UserIds), 4);
    assert_eq!(usage.calls_of(APP, ApiCall::UserIds), 2);
    assert_eq!(usage.calls_of(OTHER_APP, ApiCall::UserIds), 1);
    assert_eq!(usage.calls(ApiCall::UserMe), 0);
}

#[test]
fn the_busiest_minute_is_the_greatest_number_of_calls_in_any_sixty_seconds() {
    let mut api = api(1);
    for second in [0, 30, 59, 61, 62, 200] {
        list_at(&mut api, second);
    }
    // From second 30 on: 30, 59, 61 and 62.
    assert_eq!(api.usage().busiest_minute(APP), 4);
    assert_eq!(api.usage().busiest_minute(OTHER_APP), 0);
}
