//! The table in `docs/reliability.md`, which the suite writes.

use std::{collections::BTreeSet, time::Duration};

use end_to_end::binaries::workspace;

use crate::{
    function::Function,
    request_case::{Group, Process},
};

/// One measured case.
#[derive(Clone, Debug)]
pub(crate) struct ReportLine {
    pub(crate) group: Group,
    pub(crate) what_fails: String,
    pub(crate) process: Process,
    pub(crate) function: &'static str,
    pub(crate) status: String,
    pub(crate) time: Duration,
    /// How long it may take.
    pub(crate) budget: Duration,
    pub(crate) place: &'static str,
    /// Whether it was acknowledged, or done.
    pub(crate) is_good: bool,
}

const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- measured: written by the suite -->\n";
const END: &str = "<!-- /measured -->\n";
const FIX: &str = "WRITE_DOCS=1 cargo test -p end-to-end --test faults";

/// Writes the document's tables of these groups, or compares them in everything but the times.
pub(crate) fn check_or_write(lines: &[ReportLine], groups: &[Group]) {
    let path = workspace().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let of_group = |group: &Group| match groups.contains(group) {
        true => table(*group, lines),
        false => table_in(written, *group),
    };
    let measured = Group::ALL.iter().map(of_group).collect::<String>() + "\n";
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{measured}{END}{after}")).unwrap();
        return;
    }
    let (written, measured) = (without_times(written), without_times(&measured));
    let missing: Vec<_> = measured.iter().filter(|line| !written.contains(line)).collect();
    let wrong: Vec<_> = written.iter().filter(|line| !measured.contains(line)).collect();
    assert!(
        written == measured,
        "{PAGE} differs from the measurement. To write it again: {FIX}\nit lacks {missing:#?}\nit has {wrong:#?}"
    );
}

/// A group's table as it is written, with its title; empty if it isn't.
fn table_in(written: &str, group: Group) -> String {
    let begin = format!("{}\n", group.title());
    let table = written.split("\n### ").find(|table| table.starts_with(&begin));
    table.map(|table| format!("\n### {}\n", table.trim_end())).unwrap_or_default()
}

fn heading(group: Group) -> String {
    format!("\n### {}\n", group.title())
}

fn table(group: Group, lines: &[ReportLine]) -> String {
    let (answer, place) = match group {
        Group::Answers => ("the user hears", "by"),
        _ => ("answer", "the event is in"),
    };
    let mut text = heading(group)
        + &format!(
            "\n| what fails, and how | process | function | {answer} | longest | {place} |\n|---|---|---|---|---|---|\n"
        );
    let mut left: Vec<&ReportLine> = lines.iter().filter(|line| line.group == group).collect();
    while let Some(first) = left.first().copied() {
        let is_like = |line: &&ReportLine| {
            // One that may take longer would hide how long the others took.
            (&line.what_fails, line.place, line.is_good, line.budget)
                == (&first.what_fails, first.place, first.is_good, first.budget)
        };
        let (alike, others): (Vec<&ReportLine>, Vec<&ReportLine>) = left.into_iter().partition(is_like);
        text += &merged(&alike);
        left = others;
    }
    text
}

/// What came out alike: a line for each set of processes, so that none claims more than was played.
fn merged(lines: &[&ReportLine]) -> String {
    let mut left = lines.to_vec();
    let mut text = String::new();
    while let Some(first) = left.first().copied() {
        let processes_of = |function: &str| -> BTreeSet<Process> {
            lines.iter().filter(|line| line.function == function).map(|line| line.process).collect()
        };
        let processes = processes_of(first.function);
        let (alike, others): (Vec<&ReportLine>, Vec<&ReportLine>) =
            left.into_iter().partition(|line| processes_of(line.function) == processes);
        text += &line_of(&alike, &processes);
        left = others;
    }
    text
}

fn line_of(lines: &[&ReportLine], processes: &BTreeSet<Process>) -> String {
    let Some(first) = lines.first() else { return String::new() };
    let join = |texts: &mut dyn Iterator<Item = &str>| {
        texts.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    };
    let processes: Vec<_> = processes.iter().map(|process| process.words()).collect();
    let is_played = |function: &Function| lines.iter().any(|line| line.function == function.name());
    let functions = if Function::WEBHOOKS.iter().all(is_played) {
        "the four webhooks".to_owned()
    } else {
        join(&mut lines.iter().map(|line| line.function))
    };
    let statuses = join(&mut lines.iter().map(|line| line.status.as_str()));
    let longest = lines.iter().map(|line| line.time).max().unwrap_or_default();
    format!(
        "| {} | {} | {functions} | {statuses} | {:.1} s | {} |\n",
        first.what_fails,
        processes.join(", "),
        longest.as_secs_f32(),
        first.place
    )
}

/// The lines, the cell with the time left out.
fn without_times(table: &str) -> Vec<String> {
    let is_time = |cell: &str| cell.trim().strip_suffix(" s").is_some_and(|number| number.parse::<f32>().is_ok());
    let without = |line: &str| line.split('|').filter(|cell| !is_time(cell)).collect::<Vec<_>>().join("|");
    table.lines().map(without).collect()
}
