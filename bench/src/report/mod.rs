//! The results as tables on a terminal, as a page and as a picture.

mod page;
mod picture;

use std::fmt::Write;

use khook::ui::output;

pub(crate) use page::write;
pub(crate) use picture::picture;

use crate::{
    budget::{Verdict, verdicts},
    contender::Role,
    figures::{Results, Row, Spread},
    processor,
    stand_in::Transport,
    units::digits,
    workers,
};

/// A table, for the page and for the terminal.
pub(crate) struct Section {
    /// May be empty, as may `about`.
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
    /// The columns of text, before those of numbers.
    names: usize,
}

impl Section {
    pub(crate) fn new(title: &str, about: &str, head: &[&'static str], rows: Vec<Vec<String>>) -> Self {
        Self { title: title.to_owned(), about: about.to_owned(), head: head.to_owned(), rows, names: 1 }
    }

    fn markdown(&self) -> String {
        let line = |cells: String| format!("| {cells} |\n");
        let (title, about) = (&self.title, &self.about);
        let mut text = if title.is_empty() { String::new() } else { format!("### {title}\n\n") };
        text += &if about.is_empty() { String::new() } else { format!("{about}\n\n") };
        text += &line(self.head.join(" | "));
        let numbers = self.head.len().saturating_sub(self.names);
        text += &format!("|{}{}\n", "---|".repeat(self.names), "--:|".repeat(numbers));
        text.extend(self.rows.iter().map(|row| line(row.join(" | "))));
        text + "\n"
    }

    fn terminal(&self, columns: usize) -> String {
        let mut table = output::table(&self.head);
        self.rows.iter().for_each(|row| table.add_row(row.iter().map(String::as_str)));
        (self.names..self.head.len()).for_each(|column| table.align_right(column));
        let heading = [self.title.as_str(), &self.about].map(str::trim).join("\n\n");
        format!("{}\n{}", output::wrapped(heading.trim(), columns), table.rendered(columns, false))
    }
}

/// The results for a terminal with this many columns.
pub(crate) fn table(results: &Results, columns: usize) -> String {
    sections(results).iter().map(|section| section.terminal(columns)).collect::<Vec<_>>().join("\n\n")
}

/// The generated part of the page.
pub(crate) fn markdown(results: &Results) -> String {
    let picture =
        "![Process start to first answer, and processor time of a warm request](performance.svg)\n\n".to_owned();
    let sections = sections(results).into_iter().chain([budgets(results)]);
    sections.fold(picture, |text, section| text + &section.markdown()) + &about(results)
}

fn sections(results: &Results) -> Vec<Section> {
    let timings = Transport::ALL.into_iter().flat_map(|by| [starts(results, by), warm(results, by)]);
    let size = |row: &Row| [vec![row.name.clone()], sizes(row).into()].concat();
    let head = ["", "program, MB", "archive for arm64, MB"];
    let sizes = Section::new("What is deployed", "", &head, results.rows.iter().map(size).collect());
    let processor = results.processor.iter().flat_map(processor::sections);
    timings.chain([sizes]).chain(processor).chain(results.workers.iter().map(workers::section)).collect()
}

fn starts(results: &Results, transport: Transport) -> Section {
    let cells = |row: &Row| {
        let figures = row.by(transport);
        vec![row.name.clone(), spread(&figures.ready), spread(&figures.first_answer), digits(figures.start_cpu.median)]
    };
    let head = ["", "start → ready", "start → first answer", "processor time of that"];
    let about = "Milliseconds: median (p10–p90).";
    Section::new(&format!("Over {}", transport.name()), about, &head, results.rows.iter().map(cells).collect())
}

fn warm(results: &Results, transport: Transport) -> Section {
    let cells = |row: &Row| {
        let figures = row.by(transport);
        let times = [figures.warm.median, figures.warm_p99, figures.cpu, figures.memory.median / 1e6];
        [vec![row.name.clone()], times.map(digits).into()].concat()
    };
    let head = ["", "warm request, p50", "p99", "processor time a request", "peak memory, MB"];
    let about = "Times in milliseconds; processor time is the mean, peak memory the median.";
    Section::new("", about, &head, results.rows.iter().map(cells).collect())
}

/// The sizes of the program and of the archive, in megabytes.
fn sizes(row: &Row) -> [String; 2] {
    let megabytes = |size: Option<u64>| size.map(|bytes| digits(bytes as f64 / 1e6));
    let absent = if row.role == Role::Ours { "not built" } else { "–" };
    [megabytes(row.size).unwrap_or_else(|| "–".to_owned()), megabytes(row.zip).unwrap_or_else(|| absent.to_owned())]
}

fn budgets(results: &Results) -> Section {
    let cells = |Verdict { budget, function, found, against, used }: Verdict| {
        vec![budget, function, found, against, format!("{:.0} %", used * 100.0)]
    };
    let about = "The function that uses most of each, in this run; of starts, the means. `cargo bench-all --check` fails where one is over 100 %.";
    let rows = tightest(verdicts(results)).into_iter().map(cells).collect();
    Section { names: 2, ..Section::new("Budgets", about, &["budget", "function", "found", "against", "used"], rows) }
}

/// The verdict that uses most of each budget, in the order of the budgets.
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

fn about(results: &Results) -> String {
    let (machine, plan) = (&results.machine, &results.plan);
    let mut text = format!(
        "Measured {} on {} × {}, {}; {}. {} starts each and {} × {} warm requests each.\n",
        machine.date,
        machine.processors,
        machine.processor,
        machine.kernel,
        machine.versions.join(", "),
        plan.starts,
        plan.processes,
        plan.requests,
    );
    let caveat = caveat(results).map(|caveat| format!("**{caveat}.**"));
    for remark in caveat.into_iter().chain(results.left_out.iter().map(|left_out| format!("Not measured: {left_out}.")))
    {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{remark}");
    }
    text
}

/// Why the times are doubtful, if they are.
pub(crate) fn caveat(results: &Results) -> Option<String> {
    let others = results.disturbed()?;
    Some(format!(
        "The machine had other work to do: {others:.2} s for each second of this. Times by the clock are longer than they \
         should be, and their ratios uncertain"
    ))
}

/// `2.01 (1.93–2.40)`.
pub(crate) fn spread(spread: &Spread) -> String {
    format!("{} ({}–{})", digits(spread.median), digits(spread.p10), digits(spread.p90))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{example, processor::Kind};

    #[test]
    fn the_page_names_the_tightest_function_of_each_budget() {
        let mut results = example::results();
        example::row(&mut results, "talk-share").tls.first_answer.mean = 10.5;
        let text = markdown(&results);
        let line = text.lines().find(|line| line.contains("TLS: at most 3.5 × the floor")).unwrap();
        let expected =
            "| start to first answer, TLS: at most 3.5 × the floor | talk-share | 10.5 ms | 2.50 ms | 120 % |";
        assert_eq!(line, expected);
        // The archives were given.
        assert!(text.contains("| archive for arm64: at most 4.00 MB | unlink | 4.00 MB | 4.00 MB | 100 % |"), "{text}");
    }

    #[test]
    fn every_contender_is_in_every_table() {
        let results = example::results();
        let text = markdown(&results);
        for row in &results.rows {
            let lines = text.lines().filter(|line| line.starts_with(&format!("| {} |", row.name))).count();
            assert_eq!(lines, 5, "{}", row.name);
        }
    }

    #[test]
    fn every_figure_of_the_processor_is_in_a_table() {
        let text: String = processor::sections(&processor::example::measured()).iter().map(Section::markdown).collect();
        for line in [
            "| 100, different users | 3000 (2700–3600) | 6000 (5400–7200) | 3.00 |",
            "| talk share that names a user | 2, 0.5 + 4 | 2, 0.5 + 4 | 2, 0.5 + 4 |",
            "| 10 | 27.0 (24.3–32.4) | 2.70 |",
            "| 10000 | 1.25 (1.12–1.50) | 3.00 | 3.00 |",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let rows = text.lines().filter(|line| line.starts_with("| ")).count();
        assert_eq!(rows, 6 + 6 + Kind::ALL.len() + 3 + 2 + 3 + 2);
    }

    #[test]
    fn the_terminal_shows_what_the_page_shows_and_breaks_no_word() {
        for section in sections(&example::results()) {
            let (page, terminal) = (section.markdown(), section.terminal(80));
            let words = section.rows.iter().flatten().flat_map(|cell| cell.split(' '));
            let absent: Vec<_> = words.filter(|word| !page.contains(*word) || !terminal.contains(*word)).collect();
            assert_eq!(absent, Vec::<&str>::new());
            let wide: Vec<_> = terminal.lines().filter(|line| line.chars().count() > 80).collect();
            assert_eq!(wide, Vec::<&str>::new());
            // As lists, rows would be hard to compare.
            assert!(terminal.contains("────"), "{terminal}");
        }
    }
}
