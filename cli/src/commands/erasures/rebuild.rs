use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use anyhow::Result;
use kakao_webhooks::{
    erasure::{Fact, What, compact, of_history, of_state, to_text},
    state::{Members, STATE},
    wire::{AppId, Time, UserId, sha256_hex},
};
use runtime::store::ErasureRecord;

use crate::{
    aws::{table::text, target::StackTable},
    ui::{ask, count::counted, output, progress::Progress},
};

/// How many facts a record has at most.
const MOST_FACTS: usize = 200;

/// Records again what history and states say.
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

/// What the table says of departures.
#[derive(Default)]
struct Found {
    facts: Vec<(AppId, Time, Fact)>,
    left: BTreeSet<(AppId, UserId)>,
    unreadable: usize,
}

impl Found {
    fn take(&mut self, item: &Members) {
        let is_state = text(item, "sk") == STATE;
        let read = if is_state { of_state(None, item, None) } else { of_history(item) };
        match read {
            Ok(Some((app, fact))) => {
                let (user, day) = (fact.user, day_of(&fact));
                let has_left = matches!(fact.what, What::Left { .. });
                self.left.extend(has_left.then(|| (app.clone(), user)));
                self.facts.push((app, day, fact));
            }
            Ok(None) => {}
            Err(_) => self.unreadable += 1,
        }
    }

    /// The records of those who left. Their names are those of their content: the same items are the same records.
    fn records(self) -> Vec<ErasureRecord> {
        let Self { facts, left, .. } = self;
        let mut days: BTreeMap<(String, AppId), (Time, Vec<Fact>)> = BTreeMap::new();
        for (app, day, fact) in facts {
            if left.contains(&(app.clone(), fact.user)) {
                let (first, of_day) = days.entry((day.day(), app)).or_insert_with(|| (day, vec![]));
                *first = day.min(*first);
                of_day.push(fact);
            }
        }
        let of_day = |((_, app), (day, facts)): ((String, AppId), (Time, Vec<Fact>))| {
            let parts: Vec<Vec<Fact>> = compact(facts).chunks(MOST_FACTS).map(<[Fact]>::to_vec).collect();
            let record = move |facts: Vec<Fact>| {
                let name = format!("rebuilt-{}", sha256_hex(to_text(&facts).as_bytes()));
                ErasureRecord { day, app: app.clone(), name, facts }
            };
            parts.into_iter().map(record).collect::<Vec<_>>()
        };
        days.into_iter().flat_map(of_day).collect()
    }
}

/// The day on which the recorder would have recorded it, as far as the fact says.
fn day_of(fact: &Fact) -> Time {
    match &fact.what {
        What::Left { effective_at: Some(time), .. }
        | What::Confirmed { received_at: time }
        | What::Acknowledged { acknowledged_at: time } => *time,
        What::Left { said: Some(said), .. } => said.received_at,
        What::Left { .. } | What::Linked => fact.at,
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::erasure::departures;
    use serde_json::{Value, json};

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
        assert_eq!(departure.first_said().unwrap().reason.as_deref(), Some("UNLINK_FROM_APPS"));
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
}
