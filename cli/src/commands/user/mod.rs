//! `khook user`: a user's state, history and service events.

mod history;
pub mod rebuild;
pub mod service;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use console::Style;
use kakao_webhooks::{
    envelope::ServiceWord,
    state::{Members, Subject},
    wire::{AppId, UserId},
};
use serde_json::{Value, json};

use crate::{
    aws::{
        table::{Table, text},
        target::StackTable,
    },
    commands::user::{rebuild::rebuild, service::ServiceReport},
    ui::{
        count::counted,
        diff::register,
        local_time::{LocalTime, Zone},
        output::{self, Text},
    },
};

/// Options of `khook user`.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Show the state of a user
    #[command(after_help = "Examples:\n  khook user show 123456 9007199254740993\n  \
                            khook user show 123456 9007199254740993 --json | jq .access")]
    Show {
        /// The user.
        #[command(flatten)]
        who: UserTarget,
        /// In which times.
        #[command(flatten)]
        local_time: LocalTime,
    },
    /// Show a user's history, oldest first
    #[command(after_help = "Examples:\n  khook user history 123456 9007199254740993 --limit 20\n  \
                            khook user history 123456 9007199254740993 --json")]
    History {
        /// The user.
        #[command(flatten)]
        who: UserTarget,
        /// At most this many of the newest events
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: usize,
        /// The time zone of the output.
        #[command(flatten)]
        local_time: LocalTime,
    },
    /// Compute a user's state from the history, and show how the stored state differs
    #[command(
        after_help = "The exit status is 0 if nothing differs. The history has no profile values and is kept for a \
                            stated time only.\n\nExample:\n  khook user rebuild 123456 9007199254740993"
    )]
    Rebuild {
        /// The user.
        #[command(flatten)]
        who: UserTarget,
    },
    /// Say that a user linked with the app, for a service without Kakao's account status webhook
    Link(ServiceReport),
    /// Report that the service itself unlinked a user: Kakao sends no webhook then
    Unlink(ServiceReport),
    /// Say that what came before was a mistake: linked and active (the way back after Kakao's webhook test tool)
    Restore(ServiceReport),
    /// Have everything of a user forgotten
    Erase(ServiceReport),
}

/// A user of an app, and where to look.
#[derive(Debug, Args)]
pub struct UserTarget {
    /// The Kakao app's number
    app_id: AppId,
    /// The member number (회원번호)
    #[arg(value_name = "MEMBER_NUMBER")]
    user_id: UserId,
    #[command(flatten)]
    table: StackTable,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl UserTarget {
    fn subject(&self) -> Subject {
        Subject::User(self.app_id.clone(), self.user_id)
    }

    fn partition(&self) -> String {
        self.subject().partition_key()
    }

    async fn table(&self) -> Result<Table> {
        self.table.open().await
    }

    fn unknown(&self) -> Result<ExitCode> {
        if self.json {
            output::json(&Value::Null)?;
        }
        let of_dev = if self.table.is_of_running() { " `khook dev` begins empty each time." } else { "" };
        anyhow::bail!(
            "nothing is known of user {} of app {}.{of_dev} Is it the right app, and the right table? What could not be read or placed is in \
             `khook quarantine list`",
            self.user_id.digits(),
            self.app_id
        )
    }
}

impl User {
    /// Runs it.
    ///
    /// # Errors
    /// An unknown user, or a table that cannot be read.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Show { who, local_time } => show(&who, &local_time.zone()).await,
            Self::History { who, limit, local_time } => history(&who, limit, &local_time.zone()).await,
            Self::Rebuild { who } => rebuilt(&who).await,
            Self::Link(say) => say.run(ServiceWord::ServiceLinked).await,
            Self::Unlink(say) => say.run(ServiceWord::ServiceUnlinked).await,
            Self::Restore(say) => say.run(ServiceWord::ServiceRestored).await,
            Self::Erase(say) => say.run(ServiceWord::ServiceErased).await,
        }
    }
}

async fn show(who: &UserTarget, zone: &Zone) -> Result<ExitCode> {
    let partition = who.partition();
    let Some(view) = who.table().await?.view(&partition).await? else { return who.unknown() };
    if who.json {
        output::json(&view)?;
        return Ok(ExitCode::SUCCESS);
    }
    print_state(&view, zone)?;
    Ok(ExitCode::SUCCESS)
}

/// A user's state for people: who it is and what they may do, then a row for each part.
pub(crate) fn print_state(view: &Value, zone: &Zone) -> Result<()> {
    let member = |name: &str| view.get(name).and_then(Value::as_str);
    let access = member("access").unwrap_or("unknown");
    let style = match access {
        "allowed" => Style::new().green(),
        "blocked" => Style::new().yellow(),
        _ => Style::new().red(),
    };
    let heading = Text::from("User ").styled(Style::new().bold(), member("user_id").unwrap_or_default());
    let app = format!(" of app {}: ", member("app_id").unwrap_or_default());
    output::line(heading.and(app).styled(style.bold(), access))?;
    output::line("")?;
    let mut table = output::table(&["What", "Is", "Since"]);
    for row in rows(view) {
        table.add_row(row.map(|cell| zone.beside(&cell)));
    }
    output::print_table(&table)
}

/// Members that the heading shows.
const IN_HEADING: [&str; 4] = ["app_id", "user_id", "access", "version"];

/// The state as rows: member, value, time.
pub(crate) fn rows(view: &Value) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for (name, value) in view.as_object().into_iter().flatten().filter(|(name, _)| !IN_HEADING.contains(&name.as_str()))
    {
        match value {
            Value::Object(entries) if ["scopes", "profile", "channels", "bots"].contains(&name.as_str()) => {
                rows.extend(entries.iter().map(|(key, entry)| row(&format!("{name}.{key}"), entry)));
            }
            value => rows.push(row(name, value)),
        }
    }
    rows
}

fn row(what: &str, value: &Value) -> [String; 3] {
    let Value::Object(members) = value else {
        return [what.to_owned(), plain(value), String::new()];
    };
    let since = ["at", "last_at", "last_seen_at"].into_iter().find(|name| members.contains_key(*name));
    let others = members.iter().filter(|(name, _)| Some(name.as_str()) != since);
    let others = || others.map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ");
    let is = register(members).unwrap_or_else(others);
    let since = since.map(|name| text(members, name)).unwrap_or_default();
    [what.to_owned(), is, since.to_owned()]
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What an entry of the history shows of its event.
const OF_HISTORY: [&str; 5] = ["occurred_at", "received_at", "kind", "event", "event_id"];

async fn history(who: &UserTarget, limit: usize, zone: &Zone) -> Result<ExitCode> {
    let partition = who.partition();
    let mut entries = who.table().await?.history(&partition).await?;
    if entries.is_empty() {
        return who.unknown();
    }
    let left_out = entries.len().saturating_sub(limit);
    entries.drain(..left_out);
    if who.json {
        let event = |entry: &Members| -> Value {
            OF_HISTORY.map(|name| (name, json!(text(entry, name)))).into_iter().collect()
        };
        output::json(&entries.iter().map(event).collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    output::print_table(&history::table(&entries, zone))?;
    if left_out > 0 {
        let older = counted(left_out, "older event");
        output::line(format!("{older} left out: --limit {} shows all", left_out + entries.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn rebuilt(who: &UserTarget) -> Result<ExitCode> {
    let (subject, table) = (who.subject(), who.table().await?);
    let partition = subject.partition_key();
    let history = table.history(&partition).await?;
    let Some(item) = table.get(&partition, "STATE").await? else { return who.unknown() };
    let rebuilt = rebuild(&subject, &history, item)?;
    let differences = rebuilt.differences();
    if who.json {
        let each = |(name, stored, proven): &(String, Value, Value)| json!({"member": name, "stored": stored, "history": proven});
        output::json(&differences.iter().map(each).collect())?;
    } else {
        let (lines, telling) = rebuilt.lines;
        output::line(format!("{telling} of {} of history have effects.", counted(lines, "line")))?;
        let mut table = output::table(&["Member", "Stored", "By history"]);
        for (name, stored, proven) in &differences {
            table.add_row([name.clone(), plain(stored), plain(proven)]);
        }
        match differences.is_empty() {
            true => output::line("The stored state matches the history.")?,
            false => output::print_table(&table)?,
        }
    }
    Ok(if differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_register_is_a_row() {
        let view = json!({
            "app_id": "1", "version": 3, "access": "gone",
            "link": {"status": "unlinked", "reason": "ACCOUNT_DELETE", "at": "t1"},
            "scopes": {"account_email": {"granted": true, "at": "t2"}},
            "sessions_valid_from": "t3",
            "shares": {"count": 2, "last_at": "t4"},
        });
        let rows = rows(&view);
        let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(String::as_str)).collect();
        assert_eq!(
            rows,
            [
                ["link", "unlinked (ACCOUNT_DELETE)", "t1"],
                ["scopes.account_email", "granted", "t2"],
                ["sessions_valid_from", "t3", ""],
                ["shares", "count 2", "t4"],
            ]
        );
    }
}
