//! What the doctor says, to people and to machines.

use serde_json::{Value, json};

use crate::{
    commands::check::{
        finding::Finding,
        report::{self, Tally},
    },
    ui::output::Table,
};

/// One part of the body, and what was found there.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) findings: Vec<Finding>,
}

impl Section {
    /// The same finding twice is said once.
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
pub(super) struct Report {
    pub(super) stack: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) sections: Vec<Section>,
    /// How other commands find the stack.
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Report {
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
        })
    }

    /// For people, piece by piece.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = vec![];
        for section in &self.sections {
            pieces.push(Piece::Line(section.name.clone()));
            pieces.push(Piece::Table(Box::new(report::table(&section.findings))));
            pieces.push(Piece::Line(String::new()));
        }
        if self.tally().mistakes > 0 && !self.variables.is_empty() {
            pieces.push(Piece::Line("For khook's other commands:".to_owned()));
            let variables = self.variables.iter().map(|(name, value)| format!("export {name}='{value}'"));
            pieces.extend(variables.chain([String::new()]).map(Piece::Line));
        }
        pieces.push(Piece::Line(match self.tally() {
            // All the rest could be.
            Tally { mistakes: 0, unknown: unknown @ 1.., .. } => format!("{unknown} couldn't be told."),
            tally => tally.sentence(),
        }));
        pieces
    }
}

/// A piece of what is printed.
pub(super) enum Piece {
    Line(String),
    Table(Box<Table>),
}
