//! Publishing, on a bus that takes, refuses and hangs. Time is tokio's paused clock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use kakao_webhooks::{
    state::{Members, Part, ProfileValues, UserChange},
    wire::Time,
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::edges::{EdgeError, Queue};

/// A bus that refuses changes of some versions for some calls, and fails or never answers a call that has a certain one.
#[derive(Clone, Default)]
struct FakeBus {
    refused: Arc<Mutex<BTreeMap<u64, usize>>>,
    is_down: bool,
    hangs_at: Option<u64>,
    fails_at: Option<u64>,
    /// It refuses each entry of this version for good.
    never: Option<u64>,
    calls: Arc<Mutex<Vec<Vec<UserChange>>>>,
    taken: Arc<Mutex<Vec<UserChange>>>,
}

impl FakeBus {
    fn refusing(version: u64, times: usize) -> Self {
        let bus = Self::default();
        bus.refused.lock().unwrap().insert(version, times);
        bus
    }

    /// The versions that it took.
    fn taken(&self) -> Vec<u64> {
        self.taken.lock().unwrap().iter().map(UserChange::version).collect()
    }

    fn sizes(&self) -> Vec<usize> {
        self.calls.lock().unwrap().iter().map(Vec::len).collect()
    }
}

impl Bus for FakeBus {
    async fn put(&self, changes: &[UserChange]) -> Result<Vec<Result<(), Refused>>, EdgeError> {
        self.calls.lock().unwrap().push(changes.to_vec());
        let has = |version: Option<u64>| changes.iter().any(|one| Some(one.version()) == version);
        if has(self.hangs_at) {
            std::future::pending::<()>().await;
        }
        if self.is_down || has(self.fails_at) {
            return Err(EdgeError("down".to_owned()));
        }
        let take = |change: &UserChange| {
            if Some(change.version()) == self.never {
                return Err(Refused::with_code("MalformedDetail"));
            }
            let mut refused = self.refused.lock().unwrap();
            match refused.get_mut(&change.version()) {
                Some(times) if *times > 0 => {
                    *times -= 1;
                    Err(Refused::with_code("ThrottlingException"))
                }
                _ => {
                    self.taken.lock().unwrap().push(change.clone());
                    Ok(())
                }
            }
        };
        Ok(changes.iter().map(take).collect())
    }
}

#[derive(Clone, Default)]
struct Kept {
    is_down: bool,
    /// It never answers to a text that has this.
    hangs_at: Option<&'static str>,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Queue for Kept {
    async fn send(&self, text: &str) -> Result<(), EdgeError> {
        if self.is_down {
            return Err(EdgeError("down".to_owned()));
        }
        if self.hangs_at.is_some_and(|part| text.contains(part)) {
            std::future::pending::<()>().await;
        }
        self.texts.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

fn item(version: u64, members: &Value) -> Members {
    let mut item = members.as_object().unwrap().clone();
    item.extend([
        ("pk".to_owned(), json!("USER#123456#9007199254740993")),
        ("sk".to_owned(), json!("STATE")),
        ("version".to_owned(), json!(version)),
        ("updated_at".to_owned(), json!("2026-01-01T00:00:00.000Z")),
    ]);
    item
}

const LINKED: &str = "2025-01-01T00:00:00.000Z";

fn linked() -> Members {
    item(1, &json!({"link": {"status": "linked", "at": LINKED}}))
}

/// The second write: sessions void, and the profile has a name.
fn revoked() -> Members {
    item(
        2,
        &json!({"link": {"status": "linked", "at": LINKED}, "sessions_valid_from": "2025-02-01T00:00:00.000Z",
        "profile": {"nickname": {"value": "\"라이언\"", "at": "2025-02-01T00:00:00.000Z"}}}),
    )
}

fn write(sequence_number: &str, old: Option<Members>, new: Option<Members>) -> Write {
    let written_at = Time::from_seconds(1_800_000_000);
    let item = |members: Members| serde_dynamo::to_item(members).unwrap();
    let (old, new) = (old.map(item), new.map(item));
    Write { sequence_number: sequence_number.to_owned(), old, new, written_at, ..Write::default() }
}

fn two_writes() -> Vec<Write> {
    vec![write("1", None, Some(linked())), write("2", Some(linked()), Some(revoked()))]
}

async fn publish(bus: &FakeBus, kept: Option<Kept>, writes: &[Write]) -> Option<String> {
    let publisher = Publisher::new(bus.clone(), ProfileValues::Withheld, kept);
    publisher
        .publish(writes, Time::from_seconds(1_800_000_001).unwrap(), Instant::now() + Duration::from_secs(20))
        .await
}

/// Writes of these versions, each of a user who is new.
fn new_users(versions: std::ops::RangeInclusive<u64>) -> Vec<Write> {
    let linked = |version| item(version, &json!({"link": {"status": "linked", "at": LINKED}}));
    versions.map(|version| write(&version.to_string(), None, Some(linked(version)))).collect()
}

#[tokio::test(start_paused = true)]
async fn each_write_is_published_once_and_in_order() {
    let bus = FakeBus::default();
    assert_eq!(publish(&bus, None, &two_writes()).await, None);
    assert_eq!((bus.taken(), bus.sizes()), (vec![1, 2], vec![2]));
    let parts: Vec<_> = bus.taken.lock().unwrap().iter().map(|change| change.changed().to_vec()).collect();
    assert_eq!(parts, [vec![Part::Access, Part::Link], vec![Part::Sessions, Part::Profile]]);
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_refuses_is_put_again_alone() {
    let bus = FakeBus::refusing(2, 2);
    assert_eq!(publish(&bus, None, &new_users(1..=4)).await, None);
    assert_eq!((bus.taken(), bus.sizes()), (vec![1, 3, 4, 2], vec![4, 1, 1]));
}

#[tokio::test(start_paused = true)]
async fn what_the_bus_never_takes_comes_again_from_its_write_on_as_the_same_change() {
    let bus = FakeBus::refusing(2, usize::MAX);
    assert_eq!(publish(&bus, None, &two_writes()).await.as_deref(), Some("2"));
    let bus = FakeBus { is_down: true, ..FakeBus::default() };
    assert_eq!(publish(&bus, None, &two_writes()).await.as_deref(), Some("1"));
    let calls = bus.calls.lock().unwrap();
    assert!(calls.len() > 6, "{}", calls.len());
    assert!(calls.iter().flatten().all(|one| calls[0].contains(one)));
}

/// Far less than the deadline, which is 20 seconds away.
const SOON: Duration = Duration::from_secs(6);

#[tokio::test(start_paused = true)]
async fn a_change_at_which_the_bus_hangs_or_fails_delays_only_itself() {
    let hangs = FakeBus { hangs_at: Some(2), ..FakeBus::default() };
    let fails = FakeBus { fails_at: Some(2), ..FakeBus::default() };
    for bus in [hangs, fails] {
        let publishing = tokio::spawn({
            let bus = bus.clone();
            async move { publish(&bus, None, &new_users(1..=40)).await }
        });
        tokio::time::sleep(SOON).await;
        assert!(!publishing.is_finished());
        assert_eq!(bus.taken().len(), 39);
        assert_eq!(publishing.await.unwrap().as_deref(), Some("2"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_bus_always_refuses_delays_only_itself() {
    let bus = FakeBus::refusing(2, usize::MAX);
    let writes: Vec<_> = (0..20).flat_map(|_| two_writes()).collect();
    let begun = Instant::now();
    assert_eq!(publish(&bus, None, &writes).await.as_deref(), Some("2"));
    assert!(begun.elapsed() > SOON);
    assert_eq!(bus.taken(), [1; 20]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_the_bus_refuses_for_ever_is_kept_and_delays_only_itself() {
    let bus = FakeBus { never: Some(2), ..FakeBus::default() };
    let (kept, writes) = (Kept::default(), new_users(1..=5));
    let begun = Instant::now();
    assert_eq!(publish(&bus, Some(kept.clone()), &writes).await, None);
    assert!(begun.elapsed() < SOON);
    assert_eq!(bus.taken(), [1, 3, 4, 5]);
    let texts = kept.texts.lock().unwrap().clone();
    let record: Value = serde_json::from_str(&texts[0]).unwrap();
    assert_eq!((texts.len(), &record["sequence_number"]), (1, &json!("2")));
    assert_eq!(record["why"], "the bus refuses it: MalformedDetail");
    assert_eq!(record["new"], serde_json::to_value(writes[1].new.as_ref().unwrap()).unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_refused_for_good_only_after_it_was_put_alone() {
    let bus = FakeBus { never: Some(1), ..FakeBus::default() };
    let (kept, writes) = (Kept::default(), vec![write("1", None, Some(linked())); 3]);
    assert_eq!(publish(&bus, Some(kept.clone()), &writes).await, None);
    assert_eq!(bus.sizes(), [3, 1, 1, 1]);
    assert_eq!(kept.texts.lock().unwrap().len(), writes.len());
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_the_bus_refuses_for_ever_and_that_cannot_be_kept_is_reported() {
    let bus = FakeBus { never: Some(2), ..FakeBus::default() };
    for nowhere in [None, Some(Kept { is_down: true, ..Kept::default() })] {
        assert_eq!(publish(&bus, nowhere, &two_writes()).await.as_deref(), Some("2"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_the_bus_refuses_for_ever_is_kept_while_the_bus_hangs_at_another() {
    let bus = FakeBus { never: Some(1), hangs_at: Some(2), ..FakeBus::default() };
    let kept = Kept::default();
    assert_eq!(publish(&bus, Some(kept.clone()), &two_writes()).await.as_deref(), Some("2"));
    assert_eq!(kept.texts.lock().unwrap().len(), 1);
}

#[test]
fn only_an_entry_that_the_bus_may_accept_later_is_put_again() {
    for code in [
        "ThrottlingException",
        "InternalFailure",
        "AccessDeniedException",
        "NotAuthorizedForSourceException",
        "a code to come",
    ] {
        assert_eq!(Refused::with_code(code), Refused::TryAgain(code.to_owned()));
    }
    for code in ["MalformedDetail", "InvalidArgument", "ValidationException"] {
        assert_eq!(Refused::with_code(code), Refused::Never(code.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_kept_while_the_bus_hangs() {
    let bus = FakeBus { hangs_at: Some(1), ..FakeBus::default() };
    let unreadable = write("1", None, Some(item(2, &json!({"link": 7}))));
    let (kept, writes) = (Kept::default(), vec![write("0", None, Some(linked())), unreadable]);
    let publishing = tokio::spawn({
        let kept = kept.clone();
        async move { publish(&bus, Some(kept), &writes).await }
    });
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(kept.texts.lock().unwrap().len(), 1);
    assert_eq!(publishing.await.unwrap().as_deref(), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_kept_keeps_no_other_from_being_kept() {
    let unreadable = |number: &str| write(number, None, Some(item(2, &json!({"link": 7}))));
    let writes: Vec<_> = ["9", "1", "2"].map(unreadable).into();
    let kept = Kept { hangs_at: Some("\"sequence_number\":\"9\""), ..Kept::default() };
    let begun = Instant::now();
    assert_eq!(publish(&FakeBus::default(), Some(kept.clone()), &writes).await.as_deref(), Some("9"));
    assert!(begun.elapsed() < SOON);
    assert_eq!(kept.texts.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_cannot_be_read_is_kept_whole_and_delays_no_other() {
    let other_form = item(2, &json!({"link": 7}));
    let no_version = linked().into_iter().filter(|(name, _)| name != "version").collect();
    for unreadable in [other_form, no_version, Members::new()] {
        let writes = [write("1", None, Some(unreadable)), write("2", Some(linked()), Some(revoked()))];
        let (bus, kept) = (FakeBus::default(), Kept::default());
        assert_eq!(publish(&bus, Some(kept.clone()), &writes).await, None);
        let texts = kept.texts.lock().unwrap().clone();
        let record: Value = serde_json::from_str(&texts[0]).unwrap();
        assert_eq!((texts.len(), &record["sequence_number"]), (1, &json!("1")));
        assert_eq!(record["new"], serde_json::to_value(writes[0].new.as_ref().unwrap()).unwrap());
        assert_eq!(bus.taken(), [2]);

        for nowhere in [None, Some(Kept { is_down: true, ..Kept::default() })] {
            assert_eq!(publish(&bus, nowhere, &writes).await.as_deref(), Some("1"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_that_was_written_without_a_change_is_no_news() {
    let bus = FakeBus::default();
    let same = linked().into_iter().chain([("version".to_owned(), json!(2))]).collect();
    assert_eq!(publish(&bus, None, &[write("2", Some(linked()), Some(same))]).await, None);
    assert!(bus.calls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_without_its_new_image_is_kept_by_its_key_and_never_taken_for_a_deletion() {
    let keys = json!({"pk": "USER#123456#9007199254740993", "sk": "STATE"});
    for old in [None, Some(linked())] {
        let mut without = write("1", old, None);
        without.keys = serde_dynamo::to_item(keys.clone()).unwrap();
        let kept = Kept::default();
        assert_eq!(publish(&FakeBus::default(), Some(kept.clone()), &[without.clone()]).await, None);
        let record: Value = serde_json::from_str(&kept.texts.lock().unwrap()[0]).unwrap();
        assert_eq!(record["keys"]["sk"], json!({"S": "STATE"}));
        assert_eq!(publish(&FakeBus::default(), None, &[without]).await.as_deref(), Some("1"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_is_kept_whole_as_far_as_it_fits() {
    for (bytes, is_whole) in [(100, true), (300_000, false)] {
        let record = json!({"eventName": "MODIFY", "long": "x".repeat(bytes)});
        let unread = Some(Unread { why: "odd", record: record.clone() });
        let write = Write { sequence_number: "1".to_owned(), unread, ..Write::default() };
        let kept = Kept::default();
        assert_eq!(publish(&FakeBus::default(), Some(kept.clone()), &[write]).await, None);
        let text = kept.texts.lock().unwrap()[0].clone();
        let kept: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((kept["unread"]["record"] == record, &kept["sequence_number"]), (is_whole, &json!("1")));
    }
}

#[tokio::test(start_paused = true)]
async fn the_bus_gets_no_more_at_once_than_it_takes() {
    let bus = FakeBus::default();
    assert_eq!(publish(&bus, None, &new_users(1..=26)).await, None);
    assert_eq!(bus.sizes(), [10, 10, 6]);

    // By size, too: 50 fields of some 2 KB are published as 100 KB and more.
    let long = json!({"value": json!("x".repeat(2_000)).to_string(), "at": LINKED});
    let profile: Members = (0..50).map(|number| (format!("f{number}"), long.clone())).collect();
    let writes: Vec<_> =
        (1..=5).map(|version| write("1", None, Some(item(version, &json!({"profile": profile}))))).collect();
    let bus = FakeBus::default();
    let publisher = Publisher::new(bus.clone(), ProfileValues::Published, None::<Kept>);
    let deadline = Instant::now() + Duration::from_secs(20);
    assert_eq!(publisher.publish(&writes, Time::from_seconds(1_800_000_001).unwrap(), deadline).await, None);
    assert_eq!(bus.sizes(), [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_to_be_kept_whole_is_kept_as_it_is_now_or_by_its_key() {
    let long = |bytes: usize| item(2, &json!({"link": 7, "long": "한".repeat(bytes / 6)}));
    let keys = Some(json!({"pk": "USER#123456#9007199254740993", "sk": "STATE"}));
    for (old, new, kept_parts) in
        [(100_000, 100_000, (true, true)), (200_000, 100_000, (false, true)), (100_000, 300_000, (false, false))]
    {
        let mut unreadable = write("1", Some(long(old)), Some(long(new)));
        unreadable.keys = serde_dynamo::to_item(keys.clone().unwrap()).unwrap();
        let kept = Kept::default();
        assert_eq!(publish(&FakeBus::default(), Some(kept.clone()), &[unreadable]).await, None);
        let text = kept.texts.lock().unwrap()[0].clone();
        assert!(text.is_ascii() && text.len() <= 256 * 1024);
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((record.get("old").is_some(), record.get("new").is_some()), kept_parts);
        assert_eq!(record["keys"]["sk"], json!({"S": "STATE"}));
    }
}

/// A write of one of two users, as small numbers.
#[derive(Clone, Debug)]
struct Step {
    user: u64,
    parts: [u8; 3],
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((1..3_u64, [0..3_u8, 0..3_u8, 0..3_u8]).prop_map(|(user, parts)| Step { user, parts }), 1..12)
}

impl Step {
    fn item(&self, version: u64) -> Members {
        let at = |part: u8| format!("2025-01-0{}T00:00:00.000Z", part + 1);
        let [link, scope, sessions] = self.parts;
        let mut members = item(
            version,
            &json!({
                "link": {"status": if link == 2 { "unlinked" } else { "linked" }, "at": at(link)},
                "scopes": {"email": {"granted": scope > 1, "at": at(scope)}},
                "sessions_valid_from": at(sessions),
            }),
        );
        members.insert("pk".to_owned(), json!(format!("USER#123456#{}", self.user)));
        members
    }
}

/// The writes of these steps: each has the user's item before and after.
fn writes_of(steps: &[Step]) -> Vec<Write> {
    let mut items: BTreeMap<u64, Members> = BTreeMap::new();
    let write_of = |(version, step): (u64, &Step)| {
        let new = step.item(version);
        write(&version.to_string(), items.insert(step.user, new.clone()), Some(new))
    };
    (1..).zip(steps).map(write_of).collect()
}

proptest! {
    #[test]
    fn a_replica_of_what_the_publisher_puts_equals_the_items_in_any_order_twice_and_with_losses(
        (steps, throttled) in (steps(), vec(1..12_u64, 0..4)),
        (seed, lost) in (any::<u64>(), any::<u16>()),
    ) {
        let writes = writes_of(&steps);
        let bus = FakeBus::default();
        bus.refused.lock().unwrap().extend(throttled.into_iter().map(|version| (version, 2)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            // A batch comes twice where its publisher was killed.
            for _ in 0..2 {
                assert_eq!(publish(&bus, None, &writes).await, None);
            }
        });
        let read = |change: &UserChange| serde_json::from_str(change.detail()).unwrap();
        let mut details: Vec<Value> = bus.taken.lock().unwrap().iter().map(read).collect();
        let last: BTreeMap<u64, u64> = details.iter().map(|detail| (user_of(detail), version_of(detail))).fold(
            BTreeMap::new(),
            |mut last, (user, version)| {
                let newest: &mut u64 = last.entry(user).or_default();
                *newest = version.max(*newest);
                last
            },
        );
        details.retain(|detail| last[&user_of(detail)] == version_of(detail) || lost & (1 << version_of(detail)) == 0);
        details.sort_by_key(|detail| version_of(detail).wrapping_mul(seed | 1).rotate_left(17));
        let mut replica: BTreeMap<u64, Value> = BTreeMap::new();
        for detail in details {
            let held = replica.entry(user_of(&detail)).or_default();
            if version_of(&detail) > held["version"].as_u64().unwrap_or_default() {
                *held = detail["state"].clone();
            }
        }
        let newest: BTreeMap<u64, &Step> = steps.iter().map(|step| (step.user, step)).collect();
        prop_assert_eq!(replica.len(), newest.len());
        for (user, step) in newest {
            let item = step.item(0);
            for name in ["link", "scopes", "sessions_valid_from"] {
                prop_assert_eq!(&replica[&user][name], &item[name]);
            }
        }
    }
}

fn user_of(detail: &Value) -> u64 {
    detail["user_id"].as_str().unwrap().parse().unwrap()
}

fn version_of(detail: &Value) -> u64 {
    detail["version"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_only_puts_a_member_into_the_roster_is_no_change_and_no_change_shows_it() {
    let in_roster = |mut item: Members| {
        let attributes = [("roster", json!("123456#1")), ("roster_id", json!(7)), ("roster_link", json!("linked"))];
        item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
        item
    };
    let bus = FakeBus::default();
    let filled = write("1", Some(linked()), Some(in_roster(linked())));
    let moved = write("2", Some(in_roster(linked())), Some(in_roster(revoked())));
    assert_eq!(publish(&bus, None, &[filled, moved]).await, None);
    let taken = bus.taken.lock().unwrap();
    assert_eq!(taken.iter().map(UserChange::version).collect::<Vec<_>>(), [2]);
    assert!(!taken[0].detail().contains("roster"), "{}", taken[0].detail());
}
