//! `khook inbox`: acknowledged events that the queue didn't take, and that wait in the table for the janitor.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use kakao_webhooks::{ingest::Queue, state::Members, store::inbox_partitions, wire::Time};
use serde_json::{Value, json};

use crate::{
    aws::{
        table::{Table, text},
        target::{QueueTarget, TableTarget, same_service},
    },
    commands::waiting::{
        letter,
        which::{Limit, Which},
    },
    ui::{age, ask, output, progress::Progress},
};

/// The inbox: look, send now what the janitor would send within a minute, or drop.
#[derive(Debug, Subcommand)]
pub enum Inbox {
    /// List what waits in the inbox. The oldest stand first if --limit reaches all of them
    #[command(after_help = "Examples:\n  khook inbox list\n  khook inbox list --limit 50 --json")]
    List {
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one of them with its whole envelope. It holds personal data
    #[command(after_help = "Example:\n  khook inbox show 9f1b…:user-unlinked")]
    Show {
        /// Its event id, as `list` prints it
        id: String,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
    },
    /// Send them to the event queue now, and delete each that the queue took. Twice is once
    #[command(after_help = "Examples:\n  khook inbox replay 9f1b…:user-unlinked\n  khook inbox replay --all")]
    Replay {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
        /// Where it goes.
        #[command(flatten)]
        queue: QueueTarget,
    },
    /// Delete them for good. Each is an acknowledged event, and is lost then
    #[command(after_help = "Examples:\n  khook inbox drop 9f1b…:user-unlinked\n  khook inbox drop --all")]
    Drop {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Where it is.
        #[command(flatten)]
        table: TableTarget,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

/// So many in a row that the queue doesn't take, and it takes none.
const GIVE_UP_AFTER: usize = 3;

impl Inbox {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An id that isn't there, or a table or queue that can't be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { limit, table, json } => {
                let found = waiting(&table.table().await?, limit.get()).await?;
                list(&found, limit.get(), json)?;
            }
            Self::Show { id, table } => output::json(&shown(&one(&table.table().await?, &id).await?))?,
            Self::Replay { which, limit, table, queue } => {
                same_service(("TABLE_NAME", table.is_named()), ("EVENT_QUEUE_URL", queue.is_named()))?;
                let (table, queue) = (table.table().await?, queue.queue().await?);
                let chosen = chosen(&table, which, limit.get()).await?;
                return replay(&table, &queue, &chosen).await;
            }
            Self::Drop { which, limit, table, yes } => {
                let table = table.table().await?;
                let chosen = chosen(&table, which, limit.get()).await?;
                drop_for_good(&table, &chosen, yes).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What waits, at most so many, taken from all partitions in turn; the oldest of those first, as far as their
/// envelopes tell.
async fn waiting(table: &Table, limit: usize) -> Result<Vec<Members>> {
    let mut found = table.in_turn(inbox_partitions(), limit).await?;
    found.sort_by_cached_key(|item| (received_at(item), text(item, "sk").to_owned()));
    Ok(found)
}

fn received_at(item: &Members) -> Option<Time> {
    letter::summary(text(item, "envelope")).ok().map(|summary| summary.received_at)
}

/// Which of the partitions an id is in is the store's own business.
async fn one(table: &Table, id: &str) -> Result<Members> {
    for partition in inbox_partitions() {
        if let Some(item) = table.get(&partition, id).await? {
            return Ok(item);
        }
    }
    bail!("`{id}` is not in the inbox (any more): the janitor sends what is in it every minute")
}

async fn chosen(table: &Table, which: Which, limit: usize) -> Result<Vec<Members>> {
    if which.all {
        let found = waiting(table, limit).await?;
        say_if_more(found.len(), limit);
        return Ok(found);
    }
    let mut chosen = Vec::new();
    for id in which.ids {
        chosen.push(one(table, &id).await?);
    }
    Ok(chosen)
}

fn say_if_more(found: usize, limit: usize) {
    if found >= limit {
        output::warn(&format!(
            "it looked at {limit} events, whichever came first, and there may be more and older ones: --limit reaches \
             further"
        ));
    }
}

fn list(found: &[Members], limit: usize, json: bool) -> Result<()> {
    let now = Time::now();
    if json {
        output::json(&found.iter().map(|item| described(item, now)).collect())?;
    } else if found.is_empty() {
        output::line("Nothing waits in the inbox.")?;
    } else {
        let mut table = output::table(["Event id", "What", "App", "Received", "Age"]);
        for item in found {
            table.add_row(row(item, now));
        }
        output::print_table(&table)?;
    }
    say_if_more(found.len(), limit);
    Ok(())
}

fn row(item: &Members, now: Time) -> [String; 5] {
    let [what, _, app] = letter::cells(&letter::summary(text(item, "envelope")));
    let received_at = received_at(item);
    let shown = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let age = received_at.map(|time| age::shown(age::seconds(time, now)));
    [text(item, "sk").to_owned(), what, app, shown(received_at.map(|time| time.to_string())), shown(age)]
}

fn described(item: &Members, now: Time) -> Value {
    let mut members = letter::members(&letter::summary(text(item, "envelope")));
    members.insert("event_id".to_owned(), json!(text(item, "sk")));
    let age = received_at(item).map(|time| age::seconds(time, now));
    members.insert("age_seconds".to_owned(), json!(age));
    Value::Object(members)
}

/// The item with its envelope as JSON instead of text.
fn shown(item: &Members) -> Value {
    let mut item = item.clone();
    let envelope = letter::readable(text(&item, "envelope"));
    item.insert("envelope".to_owned(), envelope);
    Value::Object(item)
}

/// What the janitor does: one that the queue refuses holds up none behind it.
async fn replay(table: &Table, queue: &impl Queue, chosen: &[Members]) -> Result<ExitCode> {
    let mut step = Progress::of_stderr().step("Sending the inbox to the event queue");
    let (mut sent, mut refused_in_a_row) = (0_usize, 0_usize);
    for item in chosen {
        let id = text(item, "sk");
        if let Err(error) = queue.send(text(item, "envelope")).await {
            refused_in_a_row += 1;
            output::warn(&format!("the queue doesn't take `{id}`; it stays in the inbox: {error}"));
            if refused_in_a_row == GIVE_UP_AFTER {
                bail!("the queue takes nothing, after {sent} that were sent. The rest stays in the inbox");
            }
            continue;
        }
        refused_in_a_row = 0;
        let deleted = table.delete(text(item, "pk"), id, None).await;
        deleted.with_context(|| format!("`{id}` is sent, but stays in the inbox. The same again is harmless"))?;
        sent += 1;
        step.note(&format!("{sent}/{}", chosen.len()));
    }
    step.done("");
    output::line(format!("{sent} sent to the event queue"))?;
    Ok(if sent == chosen.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn drop_for_good(table: &Table, chosen: &[Members], yes: bool) -> Result<()> {
    if chosen.is_empty() {
        return output::line("Nothing waits in the inbox.");
    }
    let question = format!(
        "Delete {} acknowledged events for good? Kakao has its answer and doesn't send them again: they are lost.",
        chosen.len()
    );
    ask::whether(&question, yes).await?;
    for item in chosen {
        table.delete(text(item, "pk"), text(item, "sk"), None).await?;
    }
    output::line(format!("{} deleted", chosen.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_waits_and_since_when() {
        let now = Time::from_seconds(1_700_000_120).unwrap();
        let envelope = r#"{"v":1,"id":"e1","app_id":"1","received_at":"2023-11-14T22:13:20Z","kind":"unlink","event":{"user_id":"7"}}"#;
        let item = |envelope: &str| json!({"pk": "INBOX#0", "sk": "e1", "envelope": envelope}).as_object().cloned();
        assert_eq!(row(&item(envelope).unwrap(), now), ["e1", "unlink", "1", "2023-11-14T22:13:20.000Z", "2 min"]);
        let newer = item(r#"{"v":2}"#).unwrap();
        assert_eq!(row(&newer, now)[1], "no envelope: it is an envelope of an unknown version");
        assert_eq!(described(&newer, now)["event_id"], "e1");
    }
}
