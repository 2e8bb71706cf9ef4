//! `khook undelivered`: changes that the service's endpoint did not accept in nine attempts.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use kakao_webhooks::wire::Time;
use runtime::deliver::{Unreadable, check_readable};
use serde_json::{Map, Value, json};

use crate::{
    aws::target::{DeliveryQueueTarget, StackUndelivered},
    commands::backlog::{
        self, Words,
        messages::{GONE, MessageBacklog, MessageQueue, WaitingMessage},
        which::{Limit, Which},
    },
    ui::{age, local_time::LocalTime, output},
};

/// Undelivered changes: list, show, replay after a fix, or drop.
#[derive(Debug, Subcommand)]
pub enum Undelivered {
    /// List the undelivered changes, oldest first if --limit covers all of them. Listing receives the messages: it
    /// counts as a receive, and hides them from other readers for up to 30 seconds
    #[command(after_help = "Examples:\n  khook undelivered list\n  khook undelivered list --limit 50 --json")]
    List {
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The undelivered queue.
        #[command(flatten)]
        undelivered: StackUndelivered,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The time zone of the output.
        #[command(flatten)]
        local_time: LocalTime,
    },
    /// Show one message with its whole text, personal data included
    #[command(after_help = "Example:\n  khook undelivered show 6b0e7a3c-…")]
    Show {
        /// Its id, as `list` prints it
        id: String,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The undelivered queue.
        #[command(flatten)]
        undelivered: StackUndelivered,
    },
    /// Send changes to the delivery queue again, and delete each one that the queue accepted. Delivering a change twice
    /// has no further effect on a receiver that ignores versions it knows
    #[command(after_help = "A message that is not a change is kept: the deliverer could not read it again.\n\n\
                            Examples:\n  khook undelivered replay 6b0e7a3c-… 91d2…\n  khook undelivered replay --all")]
    Replay {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The undelivered queue.
        #[command(flatten)]
        undelivered: StackUndelivered,
        /// Where they go.
        #[command(flatten)]
        queue: DeliveryQueueTarget,
    },
    /// Delete undelivered changes permanently
    #[command(after_help = "Examples:\n  khook undelivered drop 6b0e7a3c-…\n  khook undelivered drop --all")]
    Drop {
        /// The selected ones.
        #[command(flatten)]
        which: Which,
        /// How many it reads.
        #[command(flatten)]
        limit: Limit,
        /// The undelivered queue.
        #[command(flatten)]
        undelivered: StackUndelivered,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

impl Undelivered {
    /// Runs it. The exit code says whether all that was asked for was done.
    ///
    /// # Errors
    /// An unknown id, or a queue that cannot be reached.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::List { limit, undelivered, json, local_time } => {
                let changes = undelivered.open_beside_deliveries().await?;
                backlog::list(&changes, limit.get(), json, &local_time.zone()).await
            }
            Self::Show { id, limit, undelivered } => backlog::show(&undelivered.open().await?, id, limit.get()).await,
            Self::Replay { which, limit, undelivered, queue } => {
                let service = undelivered.service();
                let (undelivered, queue) = undelivered.with_queue(&queue).await?;
                backlog::replay((&undelivered, &service), &queue, which.wanted(), limit.get(), false).await
            }
            Self::Drop { which, limit, undelivered, yes } => {
                let from = (&undelivered.open().await?, &*undelivered.service());
                backlog::drop_for_good(from, which.wanted(), limit.get(), yes).await
            }
        }
    }
}

/// The queue of undelivered changes.
#[derive(Debug)]
pub struct UndeliveredChanges {
    /// Where they wait.
    pub undelivered: MessageQueue,
    /// Where changes wait for an attempt, if that is known.
    pub deliveries: Option<MessageQueue>,
}

impl UndeliveredChanges {
    async fn tried(&self) -> Result<u64> {
        match &self.deliveries {
            Some(deliveries) => deliveries.count().await,
            None => Ok(0),
        }
    }
}

/// That there are no undelivered changes, and how many may still become some.
fn none_but(tried: u64) -> String {
    match tried {
        0 => EMPTY.to_owned(),
        1 => "There are no undelivered changes; 1 is still being tried.".to_owned(),
        more => format!("There are no undelivered changes; {more} are still being tried."),
    }
}

const EMPTY: &str = "There are no undelivered changes.";

/// What a change says of itself; no value of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ChangeSummary {
    app_id: String,
    /// The member number or, of one that has none, the open id.
    user: Subject,
    version: Option<u64>,
    changed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    User(String),
    OpenId(String),
    Unknown,
}

/// What a message is, or why the deliverer can't read it.
fn summary(body: &str) -> Result<ChangeSummary, Unreadable> {
    check_readable(body)?;
    let event: Value = serde_json::from_str(body).map_err(|_| Unreadable::NoEvent)?;
    let detail = event.get("detail").unwrap_or(&Value::Null);
    let text = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
    let changed = detail.get("changed").and_then(Value::as_array).into_iter().flatten();
    let open_id = || text("open_id").map_or(Subject::Unknown, Subject::OpenId);
    Ok(ChangeSummary {
        app_id: text("app_id").unwrap_or_else(|| "–".to_owned()),
        user: text("user_id").map_or_else(open_id, Subject::User),
        version: detail.get("version").and_then(Value::as_u64),
        changed: changed.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// As JSON members.
fn members(summary: Result<ChangeSummary, Unreadable>) -> Map<String, Value> {
    let members = match summary {
        Ok(ChangeSummary { app_id, user, version, changed }) => {
            let mut members = vec![("app_id", json!(app_id)), ("version", json!(version)), ("changed", json!(changed))];
            match user {
                Subject::User(id) => members.push(("user_id", json!(id))),
                Subject::OpenId(id) => members.push(("open_id", json!(id))),
                Subject::Unknown => {}
            }
            members
        }
        Err(why) => vec![("unreadable", json!(why.to_string()))],
    };
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// As cells: user, version, what changed.
fn cells(summary: Result<ChangeSummary, Unreadable>) -> [String; 3] {
    let none = || "–".to_owned();
    match summary {
        Ok(ChangeSummary { app_id, user, version, changed }) => {
            let user = match user {
                Subject::User(id) => format!("{app_id} {id}"),
                Subject::OpenId(id) => format!("{app_id} {id} (open id)"),
                Subject::Unknown => app_id,
            };
            [user, version.map_or_else(none, |version| version.to_string()), changed.join(", ")]
        }
        Err(why) => [format!("unreadable: {why}"), none(), none()],
    }
}

impl MessageBacklog for UndeliveredChanges {
    const WORDS: Words = Words {
        noun: "undelivered change",
        empty: EMPTY,
        stays: "stays undelivered",
        target: "delivery queue",
        gone: GONE,
        before_drop: "The receiver will not learn of them; `khook publish` publishes a user's state again.",
    };
    const COLUMNS: &'static [&'static str] = &["Id", "User", "Version", "Changed", "Sent", "Received", "Age"];

    fn queue(&self) -> &MessageQueue {
        &self.undelivered
    }

    async fn nothing(&self) -> String {
        match self.tried().await {
            Ok(tried) => none_but(tried),
            Err(error) => {
                output::warn(&format!("whether changes are still being tried is unknown: {error:#}"));
                none_but(0)
            }
        }
    }

    fn row(message: &WaitingMessage, now: Time) -> Vec<String> {
        let [user, version, changed] = cells(summary(&message.body));
        let [sent_at, age] = age::cells(message.sent_at, now);
        vec![message.id.clone(), user, version, changed, sent_at, format!("{}×", message.receives), age]
    }

    fn described(message: &WaitingMessage, now: Time) -> Map<String, Value> {
        let mut members = members(summary(&message.body));
        members.extend(message.members(now));
        members
    }

    /// The event as the bus sent it.
    fn text_to_send(message: &WaitingMessage, _at: &str, _anyway: bool) -> Result<Option<String>> {
        let Err(why) = check_readable(&message.body) else { return Ok(Some(message.body.clone())) };
        output::warn(&format!(
            "`{}` is kept: {why}. The deliverer could not read it again; `khook undelivered show` prints it",
            message.id
        ));
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(detail: &Value) -> String {
        json!({"detail-type": "user-changed", "source": "kakao-webhooks", "detail": detail}).to_string()
    }

    #[test]
    fn a_change_is_described_by_its_user_and_what_changed() {
        let of = |who: &str| {
            let mut detail = json!({
                "v": 2, "id": "1:7:9", "app_id": "1", "version": 9, "written_at": "2026-01-01T00:00:00.000Z",
                "changed": ["access", "link"],
            });
            detail.as_object_mut().unwrap().insert(who.to_owned(), json!("7"));
            summary(&event(&detail))
        };
        assert_eq!(cells(of("user_id")), ["1 7", "9", "access, link"]);
        assert_eq!(cells(of("open_id")), ["1 7 (open id)", "9", "access, link"]);
        let expected = json!({"app_id": "1", "user_id": "7", "version": 9, "changed": ["access", "link"]});
        assert_eq!(Value::Object(members(of("user_id"))), expected);
    }

    #[test]
    fn a_list_without_changes_says_how_many_are_still_being_tried() {
        for (tried, text) in [
            (0, "There are no undelivered changes."),
            (1, "There are no undelivered changes; 1 is still being tried."),
            (12, "There are no undelivered changes; 12 are still being tried."),
        ] {
            assert_eq!(none_but(tried), text);
        }
    }

    #[test]
    fn what_the_deliverer_cannot_read_says_why() {
        for (body, why) in [
            ("poison".to_owned(), "not an EventBridge event"),
            (event(&json!({"user_id": "7"})), "not an object with id"),
            (json!({"detail-type": "x", "detail": {}}).to_string(), "not user-changed"),
        ] {
            let [user, ..] = cells(summary(&body));
            assert!(user.starts_with("unreadable: ") && user.contains(why), "{user}");
            assert!(members(summary(&body))["unreadable"].as_str().unwrap().contains(why), "{body}");
        }
    }
}
