//! `khook dlq`: messages that the processor could not process.

pub mod dead_letters;

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use kakao_webhooks::{envelope::MAX_BYTES, ingest::Queue, wire::Time};
use serde_json::{Value, json};

use crate::{
    aws::target::{DeadLetterTarget, QueueTarget},
    commands::{
        dlq::dead_letters::{DeadLetter, DeadLetters, Fate, Reach, Swept, Wanted},
        waiting::{
            letter,
            replayed::replayed,
            which::{Limit, Which},
        },
    },
    ui::{age, ask, output, progress::Progress},
};

/// The dead letters: look, replay after a fix, or drop.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List the dead letters. The oldest stand first if --limit reaches all of them. Looking counts as receiving, and
    /// hides them from others for half a minute at most
    #[command(after_help = "Examples:\n  khook dlq list\n  khook dlq list --limit 50 --json")]
    List {
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Where they are.
        #[command(flatten)]
        dead_letters: DeadLetterTarget,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one of them with its whole text. It holds personal data
    #[command(after_help = "Example:\n  khook dlq show 6b0e7a3c-…")]
    Show {
        /// Its id, as `list` prints it
        id: String,
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Where they are.
        #[command(flatten)]
        dead_letters: DeadLetterTarget,
    },
    /// Send them to the event queue again, and delete each that the queue took. Twice is once
    #[command(
        after_help = "What is no envelope is kept: no processor could read it, and it would come back.\n\nExamples:\n  \
                            khook dlq replay 6b0e7a3c-… 91d2…\n  khook dlq replay --all"
    )]
    Replay {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Also what is no envelope
        #[arg(long)]
        anyway: bool,
        /// Where they are.
        #[command(flatten)]
        dead_letters: DeadLetterTarget,
        /// Where they go.
        #[command(flatten)]
        queue: QueueTarget,
    },
    /// Delete them for good
    #[command(after_help = "Examples:\n  khook dlq drop 6b0e7a3c-…\n  khook dlq drop --all")]
    Drop {
        /// Which of them.
        #[command(flatten)]
        which: Which,
        /// How far it looks.
        #[command(flatten)]
        limit: Limit,
        /// Where they are.
        #[command(flatten)]
        dead_letters: DeadLetterTarget,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

impl Dlq {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An id that isn't there, or a queue that can't be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { limit, dead_letters, json } => {
                list(&dead_letters.dead_letters().await?, limit.get(), json).await
            }
            Self::Show { id, limit, dead_letters } => show(&dead_letters.dead_letters().await?, id, limit.get()).await,
            Self::Replay { which, limit, anyway, dead_letters, queue } => {
                let (dead_letters, queue) = dead_letters.with_queue(&queue).await?;
                replay(&dead_letters, &queue, &wanted(which), limit.get(), anyway).await
            }
            Self::Drop { which, limit, dead_letters, yes } => {
                drop_for_good(&dead_letters.dead_letters().await?, wanted(which), limit.get(), yes).await
            }
        }
    }
}

fn wanted(which: Which) -> Wanted {
    if which.all { Wanted::All } else { Wanted::These(which.ids.into_iter().collect()) }
}

/// The wanted ones, oldest first, all given back.
async fn look(dead_letters: &DeadLetters, wanted: &Wanted, limit: usize) -> Result<(Vec<DeadLetter>, Swept)> {
    let mut step = Progress::of_stderr().step("Looking through the dead letters");
    let mut found = Vec::new();
    let swept = dead_letters
        .sweep(wanted, limit, async |letter| {
            found.push(letter);
            step.note(&format!("{} found", found.len()));
            Ok(Fate::Kept)
        })
        .await?;
    step.done(&format!("{} found", found.len()));
    found.sort_by(|one, other| (one.sent_at, &one.id).cmp(&(other.sent_at, &other.id)));
    Ok((found, swept))
}

/// That there are none, and that none is only hidden.
async fn are_none(dead_letters: &DeadLetters) -> Result<()> {
    let hidden = dead_letters.count().await?;
    ensure!(
        hidden == 0,
        "{hidden} dead letters are being looked at by somebody else, or were deleted a moment ago: try again in half a \
         minute"
    );
    Ok(())
}

async fn list(dead_letters: &DeadLetters, limit: usize, json: bool) -> Result<ExitCode> {
    let (found, swept) = look(dead_letters, &Wanted::All, limit).await?;
    if found.is_empty() {
        are_none(dead_letters).await?;
    }
    let now = Time::now();
    if json {
        output::json(&found.iter().map(|letter| described(letter, now)).collect())?;
    } else if found.is_empty() {
        output::line("There are no dead letters.")?;
    } else {
        let mut table = output::table(["Id", "What", "Event id", "App", "Sent", "Received", "Age"]);
        for letter in &found {
            table.add_row(row(letter, now));
        }
        output::print_table(&table)?;
    }
    say_if_more(&swept, limit);
    Ok(ExitCode::SUCCESS)
}

/// Why there may be more than it looked at, and the mend.
fn more(swept: &Swept, limit: usize) -> Option<String> {
    match swept.reach {
        Reach::Whole => None,
        Reach::Limit => {
            Some(format!("it looked at {limit} dead letters, and there may be more: --limit reaches further"))
        }
        Reach::Circle => Some(
            "the queue brought what it had brought before, and there may be more: replay or drop some, and look again"
                .to_owned(),
        ),
    }
}

fn say_if_more(swept: &Swept, limit: usize) {
    if let Some(more) = more(swept, limit) {
        output::warn(&more);
    }
}

fn row(letter: &DeadLetter, now: Time) -> [String; 7] {
    let [what, event_id, app] = letter::cells(&letter::summary(&letter.body));
    let sent_at = letter.sent_at.map_or_else(|| "–".to_owned(), |time| time.to_string());
    let age = letter.sent_at.map_or_else(|| "–".to_owned(), |time| age::shown(age::seconds(time, now)));
    [letter.id.clone(), what, event_id, app, sent_at, format!("{}×", letter.receives), age]
}

fn described(letter: &DeadLetter, now: Time) -> Value {
    let mut members = letter::members(&letter::summary(&letter.body));
    members.extend([
        ("message_id".to_owned(), json!(letter.id)),
        ("sent_at".to_owned(), json!(letter.sent_at)),
        ("receives".to_owned(), json!(letter.receives)),
        ("age_seconds".to_owned(), json!(letter.sent_at.map(|time| age::seconds(time, now)))),
    ]);
    Value::Object(members)
}

async fn show(dead_letters: &DeadLetters, id: String, limit: usize) -> Result<ExitCode> {
    let (found, swept) = look(dead_letters, &Wanted::These([id].into()), limit).await?;
    complete(&swept, limit)?;
    for letter in &found {
        let mut shown = described(letter, Time::now());
        shown.as_object_mut().into_iter().for_each(|members| {
            members.insert("body".to_owned(), letter::readable(&letter.body));
        });
        output::json(&shown)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// That all who were named were there.
fn complete(swept: &Swept, limit: usize) -> Result<()> {
    if swept.missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = swept.missing.iter().map(|id| format!("`{id}`")).collect();
    let hint = more(swept, limit).unwrap_or_else(|| {
        "they are gone, or somebody else looks at them right now: try again in half a minute".to_owned()
    });
    bail!("not among the dead letters: {}; {hint}", missing.join(", "))
}

async fn replay(
    dead_letters: &DeadLetters,
    queue: &impl Queue,
    wanted: &Wanted,
    limit: usize,
    anyway: bool,
) -> Result<ExitCode> {
    let mut step = Progress::of_stderr().step("Sending dead letters to the event queue");
    let (mut sent, mut kept) = (0_usize, 0_usize);
    let swept = dead_letters
        .sweep(wanted, limit, async |letter| {
            let Some(text) = text_to_send(&letter, anyway) else {
                kept += 1;
                return Ok(Fate::Kept);
            };
            let taken = queue.send(&text).await;
            taken.with_context(|| format!("the queue doesn't take `{}`; it stays a dead letter", letter.id))?;
            sent += 1;
            step.note(&format!("{sent} sent"));
            Ok(Fate::Deleted)
        })
        .await;
    let swept = swept.map_err(|error| if sent == 0 { error } else { error.context(format!("{sent} sent, then")) })?;
    step.done("");
    if *wanted == Wanted::All && sent + kept == 0 {
        are_none(dead_letters).await?;
    }
    output::line(format!("{sent} sent to the event queue again"))?;
    complete(&swept, limit)?;
    say_if_more(&swept, limit);
    Ok(if kept == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The envelope with the time of the replay; anything else, if it is sent at all, as it is.
fn text_to_send(letter: &DeadLetter, anyway: bool) -> Option<String> {
    match letter::summary(&letter.body) {
        Ok(_) => {
            let marked = replayed(&letter.body, &Time::now().to_string()).ok();
            // One that the time would make too long for the queue goes as it is.
            Some(marked.filter(|text| text.len() <= MAX_BYTES).unwrap_or_else(|| letter.body.clone()))
        }
        Err(_) if anyway => Some(letter.body.clone()),
        Err(error) => {
            output::warn(&format!("`{}` is kept, since {error}. --anyway sends it, and it would come back", letter.id));
            None
        }
    }
}

async fn drop_for_good(dead_letters: &DeadLetters, mut wanted: Wanted, limit: usize, yes: bool) -> Result<ExitCode> {
    if !yes {
        // What arrives while we wait for the answer is none of those that we asked for.
        let (found, swept) = look(dead_letters, &wanted, limit).await?;
        complete(&swept, limit)?;
        if found.is_empty() {
            are_none(dead_letters).await?;
            output::line("There are no dead letters.")?;
            return Ok(ExitCode::SUCCESS);
        }
        let question = format!(
            "Delete {} dead letters for good? Kakao has its answer and doesn't send an event among them again.",
            found.len()
        );
        ask::whether(&question, yes).await?;
        wanted = Wanted::These(found.into_iter().map(|letter| letter.id).collect());
    }
    let mut step = Progress::of_stderr().step("Deleting dead letters");
    let mut deleted = 0_usize;
    let swept = dead_letters
        .sweep(&wanted, limit, async |_| {
            deleted += 1;
            step.note(&format!("{deleted} deleted"));
            Ok(Fate::Deleted)
        })
        .await?;
    step.done("");
    if wanted == Wanted::All && deleted == 0 {
        are_none(dead_letters).await?;
    }
    output::line(format!("{deleted} deleted"))?;
    complete(&swept, limit)?;
    say_if_more(&swept, limit);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(body: &str) -> DeadLetter {
        DeadLetter { id: "m1".into(), body: body.into(), sent_at: Time::from_seconds(1_700_000_000), receives: 6 }
    }

    #[test]
    fn a_row_says_what_it_is_and_how_old() {
        let now = Time::from_seconds(1_700_000_000 + 7_200).unwrap();
        let envelope =
            r#"{"v":1,"id":"e1","received_at":"2026-01-01T00:00:00Z","kind":"unlink","event":{"user_id":"7"}}"#;
        let sent = "2023-11-14T22:13:20.000Z";
        assert_eq!(row(&dead(envelope), now), ["m1", "unlink", "e1", "–", sent, "6×", "2 h"]);
        assert_eq!(row(&dead("x"), now), ["m1", "no envelope: it is no envelope", "–", "–", sent, "6×", "2 h"]);
    }

    #[test]
    fn only_what_a_processor_can_read_is_sent_unless_told_otherwise() {
        assert_eq!(text_to_send(&dead("poison"), false), None);
        assert_eq!(text_to_send(&dead(r#"{"v":2}"#), false), None);
        assert_eq!(text_to_send(&dead("poison"), true).as_deref(), Some("poison"));
    }
}
