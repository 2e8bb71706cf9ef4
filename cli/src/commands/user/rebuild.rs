//! `khook user rebuild`: computes a user's state from the history and compares it.

use anyhow::{Context, Result};
use kakao_webhooks::{
    state::{Effect, Members, Merge, Rest, State, Subject, UserState},
    wire::{EventId, Time},
};
use serde_json::Value;

use crate::aws::table::text;

/// Members that history cannot prove: it has no profile values, and what a user's chatbots know is in the history of
/// each bot's user.
const UNPROVEN: [&str; 3] = ["profile", "bots", "updated_at"];

/// The computed and the stored state, as far as history can prove it.
pub struct Rebuilt {
    /// Computed from history.
    pub proven: Members,
    /// Stored.
    pub stored: Members,
    /// The number of history lines, and of those that have effects.
    pub lines: (usize, usize),
}

/// Computes the state of a subject from its history.
///
/// # Errors
/// If the history or the stored item is of an unknown form.
pub fn rebuild(subject: &Subject, history: &[Members], item: Members) -> Result<Rebuilt> {
    let mut state = UserState::default();
    let mut telling = 0;
    for line in history {
        let Some(change) = change_of(line)? else { continue };
        telling += 1;
        state.merge(change);
    }
    let (stored, _) = UserState::from_members(item)?;
    let members = |state: &UserState| -> Result<Members> {
        let mut members = state.to_members(subject, &Rest::default())?;
        for name in UNPROVEN.into_iter().chain(["_merge"]) {
            members.remove(name);
        }
        Ok(members)
    };
    Ok(Rebuilt { proven: members(&state)?, stored: members(&stored)?, lines: (history.len(), telling) })
}

/// What the event of a line of history makes true. None: it changes no state.
///
/// # Errors
/// If the line is of an unknown form.
pub(crate) fn change_of(line: &Members) -> Result<Option<UserState>> {
    let Some(effects) = line.get("effects") else { return Ok(None) };
    let effects: Vec<Effect> =
        serde_json::from_value(effects.clone()).context("a line of history is of an unknown form")?;
    let at: Time = text(line, "occurred_at").parse().context("a line of history has no time")?;
    Ok(Some(UserState::of_event(effects, at, &EventId::from_text(text(line, "event_id")))))
}

impl Rebuilt {
    /// Names and both values of what differs.
    #[must_use]
    pub fn differences(&self) -> Vec<(String, Value, Value)> {
        let names: std::collections::BTreeSet<&String> = self.proven.keys().chain(self.stored.keys()).collect();
        let of = |members: &Members, name: &String| members.get(name).cloned().unwrap_or_default();
        names
            .into_iter()
            .map(|name| (name.clone(), of(&self.stored, name), of(&self.proven, name)))
            .filter(|(_, stored, proven)| stored != proven)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(id: &str, at: &str, effects: &Value) -> Members {
        let line = json!({"event_id": id, "occurred_at": at, "effects": effects});
        line.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn history_proves_the_state_and_shows_what_differs() {
        let subject = Subject::User("1".parse().unwrap(), "2".parse().unwrap());
        let history = [
            line("a", "2026-01-01T00:00:00.000Z", &json!([{"link": {"status": "linked"}}])),
            line(
                "b",
                "2026-01-02T00:00:00.000Z",
                &json!([{"link": {"status": "unlinked"}}, "void_sessions", {"profile_field": "x"}]),
            ),
            Members::new(),
        ];
        let item = json!({
            "link": {"status": "unlinked", "at": "2026-01-02T00:00:00.000Z"},
            "sessions_valid_from": "2026-01-01T00:00:00.000Z",
            "_merge": {"by": {"link": "b"}},
        });
        let rebuilt = rebuild(&subject, &history, item.as_object().cloned().unwrap()).unwrap();
        assert_eq!(rebuilt.lines, (3, 2));
        assert_eq!(
            rebuilt.differences(),
            [("sessions_valid_from".to_owned(), json!("2026-01-01T00:00:00.000Z"), json!("2026-01-02T00:00:00.000Z"))]
        );
    }
}
