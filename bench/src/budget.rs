//! What the acknowledging functions may cost: ratios to others of the same run, since milliseconds are the machine's.

use std::fmt;

use crate::{
    contender::Role,
    figures::{Results, Row},
    processor,
    stand_in::Transport,
    units::{bytes, millis},
};

/// A figure that has a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// From the process's start to its first answer.
    FirstAnswer,
    /// Processor time of a warm request.
    Cpu,
    /// Peak memory.
    Memory,
}

/// Each acknowledging function's figure is at most `factor` times that of the one in the role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Which figure.
    pub figure: Figure,
    /// By which transport.
    pub transport: Transport,
    /// So much.
    pub factor: f64,
    /// Of whose.
    pub of: Role,
}

/// What the archive of each function may have, for arm64.
pub const ZIP: u64 = 4_000_000;

const fn budget(figure: Figure, transport: Transport, factor: f64, of: Role) -> Budget {
    Budget { figure, transport, factor, of }
}

/// All budgets but [`ZIP`].
pub const BUDGETS: [Budget; 14] = {
    use Figure::{Cpu, FirstAnswer, Memory};
    use Transport::{Plain, Tls};
    [
        budget(FirstAnswer, Plain, 2.5, Role::Floor),
        budget(FirstAnswer, Tls, 5.0, Role::Floor),
        budget(FirstAnswer, Plain, 1.0 / 8.0, Role::Node),
        budget(FirstAnswer, Tls, 1.0 / 8.0, Role::Node),
        budget(FirstAnswer, Plain, 1.0 / 8.0, Role::Python),
        budget(FirstAnswer, Tls, 1.0 / 8.0, Role::Python),
        budget(Cpu, Plain, 1.3, Role::Minimal),
        budget(Cpu, Tls, 1.3, Role::Minimal),
        budget(Cpu, Plain, 1.0 / 4.0, Role::Node),
        budget(Cpu, Tls, 1.0 / 4.0, Role::Node),
        budget(Cpu, Plain, 1.0 / 4.0, Role::Python),
        budget(Cpu, Tls, 1.0 / 4.0, Role::Python),
        budget(Memory, Plain, 2.5, Role::Floor),
        budget(Memory, Tls, 2.5, Role::Floor),
    ]
};

impl Figure {
    fn of(self, row: &Row, transport: Transport) -> f64 {
        let figures = row.by(transport);
        match self {
            Self::FirstAnswer => figures.first_answer.median,
            Self::Cpu => figures.cpu.median,
            Self::Memory => figures.memory.median,
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::FirstAnswer | Self::Cpu => millis(value),
            Self::Memory => bytes(value),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstAnswer => "start to first answer",
            Self::Cpu => "processor time of a warm request",
            Self::Memory => "peak memory",
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, transport, factor, of } = self;
        write!(f, "{figure}, {}: at most {} × {}", transport.name(), share(*factor), of.name())
    }
}

/// `1/8` or `2.5`.
fn share(factor: f64) -> String {
    if factor < 1.0 { format!("1/{:.0}", 1.0 / factor) } else { format!("{factor}") }
}

/// How a function stands to a budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The budget, in words.
    pub budget: String,
    /// The function.
    pub function: String,
    /// Its figure.
    pub found: String,
    /// What it is measured by.
    pub against: String,
    /// What part of the budget is used: over 1, it is broken.
    pub used: f64,
}

impl Verdict {
    /// Whether the budget is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        // What can't be compared isn't kept either.
        !matches!(self.used.partial_cmp(&1.0), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, function, found, against, .. } = self;
        write!(f, "{function}: {budget}; it is {found} against {against}")
    }
}

/// Every function under every budget whose measure took part.
#[must_use]
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let ours = || results.rows.iter().filter(|row| row.role == Role::Ours);
    let mut verdicts = vec![];
    for budget in &BUDGETS {
        let Some(measure) = results.of(budget.of) else { continue };
        verdicts.extend(ours().map(|row| budget.judge(row, measure)));
    }
    verdicts.extend(ours().filter_map(judge_zip));
    verdicts.extend(results.processor.iter().flat_map(processor::budget::verdicts));
    verdicts
}

impl Budget {
    fn judge(&self, row: &Row, measure: &Row) -> Verdict {
        let (found, against) = (self.figure.of(row, self.transport), self.figure.of(measure, self.transport));
        Verdict {
            budget: self.to_string(),
            function: row.name.clone(),
            found: self.figure.show(found),
            against: self.figure.show(against),
            used: found / (against * self.factor),
        }
    }
}

fn judge_zip(row: &Row) -> Option<Verdict> {
    let zip = row.zip?;
    Some(Verdict {
        budget: "archive for arm64".to_owned(),
        function: row.name.clone(),
        found: bytes(zip as f64),
        against: bytes(ZIP as f64),
        used: zip as f64 / ZIP as f64,
    })
}

/// What no budget could be held to, since there was nothing to compare with.
#[must_use]
pub fn unchecked(results: &Results) -> Vec<String> {
    let absent = |budget: &&Budget| results.of(budget.of).is_none();
    let mut unchecked: Vec<String> = BUDGETS.iter().filter(absent).map(ToString::to_string).collect();
    let without_zip = results.rows.iter().filter(|row| row.role == Role::Ours && row.zip.is_none());
    unchecked.extend(without_zip.map(|row| format!("archive for arm64 of {}: not built", row.name)));
    unchecked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    fn broken(results: &Results) -> Vec<String> {
        verdicts(results).iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect()
    }

    #[test]
    fn figures_at_their_budgets_break_none() {
        assert_eq!(broken(&example::results()), Vec::<String>::new());
    }

    #[test]
    fn a_slower_start_breaks_the_budgets_of_its_transport_and_both_numbers_are_named() {
        let mut results = example::results();
        example::row(&mut results, "unlink").plain.first_answer.median = 25.0;
        assert_eq!(
            broken(&results),
            [
                "unlink: start to first answer, plain HTTP: at most 2.5 × the floor; it is 25.0 ms against 2.00 ms",
                "unlink: start to first answer, plain HTTP: at most 1/8 × Node; it is 25.0 ms against 90.0 ms",
                "unlink: start to first answer, plain HTTP: at most 1/8 × Python; it is 25.0 ms against 130.0 ms",
            ]
        );
    }

    #[test]
    fn each_budget_is_broken_by_a_figure_that_is_a_little_over_it() {
        for budget in BUDGETS {
            let mut results = example::results();
            let measure = results.of(budget.of).map(|row| budget.figure.of(row, budget.transport));
            let over = measure.unwrap() * budget.factor * 1.01;
            let row = example::row(&mut results, "skill");
            let figures = if budget.transport == Transport::Plain { &mut row.plain } else { &mut row.tls };
            match budget.figure {
                Figure::FirstAnswer => figures.first_answer.median = over,
                Figure::Cpu => figures.cpu.median = over,
                Figure::Memory => figures.memory.median = over,
            }
            let named = format!("skill: {budget}; ");
            assert!(broken(&results).iter().any(|line| line.starts_with(&named)), "{named}");
        }
    }

    #[test]
    fn an_archive_has_a_budget_of_its_own() {
        let mut results = example::results();
        example::row(&mut results, "unlink").zip = Some(ZIP + 60_000);
        assert_eq!(broken(&results), ["unlink: archive for arm64; it is 4.06 MB against 4.00 MB"]);
    }

    #[test]
    fn others_may_be_as_slow_as_they_like() {
        let mut results = example::results();
        example::row(&mut results, "minimal").plain.first_answer.median = 1e6;
        assert_eq!(broken(&results), Vec::<String>::new());
    }

    #[test]
    fn what_could_not_be_compared_is_said() {
        let mut results = example::results();
        results.rows.retain(|row| row.role != Role::Node);
        example::row(&mut results, "skill").zip = None;
        let unchecked = unchecked(&results);
        assert_eq!(unchecked.len(), 5, "{unchecked:?}");
        assert_eq!(unchecked.last().unwrap(), "archive for arm64 of skill: not built");
        assert_eq!(broken(&results), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_number_is_no_kept_budget() {
        let mut results = example::results();
        example::row(&mut results, "unlink").tls.cpu.median = f64::NAN;
        assert_eq!(broken(&results).len(), 3);
    }
}
