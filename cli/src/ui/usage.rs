//! A command line that is wrong in a way that the parser can't see.

use std::{fmt, process::ExitCode};

use anyhow::Error;

/// What is wrong with the command line and how to write it. The exit status is 2, as for what the parser refuses.
#[derive(Debug)]
pub struct Usage(String);

impl Usage {
    /// A wrong command line.
    pub fn error(text: impl Into<String>) -> Error {
        Error::new(Self(text.into()))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The exit status of a command line that is wrong.
pub const WRONG_USAGE: u8 = 2;

/// The exit status of a command that failed with this error.
#[must_use]
pub fn exit_code(error: &Error) -> ExitCode {
    if error.is::<Usage>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_wrong_usage_has_a_status_of_its_own_in_any_context() {
        assert_eq!(exit_code(&Usage::error("x")), ExitCode::from(2));
        assert_eq!(exit_code(&Usage::error("x").context("y")), ExitCode::from(2));
        assert_eq!(exit_code(&anyhow!("x")), ExitCode::from(1));
    }
}
