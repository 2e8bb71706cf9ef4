//! `khook inbox`: acknowledged events that the queue did not accept, and that wait in the table for the janitor.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use kakao_webhooks::wire::Time;
use runtime::store::inbox_partitions;
use serde_json::{Value, json};

use crate::{
    aws::{
        table::Table,
        target::{QueueTarget, StackTable},
    },
    commands::backlog::{
        self, Backlog, Chosen, Fate, Reach, StoredItem, Swept, Words, find_each, letter,
        which::{Limit, Which},
        work_through,
    },
    ui::{age, count::counted, local_time::LocalTime},
};

/// The inbox: list, show, send now what the janitor would send within a minute, or drop.
#[derive(Debug, Subcommand)]
pub enum Inbox {
    /// List the events in the inbox, oldest first if --limit covers all of them
    #[command(after_help = "Examples:\n  khook inbox list\n  khook inbox list --limit 50 --json")]
    List {
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
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
    /// Show one event with its whole envelope, personal data included
    #[command(after_help = "Example:\n  khook inbox show 9f1b…:user-unlinked")]
    Show {
        /// Its event id, as `list` prints it
        id: String,
        /// The table.
        #[command(flatten)]
        table: StackTable,
    },
    /// Send events to the event queue now, and delete each one that the queue accepted. Replaying an event twice has no
    /// further effect
    #[command(after_help = "Examples:\n  khook inbox replay 9f1b…:user-unlinked\n  khook inbox replay --all")]
    Replay {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The table.
        #[command(flatten)]
        table: StackTable,
        /// Where it goes.
        #[command(flatten)]
        queue: QueueTarget,
    },
    /// Delete events permanently. Each is an acknowledged event, which is then lost
    #[command(after_help = "Examples:\n  khook inbox drop 9f1b…:user-unlinked\n  khook inbox drop --all")]
    Drop {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The table.
        #[command(flatten)]
        table: StackTable,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

impl Inbox {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An unknown id, or a table or queue that cannot be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { limit, table, json, local_time } => {
                backlog::list(&InboxItems(table.open().await?), limit.get(), json, &local_time.zone()).await
            }
            Self::Show { id, table } => backlog::show(&InboxItems(table.open().await?), id, usize::MAX).await,
            Self::Replay { which, limit, table, queue } => {
                let service = table.service();
                let (table, queue) = table.with_queue(&queue).await?;
                backlog::replay((&InboxItems(table), &service), &queue, which.wanted(), limit.get(), false).await
            }
            Self::Drop { which, limit, table, yes } => {
                let from = (&InboxItems(table.open().await?), &*table.service());
                backlog::drop_for_good(from, which.wanted(), limit.get(), yes).await
            }
        }
    }
}

/// The inbox of this table.
pub(crate) struct InboxItems(pub(crate) Table);

impl InboxItems {
    /// The store decides which of the partitions an id is in.
    async fn one(&self, id: &str) -> Result<Option<StoredItem>> {
        for partition in inbox_partitions() {
            if let Some(item) = self.0.get(&partition, id).await? {
                return Ok(Some(StoredItem(item)));
            }
        }
        Ok(None)
    }

    async fn all(&self, limit: usize) -> Result<Vec<StoredItem>> {
        let found = self.0.in_turn(inbox_partitions(), limit).await?;
        let mut found: Vec<_> = found.into_iter().map(StoredItem).collect();
        found.sort_by_cached_key(|item| (Self::since(item), Self::id(item).to_owned()));
        Ok(found)
    }
}

impl Backlog for InboxItems {
    type Item = StoredItem;
    const WORDS: Words = Words {
        noun: "acknowledged event",
        empty: "The inbox is empty.",
        stays: "stays in the inbox",
        target: "event queue",
        gone: "gone: the janitor sends what is in the inbox every minute",
        before_drop: "Kakao got its 200 and doesn't send them again: they are lost.",
    };
    const COLUMNS: &'static [&'static str] = &["Event id", "What", "App", "Received", "Age"];
    /// As the janitor does: one event that the queue refuses does not block those behind it.
    const REFUSALS: usize = 3;

    fn id(item: &StoredItem) -> &str {
        item.text("sk")
    }

    fn since(item: &StoredItem) -> Option<Time> {
        letter::summary(item.text("envelope")).ok().map(|summary| summary.received_at)
    }

    fn row(item: &StoredItem, now: Time) -> Vec<String> {
        let [what, _, app] = letter::cells(&letter::summary(item.text("envelope")));
        let [received_at, age] = age::cells(Self::since(item), now);
        vec![Self::id(item).to_owned(), what, app, received_at, age]
    }

    fn described(item: &StoredItem, now: Time) -> Value {
        let mut members = letter::members(&letter::summary(item.text("envelope")));
        members.insert("event_id".to_owned(), json!(Self::id(item)));
        let age = Self::since(item).map(|time| age::seconds(time, now));
        members.insert("age_seconds".to_owned(), json!(age));
        Value::Object(members)
    }

    fn shown(item: &StoredItem, _now: Time) -> Value {
        item.readable()
    }

    async fn sweep(
        &self,
        chosen: Chosen<StoredItem>,
        limit: usize,
        visit: impl AsyncFnMut(StoredItem) -> Result<Fate>,
    ) -> Result<Swept> {
        let these = async |ids| find_each(ids, async |id| self.one(id).await).await;
        let (items, swept) = chosen.items(limit, async |limit| self.all(limit).await, these).await?;
        work_through(&self.0, items, false, visit).await?;
        Ok(swept)
    }

    async fn text_to_send(&self, item: &StoredItem, _at: &str, _anyway: bool) -> Result<Option<String>> {
        Ok(Some(item.text("envelope").to_owned()))
    }

    fn more(reach: Reach, limit: usize) -> Option<String> {
        (reach == Reach::Limit).then(|| {
            format!(
                "read {}, not necessarily the oldest, and there may be more and older ones: raise --limit",
                counted(limit, "event")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_what_waits_and_since_when() {
        let now = Time::from_seconds(1_700_000_120).unwrap();
        let envelope = r#"{"v":1,"id":"e1","app_id":"1","received_at":"2023-11-14T22:13:20Z","kind":"unlink","event":{"user_id":"7"}}"#;
        let item = |envelope: &str| {
            json!({"pk": "INBOX#0", "sk": "e1", "envelope": envelope}).as_object().cloned().map(StoredItem)
        };
        assert_eq!(
            InboxItems::row(&item(envelope).unwrap(), now),
            ["e1", "unlink", "1", "2023-11-14T22:13:20.000Z", "2 min"]
        );
        let newer = item(r#"{"v":2}"#).unwrap();
        assert_eq!(InboxItems::row(&newer, now)[1], "not a known envelope (its version is unknown)");
        assert_eq!(InboxItems::described(&newer, now)["event_id"], "e1");
    }
}
