//! Tables for people.

use std::fmt::Display;

use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, LineStyle, presets};

use super::visible;

/// A table, as wide as the terminal at the most; where there is none, as it comes.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    #[expect(clippy::disallowed_methods, reason = "its cells are made visible")]
    pub(super) fn new<const COLUMNS: usize>(headings: [&str; COLUMNS]) -> Self {
        let mut table = comfy_table::Table::new();
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
        table.set_header(headings.map(|heading| Cell::new(heading).0.add_attribute(Attribute::Bold)));
        Self(table)
    }

    /// One more row.
    pub fn add_row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.0.add_row(cells.into_iter().map(|cell| cell.into().0));
    }

    /// Has a column stand at its right edge.
    pub fn align_right(&mut self, column: usize) {
        if let Some(column) = self.0.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }

    pub(super) fn rendered(&self) -> String {
        self.0.trim_fmt()
    }

    /// As it comes where there is no terminal.
    #[cfg(test)]
    pub(crate) fn plain(mut self) -> String {
        self.0.set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        self.rendered()
    }
}

/// A cell. Whatever is put into it is made visible first, so that only our own styles reach the terminal.
#[derive(Debug)]
pub struct Cell(comfy_table::Cell);

impl Cell {
    /// A cell of one line.
    #[must_use]
    pub fn new(text: impl Display) -> Self {
        Self::lines([text])
    }

    /// A cell of several lines.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "they are made visible here")]
    pub fn lines(lines: impl IntoIterator<Item = impl Display>) -> Self {
        let lines: Vec<_> = lines.into_iter().map(|line| visible(&line.to_string())).collect();
        Self(comfy_table::Cell::new(lines.join("\n")))
    }

    /// The same in a colour.
    #[must_use]
    pub fn fg(self, color: Color) -> Self {
        Self(self.0.fg(color))
    }

    /// The same, standing back.
    #[must_use]
    pub fn faint(self) -> Self {
        Self(self.0.add_attribute(Attribute::Dim))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_place_for_escape_sequences_and_keeps_its_colour() {
        let mut table = Table::new(["A", "B"]);
        table.add_row([Cell::from("\u{1b}[2J\r\n"), Cell::lines(["x\u{9b}", "y"]).fg(Color::Green)]);
        table.0.enforce_styling();
        let shown = table.rendered();
        assert!(shown.contains("\\u{1b}[2J\\r\\n") && shown.contains("x\\u{9b}"), "{shown}");
        assert!(shown.contains("\u{1b}[38;5;10m") && !shown.contains("\u{1b}[2J"), "{shown:?}");
    }
}
