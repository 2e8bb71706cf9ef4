//! The results as the page's generated part.

use std::fmt::Write;

use super::{doubt, sizes, spread};
use crate::{
    budget::{Verdict, verdicts},
    figures::Results,
    processor,
    stand_in::Transport,
    units::digits,
};

/// What stands between the page's markers.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let mut text =
        String::from("![Process start to first answer, and processor time of a warm request](performance.svg)\n\n");
    for transport in Transport::ALL {
        timings(&mut text, results, transport);
    }
    sizes_table(&mut text, results);
    text.extend(results.processor.iter().map(processor::report::markdown));
    budgets_table(&mut text, results);
    about(&mut text, results);
    text
}

/// Writing to a text can't fail.
macro_rules! line {
    ($text:expr, $($arguments:tt)*) => {{ let _ = writeln!($text, $($arguments)*); }};
}

fn timings(text: &mut String, results: &Results, transport: Transport) {
    line!(text, "### Over {}\n", transport.name());
    line!(text, "Milliseconds: median (p10–p90); memory in MB.\n");
    line!(
        text,
        "| | start → ready | start → first answer | processor time of that | warm request, p50 | p99 | processor time a request | peak memory |"
    );
    line!(text, "|---|--:|--:|--:|--:|--:|--:|--:|");
    for row in &results.rows {
        let figures = row.by(transport);
        line!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            spread(&figures.ready),
            spread(&figures.first_answer),
            digits(figures.start_cpu.median),
            digits(figures.warm.median),
            digits(figures.warm_p99),
            spread(&figures.cpu),
            digits(figures.memory.median / 1e6),
        );
    }
    line!(text, "");
}

fn sizes_table(text: &mut String, results: &Results) {
    line!(text, "### What is deployed\n\n| | program, MB | archive for arm64, MB |\n|---|--:|--:|");
    for row in &results.rows {
        let [size, zip] = sizes(row);
        line!(text, "| {} | {size} | {zip} |", row.name);
    }
    line!(text, "");
}

fn budgets_table(text: &mut String, results: &Results) {
    line!(text, "### Budgets\n");
    line!(
        text,
        "The function that uses most of each, in this run; `cargo bench-all --check` fails where one is over 100 %.\n"
    );
    line!(text, "| budget | function | found | against | used |\n|---|---|--:|--:|--:|");
    for verdict in tightest(verdicts(results)) {
        let Verdict { budget, function, found, against, used } = verdict;
        line!(text, "| {budget} | {function} | {found} | {against} | {:.0} % |", used * 100.0);
    }
    line!(text, "");
}

/// Of each budget the verdict that uses most of it, in the budgets' order.
fn tightest(verdicts: Vec<Verdict>) -> Vec<Verdict> {
    let mut tightest: Vec<Verdict> = vec![];
    for verdict in verdicts {
        match tightest.iter_mut().find(|known| known.budget == verdict.budget) {
            Some(known) if known.used < verdict.used => *known = verdict,
            Some(_) => {}
            None => tightest.push(verdict),
        }
    }
    tightest
}

fn about(text: &mut String, results: &Results) {
    let (machine, plan) = (&results.machine, &results.plan);
    line!(
        text,
        "Measured {} on {} × {}, {}; {}. {} starts each and {} × {} warm requests each.",
        machine.date,
        machine.processors,
        machine.processor,
        machine.kernel,
        machine.versions.join(", "),
        plan.starts,
        plan.processes,
        plan.requests,
    );
    if let Some(doubt) = doubt(results) {
        line!(text, "\n**{doubt}.**");
    }
    for left_out in &results.left_out {
        line!(text, "\nNot measured: {left_out}.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn of_each_budget_the_tightest_function_is_named() {
        let mut results = example::results();
        example::row(&mut results, "talk-share").tls.first_answer.median = 10.5;
        let text = markdown(&results);
        let line = text.lines().find(|line| line.contains("TLS: at most 5 × the floor")).unwrap();
        let expected = "| start to first answer, TLS: at most 5 × the floor | talk-share | 10.5 ms | 2.00 ms | 105 % |";
        assert_eq!(line, expected);
    }

    #[test]
    fn every_contender_stands_in_every_table() {
        let results = example::results();
        let text = markdown(&results);
        for row in &results.rows {
            let lines = text.lines().filter(|line| line.starts_with(&format!("| {} |", row.name))).count();
            assert_eq!(lines, 3, "{}", row.name);
        }
    }
}
