use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kakao_webhooks::{
    erasure::{Departure, Fact, LINKING_EVENTS, departures},
    state::{Effect, Link, Members},
    wire::Time,
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ErasureRecords, Recorder, is_recorded};
use crate::{
    publish::Write,
    store::{ErasureRecord, StoreError},
};

/// A table that refuses the next puts, or hangs.
#[derive(Default)]
struct FakeRecords {
    records: Mutex<BTreeMap<(String, String), ErasureRecord>>,
    refuses: AtomicUsize,
    hangs: bool,
}

impl ErasureRecords for &FakeRecords {
    async fn put(&self, record: &ErasureRecord) -> Result<(), StoreError> {
        if self.hangs {
            pending::<()>().await;
        }
        let refuses = self.refuses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if refuses.is_ok() {
            return Err(StoreError::TryAgain("throttled".to_owned()));
        }
        self.records.lock().unwrap().insert((record.day.day(), record.name.clone()), record.clone());
        Ok(())
    }
}

impl FakeRecords {
    fn facts(&self) -> Vec<Fact> {
        self.records.lock().unwrap().values().flat_map(|record| record.facts.clone()).collect()
    }

    fn departures(&self) -> Vec<Departure> {
        departures(self.facts())
    }
}

const BASE: i64 = 1_764_374_390;

fn at(seconds: i64) -> Time {
    Time::from_seconds(BASE + seconds).unwrap()
}

fn members(value: Value) -> Members {
    let Value::Object(members) = value else { panic!("no object") };
    members
}

fn history(user: u64, event: &str, seconds: i64) -> Members {
    let unlinked = || Link::Unlinked { reason: Some("UNLINK_FROM_APPS".to_owned()) };
    let link = if LINKING_EVENTS.contains(&event) { Link::Linked } else { unlinked() };
    let effects = [Effect::Link(link), Effect::VoidSessions];
    members(json!({
        "pk": format!("USER#123456#{user}"), "sk": format!("EVENT#{}#e", at(seconds)), "event": event,
        "occurred_at": at(seconds), "received_at": at(seconds), "effects": effects,
    }))
}

fn state(user: u64, status: &str, seconds: i64) -> Members {
    members(json!({
        "pk": format!("USER#123456#{user}"), "sk": "STATE", "version": at(seconds + 1).as_millis(),
        "link": {"status": status, "at": at(seconds)}, "updated_at": at(seconds),
    }))
}

fn write(number: usize, old: Option<Members>, new: Members, seconds: i64) -> Write {
    let item = |members: Members| serde_dynamo::to_item(members).unwrap();
    Write { old: old.map(item), ..Write::of_members(format!("{number:04}"), new, at(seconds)) }
}

/// A member leaves: history first, then the state.
fn departure(number: usize, user: u64, seconds: i64) -> [Write; 2] {
    [
        write(number, None, history(user, "unlink", seconds), seconds),
        write(number + 1, Some(state(user, "linked", 0)), state(user, "unlinked", seconds), seconds + 1),
    ]
}

async fn record(records: &FakeRecords, writes: &[Write]) -> Option<String> {
    Recorder::new(records).record(writes, at(0), Instant::now() + Duration::from_secs(5)).await
}

#[tokio::test]
async fn a_departure_is_one_fact_with_its_event_and_when_it_took_effect() {
    let records = FakeRecords::default();
    assert_eq!(record(&records, &departure(1, 7, 5)).await, None);
    assert_eq!(records.facts().len(), 1);
    let [departure] = records.departures().try_into().unwrap();
    let report = departure.first_report().unwrap();
    assert_eq!((report.event.as_str(), report.reason.as_deref()), ("unlink", Some("UNLINK_FROM_APPS")));
    assert_eq!((departure.left_at, departure.effective_at), (at(5), Some(at(6))));
}

#[tokio::test]
async fn a_member_who_comes_back_and_leaves_again_has_two_departures_however_the_state_is_written() {
    let (gone, back, gone_again) = (state(7, "unlinked", 5), state(7, "linked", 100), state(7, "unlinked", 200));
    let expired = vec![(None, gone.clone()), (None, back.clone()), (Some(back.clone()), gone_again.clone())];
    let merged = vec![(None, gone.clone()), (Some(gone), gone_again.clone())];
    let late = vec![(None, back.clone()), (Some(back.clone()), back.clone()), (Some(back), gone_again)];
    for states in [expired, merged, late] {
        let records = FakeRecords::default();
        let lines = [("user-unlinked", 5), ("user-linked", 100), ("unlink", 200)];
        let lines = lines.map(|(event, seconds)| (None, history(7, event, seconds)));
        let writes = lines.into_iter().chain(states).enumerate();
        let writes: Vec<_> = writes.map(|(number, (old, new))| write(number, old, new, 300)).collect();
        assert_eq!(record(&records, &writes).await, None);
        let found = records.departures();
        let found: Vec<_> = found.iter().map(|departure| (departure.left_at, departure.returned_at)).collect();
        assert_eq!(found, [(at(5), Some(at(100))), (at(200), None)]);
    }
}

#[tokio::test]
async fn what_the_table_refuses_comes_again_from_the_first_write_and_is_recorded_once() {
    let records = FakeRecords { refuses: 1.into(), ..FakeRecords::default() };
    let writes = departure(1, 7, 5);
    assert_eq!(record(&records, &writes).await.as_deref(), Some("0001"));
    for _ in 0..2 {
        assert_eq!(record(&records, &writes).await, None);
    }
    assert_eq!((records.facts().len(), records.departures().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_hangs_ends_the_batch_at_its_deadline() {
    let records = FakeRecords { hangs: true, ..FakeRecords::default() };
    let begun = Instant::now();
    assert_eq!(record(&records, &departure(1, 7, 5)).await.as_deref(), Some("0001"));
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_write_that_cannot_be_read_holds_up_no_other() {
    let records = FakeRecords::default();
    let mut broken = history(8, "unlink", 5);
    broken.insert("effects".to_owned(), json!({"link": 7}));
    let mut writes = vec![write(1, None, broken, 5), Write { sequence_number: "0002".to_owned(), ..Write::default() }];
    writes.extend(departure(3, 7, 5));
    assert_eq!(record(&records, &writes).await, None);
    assert_eq!(records.departures().len(), 1);
}

#[tokio::test]
async fn nothing_is_written_where_no_write_is_about_a_departure() {
    let records = FakeRecords::default();
    assert_eq!(record(&records, &[]).await, None);
    let moved = write(1, Some(state(7, "unlinked", 5)), state(7, "unlinked", 5), 6);
    assert_eq!(record(&records, &[moved]).await, None);
    assert_eq!(records.records.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_large_batch_is_recorded_in_several_parts_by_day() {
    let records = FakeRecords::default();
    // Midnight is ten seconds after the base.
    let writes: Vec<Write> =
        (0..600).flat_map(|user| departure(user * 2, user as u64 + 1, if user < 250 { 0 } else { 20 })).collect();
    assert_eq!(record(&records, &writes).await, None);
    let parts = records.records.lock().unwrap();
    let sizes: Vec<_> = parts.values().map(|part| (part.day.day(), part.facts.len())).collect();
    let expected = [("2025-11-28", 200), ("2025-11-28", 50), ("2025-11-29", 200), ("2025-11-29", 150)];
    assert_eq!(sizes, expected.map(|(day, facts)| (day.to_owned(), facts)));
}

#[test]
fn only_members_states_and_lines_of_their_history_are_read() {
    for (partition, sort, expected) in [
        ("USER#1#2", "STATE", true),
        ("USER#1#2", "EVENT#x", true),
        ("USER#1#2", "SHARES", false),
        ("OPENID#1#2", "STATE", false),
        ("ERASURES#2026-11-28", "1#FACTS#2", false),
    ] {
        assert_eq!(is_recorded(partition, sort), expected, "{partition} {sort}");
    }
}

proptest! {
    #[test]
    fn batches_that_fail_anywhere_and_are_cut_elsewhere_record_the_same_departures(
        users in vec((1..5_u64, 0..30_i64), 1..20),
        failures in vec((1..8_usize, 0..3_usize), 0..6),
    ) {
        let writes: Vec<Write> =
            users.iter().enumerate().flat_map(|(number, (user, seconds))| departure(number * 2, *user, *seconds)).collect();
        let (expected, found) = (FakeRecords::default(), FakeRecords::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            assert_eq!(record(&expected, &writes).await, None);
            // The source brings a part of the batch, some puts of it fail, and then all of it comes again.
            for (part, refused) in failures {
                found.refuses.store(refused, Ordering::Relaxed);
                record(&found, &writes[..writes.len().min(part)]).await;
            }
            found.refuses.store(0, Ordering::Relaxed);
            assert_eq!(record(&found, &writes).await, None);
        });
        prop_assert_eq!(found.departures(), expected.departures());
    }
}
