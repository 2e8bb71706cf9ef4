//! What a command prints: data on standard output, colours only on a terminal.
//!
//! Everything that `khook` writes goes through here (`clippy.toml` forbids the other ways), and here every text is made
//! [`visible`]: text from outside cannot move the cursor, colour the terminal, sound its bell or look like another
//! line.

mod table;
mod text;
mod visible;
mod wrap;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::Result;
use console::Style;
use serde_json::Value;

pub use comfy_table::Color;
pub use table::{Cell, TextTable};
pub use text::Text;
pub use visible::visible;
pub use wrap::{shortened, wrap, wrapped};

/// Prints a line.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn line(text: impl Into<Text>) -> Result<()> {
    to_stdout(&text.into().for_stdout())
}

/// Prints a text of ours that has several lines.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn lines(text: &str) -> Result<()> {
    text.split('\n').try_for_each(line)
}

/// Prints a text from outside that may have several lines. Those after the first are indented: none of them can
/// be taken for a line of ours.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn foreign(text: &str) -> Result<()> {
    to_stdout(&indented(text))
}

/// Prints a JSON document.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn json(value: &Value) -> Result<()> {
    to_stdout(&visible::visible_json(&serde_json::to_string_pretty(value)?))
}

/// Prints a JSON document on one line.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn json_line(value: &Value) -> Result<()> {
    to_stdout(&visible::visible_json(&value.to_string()))
}

/// Prints a record of CSV, which RFC 4180 ends with a carriage return and a line feed.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn csv_record(cells: &str) -> Result<()> {
    to_stdout(&format!("{}\r", visible(cells)))
}

/// Prints a table.
///
/// # Errors
/// If the reader has closed the pipe.
pub fn print_table(table: &TextTable) -> Result<()> {
    to_stdout(&table.rendered(columns(), console::colors_enabled()))
}

/// The columns of standard output: the terminal's; else those that `COLUMNS` says; else 80.
#[must_use]
pub fn columns() -> usize {
    let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let variable = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal().or_else(variable).unwrap_or(DEFAULT_COLUMNS).clamp(40, 170)
}

const DEFAULT_COLUMNS: usize = 80;

/// Prints a message on standard error. A closed standard error is not a failure.
pub fn say(text: impl Into<Text>) {
    to_stderr(&text.into().for_stderr());
}

/// Warns on standard error.
pub fn warn(text: &str) {
    labelled("warning:", Style::new().yellow().bold(), text);
}

/// Prints why a command failed, on standard error; nothing if the reader has closed the pipe.
pub fn complain(error: &anyhow::Error) {
    if !is_broken_pipe(error) {
        labelled("error:", Style::new().red().bold(), &format!("{error:#}"));
    }
}

/// Prints what the parser refuses, on standard error: by `print`, unless a line is too long for the terminal.
pub fn complain_of_usage(text: &str, print: impl FnOnce()) {
    let is_wide = text.lines().any(|line| console::measure_text_width(line) > columns());
    match text.strip_prefix("error: ") {
        Some(text) if is_wide && is_watched() => labelled("error:", Style::new().red().bold(), text),
        _ => print(),
    }
}

fn labelled(label: &str, style: Style, text: &str) {
    // A reader that is no terminal may look for the sentence.
    let text = if is_watched() { wrapped(text, columns() - label.len() - 1) } else { text.to_owned() };
    let label = Text::default().styled(style, label);
    to_stderr(&format!("{} {}", label.for_stderr(), indented(&text)));
}

/// Its lines, each visible, and those after the first indented.
fn indented(text: &str) -> String {
    text.trim_end_matches('\n').split('\n').map(visible).collect::<Vec<_>>().join("\n  ")
}

#[expect(clippy::disallowed_methods, reason = "this is where everything goes through")]
fn to_stdout(text: &str) -> Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is where everything goes through")]
fn to_stderr(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a question to standard error, where the answer is typed behind it.
///
/// # Errors
/// If it can't be written.
#[expect(clippy::disallowed_methods, reason = "this is where everything goes through")]
pub fn ask(question: &str) -> Result<()> {
    let mut stderr = io::stderr().lock();
    let question = wrap(question, columns().saturating_sub(2)).iter().map(|line| visible(line)).collect::<Vec<_>>();
    stderr.write_all(format!("{} ", question.join("\n")).as_bytes())?;
    stderr.flush()?;
    Ok(())
}

/// Whether standard error is a terminal.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "it writes nothing")]
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether an error is only that the reader has closed the pipe.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.root_cause().downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The exit status of a check that could not be performed; 1 is a negative result.
pub const UNKNOWN: u8 = 2;

/// The end of such a command: an error is printed here and becomes [`UNKNOWN`].
///
/// # Errors
/// If the reader has closed the pipe.
pub fn or_unknown(ended: Result<ExitCode>) -> Result<ExitCode> {
    match ended {
        Err(error) if !is_broken_pipe(&error) => {
            complain(&error);
            Ok(ExitCode::from(UNKNOWN))
        }
        ended => ended,
    }
}

/// A table with these headings.
#[must_use]
pub fn table(headings: &[&str]) -> TextTable {
    TextTable::new(headings)
}

/// A cell with a verdict.
#[must_use]
pub fn verdict_cell(text: &str, good: bool) -> Cell {
    Cell::new(text).fg(if good { Color::Green } else { Color::Red })
}

/// A dimmed cell.
#[must_use]
pub fn faint_cell(text: &str) -> Cell {
    Cell::new(text).faint()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_text_with_several_lines_cannot_look_like_our_output() {
        assert_eq!(indented("a\nerror: b\r\n\u{1b}c\n"), "a\n  error: b\\r\n  \\u{1b}c");
    }
}
