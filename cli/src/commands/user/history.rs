//! A user's history as a table: a heading for each day, short times, and shortened ids.

use kakao_webhooks::{state::Members, wire::Time};

use crate::{
    aws::table::text,
    ui::{
        local_time::Zone,
        output::{self, TextTable, shortened},
    },
};

/// Enough of an id to recognize it, and short enough for 80 columns. `--json` has the whole id.
const ID_CHARACTERS: usize = 15;

/// The history as a table, in the order of its entries.
pub(super) fn table(entries: &[Members], zone: &Zone) -> TextTable {
    let mut table = output::table(&["Time (UTC)", "Event", "Received", "Id"]);
    let mut day = String::new();
    for entry in entries {
        let (occurred, its_day) = (text(entry, "occurred_at"), day_of(text(entry, "occurred_at")));
        if its_day != day {
            day = its_day;
            table.add_row([&day]);
        }
        let time = |text: &str| text.parse::<Time>().map_or_else(|_| text.to_owned(), |time| zone.short(time, &day));
        table.add_row([
            time(occurred),
            event(text(entry, "kind"), text(entry, "event")),
            time(text(entry, "received_at")),
            shortened(text(entry, "event_id"), ID_CHARACTERS),
        ]);
    }
    table
}

fn day_of(time: &str) -> String {
    time.parse::<Time>().map(Time::day).unwrap_or_default()
}

/// The event, with its webhook before it if the name alone does not show that.
fn event(kind: &str, event: &str) -> String {
    if kind == event || ["account-status", "service", "reconciler"].contains(&kind) {
        event.to_owned()
    } else {
        format!("{kind} {event}")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::ui::local_time::seoul;

    fn entries() -> Vec<Members> {
        let entry = |occurred: &str, received: &str, kind: &str, event: &str, id: &str| {
            let entry = json!({"occurred_at": occurred, "received_at": received, "kind": kind, "event": event,
                "event_id": id});
            entry.as_object().cloned().unwrap()
        };
        let token = |event: &str| format!("3f0c1d52-6f0e-4d6c-9a53-0b0e4d1f7a11:{event}");
        vec![
            entry(
                "2026-11-27T23:59:58.000Z",
                "2026-11-28T00:00:01.204Z",
                "account-status",
                "user-linked",
                &token("user-linked"),
            ),
            entry(
                "2026-11-28T02:55:06.000Z",
                "2026-11-28T02:55:06.981Z",
                "account-status",
                "account-credential-change-required",
                &token("account-credential-change-required"),
            ),
            entry(
                "2026-11-28T02:56:00.120Z",
                "2026-11-28T02:56:00.120Z",
                "talk-channel",
                "added",
                "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            ),
            entry("2026-11-28T20:01:00.000Z", "2026-11-28T20:01:00.000Z", "unlink", "unlink", "JKJeEhZ5oE0EMYQ="),
            entry(
                "2026-11-29T00:00:00.000Z",
                "2026-11-29T00:00:00.000Z",
                "service",
                "service-erased",
                "khook-0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            ),
        ]
    }

    #[test]
    fn a_history_fits_80_columns_with_a_heading_for_each_day() {
        let shown = table(&entries(), &Zone::default()).rendered(80, false);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert_snapshot!("history-80", shown);
    }

    #[test]
    fn local_times_are_shown_with_utc() {
        assert_snapshot!("history-local-120", table(&entries(), &seoul()).rendered(120, false));
    }
}
