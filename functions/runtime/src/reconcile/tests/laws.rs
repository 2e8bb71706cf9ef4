//! Random histories of linking and unlinking, with webhooks that are lost, late and repeated, and a reconciler that is
//! killed anywhere.

use std::time::Duration;

use kakao_webhooks::{envelope::Envelope, state::Access, wire::Time};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::advance;

use super::{
    super::Phase,
    world::{APP, World},
};

/// One member links or unlinks at Kakao, and how its webhook arrives.
#[derive(Clone, Debug)]
struct Move {
    member: u64,
    /// Since the one before it.
    pause_millis: u64,
    webhook: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Lost,
    Delivered,
    Repeated,
    /// Applied behind all others of its time: before the run, or, if it happened during the run, behind that. An event
    /// from before the run that comes behind it, of a member whose next event is lost, waits for the next run.
    Late,
}

fn moves(most: usize, fates: &'static [Fate]) -> impl Strategy<Value = Vec<Move>> {
    let one = (1..=30_u64, 2_000..100_000_u64, prop::sample::select(fates));
    prop::collection::vec(
        one.prop_map(|(member, pause_millis, webhook)| Move { member, pause_millis, webhook }),
        0..most,
    )
}

fn webhook(kind: &str, event: &Value, at: Time, id: usize) -> Envelope {
    let message = json!({"v": 1, "id": format!("w{id}"), "app_id": APP, "received_at": at.to_string(), "kind": kind,
        "event": event});
    Envelope::decode(&message.to_string()).unwrap()
}

/// The member's link changes at Kakao. A link's token has the whole second of its time, an unlink webhook the time of
/// its receipt.
fn play(world: &World, one: &Move, id: usize) -> Envelope {
    let (now, number) = (world.now(), one.member);
    let is_linked = world.kakao().members.connected_at(APP, number).is_some();
    if is_linked {
        world.unlink(number);
        webhook("unlink", &json!({"user_id": number.to_string()}), now, id)
    } else {
        world.link(number);
        let at = Time::from_seconds(now.as_seconds()).unwrap();
        let event = json!({"type": "service-linked", "user_id": number.to_string(), "at": at.to_string()});
        webhook("service", &event, now, id)
    }
}

/// Plays a move; returns what arrives at the very end.
fn deliver(world: &World, one: &Move, id: usize) -> Option<Envelope> {
    let envelope = play(world, one, id);
    let times = match one.webhook {
        Fate::Lost | Fate::Late => 0,
        Fate::Delivered => 1,
        Fate::Repeated => 2,
    };
    (0..times).for_each(|_| world.apply(&envelope));
    (one.webhook == Fate::Late).then_some(envelope)
}

async fn story(before: Vec<Move>, during: Vec<Move>, kills: Vec<usize>) {
    let world = World::new();
    advance(Duration::from_secs(86_400)).await;
    // A member that both know, so that the list is believed.
    world.link(1_000);
    world.linked_here(1_000, world.now());
    let mut late = vec![];
    for (id, one) in before.iter().enumerate() {
        advance(Duration::from_millis(one.pause_millis)).await;
        late.extend(deliver(&world, one, id));
    }
    late.drain(..).rev().for_each(|envelope| world.apply(&envelope));
    advance(Duration::from_secs(2)).await;
    let first = before.len();
    let arrived_late = std::sync::Arc::new(std::sync::Mutex::new(late));
    let (mut coming, arriving) = (during.into_iter().enumerate(), arrived_late.clone());
    let mut next: Option<(usize, Move, Time)> = None;
    *world.meanwhile.lock().unwrap() = Box::new(move |world| {
        if next.is_none() {
            next = coming.next().map(|(id, one)| {
                let at =
                    Time::clamped(world.now().as_millis() + i64::try_from(one.pause_millis / 10).unwrap().max(2_000));
                (id, one, at)
            });
        }
        if let Some((id, one, _)) = next.take_if(|(.., at)| *at <= world.now()) {
            arriving.lock().unwrap().extend(deliver(world, &one, first + id));
        }
    });
    for polls in kills {
        world.invoke(Some(polls)).await;
        world.process();
        advance(Duration::from_secs(61)).await;
    }
    let mut is_approved = false;
    loop {
        world.minutes().await;
        if world.phase() != Phase::Held || is_approved {
            break;
        }
        is_approved = world.table().run.as_mut().unwrap().approve();
    }
    *world.meanwhile.lock().unwrap() = Box::new(|_| {});
    assert_eq!(world.phase(), Phase::Done, "{:?}", world.run());
    arrived_late.lock().unwrap().iter().for_each(|envelope| world.apply(envelope));
    for number in 1..=30 {
        let is_linked = world.kakao().members.connected_at(APP, number).is_some();
        match world.access(number) {
            Some(access) => assert_eq!(access == Access::Allowed, is_linked, "member {number}: {access:?}"),
            // Linked and unlinked again, and nothing of it was heard.
            None => assert!(!is_linked, "member {number} is not known"),
        }
    }
}

const ANY: &[Fate] = &[Fate::Lost, Fate::Delivered, Fate::Repeated, Fate::Late];
const NOT_LOST: &[Fate] = &[Fate::Delivered, Fate::Repeated, Fate::Late];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn after_a_run_with_nothing_lost_since_every_members_access_is_kakaos_truth(
        before in moves(60, ANY),
        during in moves(12, NOT_LOST),
        kills in prop::collection::vec(0..150_usize, 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(story(before, during, kills));
    }
}
