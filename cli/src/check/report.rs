//! What was found, for people and for machines.

use anyhow::Result;
use comfy_table::{Cell, Color};
use reqwest::Url;
use serde_json::{Value, json};

use super::{
    finding::{Finding, Verdict},
    route::Route,
};
use crate::output;

/// A route, and what was found there.
pub(super) struct Checked {
    pub(super) route: Route,
    pub(super) url: Url,
    pub(super) findings: Vec<Finding>,
}

impl Checked {
    pub(super) fn has(&self, verdict: Verdict) -> bool {
        self.findings.iter().any(|finding| finding.verdict == verdict)
    }

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
    let is_right = !checked.iter().any(|checked| checked.has(Verdict::Mistake) || checked.has(Verdict::Unknown));
    output::json(&json!({"ok": is_right, "routes": routes}))
}

pub(super) fn print(checked: &[Checked]) -> Result<()> {
    for (index, checked) in checked.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        output::line(&format!("{gap}{} {}", checked.route.name(), checked.url))?;
        let mut table = output::table(["Check", "", "Seen", "Mend"]);
        for finding in &checked.findings {
            table.add_row([
                Cell::new(finding.check),
                sign(finding.verdict),
                Cell::new(&finding.seen),
                Cell::new(&finding.mend),
            ]);
        }
        output::print_table(&table)?;
    }
    let count = |verdict| {
        checked.iter().flat_map(|checked| &checked.findings).filter(|finding| finding.verdict == verdict).count()
    };
    output::line(&format!("\n{}", sum(count(Verdict::Mistake), count(Verdict::Warning), count(Verdict::Unknown))))
}

fn sign(verdict: Verdict) -> Cell {
    Cell::new(verdict.sign()).fg(match verdict {
        Verdict::Right => Color::Green,
        Verdict::Warning => Color::Yellow,
        Verdict::Mistake | Verdict::Unknown => Color::Red,
    })
}

fn sum(mistakes: usize, warnings: usize, unknown: usize) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    if unknown > 0 {
        return "It couldn't be checked.".to_owned();
    }
    match (mistakes, warnings) {
        (0, 0) => "All is right.".to_owned(),
        (0, _) => format!("No mistake, {}.", counted(warnings, "warning")),
        (_, 0) => format!("{}.", counted(mistakes, "mistake")),
        (..) => format!("{}, {}.", counted(mistakes, "mistake"), counted(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts() {
        assert_eq!(sum(0, 0, 0), "All is right.");
        assert_eq!(sum(0, 1, 0), "No mistake, 1 warning.");
        assert_eq!(sum(2, 0, 0), "2 mistakes.");
        assert_eq!(sum(1, 2, 0), "1 mistake, 2 warnings.");
        assert_eq!(sum(0, 0, 1), "It couldn't be checked.");
    }
}
