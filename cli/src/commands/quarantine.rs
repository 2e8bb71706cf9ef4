//! `khook quarantine`: authentic events that could not be used.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::Result;
use clap::Subcommand;
use kakao_webhooks::wire::Time;
use serde_json::{Value, json};

use crate::{
    aws::{
        table::Table,
        target::{QueueTarget, StackTable},
    },
    commands::backlog::{
        self, Backlog, Chosen, Fate, Reach, StoredItem, Swept, Wanted, Words, find_each, replayed::replayed,
        which::Which, work_through,
    },
    ui::{local_time::LocalTime, output},
};

/// Authentic events that could not be used: list, show, replay after a fix, or drop.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the quarantined events, oldest first
    #[command(after_help = "Examples:\n  khook quarantine list\n  khook quarantine list --days 3 --json")]
    List {
        /// Only those of the last NUMBER days
        #[arg(long, default_value_t = 60, value_name = "NUMBER")]
        days: u32,
        /// The table.
        #[command(flatten)]
        table: StackTable,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The time zone of the output.
        #[command(flatten)]
        local_time: LocalTime,
    },
    /// Show one event with everything that was received, personal data included
    Show {
        /// Its key, as `list` prints it
        key: String,
        /// The table.
        #[command(flatten)]
        table: StackTable,
    },
    /// Send events to the event queue again. Replaying an event twice has no further effect; one that still cannot be
    /// used returns to the quarantine
    #[command(after_help = "Examples:\n  khook quarantine replay '2026-01-01T00:00:00.000Z#id'\n  \
                            khook quarantine replay --all")]
    Replay {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// The table.
        #[command(flatten)]
        table: StackTable,
        /// Where it goes.
        #[command(flatten)]
        queue: QueueTarget,
    },
    /// Delete events permanently
    Drop {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// The table.
        #[command(flatten)]
        table: StackTable,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// The longest time, in days, for which the template keeps quarantined events.
const LONGEST_DAYS: u32 = 60;

impl Quarantine {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An unknown key, or a table or queue that cannot be reached.
    pub async fn run(self) -> Result<ExitCode> {
        let whole = |table| QuarantinedItems { table, days: LONGEST_DAYS };
        match self {
            Self::List { days, table, json, local_time } => {
                let kept = QuarantinedItems { table: table.open().await?, days: days.min(LONGEST_DAYS) };
                backlog::list(&kept, usize::MAX, json, &local_time.zone()).await
            }
            Self::Show { key, table } => backlog::show(&whole(table.open().await?), key, usize::MAX).await,
            Self::Replay { which, table, queue } => {
                let (table, queue) = table.with_queue(&queue).await?;
                backlog::replay(&whole(table), &queue, which.wanted(), usize::MAX, false).await
            }
            Self::Drop { which, table, yes } => {
                backlog::drop_for_good(&whole(table.open().await?), which.wanted(), usize::MAX, yes).await
            }
        }
    }
}

/// The partition of a key's day; `None` of a text that is not a key.
fn partition(key: &str) -> Option<String> {
    key.get(..10).map(|day| format!("QUARANTINE#{day}"))
}

/// All partitions that the quarantine can have, oldest first.
pub(crate) fn partitions(now: Time) -> impl Iterator<Item = String> {
    last_days(now, LONGEST_DAYS)
}

fn last_days(now: Time, days: u32) -> impl Iterator<Item = String> {
    let day = move |ago| Time::from_millis(now.as_millis() - i64::from(ago) * 86_400_000).unwrap_or(now).day();
    (0..=days).rev().map(move |ago| format!("QUARANTINE#{}", day(ago)))
}

/// What this table keeps in quarantine, of the last so many days.
struct QuarantinedItems {
    table: Table,
    days: u32,
}

impl QuarantinedItems {
    async fn one(&self, key: &str) -> Result<Option<StoredItem>> {
        let Some(partition) = partition(key) else { return Ok(None) };
        Ok(self.table.get(&partition, key).await?.map(StoredItem))
    }

    async fn all(&self) -> Result<Vec<StoredItem>> {
        let mut found = Vec::new();
        for partition in last_days(runtime::clock::now(), self.days) {
            found.extend(self.table.partition(&partition).await?.into_iter().map(StoredItem));
        }
        Ok(found)
    }
}

/// The members that `list` prints.
const LISTED: [&str; 5] = ["sk", "kind", "app_id", "reason", "detail"];

impl Backlog for QuarantinedItems {
    type Item = StoredItem;
    const WORDS: Words = Words {
        noun: "quarantined event",
        empty: "The quarantine is empty.",
        stays: "stays in quarantine",
        target: "event queue",
        gone: "gone, or not a key as `khook quarantine list` prints it",
        before_drop: "Kakao got its 200 and doesn't send them again.",
    };
    const COLUMNS: &'static [&'static str] = &["Key", "Kind", "App", "Reason", "Detail"];
    const REFUSALS: usize = 1;

    fn id(item: &StoredItem) -> &str {
        item.text("sk")
    }

    /// A key begins with its time.
    fn since(_item: &StoredItem) -> Option<Time> {
        None
    }

    fn row(item: &StoredItem, _now: Time) -> Vec<String> {
        LISTED.map(|name| item.text(name).to_owned()).to_vec()
    }

    fn described(item: &StoredItem, _now: Time) -> Value {
        LISTED.map(|name| (if name == "sk" { "key" } else { name }, json!(item.text(name)))).into_iter().collect()
    }

    fn shown(item: &StoredItem, _now: Time) -> Value {
        item.readable()
    }

    async fn sweep(
        &self,
        chosen: Chosen<StoredItem>,
        _limit: usize,
        visit: impl AsyncFnMut(StoredItem) -> Result<Fate>,
    ) -> Result<Swept> {
        let (items, missing) = match chosen {
            Chosen::Wanted(Wanted::All) => (self.all().await?, BTreeSet::new()),
            Chosen::Wanted(Wanted::These(keys)) => find_each(keys, async |key| self.one(key).await).await?,
            Chosen::Found(items) => (items, BTreeSet::new()),
        };
        work_through(&self.table, items, true, visit).await?;
        Ok(Swept { missing, ..Swept::default() })
    }

    /// Marks the item first: one that the processor puts back meanwhile no longer has the mark, and stays.
    async fn text_to_send(&self, item: &StoredItem, at: &str, _anyway: bool) -> Result<Option<String>> {
        let text = replayed(item.text("envelope"), at)?;
        if self.table.mark(item.text("pk"), Self::id(item), at).await? {
            return Ok(Some(text));
        }
        output::warn(&format!("`{}` is not sent: it was deleted meanwhile", Self::id(item)));
        Ok(None)
    }

    fn more(_reach: Reach, _limit: usize) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_partition() {
        assert_eq!(partition("2026-01-01T00:00:00.000Z#id").as_deref(), Some("QUARANTINE#2026-01-01"));
        assert_eq!(partition("x"), None);
    }
}
