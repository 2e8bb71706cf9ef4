//! `khook dlq`: messages that the processor could not process.

pub mod set_aside;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use kakao_webhooks::{envelope::MAX_BYTES, wire::Time};
use serde_json::{Map, Value};

use crate::{
    aws::target::{QueueTarget, StackDeadLetters, UnpublishedTarget},
    commands::backlog::{
        self, Words, letter,
        messages::{GONE, MessageBacklog, MessageQueue, WaitingMessage},
        replayed::replayed,
        which::{Limit, Which},
    },
    ui::{age, local_time::LocalTime, output},
};

/// Dead letters: list, show, replay after a fix, or drop.
#[derive(Debug, Subcommand)]
pub enum Dlq {
    /// List the dead letters, oldest first if --limit covers all of them. Listing receives the messages: it counts as a
    /// receive, and hides them from other readers for up to 30 seconds
    #[command(after_help = "Examples:\n  khook dlq list\n  khook dlq list --limit 50 --json\n  \
                            khook dlq list --unpublished")]
    List {
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The dead-letter queue.
        #[command(flatten)]
        dead_letters: StackDeadLetters,
        /// `UnpublishedQueue` instead.
        #[command(flatten)]
        unpublished: UnpublishedTarget,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The time zone of the output.
        #[command(flatten)]
        local_time: LocalTime,
    },
    /// Show one dead letter with its whole text, personal data included
    #[command(after_help = "Example:\n  khook dlq show 6b0e7a3c-…")]
    Show {
        /// Its id, as `list` prints it
        id: String,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The dead-letter queue.
        #[command(flatten)]
        dead_letters: StackDeadLetters,
        /// `UnpublishedQueue` instead.
        #[command(flatten)]
        unpublished: UnpublishedTarget,
    },
    /// Send dead letters to the event queue again, and delete each one that the queue accepted. Replaying an event
    /// twice has no further effect
    #[command(
        after_help = "A message that is not a known envelope is kept: the processor would reject it again.\n\nExamples:\n  \
                            khook dlq replay 6b0e7a3c-… 91d2…\n  khook dlq replay --all"
    )]
    Replay {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// Also send messages that are not known envelopes
        #[arg(long)]
        anyway: bool,
        /// The dead-letter queue.
        #[command(flatten)]
        dead_letters: StackDeadLetters,
        /// Where they go.
        #[command(flatten)]
        queue: QueueTarget,
    },
    /// Delete dead letters permanently
    #[command(after_help = "Examples:\n  khook dlq drop 6b0e7a3c-…\n  khook dlq drop --all")]
    Drop {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The dead-letter queue.
        #[command(flatten)]
        dead_letters: StackDeadLetters,
        /// `UnpublishedQueue` instead.
        #[command(flatten)]
        unpublished: UnpublishedTarget,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

impl Dlq {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An unknown id, or a queue that cannot be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { limit, dead_letters, unpublished, json, local_time } => {
                let (limit, zone) = (limit.get(), local_time.zone());
                if unpublished.is_wanted() {
                    return backlog::list(&unpublished.open(&dead_letters).await?, limit, json, &zone).await;
                }
                backlog::list(&dead_letters.open().await?, limit, json, &zone).await
            }
            Self::Show { id, limit, dead_letters, unpublished } => {
                if unpublished.is_wanted() {
                    return backlog::show(&unpublished.open(&dead_letters).await?, id, limit.get()).await;
                }
                backlog::show(&dead_letters.open().await?, id, limit.get()).await
            }
            Self::Replay { which, limit, anyway, dead_letters, queue } => {
                let service = dead_letters.service();
                let (dead_letters, queue) = dead_letters.with_queue(&queue).await?;
                backlog::replay((&dead_letters, &service), &queue, which.wanted(), limit.get(), anyway).await
            }
            Self::Drop { which, limit, dead_letters, unpublished, yes } => {
                let (wanted, limit) = (which.wanted(), limit.get());
                if unpublished.is_wanted() {
                    let from = (&unpublished.open(&dead_letters).await?, &*unpublished.service(&dead_letters));
                    return backlog::drop_for_good(from, wanted, limit, yes).await;
                }
                let from = (&dead_letters.open().await?, &*dead_letters.service());
                backlog::drop_for_good(from, wanted, limit, yes).await
            }
        }
    }
}

/// The dead-letter queue.
#[derive(Debug)]
pub struct DeadLetters(pub MessageQueue);

impl MessageBacklog for DeadLetters {
    const WORDS: Words = Words {
        noun: "dead letter",
        empty: "There are no dead letters.",
        stays: "stays a dead letter",
        target: "event queue",
        gone: GONE,
        before_drop: "Kakao got its 200 and doesn't send them again.",
    };
    const COLUMNS: &'static [&'static str] = &["Id", "What", "Event id", "App", "Sent", "Received", "Age"];

    fn queue(&self) -> &MessageQueue {
        &self.0
    }

    fn row(letter: &WaitingMessage, now: Time) -> Vec<String> {
        let [what, event_id, app] = letter::cells(&letter::summary(&letter.body));
        let [sent_at, age] = age::cells(letter.sent_at, now);
        vec![letter.id.clone(), what, event_id, app, sent_at, format!("{}×", letter.receives), age]
    }

    fn described(letter: &WaitingMessage, now: Time) -> Map<String, Value> {
        let mut members = letter::members(&letter::summary(&letter.body));
        members.extend(letter.members(now));
        members
    }

    /// The envelope with the time of the replay; anything else, if it is sent at all, as it is.
    fn text_to_send(letter: &WaitingMessage, at: &str, anyway: bool) -> Result<Option<String>> {
        match letter::summary(&letter.body) {
            Ok(_) => {
                let marked = replayed(&letter.body, at).ok();
                // One that the time would make too long for the queue goes as it is.
                Ok(Some(marked.filter(|text| text.len() <= MAX_BYTES).unwrap_or_else(|| letter.body.clone())))
            }
            Err(_) if anyway => Ok(Some(letter.body.clone())),
            Err(error) => {
                output::warn(&format!(
                    "`{}` is kept: not a known envelope ({error}). The processor would reject it again; --anyway sends it",
                    letter.id
                ));
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(body: &str) -> WaitingMessage {
        WaitingMessage { id: "m1".into(), body: body.into(), sent_at: Time::from_seconds(1_700_000_000), receives: 6 }
    }

    #[test]
    fn a_row_shows_kind_and_age() {
        let now = Time::from_seconds(1_700_000_000 + 7_200).unwrap();
        let envelope =
            r#"{"v":1,"id":"e1","received_at":"2026-01-01T00:00:00Z","kind":"unlink","event":{"user_id":"7"}}"#;
        let sent = "2023-11-14T22:13:20.000Z";
        assert_eq!(DeadLetters::row(&dead(envelope), now), ["m1", "unlink", "e1", "–", sent, "6×", "2 h"]);
        let what = "not a known envelope (its form is unknown)";
        assert_eq!(DeadLetters::row(&dead("x"), now), ["m1", what, "–", "–", sent, "6×", "2 h"]);
    }

    #[test]
    fn only_known_envelopes_are_sent_unless_anyway_is_set() {
        let sent = |body, anyway| DeadLetters::text_to_send(&dead(body), "2026-01-01T00:00:00.000Z", anyway).unwrap();
        assert_eq!(sent("poison", false), None);
        assert_eq!(sent(r#"{"v":2}"#, false), None);
        assert_eq!(sent("poison", true).as_deref(), Some("poison"));
    }
}
