//! What a command prints: data on standard output, colours only where somebody looks.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, LineStyle, Table, presets};
use console::style;
use serde_json::Value;

/// Prints a line.
///
/// # Errors
/// If nobody reads any more.
pub fn line(text: &str) -> Result<()> {
    writeln!(io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints a JSON document.
///
/// # Errors
/// If nobody reads any more.
pub fn json(value: &Value) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Warns on standard error. Whoever closed it doesn't want to be warned.
pub fn warn(text: &str) {
    let warning = style("warning:").for_stderr().yellow().bold();
    let _ = writeln!(io::stderr().lock(), "{warning} {text}");
}

/// Says why a command failed, on standard error; nothing if only nobody reads any more.
pub fn complain(error: &anyhow::Error) {
    if !is_broken_pipe(error) {
        let _ = writeln!(io::stderr().lock(), "{} {error:#}", style("error:").for_stderr().red().bold());
    }
}

/// Whether an error is only that nobody reads any more.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.root_cause().downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The exit status of a command whose 1 says what it found, where that could not be found out.
pub const UNKNOWN: u8 = 2;

/// How such a command ends: an error is said here, and is [`UNKNOWN`].
///
/// # Errors
/// If nobody reads any more.
pub fn or_unknown(ended: Result<ExitCode>) -> Result<ExitCode> {
    match ended {
        Err(error) if !is_broken_pipe(&error) => {
            complain(&error);
            Ok(ExitCode::from(UNKNOWN))
        }
        ended => ended,
    }
}

/// A table with these headings, at most as wide as the terminal; where there is none, as it comes.
#[must_use]
pub fn table<const COLUMNS: usize>(headings: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    let style = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
    table.load_style(style);
    if let Some((_, columns)) = console::Term::stdout().size_checked() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns.clamp(60, 170));
    }
    if console::colors_enabled() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(headings.map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    table
}

/// Prints a table.
///
/// # Errors
/// If nobody reads any more.
pub fn print_table(table: &Table) -> Result<()> {
    line(&table.trim_fmt())
}

/// A cell that says how it went.
#[must_use]
pub fn verdict_cell(text: &str, good: bool) -> Cell {
    Cell::new(text).fg(if good { Color::Green } else { Color::Red })
}

/// A cell that stands back.
#[must_use]
pub fn faint_cell(text: &str) -> Cell {
    Cell::new(text).add_attribute(Attribute::Dim)
}
