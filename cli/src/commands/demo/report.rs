use anyhow::Result;
use console::Style;
use serde_json::{Value, json};

use super::Outcome;
use crate::ui::{
    count::counted,
    output::{self, Cell, Color, Text, faint_cell, verdict_cell},
};

/// What came of the whole story.
pub(super) struct Report {
    pub(super) outcomes: Vec<Outcome>,
    pub(super) user: Value,
    pub(super) strays: Vec<String>,
}

impl Report {
    pub(super) fn is_good(&self) -> bool {
        self.strays.is_empty() && self.outcomes.iter().all(|outcome| outcome.problem.is_none())
    }

    pub(super) fn print_json(&self) -> Result<()> {
        output::json(&json!({
            "ok": self.is_good(), "requests": self.outcomes, "user": self.user, "strays": self.strays,
        }))
    }

    pub(super) fn print(&self) -> Result<()> {
        let mut table =
            output::table(&["", "What Kakao tells", "Webhook", "Status", "ms", "What changed (times in UTC)"]);
        table.align_right(4);
        for (number, outcome) in self.outcomes.iter().enumerate() {
            table.add_row([
                faint_cell(&format!("{:>2}", number + 1)),
                title(outcome),
                Cell::new(format!("{} {}", outcome.kind, outcome.shape)),
                status(outcome),
                faint_cell(&outcome.ms.to_string()),
                changes(outcome),
            ]);
        }
        output::line("")?;
        output::print_table(&table)?;
        output::line("")?;
        let heading = Text::default().styled(Style::new().bold(), "The member's state in the end");
        output::line(heading.and(" (khook user show prints the same)"))?;
        output::json(&self.user)?;
        self.print_verdict()
    }

    fn print_verdict(&self) -> Result<()> {
        for stray in &self.strays {
            output::line(Text::default().styled(Style::new().red(), "✗ ").and(stray))?;
        }
        let count = |is: fn(&Outcome) -> bool| self.outcomes.iter().filter(|outcome| is(outcome)).count();
        let refused = count(|outcome| outcome.is_forged);
        let again = count(|outcome| outcome.is_duplicate);
        let wrong = count(|outcome| outcome.problem.is_some()) + self.strays.len();
        output::line("")?;
        if wrong > 0 {
            let text = format!("✗ not as it should be: {wrong} of these");
            return output::line(Text::default().styled(Style::new().red().bold(), text));
        }
        let taken = self.outcomes.len() - refused - again;
        let good = Text::default().styled(Style::new().green().bold(), "✓ All as it should be:");
        output::line(good.and(format!(
            " {taken} taken, {refused} forged and refused, {} without effect",
            counted(again, "duplicate")
        )))
    }
}

fn title(outcome: &Outcome) -> Cell {
    let cell = Cell::new(&outcome.title);
    match (outcome.is_forged, outcome.is_duplicate) {
        (true, _) => cell.fg(Color::Yellow),
        (_, true) => cell.fg(Color::Cyan),
        _ => cell,
    }
}

fn status(outcome: &Outcome) -> Cell {
    let is_right = outcome.status == outcome.expected;
    let text = if is_right {
        format!("{} ✓", outcome.status)
    } else {
        format!("{} ✗ (expected {})", outcome.status, outcome.expected)
    };
    verdict_cell(&text, is_right)
}

fn changes(outcome: &Outcome) -> Cell {
    if let Some(problem) = &outcome.problem {
        return verdict_cell(problem, false);
    }
    if outcome.changes.is_empty() {
        return faint_cell(if outcome.is_duplicate { "nothing: known already" } else { "nothing" });
    }
    Cell::lines(&outcome.changes)
}
