//! Facts from what is stored and published: lines of history, writes of states, changes.

use serde_json::Value;

use super::{Fact, FactKind, Report};
use crate::{
    state::{
        DocumentError, Effect, FUTURE_TOLERANCE_MILLIS, Link, Members, Subject, UserItem, time_of_version,
        time_of_write,
    },
    wire::{AppId, Time, UserId},
};

/// The names in history of the events that report that a member left. The event source of the function `recorder` filters
/// by them.
pub const DEPARTING_EVENTS: [&str; 5] =
    ["account-purged", "reconciled-unlinked", "service-unlinked", "unlink", "user-unlinked"];

/// The names in history of the events that link a member. No single event shows whether the member had left before: the
/// state may have expired, and events may come late or be merged with others. So the filter lets all of them pass.
pub const LINKING_EVENTS: [&str; 4] = ["reconciled-linked", "service-linked", "service-restored", "user-linked"];

/// The name in history of the event by which the service confirms that it erased what it had.
pub const SERVICE_ERASED: &str = "service-erased";

/// The longest reason that is kept.
const MOST_OF_A_REASON: usize = 64;

/// The fact in a line of a member's history; `None` if there is none, or if it is not a member's.
///
/// # Errors
/// [`DocumentError`]: the line is of an unknown form.
pub fn of_history(line: &Members) -> Result<Option<(AppId, Fact)>, DocumentError> {
    let Some((app, user)) = member(line) else { return Ok(None) };
    let text = |name| line.get(name).and_then(Value::as_str);
    let time = |name| text(name).and_then(|time| time.parse().ok()).ok_or(DocumentError::new(name));
    let Some(effects) = line.get("effects") else { return Ok(None) };
    let effects: Vec<Effect> = serde_json::from_value(effects.clone()).map_err(|_| DocumentError::new("effects"))?;
    let (at, received_at): (Time, Time) = (time("occurred_at")?, time("received_at")?);
    let kind = effects.iter().find_map(|effect| match effect {
        Effect::Link(Link::Unlinked { reason }) => {
            let event = text("event").unwrap_or_default().to_owned();
            let reason = reason.as_deref().map(plain);
            Some(FactKind::Left { report: Some(Report { received_at, event, reason }), effective_at: None })
        }
        Effect::Link(Link::Linked) => Some(FactKind::Linked),
        Effect::Wipe => Some(FactKind::Confirmed { received_at }),
        _ => None,
    });
    Ok(kind.map(|kind| (app, Fact { user, at, kind })))
}

/// The fact in the write of a member's state, if there is one: `old` is the item before (`None`: there was none), and
/// `written_at` when it was written, as the table's stream has it.
///
/// # Errors
/// [`DocumentError`]: an item is of an unknown form.
pub fn of_state(
    old: Option<&Members>,
    new: &Members,
    written_at: Option<Time>,
) -> Result<Option<(AppId, Fact)>, DocumentError> {
    let Some((app, user)) = member(new) else { return Ok(None) };
    let new = UserItem::read(new.clone())?;
    let Some(link) = new.state.link.filter(|link| is_unlinked(&link.value)) else { return Ok(None) };
    let before = old.cloned().map(UserItem::read).transpose()?.and_then(|old| old.state.link);
    if before.is_some_and(|before| is_unlinked(&before.value) && before.at == link.at) {
        return Ok(None);
    }
    let kind = FactKind::Left { report: None, effective_at: exact(new.version, written_at, link.at) };
    Ok(Some((app, Fact { user, at: link.at, kind })))
}

/// A change that reports that a member has left: whom, since when, and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepartureChange {
    /// The app.
    pub app: AppId,
    /// The member.
    pub user: UserId,
    /// Since when the member is unlinked.
    pub at: Time,
    /// When the state was written.
    pub written_at: Time,
}

/// What a published change reports of a departure; `None` if it is about something else.
#[must_use]
pub fn of_change(detail: &Value) -> Option<DepartureChange> {
    let text = |pointer| detail.pointer(pointer).and_then(Value::as_str);
    let changed = detail.get("changed").and_then(Value::as_array)?;
    let reports = changed.iter().any(|part| part == "access" || part == "link");
    if !reports || text("/state/link/status") != Some("unlinked") {
        return None;
    }
    Some(DepartureChange {
        app: text("/app_id")?.parse().ok()?,
        user: text("/user_id")?.parse().ok()?,
        at: text("/state/link/at")?.parse().ok()?,
        written_at: text("/written_at")?.parse().ok()?,
    })
}

fn member(item: &Members) -> Option<(AppId, UserId)> {
    match Subject::of_partition_key(item.get("pk")?.as_str()?)? {
        Subject::User(app, user) => Some((app, user)),
        _ => None,
    }
}

const fn is_unlinked(link: &Link) -> bool {
    matches!(link, Link::Unlinked { .. })
}

/// The milliseconds of a write, as far as they are known. Without the stream, a version that is older than the event at
/// `at` is none.
fn exact(version: u64, written_at: Option<Time>, at: Time) -> Option<Time> {
    match written_at {
        Some(second) => Some(time_of_write(version, second)),
        None => time_of_version(version).filter(|time| at.millis_since(*time) <= FUTURE_TOLERANCE_MILLIS),
    }
}

/// A reason as one word that neither a terminal nor a spreadsheet takes for anything else.
fn plain(reason: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_word = (1..=MOST_OF_A_REASON).contains(&reason.len()) && reason.bytes().all(is_plain);
    if is_word { reason } else { "OTHER" }.to_owned()
}
