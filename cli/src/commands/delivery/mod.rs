//! `khook delivery`: the secret of the deliveries, and a test of the receiver.

mod secret;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Signed deliveries: their secret, and a test of the receiver.
#[derive(Debug, Subcommand)]
pub enum Delivery {
    /// The secret that signs deliveries
    #[command(subcommand)]
    Secret(Secret),
    /// Send a signed ping to the receiver, and one with a wrong signature that it must refuse
    #[command(after_help = test::EXAMPLES)]
    Test(test::TestReceiver),
}

/// The secret that signs deliveries.
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Print a new random secret (whsec_…) on standard output, and on standard error where to store it
    #[command(after_help = "Example:\n  khook delivery secret new > delivery-secret.txt")]
    New,
}

impl Delivery {
    /// Runs it. The exit code says whether the receiver is right.
    ///
    /// # Errors
    /// What is missing to run it.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Secret(Secret::New) => secret::new(),
            Self::Test(test) => test.run().await,
        }
    }
}
