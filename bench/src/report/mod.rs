//! The results, for whoever wants to see them: a terminal, a page, a picture.

mod markdown;
mod page;
mod picture;
mod table;

pub use markdown::markdown;
pub use page::write;
pub use picture::picture;
pub(crate) use table::empty;
pub use table::table;

use crate::{
    contender::Role,
    figures::{Results, Row, Spread},
    units::digits,
};

/// What makes the times doubtful, if anything does.
#[must_use]
pub fn doubt(results: &Results) -> Option<String> {
    let others = results.disturbed()?;
    Some(format!(
        "The machine had other work to do: {others:.2} s for each second of this. Times by the clock are longer than they \
         should be, and their ratios nearer to 1"
    ))
}

/// `2.01 (1.93–2.40)`.
pub(crate) fn spread(spread: &Spread) -> String {
    format!("{} ({}–{})", digits(spread.median), digits(spread.p10), digits(spread.p90))
}

fn megabytes(value: Option<u64>, absent: &str) -> String {
    value.map_or_else(|| absent.to_owned(), |bytes| digits(bytes as f64 / 1e6))
}

/// Size of the program and of the archive, in megabytes.
fn sizes(row: &Row) -> [String; 2] {
    let absent = if row.role == Role::Ours { "not built" } else { "–" };
    [megabytes(row.size, "–"), megabytes(row.zip, absent)]
}
