//! What must never unlink a member.

use std::time::Duration;

use kakao_webhooks::{state::Link, wire::Time};
use play_kakao::rest_api::{AdminKey, ApiCall, ApiError, ApiFault, ScriptedFault};
use tokio::time::advance;

use super::{
    super::{Brake, Phase},
    world::{APP, KEY, World, linked, user},
};

/// Members who are linked at Kakao and here.
fn service(members: u64) -> World {
    let world = World::new();
    for number in 1..=members {
        world.link(number * 10);
        world.linked_here(number * 10, Time::clamped(world.now().as_millis() - 86_400_000));
    }
    world
}

/// Two runs' time with this fault for good.
async fn with(world: &World, call: ApiCall, fault: ApiFault) {
    world.kakao().script(ScriptedFault::all(call, fault));
    for _ in 0..3 {
        world.invoke(None).await;
        world.process();
        advance(Duration::from_secs(61)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_fault_of_any_call_unlinks_a_member_however_few_there_are() {
    let mut faults: Vec<ApiFault> = ApiError::ALL.iter().map(|error| ApiFault::Error(*error)).collect();
    faults.extend([
        ApiFault::UnknownError { status: 400, code: -102 },
        ApiFault::UnknownError { status: 200, code: -101 },
        ApiFault::NoMembers,
        ApiFault::EmptyObject,
        ApiFault::OtherApp("2".to_owned()),
        ApiFault::ListEndsAt(5),
        ApiFault::ListEndsAt(10),
        ApiFault::ListEndsAt(45),
        ApiFault::NotJson,
        ApiFault::Html(200),
        ApiFault::Html(404),
        ApiFault::Html(503),
        ApiFault::Hang,
        ApiFault::Slow(Duration::from_secs(3)),
        ApiFault::Reset,
    ]);
    for members in [1, 3, 150] {
        for fault in &faults {
            for call in [ApiCall::UserIds, ApiCall::AppUsers] {
                let world = service(members);
                // Another app, whose member numbers are others.
                world.kakao().members.link_all("2", (1..=300).map(|number| (number * 10 + 1, 1_600_000_000)));
                with(&world, call, fault.clone()).await;
                assert_eq!(world.linked_members(), world.members_at_kakao(), "{members} {call:?} {fault:?}");
                let state = world.run();
                let is_explained = state.state != Phase::Failed || state.last_error.is_some();
                assert!(is_explained && (state.state == Phase::Held) == state.held_because.is_some(), "{state:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_kakao_says_of_one_missing_member_unlinks_them_only_if_it_says_not_linked() {
    for error in ApiError::ALL {
        let world = service(50);
        // The list ends early, so that a member is asked for.
        world.kakao().script(ScriptedFault::all(ApiCall::UserIds, ApiFault::ListEndsAt(490)));
        with(&world, ApiCall::UserMe, ApiFault::Error(*error)).await;
        let is_unlinked = !world.linked_members().contains(&500);
        assert_eq!(is_unlinked, *error == ApiError::NotLinked, "{error:?}");
        assert_eq!(world.linked_members().len(), if is_unlinked { 49 } else { 50 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_dormant_account_is_left_as_it_is_and_asked_for_the_next_day() {
    let world = service(50);
    world.kakao().script(ScriptedFault::all(ApiCall::UserIds, ApiFault::ListEndsAt(490)));
    world.kakao().members.set_dormant(APP, 500, true);
    world.minutes().await;
    assert_eq!((world.phase(), world.run().counts.unclear, world.run().counts.unlinked), (Phase::Done, 1, 0));
    world.kakao().members.set_dormant(APP, 500, false);
    world.unlink(500);
    advance(Duration::from_secs(86_400)).await;
    world.minutes().await;
    assert_eq!(world.linked_members().len(), 49);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_another_app_links_none_of_its_members_here() {
    let world = service(3);
    world.kakao().members.link_all("2", (1..=300).map(|number| (number * 10 + 1, 1_600_000_000)));
    with(&world, ApiCall::UserIds, ApiFault::OtherApp("2".to_owned())).await;
    assert_eq!((world.phase(), world.run().held_because), (Phase::Held, Some(Brake::NothingInCommon)));
    assert!(world.table().sent.is_empty());
}

#[tokio::test(start_paused = true)]
async fn beyond_the_brake_nothing_happens_until_an_operator_approves() {
    let world = service(200);
    for number in 1..=21 {
        world.unlink(number * 10);
    }
    world.minutes().await;
    assert_eq!((world.phase(), world.run().held_because), (Phase::Held, Some(Brake::TooManyMissing)));
    for _ in 0..5 {
        world.invoke(None).await;
        advance(Duration::from_secs(61)).await;
    }
    assert_eq!((world.phase(), world.linked_members().len()), (Phase::Held, 200));
    // The next day's run is held again.
    advance(Duration::from_secs(86_400)).await;
    world.minutes().await;
    assert_eq!((world.phase(), world.linked_members().len()), (Phase::Held, 200));
    assert!(world.table().run.as_mut().unwrap().approve());
    world.minutes().await;
    assert_eq!((world.phase(), world.linked_members()), (Phase::Done, world.members_at_kakao()));
}

#[tokio::test(start_paused = true)]
async fn a_list_with_nothing_in_common_is_believed_after_approval() {
    let world = service(2);
    world.unlink(10);
    world.unlink(20);
    world.link(30);
    world.minutes().await;
    assert_eq!((world.phase(), world.run().held_because), (Phase::Held, Some(Brake::NothingInCommon)));
    assert!(world.table().sent.is_empty());
    assert!(world.table().run.as_mut().unwrap().approve());
    world.minutes().await;
    assert_eq!((world.phase(), world.linked_members()), (Phase::Done, vec![30]));
}

#[tokio::test(start_paused = true)]
async fn a_member_far_down_the_list_makes_it_believed_and_read_from_its_beginning() {
    let world = World::new();
    world.kakao().members.link_all(APP, (1..=5_000).map(|number| (number, 1_600_000_000)));
    // Those of each part of the roster that are asked for first have left; one further down has not.
    for number in (1..=16).map(|number| number * 11).chain([5_000]) {
        world.linked_here(number, world.now());
        if number != 5_000 {
            world.unlink(number);
        }
    }
    world.minutes().await;
    assert_eq!((world.phase(), world.linked_members()), (Phase::Done, world.members_at_kakao()));
}

/// The key under this app's id is another app's: all that Kakao answers is true, of the other one's members.
fn with_the_key_of_another_app(members: u64) -> World {
    let world = service(members);
    let mut kakao = world.kakao();
    kakao.members.link_all("2", (1..=300).map(|number| (number * 10 + 1, 1_600_000_000)));
    kakao.add_key(KEY, AdminKey::reader("2"));
    drop(kakao);
    world
}

#[tokio::test(start_paused = true)]
async fn the_key_of_another_app_unlinks_and_links_no_member() {
    for members in [1, 2, 3, 25, 150] {
        let world = with_the_key_of_another_app(members);
        for _ in 0..3 {
            world.minutes().await;
            advance(Duration::from_secs(86_400)).await;
        }
        assert_eq!((world.phase(), world.run().held_because), (Phase::Held, Some(Brake::NothingInCommon)));
        assert_eq!(world.linked_members(), world.members_at_kakao());
        assert!(world.table().sent.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_of_another_app_from_the_first_day_on_unlinks_no_member_whom_webhooks_reported() {
    let world = with_the_key_of_another_app(0);
    world.minutes().await;
    for number in 1..=15 {
        world.link(number * 10);
        world.linked_here(number * 10, Time::clamped(world.now().as_millis() - 3_600_000));
    }
    for _ in 0..3 {
        advance(Duration::from_secs(86_400)).await;
        world.minutes().await;
        assert_eq!((world.phase(), world.run().held_because), (Phase::Held, Some(Brake::NothingInCommon)));
        for number in world.members_at_kakao() {
            assert!(world.linked_members().contains(&number), "{number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_of_whom_kakao_never_answers_holds_up_no_other() {
    for fault in [
        ApiFault::Error(ApiError::Internal),
        ApiFault::Error(ApiError::Parameter),
        ApiFault::UnknownError { status: 400, code: -406 },
        ApiFault::Html(502),
        ApiFault::EmptyObject,
    ] {
        let world = service(200);
        (1..=10).for_each(|number| world.unlink(number * 10));
        // The first of them in five minutes, three times each; the rest is answered.
        let attempts = if fault == ApiFault::Error(ApiError::Parameter) { 5 } else { 15 };
        world.kakao().script(ScriptedFault::next(attempts, ApiCall::UserMe, fault.clone()));
        world.minutes().await;
        assert_eq!((world.phase(), world.run().counts.unclear), (Phase::Done, 1), "{fault:?}");
        assert_eq!(world.linked_members().len(), 191);
    }
}

#[tokio::test(start_paused = true)]
async fn members_whom_the_roster_lost_late_are_not_missing() {
    let world = service(1);
    for number in 1..=30 {
        world.table().states.insert(user(number), linked(Link::Unlinked { reason: None }, world.now()));
        world.table().stale.insert(user(number));
    }
    world.minutes().await;
    assert_eq!((world.phase(), world.run().counts.missing), (Phase::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_changes_nothing() {
    for text in ["", "{}", "no JSON", r#"{"1":""}"#] {
        let world = service(3);
        *world.secret.lock().unwrap() = text.to_owned();
        world.invoke(None).await;
        assert!(world.table().run.is_none() && world.table().sent.is_empty(), "{text}");
    }
}
