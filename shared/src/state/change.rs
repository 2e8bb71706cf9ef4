//! What a write of a user's item changed, for the consumers of the bus. Pure: two items in, one change out.

use serde::Serialize;
use serde_json::Value;

use super::{Access, DocumentError, Members, Rest, STATE, State, Subject, UserItem, view::shown};
use crate::wire::Time;

/// One write of a user's item that a consumer sees (`user-changed`).
#[derive(Clone, PartialEq)]
pub struct UserChange {
    version: u64,
    written_at: Time,
    changed: Vec<Part>,
    /// What access is, if it changed.
    new_access: Option<Access>,
    /// The text that is published.
    detail: String,
}

/// A change as it is published: which parts changed, and all that is true now.
#[derive(Serialize)]
struct Detail<'c> {
    /// The form of this text.
    v: u8,
    /// The same each time that this write is published.
    id: String,
    /// The app, and the member number or the open id.
    #[serde(flatten)]
    whose: Members,
    /// The item's version: of two of one user the greater is the newer.
    version: u64,
    /// When the item was written.
    written_at: Time,
    /// Which parts changed, in the order of [`Part`].
    changed: &'c [Part],
    /// What access was, if it changed and was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_before: Option<Access>,
    /// The whole state, as a consumer sees it.
    state: Members,
    /// Whether parts of the state were left out because it is too long.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

/// A part of the state, in the order in which `changed` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the service may let the user do.
    Access,
    /// The link with the app.
    Link,
    /// The Kakao account.
    Account,
    /// The credential.
    Credential,
    /// How strongly the user authenticates.
    Assurance,
    /// Sessions until then are void.
    Sessions,
    /// Kakao tokens until then are void.
    Tokens,
    /// Consent.
    Scopes,
    /// Profile values.
    Profile,
    /// The profile changed without its new values.
    ProfileStale,
    /// The user's relation to channels.
    Channels,
    /// The chatbots that know the user.
    Bots,
    /// What is to be erased.
    Erased,
}

impl Part {
    /// All, in order.
    pub const ALL: [Self; 13] = [
        Self::Access,
        Self::Link,
        Self::Account,
        Self::Credential,
        Self::Assurance,
        Self::Sessions,
        Self::Tokens,
        Self::Scopes,
        Self::Profile,
        Self::ProfileStale,
        Self::Channels,
        Self::Bots,
        Self::Erased,
    ];

    /// Its name in `changed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Link => "link",
            Self::Account => "account",
            Self::Credential => "credential",
            Self::Assurance => "assurance",
            Self::Sessions => "sessions",
            Self::Tokens => "tokens",
            Self::Scopes => "scopes",
            Self::Profile => "profile",
            Self::ProfileStale => "profile_stale",
            Self::Channels => "channels",
            Self::Bots => "bots",
            Self::Erased => "erased",
        }
    }

    /// The member of the state that it is.
    pub(super) const fn member(self) -> &'static str {
        match self {
            Self::Sessions => "sessions_valid_from",
            Self::Tokens => "tokens_valid_from",
            Self::ProfileStale => "profile_stale_since",
            Self::Erased => "erased_until",
            _ => self.name(),
        }
    }
}

/// The event's `detail-type`.
pub const USER_CHANGED: &str = "user-changed";

/// The version of the form.
const FORM: u8 = 2;

/// The longest text that is published whole.
const MAX_WHOLE_BYTES: usize = 200_000;

/// Whether profile values are published, or only since when they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfileValues {
    /// Names and times only: a consumer that needs a value reads the table.
    #[default]
    Withheld,
    /// The values, too: every reader of the bus sees them.
    Published,
}

impl UserChange {
    /// What the write of `new` changed of `old` (`None`: the user was unknown). `None` if a consumer sees no
    /// difference.
    ///
    /// # Errors
    /// Only if serde can't write what it derived.
    pub fn between(
        old: Option<&UserItem>,
        new: &UserItem,
        written_at: Time,
        values: ProfileValues,
    ) -> Result<Option<Self>, DocumentError> {
        let before = old.map(view).transpose()?.unwrap_or_default();
        let state = view(new)?;
        let differs = |part: &Part| before.get(part.member()) != state.get(part.member());
        let changed: Vec<Part> = Part::ALL.into_iter().filter(differs).collect();
        if changed.is_empty() {
            return Ok(None);
        }
        let access = |item: &UserItem| changed.contains(&Part::Access).then(|| item.state.access());
        let detail = Detail {
            v: FORM,
            id: id(new),
            whose: whose(&new.subject),
            version: new.version,
            written_at,
            changed: &changed,
            access_before: old.and_then(access),
            state,
            partial: false,
        };
        let detail = detail.fitting(&before, values)?;
        Ok(Some(Self { version: new.version, written_at, new_access: access(new), changed, detail }))
    }

    /// Which parts changed.
    #[must_use]
    pub fn changed(&self) -> &[Part] {
        &self.changed
    }

    /// What access is now, if it changed.
    #[must_use]
    pub const fn new_access(&self) -> Option<Access> {
        self.new_access
    }

    /// The item's version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// When the item was written.
    #[must_use]
    pub const fn written_at(&self) -> Time {
        self.written_at
    }

    /// The text that is published.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl Detail<'_> {
    /// The text, without what makes it too long.
    fn fitting(mut self, before: &Members, values: ProfileValues) -> Result<String, DocumentError> {
        if values == ProfileValues::Withheld {
            self.withhold_values();
        }
        let text = self.text()?;
        if text.len() <= MAX_WHOLE_BYTES {
            return Ok(text);
        }
        self.partial = true;
        self.withhold_values();
        let text = self.text()?;
        if text.len() <= MAX_WHOLE_BYTES {
            return Ok(text);
        }
        for part in [Part::Scopes, Part::Channels, Part::Bots] {
            self.keep_changed(part.member(), before);
        }
        self.text()
    }

    fn text(&self) -> Result<String, DocumentError> {
        serde_json::to_string(self).map_err(|_| DocumentError::new("detail"))
    }

    fn withhold_values(&mut self) {
        each_entry(&mut self.state, Part::Profile, |field| drop(field.remove("value")));
    }

    /// Leaves out the entries of a map that are as before.
    fn keep_changed(&mut self, member: &str, before: &Members) {
        let Some(Value::Object(entries)) = self.state.get_mut(member) else { return };
        entries.retain(|key, entry| before.get(member).and_then(|known| known.get(key)) != Some(entry));
        if entries.is_empty() {
            self.state.remove(member);
        }
    }
}

/// The state as it is published: without the time at which a bot last saw the user, which moves with each message.
fn view(item: &UserItem) -> Result<Members, DocumentError> {
    let mut members = item.state.to_members(&item.subject, &Rest::default())?;
    members.extend(whose(&item.subject));
    members.insert("version".to_owned(), item.version.into());
    let mut view = shown(members);
    each_entry(&mut view, Part::Bots, |bot| drop(bot.remove("last_seen_at")));
    Ok(view)
}

fn id(item: &UserItem) -> String {
    let whose = item.subject.attributes().into_iter().map(|(_, value)| value);
    whose.chain([item.version.to_string()]).collect::<Vec<_>>().join(":")
}

/// The members that name the user.
fn whose(subject: &Subject) -> Members {
    subject.attributes().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn each_entry(state: &mut Members, part: Part, change: impl FnMut(&mut Members)) {
    if let Some(Value::Object(entries)) = state.get_mut(part.member()) {
        entries.values_mut().filter_map(Value::as_object_mut).for_each(change);
    }
}

/// No member number, and none of the profile.
impl std::fmt::Debug for UserChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserChange").field("version", &self.version).field("changed", &self.changed).finish()
    }
}

/// Whether an item is one whose changes are published: a member's state, or an open id's.
#[must_use]
pub fn is_published(partition: &str, sort: &str) -> bool {
    sort == STATE && ["USER#", "OPENID#"].iter().any(|kind| partition.starts_with(kind))
}
