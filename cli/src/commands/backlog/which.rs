//! Which of the waiting items a command is about.

use clap::{Args, value_parser};

use super::Wanted;

/// The selected items.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Their ids, as `list` prints them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All of them
    #[arg(long)]
    all: bool,
}

impl Which {
    pub(crate) fn wanted(self) -> Wanted {
        if self.all { Wanted::All } else { Wanted::These(self.ids.into_iter().collect()) }
    }
}

/// How many items a command reads.
#[derive(Clone, Copy, Debug, Args)]
pub struct Limit {
    /// Read at most this many
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = value_parser!(u32).range(1..))]
    limit: u32,
}

impl Limit {
    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}
