//! `khook quarantine`: authentic events that could not be used.

mod payload;

use std::{collections::BTreeSet, pin::pin, process::ExitCode};

use anyhow::{Result, bail};
use clap::{Subcommand, value_parser};
use futures_util::{StreamExt, TryStreamExt, stream};
use kakao_webhooks::wire::Time;
use runtime::store::LONGEST_QUARANTINE_DAYS;
use serde_json::{Value, json};

use crate::{
    aws::{
        table::Table,
        target::{QueueTarget, StackTable},
    },
    commands::backlog::{
        self, Backlog, Chosen, Fate, Reach, StoredItem, Swept, Words, find_each, replayed::replayed, which::Which,
        work_through,
    },
    ui::{count::counted, local_time::LocalTime, output},
};

/// Authentic events that could not be used: list, show, replay after a fix, or drop.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// List the quarantined events, oldest first
    #[command(after_help = "Examples:\n  khook quarantine list\n  khook quarantine list --days 3 --json")]
    List {
        /// Only those of the last this many days
        #[arg(long, default_value_t = 60, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
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
    /// Show one event with everything that was received, personal data included; of a token also its header and claims
    Show {
        /// Its id, as `list` prints it, or the event's id of the log if only one has it
        id: String,
        /// The table.
        #[command(flatten)]
        table: StackTable,
    },
    /// Send events to the event queue again. Replaying an event twice has no further effect; one that still cannot be
    /// used returns to the quarantine
    #[command(after_help = "Examples:\n  khook quarantine replay '2026-01-01T00:00:00.000Z#id'\n  \
                            khook quarantine replay jti-1:user-linked\n  khook quarantine replay --all")]
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

impl Quarantine {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An unknown key, or a table or queue that cannot be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { days, table, json, local_time } => {
                let days = days.min(LONGEST_QUARANTINE_DAYS);
                let kept = QuarantinedItems { table: table.open().await?, days };
                backlog::list(&kept, usize::MAX, json, &local_time.zone()).await
            }
            Self::Show { id, table } => {
                backlog::show(&QuarantinedItems::whole(table.open().await?), id, usize::MAX).await
            }
            Self::Replay { which, table, queue } => {
                let service = table.service();
                let (table, queue) = table.with_queue(&queue).await?;
                backlog::replay((&QuarantinedItems::whole(table), &service), &queue, which.wanted(), usize::MAX, false)
                    .await
            }
            Self::Drop { which, table, yes } => {
                let from = (&QuarantinedItems::whole(table.open().await?), &*table.service());
                backlog::drop_for_good(from, which.wanted(), usize::MAX, yes).await
            }
        }
    }
}

/// The partition of a key's day; `None` of a text that is not a key.
fn partition(key: &str) -> Option<String> {
    let (time, _) = key.split_once('#')?;
    time.parse().ok().map(|time: Time| format!("QUARANTINE#{}", time.day()))
}

/// All partitions that the quarantine can have, oldest first.
pub(crate) fn partitions(now: Time) -> impl Iterator<Item = String> {
    last_days(now, LONGEST_QUARANTINE_DAYS)
}

fn last_days(now: Time, days: u32) -> impl Iterator<Item = String> {
    let day = move |ago| Time::from_millis(now.as_millis() - i64::from(ago) * 86_400_000).unwrap_or(now).day();
    (0..=days).rev().map(move |ago| format!("QUARANTINE#{}", day(ago)))
}

/// What this table keeps in quarantine, of the last so many days.
pub(crate) struct QuarantinedItems {
    table: Table,
    days: u32,
}

impl QuarantinedItems {
    /// All of them.
    pub(crate) const fn whole(table: Table) -> Self {
        Self { table, days: LONGEST_QUARANTINE_DAYS }
    }

    /// By its key, or by the event's id of the log.
    async fn one(&self, id: &str) -> Result<Option<StoredItem>> {
        if let Some(partition) = partition(id)
            && let Some(item) = self.table.get(&partition, id).await?
        {
            return Ok(Some(StoredItem(item)));
        }
        let mut found = self.all(usize::MAX).await?;
        found.retain(|item| item.text("event_id") == id);
        if found.len() > 1 {
            let keys: Vec<_> = found.iter().map(|item| format!("`{}`", Self::id(item))).collect();
            bail!("several quarantined events have the id `{id}`: name one of {}", keys.join(", "));
        }
        Ok(found.pop())
    }

    async fn these(&self, ids: BTreeSet<String>) -> Result<(Vec<StoredItem>, BTreeSet<String>)> {
        let (mut items, missing) = find_each(ids, async |id| self.one(id).await).await?;
        // One may be named by its key and by its event's id.
        let mut seen = BTreeSet::new();
        items.retain(|item| seen.insert(Self::id(item).to_owned()));
        Ok((items, missing))
    }

    /// The oldest, at most so many. Most days have none, so several are read at once.
    async fn all(&self, limit: usize) -> Result<Vec<StoredItem>> {
        let days = last_days(runtime::clock::now(), self.days);
        let mut read =
            pin!(stream::iter(days).map(|day| async move { self.table.first_of(&day, limit).await }).buffered(AT_ONCE));
        let mut found = Vec::new();
        while found.len() < limit
            && let Some(items) = read.try_next().await?
        {
            found.extend(items.into_iter().map(StoredItem));
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// So many days are read at once.
const AT_ONCE: usize = 16;

/// The members that `list` prints.
const LISTED: [&str; 5] = ["sk", "kind", "app_id", "reason", "detail"];

impl Backlog for QuarantinedItems {
    type Item = StoredItem;
    const WORDS: Words = Words {
        noun: "quarantined event",
        empty: "The quarantine is empty.",
        stays: "stays in quarantine",
        target: "event queue",
        gone: "gone, or not an id as `khook quarantine list` prints it",
        before_drop: "Kakao got its 200 and doesn't send them again.",
    };
    const COLUMNS: &'static [&'static str] = &["Id", "Kind", "App", "User", "Reason", "Detail"];
    const REFUSALS: usize = 1;

    fn id(item: &StoredItem) -> &str {
        item.text("sk")
    }

    /// A key begins with its time.
    fn since(_item: &StoredItem) -> Option<Time> {
        None
    }

    fn row(item: &StoredItem, _now: Time) -> Vec<String> {
        let user = payload::user(&item.envelope()).unwrap_or_else(|| "–".to_owned());
        let [key, kind, app, reason, detail] = LISTED.map(|name| item.text(name).to_owned());
        vec![key, kind, app, user, reason, detail]
    }

    fn described(item: &StoredItem, _now: Time) -> Value {
        let named = LISTED.map(|name| (if name == "sk" { "key" } else { name }, json!(item.text(name))));
        let user = payload::user(&item.envelope());
        named.into_iter().chain([("event_id", json!(item.text("event_id"))), ("user", json!(user))]).collect()
    }

    fn shown(item: &StoredItem, _now: Time) -> Value {
        let mut shown = item.readable();
        if let (Some(token), Some(members)) = (payload::token(&item.envelope()), shown.as_object_mut()) {
            members.insert("token".to_owned(), token);
        }
        shown
    }

    async fn sweep(
        &self,
        chosen: Chosen<StoredItem>,
        limit: usize,
        visit: impl AsyncFnMut(StoredItem) -> Result<Fate>,
    ) -> Result<Swept> {
        let these = async |ids| self.these(ids).await;
        let (items, swept) = chosen.items(limit, async |limit| self.all(limit).await, these).await?;
        work_through(&self.table, items, true, visit).await?;
        Ok(swept)
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

    fn more(reach: Reach, limit: usize) -> Option<String> {
        (reach == Reach::Limit).then(|| format!("read the oldest {}, and there may be more", counted(limit, "event")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_partition() {
        assert_eq!(partition("2026-01-01T00:00:00.000Z#id").as_deref(), Some("QUARANTINE#2026-01-01"));
        for none in ["x", "2026-01-01", "jti-1:user-linked", "jti#1"] {
            assert_eq!(partition(none), None, "{none}");
        }
    }
}
