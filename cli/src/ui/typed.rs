//! Which options were typed, where a variable can set them, too.

use std::collections::BTreeSet;

use clap::{
    ArgMatches, Args, Command, Error, FromArgMatches,
    parser::ValueSource::{self, CommandLine},
};

/// The names of the typed options. A variable of the shell may be meant for another command: it must not change what
/// this one works on. It stands first in its struct, since reading an option removes it from the matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed(BTreeSet<String>);

impl Typed {
    /// Whether the option of this field was typed.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains(field)
    }
}

impl FromArgMatches for Typed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let is_typed = |source: Option<ValueSource>| source == Some(CommandLine);
        let ids = matches.ids().map(clap::Id::as_str).filter(|id| is_typed(matches.value_source(id)));
        Ok(Self(ids.map(str::to_owned).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Typed {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
