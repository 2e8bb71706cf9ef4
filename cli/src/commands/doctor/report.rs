//! The doctor's report, for people and for machines.

use console::Style;
use serde_json::{Value, json};

use crate::{
    commands::check::{
        finding::{Finding, Verdict},
        report::{self, Tally},
    },
    ui::{
        count::counted,
        output::{self, Text},
    },
};

/// One part of the stack, and what was found there.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) findings: Vec<Finding>,
}

impl Section {
    /// A finding that occurs twice is reported once.
    pub(super) fn new(name: impl Into<String>, findings: Vec<Finding>) -> Self {
        let mut said: Vec<Finding> = vec![];
        for finding in findings {
            if !said.contains(&finding) {
                said.push(finding);
            }
        }
        Self { name: name.into(), findings: said }
    }
}

/// All that was found.
#[derive(Clone, Debug)]
pub(super) struct DoctorReport {
    pub(super) stack: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) sections: Vec<Section>,
    /// What the stack could have, and is no mistake without.
    pub(super) hints: Vec<String>,
    /// Whether other commands need the stack's name.
    pub(super) is_named: bool,
}

impl DoctorReport {
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.sections.iter().flat_map(|section| &section.findings)
    }

    pub(super) fn tally(&self) -> Tally {
        Tally::of(self.findings())
    }

    pub(super) fn json(&self) -> Value {
        let sections: Vec<_> = self
            .sections
            .iter()
            .map(|section| json!({"section": section.name, "findings": section.findings}))
            .collect();
        json!({
            "ok": self.tally().is_right(),
            "stack": self.stack,
            "base_url": self.base_url,
            "sections": sections,
            "hints": self.hints,
        })
    }

    /// For people: the result first, then a line for each section that is right, and each problem of the others with
    /// its fix; with `all` every check.
    pub(super) fn lines(&self, columns: usize, all: bool) -> Vec<Text> {
        let tally = self.tally();
        let result = match tally {
            Tally { mistakes: 0, unknown: unknown @ 1.., .. } => {
                format!("{} could not be made.", counted(unknown, "check"))
            }
            tally => tally.sentence(),
        };
        let mut lines = vec![Text::default().styled(report::style(tally.worst()).bold(), result), Text::default()];
        for section in &self.sections {
            lines.push(section.heading());
            let is_shown = |finding: &&Finding| all || finding.verdict != Verdict::Right;
            lines.extend(report::lines(section.findings.iter().filter(is_shown), columns));
        }
        for hint in &self.hints {
            lines.push(Text::default());
            lines.extend(output::wrap(hint, columns).iter().map(Text::from));
        }
        if let Some(stack) = self.stack.as_deref().filter(|_| self.is_named && tally.mistakes > 0) {
            lines.extend([Text::default(), Text::from("For khook's other commands:")]);
            lines.push(Text::from(format!("export KHOOK_STACK='{stack}'")));
        }
        lines
    }
}

impl Section {
    fn heading(&self) -> Text {
        let tally = Tally::of(&self.findings);
        let right = self.findings.iter().filter(|finding| finding.verdict == Verdict::Right).count();
        let count = if right == self.findings.len() {
            counted(right, "check")
        } else {
            format!("{right} of {} right", counted(self.findings.len(), "check"))
        };
        let worst = tally.worst();
        let sign = Text::default().styled(report::style(worst), worst.sign());
        sign.and(format!(" {}: ", self.name)).styled(Style::new().dim(), count)
    }
}
