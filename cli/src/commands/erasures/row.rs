use anyhow::Result;
use kakao_webhooks::{
    erasure::Departure,
    wire::{AppId, Time},
};
use serde_json::{Value, json};

use crate::{aws::erasures::Held, ui::output};

/// The names of the columns (RFC 4180). Only numbers, times and words of Kakao's stand in them, none of which a
/// spreadsheet takes for a formula.
pub(super) const CSV_HEADER: &str = "app_id,user_id,left_at,event,reason,received_at,effective_at,acknowledged_at,\
confirmed_at,linked_again_at,held_state,held_history,held_shares,held_until";

/// A departure, and what is held of the member now.
pub(super) struct Row<'r> {
    pub(super) app: &'r AppId,
    pub(super) departure: &'r Departure,
    pub(super) held: &'r Held,
}

impl Row<'_> {
    fn held_count(&self, kind: &str) -> usize {
        self.held.items.get(kind).copied().unwrap_or_default()
    }

    pub(super) fn csv(&self) -> String {
        let time = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
        let report = self.departure.first_report();
        let cells = [
            self.app.to_string(),
            self.departure.user.digits(),
            self.departure.left_at.to_string(),
            report.map(|report| report.event.clone()).unwrap_or_default(),
            report.and_then(|report| report.reason.clone()).unwrap_or_default(),
            time(report.map(|report| report.received_at)),
            time(self.departure.effective_at),
            time(self.departure.acknowledged_at),
            time(self.departure.confirmed_at),
            time(self.departure.returned_at),
            self.held_count("state").to_string(),
            self.held_count("history").to_string(),
            self.held_count("shares").to_string(),
            time(self.held.until),
        ];
        cells.map(|cell| quoted(&cell)).join(",")
    }

    pub(super) fn json(&self) -> Value {
        let event = |(at, report): &(Time, kakao_webhooks::erasure::Report)| {
            let mut event = json!({"event": report.event, "at": at, "received_at": report.received_at});
            put(&mut event, "reason", report.reason.as_ref().map(|reason| json!(reason)));
            event
        };
        let departure = self.departure;
        let mut row = json!({
            "app_id": self.app.to_string(), "user_id": departure.user.digits(), "left_at": departure.left_at,
            "events": departure.reports.iter().map(event).collect::<Vec<_>>(),
        });
        for (name, time) in [
            ("effective_at", departure.effective_at),
            ("acknowledged_at", departure.acknowledged_at),
            ("confirmed_at", departure.confirmed_at),
            ("linked_again_at", self.departure.returned_at),
        ] {
            put(&mut row, name, time.map(|time| json!(time)));
        }
        let mut held = json!(self.held.items);
        put(&mut held, "until", self.held.until.map(|until| json!(until)));
        put(&mut row, "held", Some(held));
        row
    }
}

fn put(object: &mut Value, name: &str, value: Option<Value>) {
    if let (Value::Object(members), Some(value)) = (object, value) {
        members.insert(name.to_owned(), value);
    }
}

/// A cell of CSV. Whatever a later version records, no cell ends early and none is a formula.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    let is_plain = !cell.contains(['"', ',', '\r', '\n']);
    if is_plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}

/// Departures as tables, one for each day and app: whole dates do not fit into 80 columns.
#[derive(Default)]
pub(super) struct Rows {
    tables: Vec<((String, AppId), output::TextTable)>,
}

/// `here`, `accepted` and `done`: how long after the departure it took effect, the endpoint accepted it, the service confirmed.
const HEADINGS: [&str; 7] = ["time", "member", "by", "here", "accepted", "done", "held until"];

impl Rows {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let day = (row.departure.left_at.day(), row.app.clone());
        if self.tables.last().is_none_or(|(last, _)| *last != day) {
            self.tables.push((day, output::table(&HEADINGS)));
        }
        if let Some((_, table)) = self.tables.last_mut() {
            table.add_row(cells(row));
        }
    }

    /// Prints them, or `none` if there are none.
    pub(super) fn print(&self, none: &str) -> Result<()> {
        for ((day, app), table) in &self.tables {
            output::line(format!("{day}, app {app}"))?;
            output::print_table(table)?;
        }
        if self.tables.is_empty() { output::line(none.to_owned()) } else { Ok(()) }
    }
}

fn cells(row: &Row<'_>) -> [String; 7] {
    let departure = row.departure;
    let by = departure.first_report().map_or("-", |report| short_name(&report.event)).to_owned();
    let after =
        |time: Option<Time>| time.map_or_else(|| "-".to_owned(), |time| took(time.millis_since(departure.left_at)));
    let held = match (departure.returned_at, row.held.until) {
        (Some(_), _) => "linked".to_owned(),
        (None, Some(until)) => until.day(),
        (None, None) if row.held.items.is_empty() => "nothing".to_owned(),
        (None, None) => "no end".to_owned(),
    };
    let time = departure.left_at.to_string().chars().skip(11).take(8).collect();
    let [here, accepted, done] = [departure.effective_at, departure.acknowledged_at, departure.confirmed_at].map(after);
    [time, departure.user.digits(), by, here, accepted, done, held]
}

/// An event's name in at most 14 columns.
fn short_name(event: &str) -> &str {
    match event {
        "service-unlinked" => "service",
        "reconciled-unlinked" => "reconciled",
        other => other,
    }
}

/// A span of time in at most four columns, rounded down.
fn took(millis: i64) -> String {
    let seconds = millis.max(0) / 1_000;
    match seconds {
        0..100 => format!("{seconds}s"),
        100..6_000 => format!("{}m", seconds / 60),
        6_000..360_000 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::{erasure::Report, wire::UserId};

    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn departure() -> Departure {
        let left_at = time("2026-11-28T02:55:06.789Z");
        let report = |event: &str, reason: Option<&str>| Report {
            received_at: left_at,
            event: event.to_owned(),
            reason: reason.map(str::to_owned),
        };
        Departure {
            user: UserId::new(u64::MAX >> 1).unwrap(),
            left_at,
            reports: vec![
                (left_at, report("account-purged", None)),
                (left_at, report("unlink", Some("ACCOUNT_DELETE"))),
            ],
            effective_at: Some(time("2026-11-28T02:55:07.601Z")),
            acknowledged_at: Some(time("2026-11-28T02:57:09Z")),
            confirmed_at: Some(time("2026-11-30T02:57:09Z")),
            returned_at: None,
        }
    }

    fn held() -> Held {
        let until = Some(time("2027-02-26T02:55:06Z"));
        Held { items: [("state", 1), ("history", 2)].into(), until, ..Held::default() }
    }

    #[test]
    fn a_departure_as_csv_has_every_time() {
        let (app, departure, held) = ("123456".parse().unwrap(), departure(), held());
        let row = Row { app: &app, departure: &departure, held: &held };
        assert_eq!(
            row.csv(),
            "123456,9223372036854775807,2026-11-28T02:55:06.789Z,account-purged,,2026-11-28T02:55:06.789Z,\
             2026-11-28T02:55:07.601Z,2026-11-28T02:57:09.000Z,2026-11-30T02:57:09.000Z,,1,2,0,2027-02-26T02:55:06.000Z"
        );
        assert_eq!(row.csv().matches(',').count(), CSV_HEADER.matches(',').count());
    }

    #[test]
    fn no_cell_of_csv_is_a_formula_or_ends_early() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("123456", "123456"),
        ] {
            assert_eq!(quoted(cell), expected);
        }
    }

    #[test]
    fn a_departure_as_json_names_all_events_and_leaves_out_what_is_not_known() {
        let (app, departure, held) = ("123456".parse().unwrap(), departure(), held());
        let row = Row { app: &app, departure: &departure, held: &held }.json();
        assert_eq!(row["events"][1]["reason"], "ACCOUNT_DELETE");
        assert_eq!(row["held"], json!({"state": 1, "history": 2, "until": "2027-02-26T02:55:06.000Z"}));
        assert_eq!(row.get("linked_again_at"), None);
        let nothing =
            Departure { reports: vec![], effective_at: None, acknowledged_at: None, confirmed_at: None, ..departure };
        let row = Row { app: &app, departure: &nothing, held: &Held::default() }.json();
        let names: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["app_id", "events", "held", "left_at", "user_id"]);
    }

    #[test]
    fn the_longest_row_fits_into_80_columns() {
        let (app, departure, held) = ("123456".parse().unwrap(), departure(), held());
        let cells = cells(&Row { app: &app, departure: &departure, held: &held });
        assert_eq!(cells, ["02:55:06", "9223372036854775807", "account-purged", "0s", "2m", "48h", "2027-02-26"]);
        let widest = [8, 19, 14, 4, 8, 4, 10];
        assert!(cells.iter().zip(widest).all(|(cell, most)| cell.len() <= most), "{cells:?}");
        assert!(widest.iter().sum::<usize>() + 2 * (widest.len() - 1) <= 80);
    }

    #[test]
    fn a_span_has_four_columns_at_most() {
        for (millis, text) in
            [(-5, "0s"), (99_999, "99s"), (100_000, "1m"), (5_999_000, "99m"), (6_000_000, "1h"), (360_000_000, "4d")]
        {
            assert_eq!(took(millis), text);
        }
        assert!(took(86_400_000 * 400).len() <= 4);
    }

    #[test]
    fn what_is_held_of_a_member_who_is_linked_again_is_not_about_the_departure() {
        let (app, departure) = ("123456".parse().unwrap(), departure());
        let held_of = |departure: &Departure, held: &Held| cells(&Row { app: &app, departure, held })[6].clone();
        assert_eq!(held_of(&departure, &held()), "2027-02-26");
        assert_eq!(held_of(&departure, &Held::default()), "nothing");
        assert_eq!(held_of(&departure, &Held { until: None, is_endless: true, ..held() }), "no end");
        let returned = Departure { returned_at: Some(time("2026-12-01T00:00:00Z")), ..departure };
        assert_eq!(held_of(&returned, &Held { until: None, is_endless: true, ..held() }), "linked");
    }
}
