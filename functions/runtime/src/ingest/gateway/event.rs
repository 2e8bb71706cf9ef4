use std::{
    borrow::{Borrow, Cow},
    collections::BTreeMap,
};

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use super::NotARequest;
use kakao_webhooks::wire::from_json;

/// The gateway's event as Lambda delivers it. It may be long, so it is walked through once, and its members when
/// they are wanted.
pub struct Event(BTreeMap<String, Box<RawValue>>);

impl Event {
    pub(super) fn object(&self) -> Object<'_> {
        Object(self.0.iter().map(|(name, member)| (Name(Cow::Borrowed(name)), &**member)).collect())
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What else it is isn't shown: it may be anything.
        BTreeMap::deserialize(deserializer).map(Self).map_err(|_| D::Error::custom(NotARequest))
    }
}

/// An object whose members are not read yet: an odd one costs no other.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Object<'e>(#[serde(borrow)] BTreeMap<Name<'e>, &'e RawValue>);

/// A member's name: a part of the text, unless something in it is escaped.
#[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
struct Name<'e>(#[serde(borrow)] Cow<'e, str>);

impl Borrow<str> for Name<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'e> Object<'e> {
    /// The object that a text is.
    ///
    /// # Errors
    /// A value that is not a text, or a name that is not a text.
    pub(super) fn of(text: &'e str) -> Result<Self, NotARequest> {
        serde_json::from_str(text).map_err(|_| NotARequest)
    }

    /// What a member says; nothing if it isn't there, or is something else.
    pub(super) fn read<T: Deserialize<'e>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// A text, half a character in it replaced; nothing if there is none.
    pub(super) fn text_as_sent(&self, name: &str) -> Option<String> {
        let member = self.0.get(name).map(|member| member.get()).filter(|member| member.starts_with('"'))?;
        Some(from_json(member.as_bytes()).unwrap_or_else(|_| member.to_owned()))
    }

    /// An object; an empty one if it isn't there, or is something else.
    ///
    /// # Errors
    /// An object with a name that is not text.
    pub(super) fn object(&self, name: &str) -> Result<Self, NotARequest> {
        let member = self.0.get(name).map(|member| member.get()).filter(|member| member.starts_with('{'));
        member.map_or_else(|| Ok(Self::default()), Self::of)
    }

    /// The members that are texts.
    pub(super) fn texts(self) -> impl Iterator<Item = (Cow<'e, str>, Cow<'e, str>)> {
        let text = |member: &'e RawValue| serde_json::from_str(member.get()).ok().map(|Name(text)| text);
        self.0.into_iter().filter_map(move |(Name(name), member)| Some((name, text(member)?)))
    }
}
