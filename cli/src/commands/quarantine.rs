//! `khook quarantine`: authentic events that couldn't be used.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use kakao_webhooks::{ingest::Queue, state::Members, wire::Time};
use serde_json::{Value, json};

use crate::{
    aws::{
        table::{Table, text},
        target::{QueueTarget, TableTarget, same_service},
    },
    commands::waiting::replayed::replayed,
    ui::{ask, output},
};

/// Authentic events that couldn't be used: look, replay after a fix, or drop.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List what is in quarantine, oldest first
    #[command(after_help = "Examples:\n  khook quarantine list\n  khook quarantine list --days 3 --json")]
    List {
        /// Of the last so many days
        #[arg(long, default_value_t = 60, value_name = "NUMBER")]
        days: u32,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one of them with all that came. It holds personal data
    Show {
        /// Its key, as `list` prints it
        key: String,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
    },
    /// Send them through the queue again. Twice is once; what still can't be used comes back
    #[command(after_help = "Examples:\n  khook quarantine replay '2026-01-01T00:00:00.000Z#id'\n  \
                            khook quarantine replay --all")]
    Replay {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
        /// Where it goes.
        #[command(flatten)]
        queue: QueueTarget,
    },
    /// Delete them for good
    Drop {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// Which of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Their keys, as `list` prints them
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// All of them
    #[arg(long)]
    all: bool,
}

/// As far back as the template lets the quarantine reach.
const LONGEST_DAYS: u32 = 60;

impl Quarantine {
    /// Runs it.
    ///
    /// # Errors
    /// A key that isn't there, or a table or queue that can't be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { days, table, json } => list(&entries(&table.table().await?, days).await?, json)?,
            Self::Show { key, table } => output::json(&shown(&entry(&table.table().await?, &key).await?))?,
            Self::Replay { which, table, queue } => {
                same_service(("TABLE_NAME", table.is_named()), ("EVENT_QUEUE_URL", queue.is_named()))?;
                let (table, queue) = (table.table().await?, queue.queue().await?);
                let chosen = chosen(&table, which).await?;
                for entry in &chosen {
                    replay(&table, &queue, entry).await?;
                }
                output::line(format!("{} sent through the queue again", chosen.len()))?;
            }
            Self::Drop { which, table, yes } => {
                let table = table.table().await?;
                let chosen = chosen(&table, which).await?;
                ask::whether(&format!("Delete {} quarantined events for good?", chosen.len()), yes).await?;
                for entry in &chosen {
                    table.delete(text(entry, "pk"), text(entry, "sk"), None).await?;
                }
                output::line(format!("{} deleted", chosen.len()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The day's partition of a key.
fn partition(key: &str) -> Result<String> {
    let day = key.get(..10).with_context(|| format!("`{key}` is no key as `khook quarantine list` prints them"))?;
    Ok(format!("QUARANTINE#{day}"))
}

async fn entry(table: &Table, key: &str) -> Result<Members> {
    table.get(&partition(key)?, key).await?.with_context(|| format!("`{key}` is not in quarantine (any more)"))
}

/// All partitions that the quarantine can have, oldest first.
pub(crate) fn partitions(now: Time) -> impl Iterator<Item = String> {
    last_days(now, LONGEST_DAYS)
}

fn last_days(now: Time, days: u32) -> impl Iterator<Item = String> {
    let day = move |ago| Time::from_millis(now.as_millis() - i64::from(ago) * 86_400_000).unwrap_or(now).day();
    (0..=days).rev().map(move |ago| format!("QUARANTINE#{}", day(ago)))
}

async fn entries(table: &Table, days: u32) -> Result<Vec<Members>> {
    let mut entries = Vec::new();
    for partition in last_days(Time::now(), days.min(LONGEST_DAYS)) {
        entries.extend(table.partition(&partition).await?);
    }
    Ok(entries)
}

async fn chosen(table: &Table, which: Which) -> Result<Vec<Members>> {
    if which.all {
        return entries(table, LONGEST_DAYS).await;
    }
    let mut chosen = Vec::new();
    for key in which.keys {
        chosen.push(entry(table, &key).await?);
    }
    Ok(chosen)
}

const COLUMNS: [&str; 5] = ["sk", "kind", "app_id", "reason", "detail"];

fn list(entries: &[Members], json: bool) -> Result<()> {
    if json {
        let entry = |entry: &Members| -> Value {
            COLUMNS
                .map(|name| (if name == "sk" { "key" } else { name }, json!(text(entry, name))))
                .into_iter()
                .collect()
        };
        return output::json(&entries.iter().map(entry).collect());
    }
    if entries.is_empty() {
        return output::line("Nothing is in quarantine.");
    }
    let mut table = output::table(["Key", "Kind", "App", "Reason", "In words"]);
    for entry in entries {
        table.add_row(COLUMNS.map(|name| text(entry, name).to_owned()));
    }
    output::print_table(&table)
}

/// The item with its envelope as JSON instead of text.
fn shown(entry: &Members) -> Value {
    let mut entry = entry.clone();
    if let Ok(envelope) = serde_json::from_str(text(&entry, "envelope")) {
        entry.insert("envelope".to_owned(), envelope);
    }
    Value::Object(entry)
}

/// Marks the item, sends its envelope, and deletes it if it still bears the mark: one that the processor has
/// put back meanwhile stays.
async fn replay(table: &Table, queue: &impl Queue, entry: &Members) -> Result<()> {
    let (partition, key) = (text(entry, "pk"), text(entry, "sk"));
    let now = Time::now().to_string();
    let envelope = replayed(text(entry, "envelope"), &now)?;
    table.mark(partition, key, &now).await?;
    queue.send(&envelope).await.with_context(|| format!("the queue doesn't take `{key}`; it stays in quarantine"))?;
    table.delete(partition, key, Some(&now)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_partition() {
        assert_eq!(partition("2026-01-01T00:00:00.000Z#id").unwrap(), "QUARANTINE#2026-01-01");
        assert!(partition("x").is_err());
    }
}
