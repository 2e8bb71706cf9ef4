//! What was found of the processor, for a page and for a terminal: the same tables.

use std::fmt::Write;

use super::figures::{Case, Cost, Grown, Measured, PerEvent, Rate, Waited};
use crate::{
    figures::Spread,
    report::{empty, spread},
    units::digits,
};

/// One table: what it is of, its head, its rows.
struct Section {
    about: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The page's part.
#[must_use]
pub fn markdown(measured: &Measured) -> String {
    let mut text = String::from(
        "### The processor\n\nUnder the same Runtime API, before a table in memory that answers at once and counts what DynamoDB \
         bills. Median (p10–p90).\n\n",
    );
    for Section { about, head, rows } in sections(measured) {
        let rule = "--:|".repeat(head.len().saturating_sub(1));
        // Writing to a text can't fail.
        let _ = writeln!(text, "{about}:\n\n| {} |\n|---|{rule}", head.join(" | "));
        for row in rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        text.push('\n');
    }
    text
}

/// The terminal's part.
#[must_use]
pub fn table(measured: &Measured) -> String {
    let one = |Section { about, head, rows }: Section| {
        let mut table = empty(head);
        table.add_rows(rows);
        format!("processor: {about}\n{table}")
    };
    sections(measured).into_iter().map(one).collect::<Vec<_>>().join("\n\n")
}

fn sections(measured: &Measured) -> Vec<Section> {
    vec![
        Section {
            about: "Events a second, by the batch: from its hand-over to its answer, and of the process's own processor time"
                .to_owned(),
            head: head(&["events in a batch", "a second", "a second of processor time", "round trips an event"]),
            rows: measured.rates.iter().map(rate).collect(),
        },
        Section {
            about: "What an event asks of the table when it comes alone: round trips, read units + write units. A write that is \
                    refused counts as if it had been done".to_owned(),
            head: std::iter::once("").chain(Case::ALL.map(Case::name)).map(str::to_owned).collect(),
            rows: measured.costs.iter().map(cost).collect(),
        },
        Section {
            about: format!("A batch, where each request to the table takes {} ms", measured.latency),
            head: head(&["users in it", "ms", "ms a user"]),
            rows: measured.waited.iter().map(waited).collect(),
        },
        Section {
            about: "An event, by the users that the table holds, in batches of ten".to_owned(),
            head: head(&["users", "ms", "round trips", "units"]),
            rows: measured.users.iter().map(grown).collect(),
        },
        Section {
            about: "An event that comes alone, by the lines of its user's history".to_owned(),
            head: head(&["lines", "ms", "round trips", "units"]),
            rows: measured.history.iter().map(grown).collect(),
        },
    ]
}

fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rate(rate: &Rate) -> Vec<String> {
    vec![
        format!("{}, {}", rate.batch, rate.whose.name()),
        whole(&rate.per_second),
        whole(&rate.per_cpu_second),
        digits(rate.requests),
    ]
}

fn cost(cost: &Cost) -> Vec<String> {
    let case = |PerEvent { requests, units }: PerEvent| format!("{requests}, {} + {}", units.reads, units.writes);
    std::iter::once(cost.kind.clone()).chain(cost.cases.map(case)).collect()
}

fn waited(waited: &Waited) -> Vec<String> {
    let each = waited.took.median / waited.users as f64;
    vec![waited.users.to_string(), spread(&waited.took), digits(each)]
}

fn grown(grown: &Grown) -> Vec<String> {
    let PerEvent { requests, units } = grown.asked;
    vec![grown.size.to_string(), spread(&grown.time), digits(requests), digits(units.reads + units.writes)]
}

fn whole(spread: &Spread) -> String {
    format!("{:.0} ({:.0}–{:.0})", spread.median, spread.p10, spread.p90)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::{events::Kind, example};

    #[test]
    fn every_figure_stands_in_a_table_of_the_page() {
        let text = markdown(&example::measured());
        for line in [
            "| 100, different users | 3000 (2700–3600) | 6000 (5400–7200) | 3.00 |",
            "| talk share that names a user | 4, 0 + 10 | 2, 0 + 5 | 2, 0 + 5 |",
            "| 10 | 36.0 (32.4–43.2) | 3.60 |",
            "| 10000 | 1.25 (1.12–1.50) | 3.00 | 3.00 |",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let rows = text.lines().filter(|line| line.starts_with("| ")).count();
        assert_eq!(rows, 5 + 6 + Kind::ALL.len() + 3 + 3 + 2);
    }

    #[test]
    fn the_terminal_shows_what_the_page_shows() {
        let measured = example::measured();
        let (page, terminal) = (markdown(&measured), table(&measured));
        let rows = sections(&measured).into_iter().flat_map(|section| section.rows).flatten();
        let absent: Vec<_> = rows.filter(|cell| !page.contains(cell) || !terminal.contains(cell)).collect();
        assert_eq!(absent, Vec::<String>::new());
    }
}
