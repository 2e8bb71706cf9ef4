//! The results on a terminal.

use comfy_table::{CellAlignment, LineStyle, Table, presets::UTF8_HORIZONTAL_ONLY};

use super::{sizes, spread};
use crate::{
    figures::{Figures, Results, Row},
    processor,
    stand_in::Transport,
    units::digits,
};

/// A table for each transport, and the sizes.
#[must_use]
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for transport in Transport::ALL {
        let mut table = empty(["", "ready", "first answer", "its CPU", "warm p50", "p99", "CPU/request", "peak MB"]);
        for row in &results.rows {
            table.add_row(cells(row, row.by(transport)));
        }
        text += &format!("{}; milliseconds: median (p10–p90)\n{table}\n\n", transport.name());
    }
    let mut table = empty(["", "program MB", "arm64 zip MB"]);
    for row in &results.rows {
        let [size, zip] = sizes(row);
        table.add_row([row.name.clone(), size, zip]);
    }
    text += &table.to_string();
    text.extend(results.processor.iter().map(|measured| format!("\n\n{}", processor::report::table(measured))));
    text
}

/// A table with this head: names on the left, numbers on the right.
pub(crate) fn empty(head: impl Into<comfy_table::Row>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none())).set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(row: &Row, figures: &Figures) -> [String; 8] {
    [
        row.name.clone(),
        spread(&figures.ready),
        spread(&figures.first_answer),
        digits(figures.start_cpu.median),
        digits(figures.warm.median),
        digits(figures.warm_p99),
        digits(figures.cpu.median),
        digits(figures.memory.median / 1e6),
    ]
}
