//! What was found, for people and for machines.

use std::process::ExitCode;

use anyhow::Result;
use console::{Style, measure_text_width};
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    finding::{Finding, Verdict},
    route::Route,
};
use crate::ui::{
    count::counted,
    output::{self, Text, UNKNOWN},
};

/// A route, and what was found there.
pub(crate) struct Checked {
    pub(crate) route: Route,
    pub(crate) url: Url,
    pub(crate) findings: Vec<Finding>,
}

impl Checked {
    /// Whether there was no answer at all.
    pub(super) fn has_no_answer(&self) -> bool {
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
        lines(&checked.findings, output::columns()).into_iter().try_for_each(output::line)?;
    }
    output::line("")?;
    output::line(Tally::of_routes(checked).sentence())
}

/// Each finding on a line; below it the fix, if there is one.
pub(crate) fn lines<'f>(findings: impl IntoIterator<Item = &'f Finding> + Clone, columns: usize) -> Vec<Text> {
    let name = |finding: &Finding| output::visible(finding.check);
    let names = findings.clone().into_iter().map(|finding| measure_text_width(&name(finding))).max();
    let names = names.unwrap_or_default();
    let margin = " ".repeat(names + MARGIN);
    let room = columns.saturating_sub(names + MARGIN);
    let mut lines = vec![];
    for finding in findings {
        let gap = " ".repeat(names - measure_text_width(&name(finding)).min(names) + 2);
        let mut start = Text::from("  ").styled(style(finding.verdict), finding.verdict.sign());
        start = start.and(format!(" {}{gap}", finding.check));
        for part in output::wrap(&output::visible(&finding.seen), room) {
            lines.push(start.and(part));
            start = Text::from(&margin);
        }
        let fix = if finding.fix.is_empty() {
            vec![]
        } else {
            output::wrap(&format!("fix: {}", output::visible(&finding.fix)), room)
        };
        lines.extend(fix.into_iter().map(|part| Text::from(&margin).styled(Style::new().bold(), part)));
    }
    lines
}

/// Two columns, the sign, a blank, and the gap behind the name.
const MARGIN: usize = 6;

pub(crate) fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Right => Style::new().green(),
        Verdict::Warning => Style::new().yellow(),
        Verdict::Mistake | Verdict::Unknown => Style::new().red(),
    }
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

    /// Whether nothing has to be fixed, and everything could be checked.
    pub(crate) const fn is_right(self) -> bool {
        self.mistakes == 0 && self.unknown == 0
    }

    /// The worst verdict among them.
    pub(crate) const fn worst(self) -> Verdict {
        match self {
            Self { mistakes: 1.., .. } => Verdict::Mistake,
            Self { unknown: 1.., .. } => Verdict::Unknown,
            Self { warnings: 1.., .. } => Verdict::Warning,
            _ => Verdict::Right,
        }
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
        match (mistakes, warnings) {
            (0, _) if unknown > 0 => "It could not be checked.".to_owned(),
            (0, 0) => "No problem found.".to_owned(),
            (0, _) => format!("No mistake, {}.", counted(warnings, "warning")),
            (_, 0) => format!("{}.", counted(mistakes, "mistake")),
            (..) => format!("{}, {}.", counted(mistakes, "mistake"), counted(warnings, "warning")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_the_exit_status_says_the_worst() {
        for (mistakes, warnings, unknown, sentence, code) in [
            (0, 0, 0, "No problem found.", ExitCode::SUCCESS),
            (0, 1, 0, "No mistake, 1 warning.", ExitCode::SUCCESS),
            (2, 0, 0, "2 mistakes.", ExitCode::FAILURE),
            (1, 2, 0, "1 mistake, 2 warnings.", ExitCode::FAILURE),
            (0, 0, 1, "It could not be checked.", ExitCode::from(UNKNOWN)),
            (1, 0, 1, "1 mistake.", ExitCode::FAILURE),
        ] {
            let tally = Tally { mistakes, warnings, unknown };
            assert_eq!((tally.sentence().as_str(), tally.exit_code()), (sentence, code));
            assert_eq!(tally.is_right(), code == ExitCode::SUCCESS, "{sentence}");
        }
    }
}
