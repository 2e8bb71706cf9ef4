//! The operator's and developer's tool of kakao-webhooks. Everything is in the library; here it is run,
//! and interrupted by signals.

use std::{env, ffi::OsString, process::ExitCode};

use anyhow::{Result, anyhow};
use clap::Parser;
use khook::{
    cli::{Cli, without_separator},
    ui::{interrupted, output, usage},
};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments = without_separator(env::args_os().collect());
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return misread(&error, &arguments),
    };
    run(cli).unwrap_or_else(|error| {
        output::complain(&error);
        usage::exit_code(&error)
    })
}

/// Prints help, or what is wrong with the command line: with its arguments made visible, which the parser quotes.
fn misread(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let visible = arguments.iter().map(|argument| output::visible(&argument.to_string_lossy()));
    match Cli::try_parse_from(visible) {
        Err(error) if error.use_stderr() => output::complain_of_usage(&error.to_string(), || drop(error.print())),
        Err(error) => drop(error.print()),
        Ok(_) => output::complain(&anyhow!("{error}")),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(usage::WRONG_USAGE))
}

/// Runs the command until it ends or is interrupted. Interrupted, it is dropped, and with it whatever it
/// started: processes, ports, files, messages that it holds.
#[tokio::main]
async fn run(cli: Cli) -> Result<ExitCode> {
    let (stays, has_processes) = (cli.stays(), cli.has_processes());
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let signal_number = tokio::select! {
        outcome = cli.run() => return outcome,
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hang_up.recv() => 1,
    };
    output::say("");
    interrupted::last_words(has_processes).into_iter().for_each(output::say);
    Ok(if stays { ExitCode::SUCCESS } else { ExitCode::from(128 + signal_number) })
}
