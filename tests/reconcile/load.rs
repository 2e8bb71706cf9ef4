//! Many members, lost webhooks, and a reconciler that is killed again and again.
//!
//! ```sh
//! RECONCILE_MEMBERS=100000 cargo test -p end-to-end --test reconcile load -- --nocapture
//! ```

use std::{collections::BTreeSet, time::Duration};

use end_to_end::{queue::Message, seeded_random::SeededRandom, service::APP_ID};
use kakao_webhooks::{
    envelope::{Envelope, Event, Letter},
    wire::{
        EventId, Time, UserId,
        account_status::{AccountStatus, EventType, SecurityEvent},
        unlink::{Unlink, UnlinkReason},
    },
};
use play_kakao::rest_api::ApiCall;
use serde_json::{Map, json};
use tokio::time::{Instant, sleep};

use crate::service::{FIRST, MIDNIGHT, Service};

/// As many as a developer waits for.
const MEMBERS: u64 = 2_000;
/// What happens, happens within a day that ends at midnight.
const DAY: u64 = 86_400;
/// In this hour of the day no webhook arrives.
const MISSING_HOUR: i64 = 13;
/// Of the others one in so many is lost.
const LOST: u64 = 100;
/// One in so many members unlinks, and one in so many of those links again.
const UNLINKS: u64 = 10;
const LINKS_AGAIN: u64 = 4;
/// The reconciler is killed in one of so many minutes.
const KILLED: u64 = 3;
/// Larger than the queue's batches, to be quick.
const BATCH: usize = 100;
/// What the function has in template.yaml.
const MOST_MEMORY: u64 = 128 * 1_024 * 1_024;
/// A process that worked on the end of the list may hold so much more than one that worked on its beginning.
const GROWTH: u64 = 8 * 1_024 * 1_024;
const MOST_MINUTES: u64 = 500;

/// What a member does: at which second of the day, and whether they are linked since.
type Step = (i64, bool);

/// The steps of a member, in their order.
fn life(random: &mut SeededRandom) -> Vec<Step> {
    let mut seconds: Vec<i64> = (0..3).map(|_| i64::try_from(random.below(DAY)).unwrap()).collect();
    seconds.sort_unstable();
    seconds.dedup();
    let steps = match (random.one_in(UNLINKS), random.one_in(LINKS_AGAIN)) {
        (false, _) => 1,
        (true, false) => 2,
        (true, true) => 3,
    };
    seconds.into_iter().take(steps).zip([true, false, true]).collect()
}

fn is_lost((second, _): Step, random: &mut SeededRandom) -> bool {
    second / 3_600 == MISSING_HOUR || random.one_in(LOST)
}

fn time(second: i64) -> Time {
    Time::from_seconds(MIDNIGHT - i64::try_from(DAY).unwrap() + second).unwrap()
}

/// The webhook of a step, as its function puts it into the queue.
fn webhook(member: u64, (second, is_link): Step) -> String {
    let (user_id, at) = (UserId::new(member).unwrap(), time(second));
    let event = if is_link {
        let event = SecurityEvent::read(EventType::UserLinked.uri(), Map::new()).unwrap();
        Event::AccountStatus(AccountStatus { user_id, at, event })
    } else {
        Event::Unlink(Unlink { user_id, reason: Some(UnlinkReason::UnlinkFromApps) })
    };
    let envelope = Envelope {
        id: EventId::from_text(&format!("{}-{second}", member - FIRST)),
        app_id: Some(APP_ID.parse().unwrap()),
        received_at: at,
        request_id: None,
        replayed_at: None,
        letter: Letter::Event(event),
    };
    envelope.encode().unwrap()
}

/// Members live at Kakao, and most of their webhooks arrive. Returns how many got lost.
async fn live(service: &mut Service, members: u64, random: &mut SeededRandom) -> usize {
    let (mut webhooks, mut at_kakao, mut lost) = (vec![], vec![], 0);
    for member in (0..members).map(|number| FIRST + 7 * number) {
        let life = life(random);
        let last = *life.last().unwrap();
        at_kakao.extend(last.1.then(|| (member, time(last.0).as_seconds())));
        let (gone, arriving): (Vec<Step>, Vec<Step>) = life.into_iter().partition(|step| is_lost(*step, random));
        lost += gone.len();
        webhooks.extend(arriving.into_iter().map(|step| webhook(member, step)));
    }
    service.link(APP_ID, at_kakao);
    random.shuffle(&mut webhooks);
    let message = |(number, body)| Message { id: format!("m{number}"), body };
    let messages: Vec<Message> = webhooks.into_iter().enumerate().map(message).collect();
    for batch in messages.chunks(BATCH) {
        assert_eq!(service.pipeline.process(batch).await.unwrap(), Vec::<String>::new());
    }
    lost
}

/// A minute in the middle of which the reconciler is killed, after so many lists.
async fn killed_minute(service: &mut Service, lists: u64) {
    let so_far = |service: &Service| service.kakao.usage().calls(ApiCall::UserIds);
    let (seen, deadline) = (so_far(service), Instant::now() + Duration::from_secs(60));
    let invocation = service.reconciler.begin(&service.event()).await;
    while so_far(service) < seen + lists && !service.reconciler.has_ended(&invocation).await {
        assert!(Instant::now() < deadline, "it neither works nor ends");
        sleep(Duration::from_millis(1)).await;
    }
    service.restart().await;
    service.pipeline.settle().await.unwrap();
}

/// The most that a process ever held, in bytes; none where there is no `/proc`.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * 1_024)
}

/// Works on the day's run to its end. The peak of memory in each minute that no process was killed in.
async fn reconcile(service: &mut Service, lists_a_minute: u64, random: &mut SeededRandom) -> Vec<u64> {
    let mut peaks = vec![];
    for minute in 1..MOST_MINUTES {
        if minute % KILLED == 0 {
            killed_minute(service, random.below(lists_a_minute) + 1).await;
        } else {
            service.minute().await;
            peaks.extend(service.reconciler.pid().and_then(peak));
        }
        match service.state().as_str() {
            "held" => service.approve().await,
            "done" => return peaks,
            state => assert!(["listing", "confirming"].contains(&state), "{:?}", service.run()),
        }
    }
    panic!("no end: {:?}", service.run());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_and_killed_again_and_again_a_run_ends_in_kakaos_truth_and_little_memory() {
    let asked = std::env::var("RECONCILE_MEMBERS").ok();
    let members: u64 = asked.map_or(MEMBERS, |text| text.parse().unwrap());
    let (mut service, mut random) = (Service::start().await, SeededRandom::new(1));
    let started = Instant::now();
    let lost = live(&mut service, members, &mut random).await;
    let before: BTreeSet<u64> = service.linked_here();
    let wrong = before.symmetric_difference(&service.at_kakao(APP_ID)).count();
    println!("{members} members, {lost} lost webhooks, {wrong} members wrong, {:?}", started.elapsed());
    assert!(wrong > 0);
    // Few enough that a run takes minutes, and no more than Kakao allows.
    let lists_a_minute = (members / 600).clamp(3, 100);
    service.kakao.api().settings.lists_per_minute = Some(usize::try_from(lists_a_minute).unwrap());

    let (started, peaks) = (Instant::now(), reconcile(&mut service, lists_a_minute, &mut random).await);
    println!("{:?} for {:?}", started.elapsed(), service.run()["counts"]);
    assert!(service.linked_here() == service.at_kakao(APP_ID), "the table is not as Kakao says");

    println!("peaks of memory: {:?} KiB", peaks.iter().map(|peak| peak / 1_024).collect::<Vec<_>>());
    if let (Some(first), Some(most)) = (peaks.first(), peaks.iter().max()) {
        assert!(*most < MOST_MEMORY, "{most} bytes");
        assert!(*most < first + GROWTH, "it grew from {first} to {most} bytes");
    }
    service.next_day().await;
    service.kakao.api().settings.lists_per_minute = None;
    service.minutes().await;
    let counts = &service.run()["counts"];
    assert_eq!((&counts["linked"], &counts["unlinked"]), (&json!(0), &json!(0)));
}
