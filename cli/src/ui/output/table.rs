//! Tables for people.

use std::fmt::Display;

use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Width, presets};
use console::{Style, measure_text_width};

use super::{Text, visible, wrap};

/// A table that breaks no word: if a row does not fit the terminal, its cells stand below each other.
#[derive(Debug)]
pub struct TextTable {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
    right: Vec<usize>,
}

/// The width of the frame per column.
const PADDING: usize = 2;

impl TextTable {
    pub(super) fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(|heading| visible(heading)).collect(), rows: vec![], right: vec![] }
    }

    /// One more row.
    pub fn add_row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Aligns a column at its right edge.
    pub fn align_right(&mut self, column: usize) {
        self.right.push(column);
    }

    /// The table in this many columns, with styles if `styled`.
    #[must_use]
    pub fn rendered(&self, columns: usize, styled: bool) -> String {
        let natural = self.framed(None, styled);
        let is_wide = |text: &str| text.lines().any(|line| measure_text_width(line) > columns);
        if !is_wide(&natural) {
            return natural;
        }
        let framed = self.framed(Some(columns), styled);
        if is_wide(&framed) || self.breaks_a_word(columns) { self.stacked(columns, styled) } else { framed }
    }

    /// The widest word of each column.
    fn widest_words(&self) -> Vec<usize> {
        let widest = |text: &str| text.split([' ', '\n']).map(measure_text_width).max().unwrap_or_default();
        let cell = |row: &[Cell], column: usize| row.get(column).map_or(0, |cell| widest(&cell.text));
        let all = |(column, heading): (usize, &String)| {
            self.rows.iter().map(|row| cell(row, column)).chain([widest(heading)]).max().unwrap_or_default()
        };
        self.headings.iter().enumerate().map(all).collect()
    }

    fn breaks_a_word(&self, columns: usize) -> bool {
        let words = self.widest_words();
        words.iter().sum::<usize>() + words.len() * PADDING + words.len().saturating_sub(1) > columns
    }

    #[expect(clippy::disallowed_methods, reason = "its cells are made visible")]
    fn framed(&self, columns: Option<usize>, styled: bool) -> String {
        let mut table = comfy_table::Table::new();
        let style = presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none());
        table.load_style(style);
        if styled {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table
            .set_header(self.headings.iter().map(|heading| Cell::new(heading).framed().add_attribute(Attribute::Bold)));
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::framed));
        }
        for column in &self.right {
            if let Some(column) = table.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        match columns.and_then(|columns| u16::try_from(columns).ok()) {
            None => table.set_content_arrangement(ContentArrangement::Disabled),
            Some(columns) => {
                let least = self.widest_words().into_iter().map(|width| {
                    let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
                    ColumnConstraint::LowerBoundary(Width::Fixed(width))
                });
                table.set_constraints(least);
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns)
            }
        };
        table.trim_fmt()
    }

    /// Each row as its first cell, and the others below it behind their headings.
    fn stacked(&self, columns: usize, styled: bool) -> String {
        let labels = self.headings.iter().skip(1).map(|heading| measure_text_width(heading)).max().unwrap_or_default();
        let mut lines: Vec<String> = vec![];
        for row in &self.rows {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            let mut cells = row.iter().zip(&self.headings);
            if let Some((first, _)) = cells.next() {
                lines.push(Text::default().styled(first.style().bold(), &first.text).rendered(styled));
            }
            for (cell, heading) in cells.filter(|(cell, _)| !cell.text.is_empty()) {
                let wrapped = cell.text.split('\n').flat_map(|line| wrap(line, columns.saturating_sub(labels + 4)));
                let mut label = heading.as_str();
                for line in wrapped {
                    let gap = " ".repeat(labels.saturating_sub(measure_text_width(label)) + 2);
                    let label = Text::from("  ").styled(Style::new().dim(), std::mem::take(&mut label)).and(gap);
                    lines.push(label.styled(cell.style(), line).rendered(styled));
                }
            }
        }
        lines.join("\n")
    }
}

/// A cell. Whatever is put into it is made visible first, so that only our own styles reach the terminal.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    color: Option<Color>,
    is_faint: bool,
}

impl Cell {
    /// A cell of one line.
    #[must_use]
    pub fn new(text: impl Display) -> Self {
        Self::lines([text])
    }

    /// A cell of several lines.
    #[must_use]
    pub fn lines(lines: impl IntoIterator<Item = impl Display>) -> Self {
        let lines: Vec<_> = lines.into_iter().map(|line| visible(&line.to_string())).collect();
        Self { text: lines.join("\n"), color: None, is_faint: false }
    }

    /// The same in a colour.
    #[must_use]
    pub const fn fg(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// The same, dimmed.
    #[must_use]
    pub const fn faint(mut self) -> Self {
        self.is_faint = true;
        self
    }

    #[expect(clippy::disallowed_methods, reason = "its text is visible")]
    fn framed(&self) -> comfy_table::Cell {
        let mut cell = comfy_table::Cell::new(&self.text);
        if let Some(color) = self.color {
            cell = cell.fg(color);
        }
        if self.is_faint { cell.add_attribute(Attribute::Dim) } else { cell }
    }

    fn style(&self) -> Style {
        let style = match self.color {
            Some(Color::Green) => Style::new().green(),
            Some(Color::Red) => Style::new().red(),
            Some(Color::Yellow) => Style::new().yellow(),
            Some(Color::Cyan) => Style::new().cyan(),
            _ => Style::new(),
        };
        if self.is_faint { style.dim() } else { style }
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
        let mut table = TextTable::new(&["A", "B"]);
        table.add_row([Cell::from("\u{1b}[2J\r\n"), Cell::lines(["x\u{9b}", "y"]).fg(Color::Green)]);
        let shown = table.rendered(80, true);
        assert!(shown.contains("\\u{1b}[2J\\r\\n") && shown.contains("x\\u{9b}"), "{shown}");
        assert!(shown.contains("\u{1b}[38;5;10m") && !shown.contains("\u{1b}[2J"), "{shown:?}");
        let stacked = table.rendered(10, true);
        assert!(stacked.contains("\\u{1b}[2J\\r\\n") && !stacked.contains("\u{1b}[2J"), "{stacked:?}");
    }

    fn sample() -> TextTable {
        let mut table = TextTable::new(&["Id", "What", "Sent", "Detail"]);
        table.add_row([
            "6b0e7a3c-3f4e-4d53-9a53-0b0e4d1f7a11",
            "account-status user-linked",
            "2026-11-28T02:55:06.000Z",
            "",
        ]);
        table.add_row(["91d2", "unlink", "–", "a member `user_id` is missing in the form that was received"]);
        table
    }

    #[test]
    fn no_word_is_broken_and_no_line_is_longer_than_the_terminal() {
        for columns in [60, 80, 120, 170] {
            let shown = sample().rendered(columns, false);
            for word in ["6b0e7a3c-3f4e-4d53-9a53-0b0e4d1f7a11", "2026-11-28T02:55:06.000Z", "account-status"] {
                assert!(shown.contains(word), "{columns}\n{shown}");
            }
            assert!(shown.lines().all(|line| measure_text_width(line) <= columns), "{columns}\n{shown}");
        }
    }

    #[test]
    fn a_table_wraps_between_words_and_stacks_where_that_is_not_enough() {
        insta::assert_snapshot!("60", sample().rendered(60, false));
        insta::assert_snapshot!("120", sample().rendered(120, false));
    }
}
