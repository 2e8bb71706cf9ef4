use anyhow::Result;
use console::Style;
use serde_json::{Value, json};

use super::{StepResult, chatbot::AnswerResult, delivery::DeliveryResult, reconcile::ReconcileResult};
use crate::{
    commands::user::print_state,
    ui::{
        count::counted,
        local_time::Zone,
        output::{self, Cell, Color, Text, faint_cell, verdict_cell},
    },
};

/// What came of the whole story.
pub(super) struct DemoReport {
    pub(super) results: Vec<StepResult>,
    pub(super) delivered: DeliveryResult,
    pub(super) reconciled: Vec<ReconcileResult>,
    pub(super) answered: AnswerResult,
    pub(super) user: Value,
    pub(super) strays: Vec<String>,
}

impl DemoReport {
    pub(super) fn is_good(&self) -> bool {
        self.strays.is_empty()
            && self.delivered.problem.is_none()
            && self.answered.problem.is_none()
            && self.reconciled.iter().all(|found| found.problem.is_none())
            && self.results.iter().all(|result| result.problem.is_none())
    }

    pub(super) fn print_json(&self) -> Result<()> {
        output::json(&json!({
            "ok": self.is_good(), "requests": self.results, "delivery": self.delivered,
            "reconciled": self.reconciled, "chatbot": self.answered, "user": self.user, "strays": self.strays,
        }))
    }

    /// For people. `is_kept`: the service goes on running, and can be asked.
    pub(super) fn print(&self, is_kept: bool) -> Result<()> {
        let mut table =
            output::table(&["", "What Kakao reports", "Webhook", "Status", "ms", "What changed (times in UTC)"]);
        table.align_right(4);
        for (number, result) in self.results.iter().enumerate() {
            let webhook = Cell::new(format!("{} {}", result.kind, result.shape));
            table.add_row([
                faint_cell(&format!("{:>2}", number + 1)),
                title(result),
                // What is refused steps back behind what has an effect.
                if result.is_forged { webhook.faint() } else { webhook },
                status(result),
                faint_cell(&result.ms.to_string()),
                changes(result),
            ]);
        }
        table.add_row(self.delivery_row());
        for (number, found) in self.reconciled.iter().enumerate() {
            table.add_row(reconciled_row(self.results.len() + 2 + number, found));
        }
        table.add_row(answered_row(self.results.len() + 2 + self.reconciled.len(), &self.answered));
        output::line("")?;
        output::print_table(&table)?;
        output::line("")?;
        let heading = Text::default().styled(Style::new().bold(), "The member's final state");
        output::line(heading.and(if is_kept { " (khook user show prints the same)" } else { "" }))?;
        print_state(&self.user, &Zone::default())?;
        self.print_verdict()
    }

    /// What the service's endpoint got, behind what Kakao sent.
    fn delivery_row(&self) -> [Cell; 6] {
        let DeliveryResult { changes, ms, problem } = &self.delivered;
        let verdict = problem.as_ref().map_or_else(
            || verdict_cell(&format!("{}, all signatures right", counted(*changes, "change")), true),
            |problem| verdict_cell(problem, false),
        );
        [
            faint_cell(&format!("{:>2}", self.results.len() + 1)),
            Cell::new("every change is delivered to your service"),
            Cell::new("delivery POST JSON"),
            verdict_cell(if problem.is_none() { "204 ✓" } else { "✗" }, problem.is_none()),
            faint_cell(&ms.to_string()),
            verdict,
        ]
    }

    fn print_verdict(&self) -> Result<()> {
        for stray in &self.strays {
            output::line(Text::default().styled(Style::new().red(), "✗ ").and(stray))?;
        }
        let count = |is: fn(&StepResult) -> bool| self.results.iter().filter(|result| is(result)).count();
        let refused = count(|result| result.is_forged);
        let again = count(|result| result.is_duplicate);
        let wrong = count(|result| result.problem.is_some())
            + self.strays.len()
            + usize::from(self.delivered.problem.is_some())
            + usize::from(self.answered.problem.is_some())
            + self.reconciled.iter().filter(|found| found.problem.is_some()).count();
        output::line("")?;
        if wrong > 0 {
            let text = format!("✗ not as it should be: {wrong} of these");
            return output::line(Text::default().styled(Style::new().red().bold(), text));
        }
        let taken = self.results.len() - refused - again;
        let good = Text::default().styled(Style::new().green().bold(), "✓ All as it should be:");
        output::line(good.and(format!(
            " {taken} taken, {refused} forged and refused, {} without effect",
            counted(again, "duplicate")
        )))
    }
}

/// What no webhook reported.
fn reconciled_row(number: usize, found: &ReconcileResult) -> [Cell; 6] {
    let ReconcileResult { title, ms, changes, problem } = found;
    let changes = problem.as_ref().map_or_else(|| Cell::lines(changes), |problem| verdict_cell(problem, false));
    [
        faint_cell(&format!("{number:>2}")),
        Cell::new(title),
        Cell::new("reconciler"),
        verdict_cell(if problem.is_none() { "✓" } else { "✗" }, problem.is_none()),
        faint_cell(&ms.to_string()),
        changes,
    ]
}

/// What the user reads at once, and later.
fn answered_row(number: usize, answered: &AnswerResult) -> [Cell; 6] {
    let AnswerResult { title, ms, waiting_text, answered_after_ms, heard, problem } = answered;
    let at_once = format!("at once: {}", waiting_text.as_deref().unwrap_or_default());
    let later =
        format!("after {}.{} s: {}", answered_after_ms / 1_000, answered_after_ms / 100 % 10, heard.join(" / "));
    let read = problem.as_ref().map_or_else(|| Cell::lines(&[at_once, later]), |it| verdict_cell(it, false));
    [
        faint_cell(&format!("{number:>2}")),
        Cell::new(title),
        Cell::new("skill and callback"),
        verdict_cell(if problem.is_none() { "✓" } else { "✗" }, problem.is_none()),
        faint_cell(&ms.to_string()),
        read,
    ]
}

fn title(result: &StepResult) -> Cell {
    let cell = Cell::new(&result.title);
    match (result.is_forged, result.is_duplicate) {
        (true, _) => cell.faint(),
        (_, true) => cell.fg(Color::Cyan),
        _ => cell,
    }
}

fn status(result: &StepResult) -> Cell {
    let is_right = result.status == result.expected;
    let text = if is_right {
        format!("{} ✓", result.status)
    } else {
        format!("{} ✗ (expected {})", result.status, result.expected)
    };
    verdict_cell(&text, is_right)
}

fn changes(result: &StepResult) -> Cell {
    if let Some(problem) = &result.problem {
        return verdict_cell(problem, false);
    }
    if result.changes.is_empty() {
        return faint_cell(if result.is_duplicate { "nothing: known already" } else { "nothing" });
    }
    Cell::lines(&result.changes)
}
