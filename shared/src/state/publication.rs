use serde::Serialize;

use super::{Change, STATE, Subject, UserItem, changes};
use crate::wire::{Time, sha256_hex};

/// A change as it is published: what changed, of whom, when, and in which order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Publication {
    /// The form of this text.
    pub v: u8,
    /// The same each time that this very change is published: a consumer drops what it has seen.
    pub id: String,
    /// Whose change it is: the app, and the member number or the open id.
    #[serde(flatten)]
    pub whose: serde_json::Map<String, serde_json::Value>,
    /// The version of the state that has the change. The greater is the newer.
    pub version: u64,
    /// When it became so: the own time of the event behind it.
    pub at: Time,
    /// When the state was written.
    pub written_at: Time,
    /// What changed.
    #[serde(flatten)]
    pub change: Change,
}

/// The version of the form.
const VERSION: u8 = 1;

/// The longest text of a publication. EventBridge takes 256 KB with everything around it.
pub const MAX_DETAIL_BYTES: usize = 240 * 1024;

/// Whether profile values are published, or only which changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfileValues {
    /// Names and times only: a consumer that needs a value reads the table.
    #[default]
    Withheld,
    /// The values, too: everybody who may read the bus reads them.
    Published,
}

impl Publication {
    /// What became different between two images of an item (no old one: it is new), `written_at` then.
    #[must_use]
    pub fn all(old: Option<&UserItem>, new: &UserItem, written_at: Time, values: ProfileValues) -> Vec<Self> {
        // A user known by open id only does not log in, so access means nothing.
        let is_of_door = |change: &Change| matches!(change, Change::AccessChanged { .. });
        let has_door = matches!(new.subject, Subject::User(..));
        let changes = changes(old.map(|old| &old.state), &new.state).into_iter();
        changes
            .filter(|change| has_door || !is_of_door(change))
            .map(|change| Self::of(new, change, written_at).fitting(values))
            .collect()
    }

    fn of(item: &UserItem, change: Change, written_at: Time) -> Self {
        let UserItem { subject, version, state } = item;
        let at = change.at().or(state.updated_at.0).unwrap_or(written_at);
        // What it says belongs to it: an item that expired starts again at version 1, and what is published again
        // says more than what was.
        let said = serde_json::to_string(&change.clone().without_values().without_from()).unwrap_or_default();
        let id = sha256_hex(format!("{}|{version}|{at}|{said}", subject.partition_key()).as_bytes());
        let whose = subject.attributes().into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        Self { v: VERSION, id, whose: whose.collect(), version: *version, at, written_at, change }
    }

    fn fitting(self, values: ProfileValues) -> Self {
        if values == ProfileValues::Published && self.detail().len() <= MAX_DETAIL_BYTES {
            return self;
        }
        Self { change: self.change.without_values(), ..self }
    }

    /// The text that is published.
    #[must_use]
    pub fn detail(&self) -> String {
        // A struct of texts and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether an item is one whose changes are published: a member's state, or an open id's.
#[must_use]
pub fn is_published(partition: &str, sort: &str) -> bool {
    sort == STATE && ["USER#", "OPENID#"].iter().any(|kind| partition.starts_with(kind))
}
