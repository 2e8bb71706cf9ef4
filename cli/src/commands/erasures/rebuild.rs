use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use anyhow::Result;
use kakao_webhooks::{
    erasure::{Fact, FactKind, compact, of_history, of_state, to_text},
    state::{Members, STATE},
    wire::{AppId, Time, UserId, sha256_hex},
};
use runtime::store::ErasureRecord;
use serde_json::Value;

use crate::{
    aws::{table::text, target::StackTable},
    ui::{ask, count::counted, output, progress::Progress},
};

/// Records departures again from history and states.
pub(super) async fn rebuild(table: &StackTable, yes: bool) -> Result<ExitCode> {
    let erasures = table.erasures().await?;
    if !yes {
        ask::whether(&format!("Read the whole table of {}, and record its departures?", table.service()), false)
            .await?;
    }
    let mut step = Progress::of_stderr().step("Reading the table");
    let mut found = Found::default();
    let page = async |items: Vec<Members>, read: usize| -> Result<()> {
        items.iter().for_each(|item| found.take(item));
        step.note(&format!("{} read, {} found", counted(read, "item"), counted(found.left.len(), "departed member")));
        Ok(())
    };
    erasures.items.departures(page).await?;
    let (members, unreadable) = (found.left.len(), found.unreadable);
    step.done(&counted(members, "departed member"));
    let records = found.records();
    let mut step = Progress::of_stderr().step("Recording");
    for (done, record) in records.iter().enumerate() {
        erasures.put(record).await?;
        step.note(&format!("{done} of {}", counted(records.len(), "record")));
    }
    step.done(&counted(records.len(), "record"));
    output::line(format!("the departures of {} recorded", counted(members, "member")))?;
    if unreadable > 0 {
        output::warn(&format!(
            "{} of an unknown form left out: use the version of khook that matches the processor",
            counted(unreadable, "item")
        ));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// The facts in the table's items.
#[derive(Default)]
struct Found {
    facts: Vec<(AppId, Fact, Option<Time>)>,
    left: BTreeSet<(AppId, UserId)>,
    unreadable: usize,
}

impl Found {
    fn take(&mut self, item: &Members) {
        let is_state = text(item, "sk") == STATE;
        let read = if is_state { of_state(None, item, None) } else { of_history(item) };
        match read {
            Ok(Some((app, fact))) => {
                let has_left = matches!(fact.kind, FactKind::Left { .. });
                self.left.extend(has_left.then(|| (app.clone(), fact.user)));
                let expires_at = item.get("expires_at").and_then(Value::as_i64).and_then(Time::from_seconds);
                self.facts.push((app, fact, expires_at));
            }
            Ok(None) => {}
            Err(_) => self.unreadable += 1,
        }
    }

    /// The records of those who left, by the days of the facts. The recorder's days, those of the writes, are not known any
    /// more, and a list finds a fact on its own day. The names are those of the content: the same items are the same records.
    fn records(self) -> Vec<ErasureRecord> {
        let Self { facts, left, .. } = self;
        // A departure without its confirmation would be listed as one that was never confirmed: they expire together.
        let mut kept_until = BTreeMap::<_, Option<Time>>::new();
        for (app, fact, expires_at) in &facts {
            let of_member = kept_until.entry((app.clone(), fact.user)).or_default();
            *of_member = (*of_member).max(*expires_at);
        }
        let mut days = BTreeMap::<_, Vec<_>>::new();
        for (app, fact, _) in facts {
            let member = (app, fact.user);
            if left.contains(&member) {
                let expires_at = kept_until.get(&member).copied().flatten();
                days.entry((fact.at.day(), member.0)).or_default().push((fact, expires_at));
            }
        }
        days.into_iter().flat_map(|((_, app), facts)| records_of_day(&app, facts)).collect()
    }
}

/// They are kept as long as the longest of their members' items.
fn records_of_day(app: &AppId, facts: Vec<(Fact, Option<Time>)>) -> Vec<ErasureRecord> {
    let kept_until = facts.iter().filter_map(|(_, expires_at)| *expires_at).max();
    let facts = compact(facts.into_iter().map(|(fact, _)| fact));
    let record = |facts: &[Fact]| {
        let day = facts.first()?.at;
        let name = format!("rebuilt-{}", sha256_hex(to_text(facts).as_bytes()));
        Some(ErasureRecord { day, app: app.clone(), name, facts: facts.to_vec(), kept_until })
    };
    facts.chunks(ErasureRecord::MOST_FACTS).filter_map(record).collect()
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, time::Duration};

    use kakao_webhooks::erasure::{Departure, departures, departures_since, first_day};
    use proptest::{collection::vec, prelude::*};
    use runtime::{
        erasures::{ErasureRecords, Recorder},
        publish::Write,
        store::StoreError,
    };
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    fn line(user: u64, event: &str, effects: &Value, at: &str) -> Members {
        let item = json!({"pk": format!("USER#123456#{user}"), "sk": format!("EVENT#{at}#e"), "event": event,
            "occurred_at": at, "received_at": at, "effects": effects});
        item.as_object().unwrap().clone()
    }

    fn items() -> Vec<Members> {
        let unlinked = json!([{"link": {"status": "unlinked", "reason": "UNLINK_FROM_APPS"}}]);
        let linked = json!([{"link": {"status": "linked"}}]);
        let state = json!({"pk": "USER#123456#7", "sk": "STATE", "version": 1_764_381_061_000_i64,
            "link": {"status": "unlinked", "at": "2025-11-29T01:51:00.000Z"}});
        vec![
            line(7, "user-linked", &linked, "2025-11-01T00:00:00.000Z"),
            line(7, "unlink", &unlinked, "2025-11-29T01:51:00.000Z"),
            line(7, "service-erased", &json!(["erase", "wipe"]), "2025-11-30T00:00:00.000Z"),
            state.as_object().unwrap().clone(),
            // Who never left isn't recorded.
            line(8, "user-linked", &linked, "2025-11-01T00:00:00.000Z"),
        ]
    }

    fn records(items: &[Members]) -> Vec<ErasureRecord> {
        let mut found = Found::default();
        items.iter().for_each(|item| found.take(item));
        found.records()
    }

    #[test]
    fn history_and_states_in_any_order_are_the_same_records_of_who_left() {
        let (forwards, mut reversed) = (records(&items()), items());
        reversed.reverse();
        assert_eq!(records(&reversed), forwards);
        let all = departures(forwards.into_iter().flat_map(|record| record.facts));
        let [departure] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(departure.user.digits(), "7");
        assert_eq!(departure.first_report().unwrap().reason.as_deref(), Some("UNLINK_FROM_APPS"));
        assert_eq!(departure.effective_at.unwrap().to_string(), "2025-11-29T01:51:01.000Z");
        assert_eq!(departure.confirmed_at.unwrap().to_string(), "2025-11-30T00:00:00.000Z");
    }

    #[test]
    fn an_item_of_an_unknown_form_is_counted_and_hides_nothing_else() {
        let mut found = Found::default();
        found.take(&line(7, "unlink", &json!([{"link": {"status": "elsewhere"}}]), "2025-11-29T01:51:00.000Z"));
        items().iter().for_each(|item| found.take(item));
        assert_eq!((found.unreadable, found.left.len()), (1, 1));
    }

    /// What a list prints of these records.
    fn listed(records: &[ErasureRecord], since: Time) -> Vec<Departure> {
        let read = records.iter().filter(|record| record.day.day() >= first_day(since).day());
        departures_since(read.flat_map(|record| record.facts.clone()), since)
    }

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn a_departure_is_rebuilt_on_its_own_day_whenever_the_state_was_written_last() {
        let unlinked = json!([{"link": {"status": "unlinked"}}]);
        for version in [json!("2026-01-31T00:00:01Z".parse::<Time>().unwrap().as_millis()), json!(4)] {
            let state = json!({"pk": "USER#123456#7", "sk": "STATE", "version": version,
                "link": {"status": "unlinked", "at": "2026-01-01T12:00:00Z"}});
            let rebuilt = records(&[
                line(7, "unlink", &unlinked, "2026-01-01T12:00:00Z"),
                line(7, "service-erased", &json!(["erase", "wipe"]), "2026-01-31T00:00:00Z"),
                state.as_object().unwrap().clone(),
            ]);
            let days: BTreeSet<String> = rebuilt.iter().map(|record| record.day.day()).collect();
            assert_eq!(days, ["2026-01-01", "2026-01-31"].map(str::to_owned).into());
            let all = listed(&rebuilt, time("2026-01-01T00:00:00Z"));
            assert_eq!(all.len(), 1, "{all:?}");
            assert!(all[0].first_report().is_some() && all[0].confirmed_at.is_some());
            assert!(all[0].effective_at.is_none_or(|effective_at| effective_at >= all[0].left_at));
            assert_eq!(listed(&rebuilt, time("2026-01-02T00:00:00Z")), []);
        }
    }

    #[test]
    fn a_rebuilt_record_is_kept_as_long_as_the_history_that_it_is_from() {
        let unlinked = json!([{"link": {"status": "unlinked"}}]);
        let mut of_history = line(7, "unlink", &unlinked, "2026-01-01T12:00:00Z");
        let expires_at = time("2026-01-01T12:00:00Z").plus_days(3_650);
        of_history.insert("expires_at".to_owned(), json!(expires_at.as_seconds()));
        let kept: Vec<_> = records(&[of_history]).into_iter().map(|record| record.kept_until).collect();
        assert_eq!(kept, [Some(expires_at)]);
        assert_eq!(records(&items())[0].kept_until, None);
    }

    #[test]
    fn what_is_rebuilt_of_one_member_expires_together() {
        let expiring = |mut line: Members, days| {
            let expires_at = time("2026-01-01T00:00:00Z").plus_days(days);
            line.insert("expires_at".to_owned(), json!(expires_at.as_seconds()));
            (line, expires_at)
        };
        let unlinked = json!([{"link": {"status": "unlinked"}}]);
        let (left, late) = expiring(line(7, "unlink", &unlinked, "2026-01-01T12:00:00Z"), 900);
        let (confirmed, _) =
            expiring(line(7, "service-erased", &json!(["erase", "wipe"]), "2026-01-31T00:00:00Z"), 120);
        let kept: Vec<_> = records(&[left, confirmed]).into_iter().map(|record| record.kept_until).collect();
        assert_eq!(kept, [Some(late), Some(late)]);
    }

    /// A table, and its stream.
    #[derive(Default)]
    struct Simulated {
        items: BTreeMap<(String, String), Members>,
        writes: Vec<Write>,
    }

    #[derive(Clone, Debug)]
    struct Event {
        user: u64,
        /// Its name and effects in history.
        event: &'static str,
        at: Time,
        received_at: Time,
    }

    /// The gone items of this table expire after so many milliseconds.
    const GONE: i64 = 100 * HOUR;
    const HOUR: i64 = 3_600_000;

    impl Simulated {
        /// What the processor does with a batch: lines of history, and one write for each member whose state changes.
        fn process(&mut self, batch: &[Event]) {
            let now = batch.iter().map(|event| event.received_at).max().unwrap();
            self.items.retain(|_, item| {
                let link = item.get("link").filter(|link| link["status"] == "unlinked");
                link.is_none_or(|link| now.millis_since(link["at"].as_str().unwrap().parse().unwrap()) < GONE)
            });
            for event in batch {
                let effects = match event.event {
                    "unlink" => json!([{"link": {"status": "unlinked"}}]),
                    "user-linked" => json!([{"link": {"status": "linked"}}]),
                    _ => json!(["erase", "wipe"]),
                };
                let mut item = line(event.user, event.event, &effects, &event.at.to_string());
                item.insert("received_at".to_owned(), json!(event.received_at));
                item.insert("sk".to_owned(), json!(format!("EVENT#{}#{}", event.at, event.event)));
                let key = (text(&item, "pk").to_owned(), text(&item, "sk").to_owned());
                if !self.items.contains_key(&key) {
                    self.put(item, now);
                }
            }
            for user in batch.iter().map(|event| event.user).collect::<BTreeSet<_>>() {
                let pk = format!("USER#123456#{user}");
                let events = batch.iter().filter(|event| event.user == user && event.event != "service-erased");
                let heard = events.map(|event| (event.at, event.event == "unlink")).max();
                let known = self.items.get(&(pk.clone(), STATE.to_owned())).map(|item| {
                    (item["link"]["at"].as_str().unwrap().parse().unwrap(), item["link"]["status"] == "unlinked")
                });
                let Some(link) = heard.filter(|heard| known.is_none_or(|known: (Time, bool)| known < *heard)) else {
                    continue;
                };
                let status = if link.1 { "unlinked" } else { "linked" };
                let state = json!({"pk": pk, "sk": STATE, "version": now.as_millis(), "updated_at": now,
                    "link": {"status": status, "at": link.0}});
                self.put(state.as_object().unwrap().clone(), now);
            }
        }

        fn put(&mut self, item: Members, at: Time) {
            let key = (text(&item, "pk").to_owned(), text(&item, "sk").to_owned());
            let number = format!("{:06}", self.writes.len());
            let old = self.items.insert(key, item.clone());
            let old = old.and_then(|old| Write::of_members(String::new(), old, at).new);
            self.writes.push(Write { old, ..Write::of_members(number, item, at) });
        }
    }

    #[derive(Default)]
    struct FakeRecords(Mutex<Vec<ErasureRecord>>);

    impl ErasureRecords for &FakeRecords {
        async fn put(&self, record: &ErasureRecord) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(record.clone());
            Ok(())
        }
    }

    /// What the recorder writes of batches of this size.
    fn recorded(writes: &[Write], batch: usize) -> Vec<ErasureRecord> {
        let records = FakeRecords::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for batch in writes.chunks(batch) {
                let deadline = Instant::now() + Duration::from_secs(5);
                let failed = Recorder::new(&records).record(batch, runtime::clock::now(), deadline).await;
                assert_eq!(failed, None);
            }
        });
        records.0.into_inner().unwrap()
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let hour = |hour: i64| Time::from_millis(1_764_374_390_000 + hour * HOUR).unwrap();
        let event = (1..3_u64, 0..3_usize, 0..300_i64, prop_oneof![3 => Just(0), 1 => 0..60_i64]);
        vec(event, 1..16).prop_map(move |drawn| {
            let event = |(user, kind, at, late): (u64, usize, i64, i64)| {
                let event = ["unlink", "user-linked", "service-erased"][kind];
                Event { user, event, at: hour(at), received_at: hour(at + late) }
            };
            let mut events: Vec<_> = drawn.into_iter().map(event).collect();
            events.sort_by_key(|event| event.received_at);
            events
        })
    }

    proptest! {
        #[test]
        fn what_the_stream_records_and_what_is_rebuilt_are_the_same_departures_in_every_window(
            events in events(),
            processed in 1..5_usize,
            batch in 1..8_usize,
            since in 0..320_i64,
        ) {
            let mut table = Simulated::default();
            events.chunks(processed).for_each(|batch| table.process(batch));
            let recorded = recorded(&table.writes, batch);
            let items: Vec<_> = table.items.into_values().collect();
            let rebuilt = records(&items);
            let start = Time::from_millis(1_764_374_390_000).unwrap();
            for since in [start, Time::from_millis(start.as_millis() + since * HOUR).unwrap()] {
                let (recorded, rebuilt) = (listed(&recorded, since), listed(&rebuilt, since));
                for (recorded, rebuilt) in recorded.iter().zip(&rebuilt) {
                    // Of the state only the last write is left.
                    let is_later = |at: Time| recorded.effective_at.is_some_and(|first| first <= at);
                    prop_assert!(rebuilt.effective_at.is_none_or(is_later), "{recorded:?} {rebuilt:?}");
                }
                let without_effect = |all: Vec<Departure>| -> Vec<_> {
                    all.into_iter().map(|one| Departure { effective_at: None, ..one }).collect()
                };
                prop_assert_eq!(without_effect(recorded), without_effect(rebuilt));
            }
        }
    }
}
