use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::NotARequest;

/// An object whose members nobody has read yet: what is odd in one costs no other.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Object<'e>(#[serde(borrow)] BTreeMap<String, &'e RawValue>);

impl<'e> Object<'e> {
    /// The object that a text is.
    ///
    /// # Errors
    /// A text that is none, or has a name that is no text.
    pub(super) fn of(text: &'e str) -> Result<Self, NotARequest> {
        serde_json::from_str(text).map_err(|_| NotARequest)
    }

    /// What a member says; nothing if it isn't there, or is something else.
    pub(super) fn read<T: Deserialize<'e>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// A text; one that can't be read (half of a character) as it stands there, so that it can be kept; nothing if there is
    /// none.
    pub(super) fn text_as_sent(&self, name: &str) -> Option<String> {
        let member = self.0.get(name).map(|member| member.get()).filter(|member| member.starts_with('"'))?;
        Some(serde_json::from_str(member).unwrap_or_else(|_| member.to_owned()))
    }

    /// An object; an empty one if it isn't there, or is something else.
    ///
    /// # Errors
    /// An object with a name that is no text.
    pub(super) fn object(&self, name: &str) -> Result<Self, NotARequest> {
        let member = self.0.get(name).map(|member| member.get()).filter(|member| member.starts_with('{'));
        member.map_or_else(|| Ok(Self::default()), Self::of)
    }

    /// The members that are texts.
    pub(super) fn texts(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter().filter_map(|(name, member)| Some((name, serde_json::from_str(member.get()).ok()?)))
    }
}
