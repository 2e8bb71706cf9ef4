//! Sends a step, waits for its effect, and returns what changed.

use std::{collections::HashSet, time::Duration};

use anyhow::Result;
use kakao_webhooks::state::{Members, user_view};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::story::{ExpectedBody, ExpectedEffect, StoryStep};
use crate::{
    aws::table::{Table, text},
    kakao::Answer,
    local::{Cloud, logs::LogReader},
    ui::diff::{StateDifference, diff},
};

/// How a step went.
#[derive(Clone, Debug, Serialize)]
pub struct StepResult {
    /// What it means.
    pub title: String,
    /// The kind of webhook.
    pub kind: &'static str,
    /// The method and the shape.
    pub shape: String,
    /// The status that is right.
    pub expected: u16,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub ms: u128,
    /// What changed in the user's state.
    pub changes: Vec<StateDifference>,
    /// Whether it is forged.
    pub is_forged: bool,
    /// Whether it is a duplicate.
    pub is_duplicate: bool,
    /// The deviation from the expected result.
    pub problem: Option<String>,
}

/// What is watched, whole: bookkeeping and history included, except [`MOVES_WITH_EACH_DELIVERY`].
#[derive(PartialEq)]
struct Snapshot {
    state: Option<Members>,
    shares: Option<Members>,
    history: usize,
    view: Option<Value>,
}

/// When a counter's newest delivery came, and until when the item is kept for it: a duplicate moves them
/// too, and they are written after the count that a step waits for.
const MOVES_WITH_EACH_DELIVERY: [&str; 2] = ["last_at", "expires_at"];

/// Runs steps against a local cloud.
pub(super) struct Player {
    base_url: String,
    table: Table,
    /// The processor's log, and the events that it has called duplicates.
    log: LogReader,
    duplicates: HashSet<String>,
}

/// An effect is there within a tenth of a second; a machine under load takes longer.
const WITHIN: Duration = Duration::from_secs(15);
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

impl Player {
    /// Against this cloud, which answers at this address.
    ///
    /// # Errors
    /// If it has no processor.
    pub(super) fn new(cloud: &Cloud, base_url: &str) -> Result<Self> {
        Ok(Self {
            base_url: base_url.to_owned(),
            table: Table::new(&cloud.sdk_config(), cloud.table_name()),
            log: LogReader::of(cloud, "processor")?,
            duplicates: HashSet::new(),
        })
    }

    /// The table.
    #[must_use]
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    /// Runs one step to its end.
    ///
    /// # Errors
    /// If the local cloud doesn't answer at all. A wrong answer is an result.
    pub(super) async fn play(&mut self, step: &StoryStep) -> Result<StepResult> {
        let before = self.snapshot(&step.watched).await?;
        let known = self.history_keys(step).await?;
        let answer = step.request.send(&self.base_url).await?;
        let problem = match wrong(step, &answer) {
            Some(problem) => Some(problem),
            None => self.settle(step, &known).await?,
        };
        let after = self.snapshot(&step.watched).await?;
        let may_change = matches!(step.effect, ExpectedEffect::Effect { .. });
        let problem = problem.or_else(|| {
            (!may_change && before != after).then(|| "something changed, and nothing should have".to_owned())
        });
        Ok(StepResult {
            title: step.title.clone(),
            kind: step.request.kind.name(),
            shape: step.request.shape(),
            expected: step.status,
            status: answer.status,
            ms: answer.took.as_millis(),
            changes: diff(before.view.as_ref(), after.view.as_ref()),
            is_forged: step.is_forged(),
            is_duplicate: matches!(step.effect, ExpectedEffect::Again { .. }),
            problem,
        })
    }

    async fn snapshot(&self, partition: &str) -> Result<Snapshot> {
        let mut shares = self.table.get(partition, "SHARES").await?;
        if let Some(shares) = &mut shares {
            shares.retain(|name, _| !MOVES_WITH_EACH_DELIVERY.contains(&name.as_str()));
        }
        let state = self.table.get(partition, "STATE").await?;
        let view = state.clone().or_else(|| shares.as_ref().map(|_| Members::new()));
        Ok(Snapshot {
            history: self.table.history(partition).await?.len(),
            view: view.map(|state| user_view(state, shares.clone())),
            state,
            shares,
        })
    }

    async fn history_keys(&self, step: &StoryStep) -> Result<HashSet<String>> {
        let ExpectedEffect::Effect { partition, .. } = &step.effect else { return Ok(HashSet::new()) };
        let history = self.table.history(partition).await?;
        Ok(history.iter().map(|entry| text(entry, "sk").to_owned()).collect())
    }

    /// Waits until the step's effect is there. Says what is missing, if something still is at the end.
    async fn settle(&mut self, step: &StoryStep, known: &HashSet<String>) -> Result<Option<String>> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let missing = match &step.effect {
                ExpectedEffect::Nothing => None,
                ExpectedEffect::Again { event_id } => self.not_yet_again(event_id).await?,
                ExpectedEffect::Effect { partition, event, state } => {
                    let history = self.table.history(partition).await?;
                    let is_new = |entry: &&Members| !known.contains(text(entry, "sk")) && text(entry, "event") == event;
                    match history.iter().find(is_new) {
                        None => Some(format!("history has no new `{event}`")),
                        Some(_) => mismatch(self.table.view(&step.watched).await?.as_ref(), state),
                    }
                }
            };
            match missing {
                Some(missing) if Instant::now() > deadline => {
                    return Ok(Some(format!("after {} s {missing}", WITHIN.as_secs())));
                }
                Some(_) => sleep(BETWEEN_LOOKS).await,
                None => return Ok(None),
            }
        }
    }

    async fn not_yet_again(&mut self, event_id: &str) -> Result<Option<String>> {
        let lines = self.log.read().await?;
        let duplicates = lines.iter().filter(|line| line.event() == "duplicate");
        self.duplicates.extend(duplicates.map(|line| text(&line.fields, "event_id").to_owned()));
        Ok((!self.duplicates.contains(event_id)).then(|| "the processor has logged no duplicate".to_owned()))
    }
}

fn wrong(step: &StoryStep, answer: &Answer) -> Option<String> {
    if answer.status != step.status {
        return Some(format!("answered {}: {}", answer.status, answer.body));
    }
    let is_right = match &step.body {
        None => true,
        Some(ExpectedBody::Is(text)) => answer.body == *text,
        Some(ExpectedBody::Has(pointer, value)) => {
            serde_json::from_str::<Value>(&answer.body).is_ok_and(|body| body.pointer(pointer) == Some(value))
        }
    };
    (!is_right).then(|| format!("answered the wrong body: {}", answer.body))
}

/// The first value that isn't as it should be.
fn mismatch(view: Option<&Value>, state: &[(impl AsRef<str>, Value)]) -> Option<String> {
    let view = view.unwrap_or(&Value::Null);
    state.iter().find_map(|(pointer, wanted)| {
        let found = view.pointer(pointer.as_ref()).unwrap_or(&Value::Null);
        (found != wanted).then(|| format!("{} is {found} and not {wanted}", pointer.as_ref()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_must_not_be_there_is_null() {
        let view = json!({"link": {"status": "linked"}});
        assert_eq!(mismatch(Some(&view), &[("/link/status", json!("linked")), ("/profile", Value::Null)]), None);
        assert_eq!(mismatch(None, &[("/access", json!("gone"))]).unwrap(), "/access is null and not \"gone\"");
        assert!(mismatch(Some(&view), &[("/link", Value::Null)]).is_some());
    }
}
