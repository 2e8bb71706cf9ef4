use std::time::Duration;

use kakao_webhooks::state::{Access, Effect, Link, Merge, UserState};
use kakao_webhooks::wire::{EventId, Time};
use play_kakao::rest_api::{ApiCall, ApiError, ApiFault, ScriptedFault};
use tokio::time::{Instant, advance};

use super::{
    super::{HeldReaderKeys, Phase, Purpose, Reconciler, Settings, worker::MOST_CALLS},
    world::{APP, KEY, Secret, World, linked, user},
};

#[tokio::test(start_paused = true)]
async fn with_an_empty_table_every_member_is_linked_since_kakao_says() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=12_345).map(|number| (number * 7, 1_600_000_000 + number as i64)));
    let minutes = world.minutes().await;
    assert_eq!(world.phase(), Phase::Done);
    assert_eq!(world.linked_members(), world.members_at_kakao());
    assert_eq!(world.table().states[&user(7)].link.as_ref().unwrap().at.as_seconds(), 1_600_000_001);
    // Two calls for a hundred members, and 95 calls a minute.
    assert!(minutes <= 3, "{minutes}");
    let usage = world.kakao().usage().clone();
    assert!(usage.busiest_minute(APP) <= usize::try_from(MOST_CALLS).unwrap());
    assert!(world.table().largest <= 1_000);
}

#[tokio::test(start_paused = true)]
async fn what_both_know_costs_one_call_for_a_hundred_members_and_no_event() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=20_000).map(|number| (number, 1_600_000_000)));
    for number in 1..=20_000 {
        world.linked_here(number, "2020-01-01T00:00:00Z".parse().unwrap());
    }
    assert!(world.minutes().await <= 3);
    assert!(world.table().sent.is_empty());
    assert!(world.kakao().usage().calls(ApiCall::UserIds) <= 201 + 1);
    assert_eq!(world.kakao().usage().calls(ApiCall::AppUsers), 0);
    let counts = world.run().last_finished.unwrap().counts;
    assert_eq!((counts.listed, counts.known, counts.shared, counts.differences()), (20_000, 20_000, 20_000, 0));
}

#[tokio::test(start_paused = true)]
async fn lost_unlinks_and_links_are_found_and_dated_before_kakao_was_asked() {
    let world = World::new();
    advance(Duration::from_millis(86_400_500)).await;
    for number in 1..=50 {
        world.link(number);
        world.linked_here(number, world.now());
    }
    advance(Duration::from_secs(3_600)).await;
    world.unlink(7);
    world.unlink(50);
    world.link(77);
    // Known by a channel only.
    let seen = UserState::of_event(vec![Effect::VoidSessions], world.now(), &EventId::from_text("x"));
    world.table().states.insert(user(78), seen);
    world.link(78);
    // Linked again without our hearing of it; Kakao's time of it is older than our unlink.
    world.link(79);
    world.table().states.insert(user(79), linked(Link::Unlinked { reason: None }, world.now()));
    advance(Duration::from_secs(60)).await;
    let asked_from = world.now();
    world.minutes().await;
    assert_eq!(world.phase(), Phase::Done);
    assert_eq!(world.linked_members(), world.members_at_kakao());
    assert_eq!(
        [7, 50, 77, 78].map(|number| world.access(number).unwrap()),
        [Access::Gone, Access::Gone, Access::Allowed, Access::Allowed]
    );
    let sent = world.table().sent.clone();
    let ids: Vec<_> = sent.iter().map(|envelope| envelope.id.as_str().to_owned()).collect();
    let run = world.run().run_id;
    for number in [7, 50, 77, 78, 79] {
        assert!(ids.contains(&format!("reconcile:{run}:{number}")), "{ids:?}");
    }
    let unlinked = world.table().states[&user(7)].link.clone().unwrap();
    assert_eq!(unlinked.value, Link::Unlinked { reason: Some("RECONCILED".to_owned()) });
    assert_eq!(unlinked.at.as_millis() % 1_000, 0);
    assert!(unlinked.at.millis_since(asked_from) < 60_000);
    let counts = world.run().last_finished.unwrap().counts;
    assert_eq!((counts.linked, counts.unlinked), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn a_comparison_writes_down_what_it_finds_and_changes_nothing() {
    let world = World::new();
    for number in 1..=10 {
        world.link(number);
        world.linked_here(number, world.now());
    }
    advance(Duration::from_secs(60)).await;
    world.unlink(3);
    world.link(11);
    world.minutes().await;
    let linked = world.linked_members();
    world.unlink(4);
    world.link(12);
    world.ask_for(Purpose::Compare);
    let sent = world.table().sent.len();
    world.minutes().await;
    assert_eq!((world.linked_members(), world.table().sent.len()), (linked, sent));
    let mut found: Vec<_> =
        world.table().differences.iter().map(|it| (it.user_id.number(), it.linked_at_kakao)).collect();
    found.sort_unstable();
    assert_eq!(found, [(4, false), (12, true)]);
    // It is no day's run.
    assert_eq!(world.run().last_finished.unwrap().counts.differences(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_workers_at_once_make_no_more_calls_than_one() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=20_000).map(|number| (number, 1_600_000_000)));
    tokio::join!(world.invoke(None), world.invoke(None), world.invoke(None));
    assert!(world.kakao().usage().busiest_minute(APP) <= usize::try_from(MOST_CALLS).unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_ends_a_run_wins_over_its_worker() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=3_000).map(|number| (number, 1_600_000_000)));
    *world.meanwhile.lock().unwrap() = Box::new(|world| {
        let calls = world.kakao().usage().calls(ApiCall::UserIds);
        let mut table = world.table();
        let run = table.run.as_mut().unwrap();
        if calls == 10 && run.state == Phase::Listing {
            (run.state, run.revision) = (Phase::Failed, run.revision + 1);
        }
    });
    world.invoke(None).await;
    assert_eq!(world.phase(), Phase::Failed);
    world.invoke(None).await;
    assert_eq!(world.phase(), Phase::Failed);
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_asked_again_and_what_does_not_ends_the_run_with_kakaos_words() {
    use ApiError as E;
    for (error, ends) in [
        (E::Internal, false),
        (E::Timeout, false),
        (E::Maintenance, false),
        (E::PlatformMaintenance, false),
        (E::OverQuota, false),
        (E::Parameter, true),
        (E::NotEnabled, true),
        (E::Header, true),
        (E::NoPermission, true),
        (E::AppSuspended, true),
        (E::Unauthorized, true),
    ] {
        let world = World::new();
        world.kakao().members.link_all(APP, (1..=500).map(|number| (number, 1_600_000_000)));
        // As long as three attempts of two minutes.
        world.kakao().script(ScriptedFault::next(6, ApiCall::UserIds, ApiFault::Error(error)).after(1));
        world.invoke(None).await;
        let run = world.run();
        assert_eq!(run.state, if ends { Phase::Failed } else { Phase::Listing }, "{error:?}");
        assert!(run.last_error.as_ref().is_some_and(|error| error.contains("code -")), "{run:?}");
        assert!(!format!("{run:?}").contains(KEY), "{run:?}");
        assert_eq!(run.finished_at.is_some(), ends);
        if !ends {
            advance(Duration::from_secs(61)).await;
            world.minutes().await;
            assert_eq!((world.phase(), world.linked_members().len()), (Phase::Done, 500), "{error:?}");
            assert_eq!(world.run().last_error, None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_replaced_in_the_secret_is_used_and_the_list_read_again() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=20_000).map(|number| (number, 1_600_000_000)));
    world.invoke(None).await;
    let first = world.run();
    let other = "fedcba9876543210fedcba9876543210";
    {
        let mut kakao = world.kakao();
        kakao.revoke_key(KEY);
        kakao.add_key(other, play_kakao::rest_api::AdminKey::reader(APP));
    }
    *world.secret.lock().unwrap() = format!(r#"{{"{APP}":"{other}"}}"#);
    advance(Duration::from_secs(61)).await;
    world.minutes().await;
    assert_ne!(world.run().run_id, first.run_id);
    assert_eq!((world.phase(), world.linked_members().len()), (Phase::Done, 20_000));
}

#[tokio::test(start_paused = true)]
async fn a_member_who_links_again_in_the_second_in_which_kakao_was_asked_stays_linked() {
    for millis in [0, 400, 800] {
        let world = World::new();
        for number in 1..=100 {
            world.link(number);
            world.linked_here(number, world.now());
        }
        advance(Duration::from_millis(86_400_000 + millis)).await;
        world.unlink(10);
        world.unlink(20);
        *world.meanwhile.lock().unwrap() = Box::new(|world| {
            // The answer about the first of them is given.
            if world.kakao().usage().calls(ApiCall::UserMe) == 1 && world.access(10) != Some(Access::Gone) {
                world.link(10);
                let token_time = Time::from_seconds(world.now().as_seconds()).unwrap();
                world.linked_here(10, token_time);
            }
        });
        world.minutes().await;
        assert_eq!((world.access(10), world.access(20)), (Some(Access::Allowed), Some(Access::Gone)), "{millis}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unlink_that_is_reported_while_its_page_is_compared_wins() {
    let world = World::new();
    for number in 1..=100 {
        world.link(number);
        // Of an unlink that came after Kakao's own time of the link: the page's time would decide.
        world.table().states.insert(user(number), linked(Link::Unlinked { reason: None }, world.now()));
    }
    world.linked_here(101, world.now());
    world.link(101);
    advance(Duration::from_secs(60)).await;
    *world.meanwhile.lock().unwrap() = Box::new(|world| {
        if world.kakao().usage().calls(ApiCall::AppUsers) == 0 && world.kakao().usage().calls(ApiCall::UserIds) == 2 {
            let at = world.now();
            // Its answer to the second call still has the member: Kakao unlinks behind it.
            world.table().states.entry(user(7)).or_default().merge(linked(Link::Unlinked { reason: None }, at));
        }
    });
    world.minutes().await;
    assert_eq!((world.access(7), world.access(8)), (Some(Access::Gone), Some(Access::Allowed)));
}

#[tokio::test(start_paused = true)]
async fn items_of_an_earlier_release_are_written_again_and_nothing_in_them_moves() {
    let world = World::new();
    for number in 1..=300 {
        world.link(number);
        world.linked_here(number, world.now());
        world.table().outdated.insert(user(number));
    }
    let before = world.table().states.clone();
    advance(Duration::from_secs(3_600)).await;
    world.ask_for(Purpose::Compare);
    world.minutes().await;
    assert!(world.table().differences.is_empty() && world.table().sent.is_empty());
    world.ask_for(Purpose::Correct);
    world.minutes().await;
    let table = world.table();
    assert!(table.outdated.is_empty() && table.sent.len() == 300);
    let links = |states: &std::collections::BTreeMap<_, UserState>| -> Vec<_> {
        states.values().map(|state| state.link.clone()).collect()
    };
    assert_eq!(links(&table.states), links(&before));
    assert_eq!(table.run.as_ref().unwrap().last_finished.as_ref().unwrap().counts.differences(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_others_use_up_and_a_queue_that_fails_do_not_stop_the_progress() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=15_000).map(|number| (number, 1_600_000_000)));
    for number in 1..=15_000 {
        world.linked_here(number, "2020-01-01T00:00:00Z".parse().unwrap());
    }
    world.unlink(14_999);
    world.link(20_000);
    world.table().queue_failures = 2;
    *world.meanwhile.lock().unwrap() = Box::new(|world| {
        // Only thirty lists a minute are left to the reconciler.
        world.kakao().settings.lists_per_minute = Some(30);
    });
    assert!(world.minutes().await <= 12);
    assert_eq!((world.phase(), world.linked_members()), (Phase::Done, world.members_at_kakao()));
    assert_eq!(world.run().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn members_of_whom_kakao_has_no_data_are_counted_and_many_of_them_are_a_fault() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=500).map(|number| (number, 1_600_000_000)));
    world.kakao().script(ScriptedFault::all(ApiCall::AppUsers, ApiFault::OtherApp("2".to_owned())));
    world.invoke(None).await;
    assert!(world.phase() == Phase::Listing && world.run().last_error.is_some() && world.table().sent.is_empty());
    world.kakao().clear_faults();
    advance(Duration::from_secs(61)).await;
    world.minutes().await;
    assert_eq!((world.phase(), world.linked_members().len()), (Phase::Done, 500));
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_passes_while_members_are_asked_for_leaves_none_out() {
    for (attempts, queue_failures) in [(3, 0), (12, 0), (0, 1), (0, 3)] {
        let world = World::new();
        for number in 1..=200 {
            world.link(number);
            world.linked_here(number, world.now());
        }
        advance(Duration::from_secs(3_600)).await;
        (1..=15).for_each(|number| world.unlink(number * 13));
        world.kakao().script(ScriptedFault::next(attempts, ApiCall::UserMe, ApiFault::Error(ApiError::Internal)));
        world.table().queue_failures = queue_failures;
        world.minutes().await;
        assert_eq!((world.phase(), world.run().counts.unclear), (Phase::Done, 0), "{attempts} {queue_failures}");
        assert_eq!(world.linked_members(), world.members_at_kakao());
        assert_eq!(world.run().last_finished.unwrap().counts.unlinked, 15);
    }
}

/// A hundred thousand members over some years. One webhook in a hundred is lost, and all of one hour; the worker is killed
/// every few seconds.
#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_members_are_kakaos_truth_again_after_one_run_however_often_it_is_killed() {
    let world = World::new();
    let begun = world.now().as_seconds() - 100_000 * 600;
    for number in 1..=100_000_u64 {
        let at = Time::from_seconds(begun + i64::try_from(number).unwrap() * 600).unwrap();
        let left_at = Time::clamped(at.as_millis() + 86_400_000);
        world.kakao().members.link(APP, number * 3, at.as_seconds());
        let has_left = number % 10 == 0;
        if has_left {
            world.unlink(number * 3);
        }
        // Six webhooks an hour.
        let is_lost =
            |salt: u64| (number * 7_919 + salt * 13).is_multiple_of(101) || (50_000..50_006).contains(&number);
        if !is_lost(0) {
            world.linked_here(number * 3, at);
        }
        if has_left && !is_lost(1) {
            world
                .table()
                .states
                .entry(user(number * 3))
                .or_default()
                .merge(linked(Link::Unlinked { reason: None }, left_at));
        }
    }
    let wrong = world.linked_members().len().abs_diff(world.members_at_kakao().len());
    assert!(wrong > 100, "{wrong}");
    for polls in (0..60).map(|turn| 40 + turn * 37) {
        world.invoke(Some(polls)).await;
        world.process();
        advance(Duration::from_secs(61)).await;
    }
    if world.run().state.is_working() {
        world.minutes().await;
    }
    assert_eq!((world.phase(), world.linked_members()), (Phase::Done, world.members_at_kakao()));
    assert!(world.table().largest <= 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_an_app_whose_key_is_not_in_the_secret_fails_and_says_so() {
    let world = World::new();
    world.ask_for(Purpose::Correct);
    *world.secret.lock().unwrap() = r#"{"2":"0000"}"#.to_owned();
    let keys = HeldReaderKeys::new(Secret(&world));
    let reconciler = Reconciler::new(&world, &world, &world, &keys, || world.now(), Settings::default());
    let invoke = async || reconciler.reconcile(Instant::now() + Duration::from_secs(50), || 7).await;
    keys.current(world.now()).await.unwrap();
    // A key that was added since the secret was read last is found.
    *world.secret.lock().unwrap() = format!(r#"{{"{APP}":"{KEY}"}}"#);
    invoke().await;
    assert_eq!(world.phase(), Phase::Listing);
    invoke().await;
    assert_eq!(world.phase(), Phase::Done);

    world.ask_for(Purpose::Correct);
    *world.secret.lock().unwrap() = r#"{"2":"0000"}"#.to_owned();
    keys.doubt().await;
    invoke().await;
    let run = world.run();
    assert_eq!((run.state, run.leased_until), (Phase::Failed, None));
    assert_eq!(run.last_error.as_deref(), Some("the secret of KakaoReaderKeys has no usable key of app 1"));
}
