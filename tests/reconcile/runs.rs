//! Whole runs: what webhooks lost is found, and nothing else changes.

use std::collections::BTreeSet;

use end_to_end::{reconciling::READER_KEY, service::APP_ID};
use play_kakao::rest_api::ApiCall;
use serde_json::{Value, json};

use crate::service::{FIRST, Service, channel_added, snapshot, unlinked};

#[tokio::test]
async fn an_empty_table_is_filled_with_all_members_over_several_minutes() {
    let mut service = Service::start().await;
    service.link(APP_ID, (0..640).map(|number| (FIRST + 3 * number, 1_700_000_000)));
    // Others read members, too: three pages a minute are left.
    service.kakao.api().settings.lists_per_minute = Some(3);
    assert_eq!(service.minutes().await, 3);
    assert_eq!(service.state(), "done");
    assert_eq!(service.linked_here(), service.at_kakao(APP_ID));
    let counts = &service.run()["counts"];
    assert_eq!((&counts["listed"], &counts["linked"], &counts["unlinked"]), (&json!(640), &json!(640), &json!(0)));
    let [line] = &service.logged("reconciled").await[..] else { panic!("{:?}", service.reconciler.lines()) };
    assert_eq!((&line["linked"], &line["app_id"]), (&json!(640), &json!(APP_ID)));
}

#[tokio::test]
async fn a_list_of_which_others_leave_little_comes_to_its_end_although_nothing_in_it_is_new() {
    let mut service = Service::start().await;
    service.link(APP_ID, (0..640).map(|number| (FIRST + 3 * number, 1_700_000_000)));
    service.minutes().await;
    service.kakao.api().settings.lists_per_minute = Some(3);
    service.next_day().await;
    let (minutes, counts) = (service.minutes().await, &service.run()["counts"]);
    assert_eq!((&counts["listed"], &counts["linked"], &counts["missing"]), (&json!(640), &json!(0), &json!(0)));
    // One of the lists asks whether the roster has a member of Kakao's.
    assert_eq!((minutes, service.state().as_str()), (3, "done"));
}

#[tokio::test]
async fn a_lost_unlink_and_a_lost_link_are_found_and_a_minute_later_nothing_is_left_to_do() {
    let mut service = Service::start().await;
    service.members(6).await;
    let (lost_unlink, lost_link, unlinked_then_linked) = (FIRST + 1, FIRST + 9, FIRST + 2);
    service.unlink_at_kakao(unlinked_then_linked);
    service.deliver(&unlinked(unlinked_then_linked)).await;
    service.unlink_at_kakao(lost_unlink);
    service.link_at_kakao(lost_link, 600);
    service.link_at_kakao(unlinked_then_linked, 600);
    assert_eq!((service.minutes().await, service.state().as_str()), (1, "done"));
    assert_eq!(service.linked_here(), service.at_kakao(APP_ID));
    assert_eq!(service.unlinked_here(), [lost_unlink].into());
    snapshot("reconciled-unlinked", &service.items(lost_unlink));
    snapshot("reconciled-linked", &service.items(lost_link));
    snapshot("reconciled-linked-again", &service.items(unlinked_then_linked));
    let before = service.kakao.usage();
    service.minute().await;
    assert!(service.pipeline.queue.is_empty());
    assert_eq!(service.kakao.usage().calls(ApiCall::UserIds), before.calls(ApiCall::UserIds));
}

#[tokio::test]
async fn a_member_known_only_by_a_channel_is_linked_or_not_as_kakao_says() {
    let mut service = Service::start().await;
    service.members(2).await;
    let (linked, gone) = (FIRST + 5, FIRST + 6);
    for member in [linked, gone] {
        service.deliver(&channel_added(member)).await;
    }
    service.link_at_kakao(linked, 60);
    service.pipeline.watch().log().keep_out(&gone.to_string());
    service.minutes().await;
    assert_eq!(service.linked_here(), service.at_kakao(APP_ID));
    assert_eq!(service.unlinked_here(), [gone].into());
    for member in [linked, gone] {
        let state = service.pipeline.state(APP_ID, &member.to_string()).unwrap().unwrap();
        assert_eq!(state["channels"]["_ISxgbxb"]["status"], "added", "{state}");
    }
}

#[tokio::test]
async fn items_that_an_older_release_wrote_are_in_the_roster_once_they_are_found() {
    let mut service = Service::start().await;
    service.members(8).await;
    let in_roster = |service: &Service| -> BTreeSet<u64> {
        let states = service.pipeline.items_of(&format!("USER#{APP_ID}#")).unwrap();
        states.iter().filter_map(|item| item.get("roster_id").and_then(Value::as_u64)).collect()
    };
    for member in FIRST..FIRST + 4 {
        let names = ["roster", "roster_id", "roster_link"];
        service.pipeline.table.take_out(&format!("USER#{APP_ID}#{member}"), "STATE", &names).unwrap();
    }
    assert_eq!(in_roster(&service).len(), 4);
    let history = |service: &Service| service.pipeline.history(&format!("USER#{APP_ID}#{FIRST}")).unwrap().len();
    assert_eq!(history(&service), 1);
    service.minutes().await;
    assert_eq!((service.state().as_str(), in_roster(&service)), ("done", service.at_kakao(APP_ID)));
    // They were known: nothing had been lost.
    assert_eq!((&service.run()["counts"]["linked"], history(&service)), (&json!(0), 2));
    service.next_day().await;
    service.minutes().await;
    assert_eq!((service.linked_here(), history(&service)), (service.at_kakao(APP_ID), 2));
}

#[tokio::test]
async fn a_run_that_would_unlink_too_many_is_held_until_an_operator_approves() {
    let mut service = Service::start_with(&[("RECONCILE_MAX_UNLINKS", "2")]).await;
    service.members(9).await;
    let missing: BTreeSet<u64> = (FIRST + 2..FIRST + 5).collect();
    missing.iter().for_each(|member| service.unlink_at_kakao(*member));
    for _ in 0..3 {
        service.minute().await;
        assert_eq!((service.state().as_str(), service.unlinked_here()), ("held", BTreeSet::new()));
    }
    assert_eq!(service.run()["held_because"], "too_many_missing");
    assert_eq!(service.kakao.usage().calls(ApiCall::UserMe), 0);
    service.approve().await;
    service.minute().await;
    assert_eq!((service.state().as_str(), service.unlinked_here()), ("done", missing));
    assert_eq!(service.linked_here(), service.at_kakao(APP_ID));
    let run = json!(service.run()).to_string();
    assert!(!run.contains(READER_KEY), "{run}");
}

#[tokio::test]
async fn more_unlinks_than_calls_in_a_minute_are_confirmed_over_several_minutes() {
    let mut service = Service::start_with(&[("RECONCILE_MAX_UNLINKS", "1000")]).await;
    service.link(APP_ID, (0..250).map(|number| (FIRST + number, 1_700_000_000)));
    service.minutes().await;
    let gone: BTreeSet<u64> = (FIRST..FIRST + 200).collect();
    gone.iter().for_each(|member| service.unlink_at_kakao(*member));
    service.next_day_with(&[("RECONCILE_MAX_UNLINKS", "1000")]).await;
    assert_eq!((service.minutes().await, service.state().as_str()), (3, "done"));
    assert_eq!((service.linked_here(), service.unlinked_here()), (service.at_kakao(APP_ID), gone));
    assert!(service.kakao.usage().busiest_minute(APP_ID) <= 95);
}
