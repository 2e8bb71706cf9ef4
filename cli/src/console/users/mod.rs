//! Users: their states, each event's effect, what was published of them, and their histories sent again.

mod observed;
mod shuffle;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use kakao_webhooks::{
    state::{Members, Merge, Rest, State, Subject, UserState, user_view},
    wire::{AppId, OpenId, UserId},
};
use serde::Serialize;
use serde_json::Value;

use super::{Shared, explain::Explanation, history::History, pages::Row};
use crate::{
    aws::table::text,
    commands::user::rebuild::change_of,
    ui::diff::{StateDifference, diff},
};
pub(crate) use observed::Observed;
pub(super) use observed::PublishedChange;
pub(super) use shuffle::{Shuffled, shuffle};

/// A user whom recorded requests are about.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SeenUser {
    /// The app, and the member number or the open id.
    #[serde(flatten)]
    pub(super) whose: BTreeMap<&'static str, String>,
    /// How many recorded requests are about the user.
    pub(super) requests: usize,
    /// The newest of them.
    pub(super) newest: Row,
    #[serde(skip)]
    pub(super) subject: Subject,
}

impl SeenUser {
    /// Its member number or open id.
    pub(super) fn name(&self) -> String {
        name_of(&self.subject)
    }
}

/// The users whom recorded requests are about, those of the newest requests first. `wanted` is a part of the app's or
/// the user's number, or of the open id.
pub(super) fn seen(history: &History, wanted: &str) -> Vec<SeenUser> {
    let mut users: Vec<SeenUser> = Vec::new();
    // Where each user is among them; none of one who is not wanted.
    let mut places: BTreeMap<Subject, Option<usize>> = BTreeMap::new();
    history.newest(usize::MAX, None, |exchange| {
        for subject in subjects_of(&exchange.explanation) {
            match places.get(&subject) {
                Some(place) => {
                    if let Some(user) = place.and_then(|place| users.get_mut(place)) {
                        user.requests += 1;
                    }
                }
                None => {
                    let whose: BTreeMap<_, _> = subject.attributes().into_iter().collect();
                    let is_wanted = whose.values().any(|value| value.contains(wanted));
                    places.insert(subject.clone(), is_wanted.then_some(users.len()));
                    if is_wanted {
                        users.push(SeenUser { whose, requests: 1, newest: Row::of(exchange), subject });
                    }
                }
            }
        }
        None::<()>
    });
    users
}

/// The members and open ids that a request is about, each once. Not what a refused request claims.
pub(super) fn subjects_of(explanation: &Explanation) -> Vec<Subject> {
    let events = explanation.events.iter().filter(|event| !event.is_claimed);
    let mut subjects: Vec<_> =
        events.filter_map(|event| Subject::of_partition_key(event.partition.as_ref()?)).collect();
    let mut known = BTreeSet::new();
    subjects.retain(|subject| known.insert(subject.clone()));
    subjects
}

/// Everything that is known of a user.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UserReport {
    /// The app, and the member number or the open id.
    #[serde(flatten)]
    pub(super) whose: BTreeMap<&'static str, String>,
    /// The stored state; none if nothing is known.
    pub(super) state: Option<Value>,
    /// The oldest event first.
    pub(super) history: Vec<HistoryLine>,
    /// What was published since the console started, the newest first.
    pub(super) changes: Vec<PublishedChange>,
}

/// An event of a user, and what it changed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct HistoryLine {
    pub(super) event_id: String,
    pub(super) kind: String,
    pub(super) event: String,
    pub(super) occurred_at: String,
    pub(super) received_at: String,
    /// What it does, as the history has it; none if it changes no state.
    pub(super) effects: Value,
    /// What it changed of the state that all events before it have led to.
    pub(super) differences: Vec<StateDifference>,
    /// Fields of the profile that have new values, which no history holds.
    pub(super) profile_fields: Vec<String>,
    /// Whether it has erased the profile that was there.
    pub(super) erases_profile: bool,
    /// The recorded request.
    pub(super) request: Option<u64>,
}

/// What is known of a user. `None`: nothing.
///
/// # Errors
/// If the table can't be read, or holds what this version doesn't know.
pub(super) async fn report(shared: &Shared, subject: &Subject) -> Result<Option<UserReport>> {
    let (table, partition) = (&shared.cloud.table, subject.partition_key());
    let state = table.view(&partition).await?;
    let mut history = effects(subject, &table.history(&partition).await?)?;
    let requests = shuffle::requests(shared);
    for line in &mut history {
        line.request = requests.get(&line.event_id).copied();
    }
    let whose = subject.attributes();
    let changes = shared.observed.changes_of(&whose);
    let is_known = state.is_some() || !history.is_empty() || !changes.is_empty();
    Ok(is_known.then(|| UserReport { whose: whose.into_iter().collect(), state, history, changes }))
}

/// Each event's effect: the history, folded by the merge that the processor uses.
fn effects(subject: &Subject, history: &[Members]) -> Result<Vec<HistoryLine>> {
    let (mut state, mut before) = (UserState::default(), None);
    let mut lines = Vec::new();
    for line in history {
        if let Some(change) = change_of(line)? {
            state.merge(change);
        }
        let after = user_view(state.to_members(subject, &Rest::default())?, None);
        let of = |name: &str| text(line, name).to_owned();
        lines.push(HistoryLine {
            event_id: of("event_id"),
            kind: of("kind"),
            event: of("event"),
            occurred_at: of("occurred_at"),
            received_at: of("received_at"),
            profile_fields: profile_fields(line),
            erases_profile: erases_profile(line),
            effects: line.get("effects").cloned().unwrap_or_default(),
            differences: diff(before.as_ref(), Some(&after)),
            request: None,
        });
        before = Some(after);
    }
    Ok(lines)
}

/// The fields of the profile that an event has changed.
fn profile_fields(line: &Members) -> Vec<String> {
    let field = |effect: &Value| effect.get("profile_field").and_then(Value::as_str).map(str::to_owned);
    effects_of(line).iter().filter_map(field).collect()
}

/// Whether an event erases the profile, whatever its values are.
fn erases_profile(line: &Members) -> bool {
    effects_of(line).iter().any(|effect| ["erase", "wipe"].iter().any(|name| effect.as_str() == Some(name)))
}

fn effects_of(line: &Members) -> &[Value] {
    line.get("effects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The member with these numbers.
pub(super) fn member(app: &str, user: &str) -> Option<Subject> {
    Some(Subject::User(app.parse::<AppId>().ok()?, user.parse::<UserId>().ok()?))
}

/// The user with this open id.
pub(super) fn open_id(app: &str, id: &str) -> Option<Subject> {
    Some(Subject::OpenId(app.parse::<AppId>().ok()?, id.parse::<OpenId>().ok()?))
}

/// The member number or the open id.
pub(super) fn name_of(subject: &Subject) -> String {
    subject.attributes().pop().map(|(_, value)| value).unwrap_or_default()
}

/// The path of a user's page.
pub(super) fn path_of(subject: &Subject) -> String {
    let encoded = |text: &str| {
        let of_form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        of_form.replace('+', "%20")
    };
    match subject {
        Subject::User(app, user) => format!("/users/{app}/{}", user.digits()),
        Subject::OpenId(app, id) => format!("/users/{app}/open-id/{}", encoded(id.as_str())),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::state::Effect;
    use serde_json::json;

    use super::*;

    fn line(event: &str, at: &str, effects: &Value) -> Members {
        let line = json!({"event_id": format!("id-{event}"), "event": event, "occurred_at": at, "effects": effects});
        line.as_object().cloned().unwrap()
    }

    #[test]
    fn each_event_shows_what_it_changed_of_what_was_before() {
        let subject = member("1", "7").unwrap();
        let lines = effects(
            &subject,
            &[
                line("user-linked", "2026-01-01T00:00:00.000Z", &json!([{"link": {"status": "linked"}}])),
                line("share", "2026-01-01T01:00:00.000Z", &Value::Null)
                    .into_iter()
                    .filter(|(name, _)| name != "effects")
                    .collect(),
                line("user-linked", "2026-01-01T02:00:00.000Z", &json!([{"link": {"status": "linked"}}])),
                line("unlink", "2026-01-02T00:00:00.000Z", &json!([{"link": {"status": "unlinked", "reason": "R"}}])),
            ],
        )
        .unwrap();
        let shown: Vec<Vec<String>> =
            lines.iter().map(|line| line.differences.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(
            shown,
            [
                vec!["access: – → allowed", "link: – → linked"],
                vec![],
                vec![],
                vec!["access: allowed → gone", "link: linked → unlinked (R)"],
            ]
        );
    }

    #[test]
    fn an_event_that_erases_says_that_the_profile_is_erased() {
        let erases = |effects: &[Effect]| erases_profile(&line("e", "2026-01-01T00:00:00.000Z", &json!(effects)));
        assert!(erases(&[Effect::VoidSessions, Effect::Erase]) && erases(&[Effect::Wipe]));
        assert!(!erases(&[Effect::VoidSessions]) && !erases(&[]));
    }

    #[test]
    fn a_users_path_leads_back_to_the_user() {
        assert_eq!(path_of(&member("123456", "9007199254740993").unwrap()), "/users/123456/9007199254740993");
        assert_eq!(path_of(&open_id("1", "a/b c").unwrap()), "/users/1/open-id/a%2Fb%20c");
        assert!(member("1", "0").is_none() && member("x#", "1").is_none());
    }
}
