use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// All pages from the first, each asked for by the last number + 1 (or - 1), until there is none after it.
fn walked(api: &mut SimulatedApi, limit: usize, order: &str) -> Vec<Vec<u64>> {
    let limit = limit.to_string();
    let mut pages: Vec<Vec<u64>> = vec![];
    let mut from_id = None::<u64>;
    loop {
        let from = from_id.map(|id| id.to_string());
        let mut parameters = vec![("limit", limit.as_str()), ("order", order)];
        parameters.extend(from.as_deref().map(|from| ("from_id", from)));
        let (status, body) = called(api, ApiCall::UserIds, &parameters);
        assert_eq!(status, 200, "{body}");
        pages.push(serde_json::from_value(body["elements"].clone()).unwrap());
        if body["after_url"].is_null() {
            return pages;
        }
        let last = *pages.last().unwrap().last().unwrap();
        from_id = Some(if order == "asc" { last + 1 } else { last - 1 });
    }
}

proptest! {
    #[test]
    fn walking_the_list_yields_each_member_once_in_order(
        ids in prop::collection::btree_set(prop_oneof![1..300_u64, 1..=(i64::MAX as u64)], 0..250),
        limit in 1..=100_usize,
        descending: bool,
    ) {
        let mut api = api(0);
        api.settings.lists_per_minute = None;
        api.members.link_all(APP, ids.iter().map(|id| (*id, LINKED_AT)));
        let mut expected: Vec<u64> = ids.iter().copied().collect();
        if descending {
            expected.reverse();
        }
        let pages = walked(&mut api, limit, if descending { "desc" } else { "asc" });
        prop_assert_eq!(pages.concat(), expected);
        // Every page but the last is full, and only an app without members has an empty one.
        prop_assert!(pages.iter().rev().skip(1).all(|page| page.len() == limit));
        prop_assert_eq!(pages.iter().any(Vec::is_empty), ids.is_empty());
    }

    #[test]
    fn a_page_begins_with_the_number_that_is_asked_for_or_the_next_one(
        ids in prop::collection::btree_set(1..200_u64, 1..100),
        from_id in 0..250_u64,
    ) {
        let mut api = api(0);
        api.members.link_all(APP, ids.iter().map(|id| (*id, LINKED_AT)));
        let (_, body) = called(&mut api, ApiCall::UserIds, &[("from_id", &from_id.to_string())]);
        let listed: BTreeSet<u64> = serde_json::from_value(body["elements"].clone()).unwrap();
        prop_assert_eq!(listed, ids.range(from_id..).copied().collect::<BTreeSet<u64>>());
    }
}

#[test]
fn a_page_has_a_hundred_members_unless_fewer_are_asked_for() {
    let mut api = api(150);
    let count = |body: &Value| body["elements"].as_array().unwrap().len();
    assert_eq!(count(&called(&mut api, ApiCall::UserIds, &[]).1), 100);
    assert_eq!(count(&called(&mut api, ApiCall::UserIds, &[("limit", "7")]).1), 7);
}

#[test]
fn the_urls_of_other_pages_are_not_https_and_carry_the_key() {
    let mut api = api(5);
    let (_, body) = called(&mut api, ApiCall::UserIds, &[("limit", "2"), ("from_id", "3")]);
    assert_eq!(
        body,
        json!({
            "elements": [3, 4],
            "before_url": format!("http://kapi.kakao.com/v1/user/ids?limit=2&order=asc&app_key={KEY}&from_id=1"),
            "after_url": format!("http://kapi.kakao.com/v1/user/ids?limit=2&order=asc&app_key={KEY}&from_id=5"),
        })
    );
}

#[test]
fn no_page_comes_after_the_last_member_even_if_the_page_is_full() {
    let mut api = api(4);
    let (_, body) = called(&mut api, ApiCall::UserIds, &[("limit", "2"), ("from_id", "3")]);
    assert_eq!((&body["elements"], &body["after_url"]), (&json!([3, 4]), &Value::Null));
    let (_, body) = called(&mut api, ApiCall::UserIds, &[("limit", "2"), ("order", "desc"), ("from_id", "2")]);
    assert_eq!((&body["elements"], &body["after_url"]), (&json!([2, 1]), &Value::Null));
    assert!(body["before_url"].as_str().unwrap().ends_with("from_id=4"));
}

#[test]
fn a_page_after_the_last_member_is_empty() {
    let (_, body) = called(&mut api(4), ApiCall::UserIds, &[("from_id", "5")]);
    assert_eq!((&body["elements"], &body["after_url"]), (&json!([]), &Value::Null));
}

#[test]
fn a_million_members_are_walked_in_ten_thousand_pages() {
    let mut api = api(1_000_000);
    api.settings.lists_per_minute = None;
    let (mut from_id, mut pages, mut members) = (1_u64, 0, 0);
    loop {
        let (_, body) = called(&mut api, ApiCall::UserIds, &[("from_id", &from_id.to_string())]);
        let elements = body["elements"].as_array().unwrap();
        pages += 1;
        members += elements.len();
        from_id = elements.last().unwrap().as_u64().unwrap() + 1;
        if body["after_url"].is_null() {
            break;
        }
    }
    assert_eq!((pages, members), (10_000, 1_000_000));
}
