//! The budgets of the acknowledging functions: ratios to other contenders of the same run, because milliseconds depend on
//! the machine.

use std::fmt;

use crate::{
    contender::Role,
    figures::{Results, Row},
    processor,
    stand_in::Transport,
    units::{bytes, millis},
    workers,
};

/// A figure that has a budget.
#[derive(Clone, Copy, Debug)]
enum Figure {
    FirstAnswer,
    Cpu,
    Memory,
}

/// The functions that have a budget; all of them if none is named.
type Whose = &'static [&'static str];

const ALL: Whose = &[];
/// They do the job of *minimal*, and reach the queue only.
const SIMPLE: Whose = &["unlink", "talk-share", "talk-channel"];
/// They reach a second host before their first answer: Kakao's key set, and the table with the rules.
const TWO_HOSTS: Whose = &["account-status", "skill"];
/// It checks a signature.
const CHECKS: Whose = &["account-status"];
/// It works out a reply.
const REPLIES: Whose = &["skill"];

/// Each of these functions' figure is at most `factor` times that of the contender in the role `of`.
#[derive(Clone, Copy, Debug)]
struct Budget {
    figure: Figure,
    transport: Transport,
    whose: Whose,
    factor: f64,
    of: Role,
}

/// The largest archive of a function for arm64, in bytes.
const ZIP: u64 = 4_000_000;

/// All budgets but [`ZIP`]: the factors over plain HTTP and over TLS.
const BUDGETS: [(Figure, Whose, [f64; 2], Role); 10] = [
    (Figure::FirstAnswer, SIMPLE, [2.0, 3.5], Role::Floor),
    // 2.06 to 2.26 was seen, and the ratio of two starts varies by a fiftieth (standard deviation).
    (Figure::FirstAnswer, TWO_HOSTS, [2.3, 3.5], Role::Floor),
    (Figure::FirstAnswer, ALL, [1.0 / 8.0; 2], Role::Node),
    (Figure::FirstAnswer, ALL, [1.0 / 8.0; 2], Role::Python),
    // 24 ratios of four runs: 0.976 on average, with a standard deviation of 0.01.
    (Figure::Cpu, SIMPLE, [1.0; 2], Role::Minimal),
    (Figure::Cpu, CHECKS, [1.15; 2], Role::Minimal),
    (Figure::Cpu, REPLIES, [1.15; 2], Role::Minimal),
    (Figure::Cpu, ALL, [1.0 / 4.0; 2], Role::Node),
    (Figure::Cpu, ALL, [1.0 / 4.0; 2], Role::Python),
    (Figure::Memory, ALL, [2.5; 2], Role::Floor),
];

fn budgets() -> impl Iterator<Item = Budget> {
    BUDGETS.into_iter().flat_map(|(figure, whose, factors, of)| {
        let budget = move |(transport, factor)| Budget { figure, transport, whose, factor, of };
        Transport::ALL.into_iter().zip(factors).map(budget)
    })
}

impl Budget {
    fn is_for(&self, row: &Row) -> bool {
        self.whose.is_empty() || self.whose.contains(&row.name.as_str())
    }

    fn value(&self, row: &Row) -> f64 {
        let figures = row.by(self.transport);
        match self.figure {
            Figure::FirstAnswer => figures.first_answer.mean,
            Figure::Cpu => figures.cpu,
            Figure::Memory => figures.memory.median,
        }
    }

    fn judge(&self, row: &Row, measure: &Row) -> Verdict {
        let (found, against) = (self.value(row), self.value(measure));
        let show = if matches!(self.figure, Figure::Memory) { bytes } else { millis };
        Verdict {
            budget: self.to_string(),
            function: row.name.clone(),
            found: show(found),
            against: show(against),
            used: found / (against * self.factor),
        }
    }
}

/// For example `peak memory, TLS: at most 2.5 × the floor`.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, transport, factor, of, .. } = self;
        let figure = match figure {
            Figure::FirstAnswer => "start to first answer",
            Figure::Cpu => "processor time of a warm request",
            Figure::Memory => "peak memory",
        };
        let factor = if *factor < 1.0 { format!("1/{:.0}", 1.0 / factor) } else { factor.to_string() };
        write!(f, "{figure}, {}: at most {factor} × {}", transport.name(), of.name())
    }
}

/// What a function uses of a budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The budget in words.
    pub budget: String,
    /// The function.
    pub function: String,
    /// Its figure.
    pub found: String,
    /// The figure that it is compared with.
    pub against: String,
    /// The used part of the budget. Over 1, the budget is exceeded.
    pub used: f64,
}

impl Verdict {
    /// Whether the budget is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        // A comparison with NaN, which nothing was measured for, is a failure too.
        !matches!(self.used.partial_cmp(&1.0), Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, function, found, against, .. } = self;
        write!(f, "{function}: {budget}; it is {found} against {against}")
    }
}

/// The verdict on every function under every budget whose measure took part.
#[must_use]
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let compared = budgets().filter_map(|budget| Some((budget, results.of(budget.of)?)));
    let rows = |budget: Budget| ours(results).filter(move |row| budget.is_for(row));
    let ratios = compared.flat_map(|(budget, measure)| rows(budget).map(move |row| budget.judge(row, measure)));
    let processor = results.processor.iter().flat_map(processor::budget::verdicts);
    let workers = results.workers.iter().flat_map(workers::budget::verdicts);
    ratios.chain(ours(results).filter_map(judge_zip)).chain(processor).chain(workers).collect()
}

fn ours(results: &Results) -> impl Iterator<Item = &Row> {
    results.rows.iter().filter(|row| row.role == Role::Ours)
}

fn judge_zip(row: &Row) -> Option<Verdict> {
    let zip = row.zip? as f64;
    Some(Verdict {
        budget: format!("archive for arm64: at most {}", bytes(ZIP as f64)),
        function: row.name.clone(),
        found: bytes(zip),
        against: bytes(ZIP as f64),
        used: zip / ZIP as f64,
    })
}

/// The budgets that could not be checked, because there is nothing to compare with, and how to get it.
pub(crate) fn unchecked(results: &Results) -> Vec<String> {
    let absent = budgets().filter(|budget| results.of(budget.of).is_none());
    let absent = absent.map(|budget| format!("{budget}: {}", how_to_get(budget.of)));
    let not_built = ours(results).filter(|row| row.zip.is_none()).map(|Row { name, .. }| {
        format!(
            "archive for arm64 of {name}: not built, or older than its sources. Build it with `cd functions/{name} && cargo \
             lambda build --release --arm64 --output-format zip --locked`, and name its folder with --archives if that is not \
             target/lambda"
        )
    });
    let parts = [(processor::NAME, results.processor.is_none()), (workers::NAME, results.workers.is_none())];
    let left_out = parts.into_iter().filter(|(_, is_absent)| *is_absent);
    let left_out = left_out.map(|(name, _)| format!("{name}: {}", how_to_get(Role::Ours)));
    absent.chain(not_built).chain(left_out).collect()
}

/// How to have a contender in this role measured.
const fn how_to_get(role: Role) -> &'static str {
    match role {
        Role::Node => "Node was not measured. Install Node 20 or newer, with npm",
        Role::Python => "Python was not measured. Install Python 3.11 or newer, with its venv module",
        _ => "not measured",
    }
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
        example::row(&mut results, "unlink").plain.first_answer.mean = 25.0;
        assert_eq!(
            broken(&results),
            [
                "unlink: start to first answer, plain HTTP: at most 2 × the floor; it is 25.0 ms against 2.50 ms",
                "unlink: start to first answer, plain HTTP: at most 1/8 × Node; it is 25.0 ms against 90.0 ms",
                "unlink: start to first answer, plain HTTP: at most 1/8 × Python; it is 25.0 ms against 130.0 ms",
            ]
        );
    }

    #[test]
    fn each_budget_is_broken_by_a_figure_that_is_a_little_over_it() {
        for budget in budgets() {
            let mut results = example::results();
            let measure = results.of(budget.of).map(|row| budget.value(row));
            let over = measure.unwrap() * budget.factor * 1.01;
            let name = *budget.whose.first().unwrap_or(&"skill");
            let row = example::row(&mut results, name);
            let figures = if budget.transport == Transport::Plain { &mut row.plain } else { &mut row.tls };
            match budget.figure {
                Figure::FirstAnswer => figures.first_answer.mean = over,
                Figure::Cpu => figures.cpu = over,
                Figure::Memory => figures.memory.median = over,
            }
            let named = format!("{name}: {budget}; ");
            assert!(broken(&results).iter().any(|line| line.starts_with(&named)), "{named}");
        }
    }

    #[test]
    fn an_archive_has_a_budget_of_its_own() {
        let mut results = example::results();
        example::row(&mut results, "unlink").zip = Some(ZIP + 60_000);
        assert_eq!(broken(&results), ["unlink: archive for arm64: at most 4.00 MB; it is 4.06 MB against 4.00 MB"]);
    }

    #[test]
    fn other_contenders_have_no_budget() {
        let mut results = example::results();
        example::row(&mut results, "minimal").plain.first_answer.mean = 1e6;
        assert_eq!(broken(&results), Vec::<String>::new());
    }

    #[test]
    fn a_budget_without_a_measure_is_reported_as_unchecked() {
        let mut results = example::results();
        results.rows.retain(|row| row.role != Role::Node);
        example::row(&mut results, "skill").zip = None;
        let unchecked = unchecked(&results);
        assert_eq!(unchecked.len(), 5, "{unchecked:?}");
        let names =
            |text: &str, command: &str| unchecked.iter().any(|line| line.contains(text) && line.contains(command));
        assert!(names("TLS: at most 1/8 × Node", "Install Node 20"), "{unchecked:?}");
        assert!(names("archive for arm64 of skill", "cd functions/skill && cargo lambda build"), "{unchecked:?}");
        assert_eq!(broken(&results), Vec::<String>::new());
    }

    #[test]
    fn a_figure_that_is_not_a_number_breaks_its_budgets() {
        let mut results = example::results();
        example::row(&mut results, "unlink").tls.cpu = f64::NAN;
        assert_eq!(broken(&results).len(), 3);
    }
}
