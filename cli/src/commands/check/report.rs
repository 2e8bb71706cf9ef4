//! What was found, for people and for machines.

use std::process::ExitCode;

use anyhow::Result;
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    finding::{Finding, Verdict},
    route::Route,
};
use crate::ui::output::{self, Cell, Color, Table, UNKNOWN};

/// A route, and what was found there.
pub(crate) struct Checked {
    pub(crate) route: Route,
    pub(crate) url: Url,
    pub(crate) findings: Vec<Finding>,
}

impl Checked {
    /// Whether nobody answered at all.
    pub(super) fn is_silent(&self) -> bool {
        self.findings.first().is_some_and(|finding| ["answers", "https"].contains(&finding.check))
    }
}

pub(super) fn json(checked: &[Checked]) -> Result<()> {
    let routes: Vec<Value> = checked
        .iter()
        .map(
            |checked| json!({"route": checked.route.name(), "url": checked.url.as_str(), "findings": checked.findings}),
        )
        .collect();
    output::json(&json!({"ok": Tally::of_routes(checked).is_right(), "routes": routes}))
}

pub(super) fn print(checked: &[Checked]) -> Result<()> {
    for (index, checked) in checked.iter().enumerate() {
        if index > 0 {
            output::line("")?;
        }
        output::line(format!("{} {}", checked.route.name(), checked.url))?;
        output::print_table(&table(&checked.findings))?;
    }
    output::line("")?;
    output::line(Tally::of_routes(checked).sentence())
}

/// Findings, one in a row.
pub(crate) fn table(findings: &[Finding]) -> Table {
    let mut table = output::table(["Check", "", "Seen", "Mend"]);
    for finding in findings {
        table.add_row([
            Cell::new(finding.check),
            sign(finding.verdict),
            Cell::new(&finding.seen),
            Cell::new(&finding.mend),
        ]);
    }
    table
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) mistakes: usize,
    pub(crate) warnings: usize,
    pub(crate) unknown: usize,
}

impl Tally {
    pub(crate) fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            match finding.verdict {
                Verdict::Right => {}
                Verdict::Warning => tally.warnings += 1,
                Verdict::Mistake => tally.mistakes += 1,
                Verdict::Unknown => tally.unknown += 1,
            }
        }
        tally
    }

    pub(super) fn of_routes(checked: &[Checked]) -> Self {
        Self::of(checked.iter().flat_map(|checked| &checked.findings))
    }

    /// Whether nothing has to be mended, and all could be told.
    pub(crate) const fn is_right(self) -> bool {
        self.mistakes == 0 && self.unknown == 0
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self { mistakes: 1.., .. } => ExitCode::FAILURE,
            Self { unknown: 1.., .. } => ExitCode::from(UNKNOWN),
            _ => ExitCode::SUCCESS,
        }
    }

    /// The last line.
    pub(crate) fn sentence(self) -> String {
        let Self { mistakes, warnings, unknown } = self;
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        match (mistakes, warnings) {
            (0, _) if unknown > 0 => "It couldn't be checked.".to_owned(),
            (0, 0) => "All is right.".to_owned(),
            (0, _) => format!("No mistake, {}.", counted(warnings, "warning")),
            (_, 0) => format!("{}.", counted(mistakes, "mistake")),
            (..) => format!("{}, {}.", counted(mistakes, "mistake"), counted(warnings, "warning")),
        }
    }
}

fn sign(verdict: Verdict) -> Cell {
    Cell::new(verdict.sign()).fg(match verdict {
        Verdict::Right => Color::Green,
        Verdict::Warning => Color::Yellow,
        Verdict::Mistake | Verdict::Unknown => Color::Red,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_the_exit_status_says_the_worst() {
        for (mistakes, warnings, unknown, sentence, code) in [
            (0, 0, 0, "All is right.", ExitCode::SUCCESS),
            (0, 1, 0, "No mistake, 1 warning.", ExitCode::SUCCESS),
            (2, 0, 0, "2 mistakes.", ExitCode::FAILURE),
            (1, 2, 0, "1 mistake, 2 warnings.", ExitCode::FAILURE),
            (0, 0, 1, "It couldn't be checked.", ExitCode::from(UNKNOWN)),
            (1, 0, 1, "1 mistake.", ExitCode::FAILURE),
        ] {
            let tally = Tally { mistakes, warnings, unknown };
            assert_eq!((tally.sentence().as_str(), tally.exit_code()), (sentence, code));
            assert_eq!(tally.is_right(), code == ExitCode::SUCCESS, "{sentence}");
        }
    }
}
