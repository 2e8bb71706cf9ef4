use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use kakao_webhooks::{
    state::{CountedShare, HistoryEntry, Members, Rest, STATE, State, Subject},
    wire::{AppId, EventId, Kind, Time, sha256_hex},
};
use serde_json::Value;

use super::{
    Retention, StoreError,
    roster::{self, ROSTER_ATTRIBUTES},
};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// An envelope's text, in the inbox and in the quarantine.
pub(super) const ENVELOPE: &str = "envelope";

/// The kind of chat room, in a share's history.
pub(super) const CHAT_TYPE: &str = "chat_type";

/// A state as it was read, with what is needed to write it back.
#[derive(Clone, Debug, Default)]
pub struct Loaded<S> {
    /// The state, or an empty one if there is no item.
    pub state: S,
    /// The item's version; 0 if there is none.
    pub version: u64,
    /// Members that another version of this crate stored: kept as they are.
    pub(super) rest: Rest,
    /// The same as the table has them: JSON knows no sets, and no number of 38 digits.
    pub(super) rest_as_stored: Item,
    /// Whether the item lacks attributes that an item of this state has: an earlier release wrote it.
    pub is_outdated: bool,
}

impl<S> Loaded<S> {
    /// The version of what is written next: always greater, even when the item expired and is made anew.
    #[must_use]
    pub fn next_version(&self, now: Time) -> u64 {
        (self.version + 1).max(u64::try_from(now.as_millis()).unwrap_or_default())
    }
}

/// A state as it is to be written.
#[derive(Clone, Debug)]
pub struct Revision<S> {
    /// The state.
    pub state: S,
    /// The item's version.
    pub version: u64,
    /// Until when the item is kept. `None`: for good.
    pub expires_at: Option<Time>,
}

/// An envelope that can't be applied, and why.
#[derive(Clone, Debug)]
pub struct QuarantineEntry {
    /// The event's id.
    pub id: EventId,
    /// The kind of webhook.
    pub kind: Kind,
    /// The app, if it is known.
    pub app_id: Option<AppId>,
    /// A stable short name.
    pub reason: String,
    /// The reason in words.
    pub detail: String,
    /// When it was received.
    pub received_at: Time,
    /// When an operator sent it again, if one did.
    pub replayed_at: Option<Time>,
    /// The envelope's text, to be replayed.
    pub envelope: String,
}

/// The inbox's partitions: sixteen, so that no one of them is hot.
pub fn inbox_partitions() -> impl Iterator<Item = String> {
    "0123456789abcdef".chars().map(|digit| format!("INBOX#{digit}"))
}

/// The inbox's partition of an event.
pub(super) fn inbox_partition(id: &EventId) -> String {
    format!("INBOX#{}", sha256_hex(id.as_str().as_bytes()).chars().take(1).collect::<String>())
}

/// The quarantine's partition of a day.
pub(super) fn quarantine_partition(day: Time) -> String {
    format!("QUARANTINE#{}", day.day())
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A text member of an item.
pub(crate) fn text_of<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn seconds(time: Time) -> AttributeValue {
    AttributeValue::N(time.as_seconds().to_string())
}

pub(crate) fn key(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(partition)), ("sk".to_owned(), text(sort))])
}

pub(super) fn history(
    entry: &HistoryEntry,
    counted: Option<&CountedShare>,
    retention: Retention,
) -> Result<Item, StoreError> {
    let mut item = key(entry.subject.partition_key(), entry.sort_key());
    item.extend(
        [
            ("event_id", text(entry.id.as_str())),
            ("kind", text(entry.kind.name())),
            ("event", text(&entry.event)),
            ("occurred_at", text(entry.occurred_at.to_string())),
            ("received_at", text(entry.received_at.to_string())),
            ("expires_at", seconds(entry.received_at.plus_days(retention.history_days))),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    if !entry.effects.is_empty() {
        let effects = serde_dynamo::to_attribute_value(&entry.effects);
        item.insert("effects".to_owned(), effects.map_err(|error| StoreError::Never(error.to_string()))?);
    }
    // What a share counted, so that it can be counted again.
    if let Some(CountedShare { chat_type, .. }) = counted {
        item.insert(CHAT_TYPE.to_owned(), text(chat_type));
    }
    Ok(item)
}

/// The name in the quarantine: by time, so that a day's items are listed oldest first.
pub(super) fn quarantine_name(entry: &QuarantineEntry) -> String {
    format!("{}#{}", entry.received_at, entry.id)
}

pub(super) fn quarantine(entry: &QuarantineEntry, name: &str, retention: Retention) -> Item {
    let mut item = key(quarantine_partition(entry.received_at), name);
    item.extend(
        [
            ("event_id", text(entry.id.as_str())),
            ("kind", text(entry.kind.name())),
            ("reason", text(&entry.reason)),
            ("detail", text(&entry.detail)),
            ("received_at", text(entry.received_at.to_string())),
            (ENVELOPE, text(&entry.envelope)),
            ("expires_at", seconds(entry.received_at.plus_days(retention.quarantine_days))),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    item.extend(entry.app_id.as_ref().map(|app| ("app_id".to_owned(), text(app.as_str()))));
    item
}

pub(super) fn inbox(id: &EventId, envelope: &str) -> Item {
    let mut item = key(inbox_partition(id), id.as_str());
    item.insert(ENVELOPE.to_owned(), text(envelope));
    item
}

/// Members of a state's item that its state doesn't decide.
const OF_THE_TABLE: [&str; 3] = ["pk", "sk", "expires_at"];

pub(crate) fn state<S: State>(subject: &Subject, before: &Loaded<S>, after: &Revision<S>) -> Result<Item, StoreError> {
    let never = |error: &dyn std::error::Error| StoreError::Never(error.to_string());
    let mut members = after.state.to_members(subject, &before.rest).map_err(|error| never(&error))?;
    let roster = roster::attributes(subject, &members);
    members.extend(subject.attributes().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))));
    members.insert("version".to_owned(), Value::from(after.version));
    let mut item: Item = serde_dynamo::to_item(members).map_err(|error| never(&error))?;
    item.extend(before.rest_as_stored.clone());
    item.extend(key(subject.partition_key(), STATE));
    item.extend(roster);
    item.extend(after.expires_at.map(|time| ("expires_at".to_owned(), seconds(time))));
    Ok(item)
}

pub(crate) fn loaded<S: State>(subject: &Subject, item: Option<Item>) -> Result<Loaded<S>, StoreError> {
    let Some(mut item) = item else { return Ok(Loaded::default()) };
    let never = |error: &dyn std::error::Error| StoreError::Never(error.to_string());
    let mut members: Members = serde_dynamo::from_item(item.clone()).map_err(|error| never(&error))?;
    let version = members.remove("version").and_then(|version| version.as_u64()).unwrap_or_default();
    let is_outdated = roster::attributes(subject, &members) != roster::of_item(&item);
    for name in
        OF_THE_TABLE.into_iter().chain(ROSTER_ATTRIBUTES).chain(subject.attributes().into_iter().map(|(name, _)| name))
    {
        members.remove(name);
    }
    let (state, rest) = S::from_members(members).map_err(|error| never(&error))?;
    item.retain(|name, _| rest.has(name));
    Ok(Loaded { state, version, rest, rest_as_stored: item, is_outdated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kakao_webhooks::state::{Effect, Link, UserState};

    #[test]
    fn what_another_version_stored_is_kept_though_json_has_no_such_type() {
        let user = Subject::User("1".parse().unwrap(), "7".parse().unwrap());
        let foreign = Item::from([
            ("tags".to_owned(), AttributeValue::Ss(vec!["a".to_owned()])),
            ("sizes".to_owned(), AttributeValue::Ns(vec!["1".to_owned()])),
            ("exact".to_owned(), AttributeValue::N("0.12345678901234567890123456789012345678".to_owned())),
        ]);
        let before = loaded::<UserState>(&user, Some(foreign.clone())).unwrap();
        let written =
            state(&user, &before, &Revision { state: before.state.clone(), version: 1, expires_at: None }).unwrap();
        for (name, value) in foreign {
            assert_eq!(written.get(&name), Some(&value), "{name}");
        }
    }

    #[test]
    fn a_member_is_in_the_roster_until_their_link_is_unlinked() {
        let user = Subject::User("1".parse().unwrap(), "9223372036854775807".parse().unwrap());
        let (at, by) = (Time::from_seconds(1_700_000_000).unwrap(), EventId::from_text("e"));
        let written = |subject: &Subject, effects: Vec<Effect>| {
            let after = Revision { state: UserState::of_event(effects, at, &by), version: 1, expires_at: None };
            state(subject, &Loaded::default(), &after).unwrap()
        };
        let attributes = |item: &Item| ROSTER_ATTRIBUTES.map(|name| item.get(name).cloned());
        let number = AttributeValue::N("9223372036854775807".to_owned());
        for (effect, link) in [(Effect::Link(Link::Linked), "linked"), (Effect::VoidSessions, "unknown")] {
            let item = written(&user, vec![effect]);
            assert_eq!(attributes(&item), [Some(text("1#7")), Some(number.clone()), Some(text(link))]);
            let read = loaded::<UserState>(&user, Some(item.clone())).unwrap();
            assert!(!read.is_outdated && read.rest_as_stored.is_empty());
            // As an earlier release left it.
            let older: Item = item.into_iter().filter(|(name, _)| !name.starts_with("roster")).collect();
            assert!(loaded::<UserState>(&user, Some(older)).unwrap().is_outdated);
        }
        let unlinked = written(&user, vec![Effect::Link(Link::Unlinked { reason: None })]);
        assert_eq!(attributes(&unlinked), [None, None, None]);
        assert!(!loaded::<UserState>(&user, Some(unlinked)).unwrap().is_outdated);
        let open_id = Subject::OpenId("1".parse().unwrap(), "o".to_owned().try_into().unwrap());
        assert_eq!(attributes(&written(&open_id, vec![])), [None, None, None]);
    }

    #[test]
    fn a_version_never_starts_again_and_always_grows() {
        let at = |millis| Time::from_millis(millis).unwrap();
        let after = |version, now| Loaded { version, ..Loaded::<UserState>::default() }.next_version(at(now));
        // New, or made anew after it expired; written by an earlier release; twice in a millisecond; by a clock that is slow.
        for (version, now, next) in [
            (0, 1_800_000_000_000, 1_800_000_000_000),
            (41, 1_800_000_000_000, 1_800_000_000_000),
            (1_800_000_000_000, 1_800_000_000_000, 1_800_000_000_001),
            (1_800_000_000_000, 1_799_999_999_000, 1_800_000_000_001),
            (3, 0, 4),
        ] {
            assert_eq!(after(version, now), next);
        }
    }
}
