//! `khook completions` and `khook man`: what a shell and its user want to have of the command line.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;

use crate::ui::output;

/// Options of `khook completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell that will read them
    shell: Shell,
}

/// Options of `khook man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder to write to; it is made if it is missing
    folder: PathBuf,
}

impl Completions {
    /// Prints the script.
    ///
    /// # Errors
    /// If standard output can't be written.
    pub fn run(&self, mut command: Command) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "khook", &mut script);
        output::line(String::from_utf8_lossy(&script).trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Man {
    /// Writes a page for each command.
    ///
    /// # Errors
    /// If the folder can't be written.
    pub fn run(&self, command: Command) -> Result<ExitCode> {
        let folder = self.folder.display();
        std::fs::create_dir_all(&self.folder).with_context(|| format!("{folder} can't be made"))?;
        clap_mangen::generate_to(command, &self.folder).with_context(|| format!("{folder} can't be written"))?;
        Ok(ExitCode::SUCCESS)
    }
}
