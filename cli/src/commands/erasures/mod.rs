//! `khook erasures`: who left, by which event, and what was done about it.
//!
//! | module | what it does |
//! |---|---|
//! | `list` | reads the records, and what is held now |
//! | `row` | a departure as a line of a table, of CSV and of JSON |
//! | `rebuild` | records again what is in the history |

mod list;
mod rebuild;
mod row;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use kakao_webhooks::wire::{AppId, Time};

use crate::aws::target::StackTable;

pub(crate) const EXAMPLES: &str = "\
For every member who left: when they left and by which event, when that took effect here, when the service's endpoint \
accepted the change (with DeliveryUrl), when the service confirmed with `service-erased`, and what the table still holds of \
them, and until when. The member number is the only personal data.

Departures are recorded some five minutes after they took effect.

Examples:
  khook erasures
  khook erasures --since 2026-11-01 --app 123456
  khook erasures --since 2026-01-01 --csv > erasures.csv
  khook erasures --json --stack kakao-webhooks
  khook erasures rebuild --stack kakao-webhooks

Permissions on AWS: dynamodb:Query on the table; for `rebuild` dynamodb:Scan and dynamodb:PutItem.";

/// Lists departures, or records them again.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Erasures {
    #[command(subcommand)]
    command: Option<ErasuresCommand>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum ErasuresCommand {
    /// Record departures again from history and states, those from before the update or whose record was lost. Reads the
    /// whole table
    #[command(after_help = "It may be repeated: a departure that is recorded twice is listed once. When an endpoint \
                            accepted a change is not in the history, and is kept if it is still recorded. A departure \
                            took effect at the latest when the state was last written.\n\n\
                            Example:\n  khook erasures rebuild --stack kakao-webhooks\n\n\
                            Permissions on AWS: dynamodb:Scan and dynamodb:PutItem on the table.")]
    Rebuild {
        #[command(flatten)]
        table: StackTable,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which departures, and how they are printed.
#[derive(Debug, Args)]
struct List {
    /// Members who left on that day (UTC), as 2026-11-01, or later; or a time (RFC 3339). By default 30 days ago
    #[arg(long, value_name = "DAY", value_parser = since)]
    since: Option<Time>,
    /// Only of this Kakao app
    #[arg(long, value_name = "APP_ID")]
    app: Option<AppId>,
    /// Print CSV (RFC 4180)
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print a line of JSON for each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    table: StackTable,
}

/// A day's beginning in UTC, or a time.
fn since(text: &str) -> Result<Time, String> {
    let time = if text.len() == "2026-11-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    time.parse().map_err(|_| "it is neither a day, as 2026-11-01, nor a time, as 2026-11-01T00:00:00Z".to_owned())
}

impl Erasures {
    /// Runs it.
    ///
    /// # Errors
    /// A table that can't be used, or no confirmation.
    pub async fn run(self) -> Result<ExitCode> {
        match self.command {
            None => self.list.run().await,
            Some(ErasuresCommand::Rebuild { table, yes }) => rebuild::rebuild(&table, yes).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_a_time_is_itself() {
        assert_eq!(since("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00.000Z");
        assert_eq!(since("2026-11-01T09:00:00+09:00").unwrap().to_string(), "2026-11-01T00:00:00.000Z");
        for wrong in ["", "yesterday", "2026-13-01", "30"] {
            assert!(since(wrong).unwrap_err().contains("neither a day"), "{wrong}");
        }
    }
}
