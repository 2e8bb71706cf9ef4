//! The operator's and developer's tool of kakao-webhooks. Everything is in the library; here it is run,
//! and broken off by signals.

use std::{io::Write, process::ExitCode};

use anyhow::Result;
use clap::Parser;
use khook::{cli::Cli, output};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = cli.run_plainly().unwrap_or_else(|| run(cli));
    outcome.unwrap_or_else(|error| {
        output::complain(&error);
        ExitCode::FAILURE
    })
}

/// Runs the command until it ends or is broken off. Broken off, it is dropped, and with it whatever it
/// started: processes, ports, files.
#[tokio::main]
async fn run(cli: Cli) -> Result<ExitCode> {
    let stays = cli.stays();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let signal_number = tokio::select! {
        outcome = cli.run() => return outcome,
        _ = interrupt.recv() => 2,
        _ = terminate.recv() => 15,
        _ = hang_up.recv() => 1,
    };
    let _ = writeln!(std::io::stderr().lock(), "\nEnded; nothing is left running.");
    Ok(if stays { ExitCode::SUCCESS } else { ExitCode::from(128 + signal_number) })
}
