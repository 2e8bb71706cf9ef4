use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{InvalidId, Personal, Unreadable, parse_strict_json};

/// Replaces bytes that are not UTF-8, and half a surrogate pair in JSON.
const REPLACEMENT: char = '\u{fffd}';

/// The text, which must be exact because it is an identifier: with parts replaced, two different ids could become one.
///
/// # Errors
/// [`Unreadable::FieldEncoding`].
pub(crate) fn exact<'t>(text: &'t str, name: &'static str) -> Result<&'t str, Unreadable> {
    if text.contains(REPLACEMENT) { Err(Unreadable::FieldEncoding(name)) } else { Ok(text) }
}

/// A request's content, without its proof: the method, the query and the body.
#[derive(Clone, Debug)]
pub struct Content {
    /// GET or POST; what the gateway's event named.
    pub method: Method,
    /// The query as received, still percent-encoded.
    pub query: Personal<String>,
    /// The media type, in lower case and without parameters; empty where there is none.
    pub media_type: String,
    /// The body, decoded from base64 if the gateway had encoded it.
    pub body: Personal<Bytes>,
}

impl Content {
    /// The fields of a webhook that comes as a query, a form or a JSON object.
    ///
    /// The body's first character, not its declared type, distinguishes JSON from a form: implementers saw
    /// both under either type, and no form of Kakao's begins with a brace. A POST without a body
    /// may carry its fields in the query.
    ///
    /// # Errors
    /// [`Unreadable::Json`], [`Unreadable::Encoding`] or [`Unreadable::Duplicate`].
    pub fn fields(&self) -> Result<Fields<'static>, Unreadable> {
        let body = self.body.expose().trim_ascii();
        if self.method == Method::GET || body.is_empty() {
            return Fields::from_form(self.query.expose().as_bytes());
        }
        if body.first() == Some(&b'{') || self.media_type.ends_with("json") {
            return Ok(parse_strict_json(body)?.into());
        }
        Fields::from_form(body)
    }

    /// The body as a JSON object, whatever its declared type.
    ///
    /// # Errors
    /// [`Unreadable::Json`].
    pub fn json(&self) -> Result<Fields<'static>, Unreadable> {
        Ok(parse_strict_json(self.body.expose())?.into())
    }

    /// The reason with what the query shows of its cause.
    #[must_use]
    pub fn explain(&self, why: Unreadable) -> Unreadable {
        match why {
            Unreadable::Missing(field) if self.query.expose().contains('?') => Unreadable::GluedQuery(field),
            why => why,
        }
    }

    /// What a later reader needs to read this again: the query or the body. For the quarantine only.
    #[must_use]
    pub fn payload(&self) -> Payload {
        let body = self.body.expose();
        let from_query = self.method == Method::GET || body.is_empty();
        Payload::of(if from_query { self.query.expose().as_bytes() } else { body })
    }
}

/// The request's content, for the operator: as text, or in base64 where it is not plain text (which
/// also would grow sixfold on its way through the queue).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Text without control characters but line breaks and tabs.
    Text(Personal<String>),
    /// Anything else, in base64.
    Base64(Personal<String>),
}

impl Payload {
    /// The payload that these bytes are.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let is_plain =
            |text: &&str| !text.chars().any(|character| character.is_control() && !"\t\r\n".contains(character));
        match std::str::from_utf8(bytes).ok().filter(is_plain) {
            Some(text) => Self::Text(Personal::new(text.to_owned())),
            None => Self::Base64(Personal::new(STANDARD.encode(bytes))),
        }
    }

    /// The bytes again, unless they were changed.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Text(text) => Some(Bytes::from(text.expose().clone())),
            Self::Base64(text) => STANDARD.decode(text.expose()).ok().map(Bytes::from),
        }
    }
}

/// A field's name as it may be logged: in a form of bare words the words would be names.
fn name_for_log(name: &str) -> String {
    let is_name = name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if is_name { name.to_owned() } else { "[no name of Kakao's]".to_owned() }
}

/// Words of a vocabulary are short.
const MAX_WORD_CHARS: usize = 128;

/// Named values: texts from a query or a form, anything from JSON. An absent value, a null and (as
/// an empty form field is all that a form can say) an empty text are the same.
#[derive(Clone, Debug, Default)]
pub struct Fields<'v> {
    members: Cow<'v, Map<String, Value>>,
}

impl Fields<'static> {
    fn from_form(text: &[u8]) -> Result<Self, Unreadable> {
        let mut members = Map::new();
        let (readable, odd): (Vec<_>, Vec<_>) =
            form_urlencoded::parse(text).partition(|(name, _)| !name.contains(REPLACEMENT));
        if readable.is_empty() && !odd.is_empty() {
            return Err(Unreadable::Encoding);
        }
        for (name, value) in readable {
            let value = Value::String(value.into_owned());
            if members.insert(name.to_string(), value).is_some() {
                return Err(Unreadable::Duplicate(name_for_log(&name)));
            }
        }
        Ok(members.into())
    }

    /// All the members.
    #[must_use]
    pub fn into_members(self) -> Map<String, Value> {
        self.members.into_owned()
    }
}

impl Fields<'_> {
    /// The value of a field that is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text, or `None` if it isn't there.
    ///
    /// # Errors
    /// [`Unreadable::Shape`] if it is something else.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Unreadable> {
        self.get(name).map(|value| value.as_str().ok_or(Unreadable::Shape(name))).transpose()
    }

    /// A word of Kakao's vocabulary that says more of an event without deciding it. One that is too long is
    /// cut; anything but a text is left out: it must not cost the event.
    #[must_use]
    pub fn word(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(|text| text.chars().take(MAX_WORD_CHARS).collect())
    }

    /// A truth value, as JSON or as the text that a query has.
    ///
    /// # Errors
    /// [`Unreadable::Shape`] if it is something else.
    pub fn flag(&self, name: &'static str) -> Result<Option<bool>, Unreadable> {
        self.get(name)
            .map(|value| match value {
                Value::Bool(flag) => Ok(*flag),
                Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
                Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
                _ => Err(Unreadable::Shape(name)),
            })
            .transpose()
    }

    /// A non-negative integer, as JSON or as digits.
    ///
    /// # Errors
    /// [`Unreadable::Shape`] if it is something else.
    pub fn integer(&self, name: &'static str) -> Result<Option<u64>, Unreadable> {
        self.get(name)
            .map(|value| match value {
                Value::Number(number) => number.as_u64().ok_or(Unreadable::Shape(name)),
                Value::String(text) => text.parse().map_err(|_| Unreadable::Shape(name)),
                _ => Err(Unreadable::Shape(name)),
            })
            .transpose()
    }

    /// An identifier, or `None` if it isn't there.
    ///
    /// # Errors
    /// [`Unreadable::Shape`] if it is no valid one, [`Unreadable::FieldEncoding`] if it is not exact.
    pub fn id<'v, I: TryFrom<&'v Value, Error = InvalidId>>(
        &'v self,
        name: &'static str,
    ) -> Result<Option<I>, Unreadable> {
        let Some(value) = self.get(name) else { return Ok(None) };
        exact(value.as_str().unwrap_or_default(), name)?;
        I::try_from(value).map(Some).map_err(|_| Unreadable::Shape(name))
    }

    /// An object, or an empty one if it isn't there.
    ///
    /// # Errors
    /// [`Unreadable::Shape`] if it is something else.
    pub fn object(&self, name: &'static str) -> Result<Fields<'_>, Unreadable> {
        match self.get(name) {
            None => Ok(Fields::default()),
            Some(Value::Object(members)) => Ok(members.into()),
            Some(_) => Err(Unreadable::Shape(name)),
        }
    }
}

impl From<Map<String, Value>> for Fields<'static> {
    fn from(members: Map<String, Value>) -> Self {
        Self { members: Cow::Owned(members) }
    }
}

impl<'v> From<&'v Map<String, Value>> for Fields<'v> {
    fn from(members: &'v Map<String, Value>) -> Self {
        Self { members: Cow::Borrowed(members) }
    }
}

/// What was read of a field: its value, nothing, or why it can't be read.
pub(crate) trait ReadField<T>: Sized {
    /// The value, or [`Unreadable::Missing`].
    fn required(self, name: &'static str) -> Result<T, Unreadable>;

    /// The value, or that of the field's other name. One that can't be read hides no good twin.
    fn or_alternative(self, twin: Self) -> Self;
}

impl<T> ReadField<T> for Result<Option<T>, Unreadable> {
    fn required(self, name: &'static str) -> Result<T, Unreadable> {
        self?.ok_or(Unreadable::Missing(name))
    }

    fn or_alternative(self, twin: Self) -> Self {
        match (self, twin) {
            (Ok(Some(value)), _) | (_, Ok(Some(value))) => Ok(Some(value)),
            (Err(why), _) | (_, Err(why)) => Err(why),
            (Ok(None), Ok(None)) => Ok(None),
        }
    }
}

/// A body of JSON, for the tests of each webhook.
#[cfg(test)]
pub(super) fn of_json(members: &Value) -> Content {
    Content {
        method: Method::POST,
        query: Personal::default(),
        media_type: "application/json".to_owned(),
        body: Personal::new(Bytes::from(members.to_string())),
    }
}

/// Any small value, for members that nothing depends on.
#[cfg(test)]
pub(super) fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,4}", inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{OpenId, UserId};

    fn content(method: Method, query: &str, media_type: &str, body: &str) -> Content {
        Content {
            method,
            query: Personal::new(query.to_owned()),
            media_type: media_type.to_owned(),
            body: Personal::new(Bytes::copy_from_slice(body.as_bytes())),
        }
    }

    #[test]
    fn a_query_a_form_and_a_json_object_read_alike() {
        for content in [
            content(Method::GET, "a=%ED%95%9C+%EA%B8%80", "", ""),
            content(Method::POST, "", "application/x-www-form-urlencoded", "a=%ED%95%9C%20%EA%B8%80"),
            content(Method::POST, "", "application/json", "{\"a\":\"한 글\"}"),
            content(Method::POST, "", "application/x-www-form-urlencoded", " {\"a\":\"한 글\"}\n"),
            content(Method::POST, "", "", "a=한 글"),
            content(Method::POST, "a=%ED%95%9C+%EA%B8%80", "", ""),
        ] {
            assert_eq!(content.fields().unwrap().text("a").unwrap(), Some("한 글"), "{content:?}");
        }
    }

    #[test]
    fn a_field_that_stands_twice_is_refused() {
        for content in [
            content(Method::GET, "a=1&a=1", "", ""),
            content(Method::POST, "", "application/json", "{\"a\":1,\"a\":1}"),
        ] {
            let code = content.fields().unwrap_err().code();
            assert!(["duplicate_field", "json"].contains(&code), "{code}");
        }
    }

    #[test]
    fn a_value_that_is_not_utf_8_costs_no_other_and_is_never_an_id() {
        let raw = Content {
            body: Personal::new(Bytes::from_static(b"a=\xe9x&id=7&\xff=1&\xfe=2")),
            ..content(Method::POST, "", "", "")
        };
        for content in [content(Method::GET, "a=%E9x&id=7&%FF=1&%FE=2", "", ""), raw] {
            let fields = content.fields().unwrap();
            assert_eq!(fields.text("a").unwrap(), Some("\u{fffd}x"));
            assert_eq!(fields.id::<OpenId>("a"), Err(Unreadable::FieldEncoding("a")));
            assert_eq!(fields.id::<UserId>("id").unwrap(), UserId::new(7));
        }
    }

    #[test]
    fn a_form_of_which_no_name_is_utf_8_is_none() {
        for bytes in [&b"\x1f\x8b\x08\0\xff"[..], b"%FF=1&%FE=2"] {
            let content =
                Content { body: Personal::new(Bytes::from_static(bytes)), ..content(Method::POST, "", "", "") };
            assert_eq!(content.fields().unwrap_err(), Unreadable::Encoding);
        }
    }

    #[test]
    fn a_json_text_with_half_a_character_costs_no_other_and_is_never_an_id() {
        for odd in [r"x\ud83c", r"x\udf0a", r"x\ufffd", "x\u{fffd}"] {
            let fields = content(Method::POST, "", "", &format!(r#"{{"a":"{odd}","id":"7"}}"#)).fields().unwrap();
            assert_eq!(fields.text("a").unwrap(), Some("x\u{fffd}"), "{odd}");
            assert_eq!(fields.id::<OpenId>("a"), Err(Unreadable::FieldEncoding("a")), "{odd}");
            assert_eq!(fields.id::<UserId>("id").unwrap(), UserId::new(7));
        }
    }

    #[test]
    fn a_good_twin_wins_over_an_unreadable_one_in_any_order() {
        type Read = Result<Option<u8>, Unreadable>;
        let (good, absent): (Read, Read) = (Ok(Some(1)), Ok(None));
        let odd = |name| -> Read { Err(Unreadable::Shape(name)) };
        for other in [absent.clone(), odd("a")] {
            assert_eq!(good.clone().or_alternative(other.clone()), good);
            assert_eq!(other.or_alternative(good.clone()), good);
        }
        assert_eq!(good.clone().or_alternative(Ok(Some(2))), good);
        assert_eq!(odd("a").or_alternative(odd("b")), odd("a"));
        assert_eq!(absent.clone().or_alternative(odd("b")), odd("b"));
        assert_eq!(absent.clone().or_alternative(Ok(None)), absent);
    }

    #[test]
    fn absent_null_and_empty_are_the_same() {
        let fields = content(Method::POST, "", "", r#"{"a":null,"b":""}"#).fields().unwrap();
        assert_eq!((fields.get("a"), fields.get("b"), fields.get("c")), (None, None, None));
    }

    #[test]
    fn no_debug_output_shows_what_came() {
        let shown = format!("{:?}", content(Method::POST, "secret-q", "", "secret-b"));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
