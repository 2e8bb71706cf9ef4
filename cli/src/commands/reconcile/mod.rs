//! `khook reconcile`: the runs that compare the states with Kakao's own list of members.
//!
//! | module | what it does |
//! |---|---|
//! | `apps` | which apps a command works on |
//! | `progress` | how far a run is, and how long it may take |
//! | `status`, `start`, `follow`, `differences`, `decide` | the subcommands and what they share |

mod apps;
mod decide;
mod differences;
mod follow;
mod progress;
mod start;
mod status;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use kakao_webhooks::wire::AppId;

use crate::{aws::target::StackTable, ui::output};

/// What is done with runs.
#[derive(Debug, Subcommand)]
pub enum Reconcile {
    /// Show how far the runs are, what the last ones found, and what holds them
    #[command(after_help = "Examples:\n  khook reconcile status\n  \
                            khook reconcile status 123456 --stack kakao-webhooks --json")]
    Status {
        /// The app and the table.
        #[command(flatten)]
        target: RunTarget,
    },
    /// Start a run that corrects what webhooks missed, without waiting for its time of day. The reconciler begins with it
    /// within a minute
    #[command(
        after_help = "Without an app id it starts one for every app that has runs. Before the first one it puts \
                            members whom an earlier release stored into the roster, once.\n\n\
                            With --wait a run that is on already is waited for, and not started again. Interrupted, \
                            the command ends and the run goes on. The exit status is 1 if a run failed, was cancelled \
                            or is held.\n\n\
                            Examples:\n  khook reconcile run\n  khook reconcile run 123456 --wait\n\n\
                            Permissions on AWS: dynamodb:Query, dynamodb:GetItem, dynamodb:PutItem, and for the roster \
                            dynamodb:Scan and dynamodb:UpdateItem on the table."
    )]
    Run {
        /// The app and the table.
        #[command(flatten)]
        target: RunTarget,
        /// Wait until the run ended
        #[arg(long)]
        wait: bool,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// Compare without correcting, and print the differences
    #[command(
        after_help = "Interrupted, the comparison goes on, and the next `khook reconcile diff` waits for it. One \
                            that ended less than an hour ago is printed as it is, unless --again is given.\n\n\
                            The exit status is 0 if nothing differs, 1 if something does, 2 if it could not be \
                            determined.\n\n\
                            Permissions on AWS: as for `khook reconcile run`.\n\n\
                            Examples:\n  khook reconcile diff\n  khook reconcile diff 123456 --again --json"
    )]
    Diff {
        /// The app and the table.
        #[command(flatten)]
        target: RunTarget,
        /// Compare anew, however new the last comparison is
        #[arg(long)]
        again: bool,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// Let a held run go on, after a look at what held it
    #[command(after_help = "Example:\n  khook reconcile approve 123456")]
    Approve {
        /// The app and the table.
        #[command(flatten)]
        target: RunTarget,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// End a run that is working or held. What it corrected stays
    #[command(after_help = "Example:\n  khook reconcile cancel 123456")]
    Cancel {
        /// The app and the table.
        #[command(flatten)]
        target: RunTarget,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// An app, and where its run is.
#[derive(Debug, Args)]
pub struct RunTarget {
    /// The Kakao app's number; without it the only app that has runs (for `status` and `run` each of them)
    app_id: Option<AppId>,
    #[command(flatten)]
    table: StackTable,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    /// Runs it.
    ///
    /// # Errors
    /// An unknown app, a run whose state does not allow it, no confirmation, or a table that can't be used.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Status { target } => status::status(&target).await,
            Self::Run { target, wait, yes } => start::run(&target, wait, yes).await,
            Self::Diff { target, again, yes } => output::or_unknown(differences::diff(&target, again, yes).await),
            Self::Approve { target, yes } => decide::approve(&target, yes).await,
            Self::Cancel { target, yes } => decide::cancel(&target, yes).await,
        }
    }
}
