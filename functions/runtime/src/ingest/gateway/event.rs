use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::NotARequest;
use kakao_webhooks::wire::from_json;

/// The gateway's event as Lambda delivers it: its text, whose members are read when they are wanted.
pub struct Event(Box<RawValue>);

impl Event {
    pub(super) fn object(&self) -> Result<Object<'_>, NotARequest> {
        Object::of(self.0.get())
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What else it is isn't shown: it may be anything.
        Box::deserialize(deserializer).map(Self).map_err(|_| D::Error::custom(NotARequest))
    }
}

/// An object whose members are not read yet: an odd one costs no other. They are a dozen or two.
#[derive(Default)]
pub(super) struct Object<'e>(Vec<(Name<'e>, &'e RawValue)>);

/// A member's name: a part of the text, unless something in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'e>(#[serde(borrow)] Cow<'e, str>);

impl<'de: 'e, 'e> Deserialize<'de> for Object<'e> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
        let mut members = Vec::with_capacity(16);
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
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

    /// A member's text: of two with one name, the last one's.
    fn member(&self, name: &str) -> Option<&'e str> {
        self.0.iter().rev().find(|(known, _)| known.0 == name).map(|(_, member)| member.get())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What a member says; nothing if it isn't there, or is something else.
    pub(super) fn read<T: Deserialize<'e>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.member(name)?).ok()
    }

    /// A text, half a character in it replaced; nothing if there is none.
    pub(super) fn text_as_sent(&self, name: &str) -> Option<String> {
        let member = self.member(name).filter(|member| member.starts_with('"'))?;
        Some(from_json(member.as_bytes()).unwrap_or_else(|_| member.to_owned()))
    }

    /// An object; an empty one if it isn't there, or is something else.
    ///
    /// # Errors
    /// An object with a name that is not text.
    pub(super) fn object(&self, name: &str) -> Result<Self, NotARequest> {
        let member = self.member(name).filter(|member| member.starts_with('{'));
        member.map_or_else(|| Ok(Self::default()), Self::of)
    }

    /// The members that are texts, one that stands twice twice.
    pub(super) fn texts(self) -> impl Iterator<Item = (Cow<'e, str>, Cow<'e, str>)> {
        let text = |member: &'e RawValue| serde_json::from_str(member.get()).ok().map(|Name(text)| text);
        self.0.into_iter().filter_map(move |(Name(name), member)| Some((name, text(member)?)))
    }
}
