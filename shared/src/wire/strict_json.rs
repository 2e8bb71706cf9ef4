//! Strict JSON, as a security protocol needs it: a key that occurs twice, or more nesting than anyone
//! sends, is refused instead of guessed at (RFC 8725 §2.4, RFC 8259 §4).

mod slips;

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

pub use slips::JsonSlip;

use super::json_scalars::repaired;

/// More levels than any document of Kakao's has, and fewer than would endanger the stack.
const MAX_DEPTH: usize = 64;

/// The key of an object that `serde_json` takes for a text that is yet to be parsed, which would get past all rules
/// here.
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Why a text is not accepted as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrictJsonError {
    /// The text is not JSON, or something follows it.
    #[error("it is not one JSON document")]
    Syntax,
    /// A key occurs twice in one object.
    #[error("a key occurs twice in one object")]
    DuplicateKey,
    /// It is nested more deeply than we read.
    #[error("it is nested too deeply")]
    TooDeep,
    /// It is JSON, but not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
}

/// Reads one JSON object. Half a surrogate pair is read as U+FFFD, a number beyond a double as ±1e308.
///
/// # Errors
/// Whatever is not a JSON object, has a key twice at any level, is nested too deeply, or is followed
/// by anything but white space.
pub fn parse(text: &[u8]) -> Result<Map<String, Value>, StrictJsonError> {
    match parse_as_it_is(text) {
        Err(StrictJsonError::Syntax) => parse_as_it_is(&repaired(text)),
        read => read,
    }
}

fn parse_as_it_is(text: &[u8]) -> Result<Map<String, Value>, StrictJsonError> {
    parse_exactly(text).map_err(|fault| fault.why)
}

/// Where a text written by hand stops being what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct JsonFault {
    /// What is wrong.
    pub why: StrictJsonError,
    /// What of JSON's syntax it breaks, if that can be named.
    pub slip: Option<JsonSlip>,
    /// Where, from 1 on.
    pub line: usize,
    /// Which character of that line.
    pub column: usize,
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, slip, line, column } = self;
        match slip {
            Some(slip) => write!(f, "{why}: {slip} (line {line}, column {column})"),
            None => write!(f, "{why} (line {line}, column {column})"),
        }
    }
}

/// The same, with the place of a fault and without repairing anything: for a text that a person wrote.
///
/// # Errors
/// As [`parse`].
pub fn parse_exactly(text: &[u8]) -> Result<Map<String, Value>, JsonFault> {
    let fault = Cell::new(StrictJsonError::Syntax);
    let at = |why, error: &serde_json::Error| {
        let (line, before) = slips::place(text, error.line(), error.column());
        let slip = (why == StrictJsonError::Syntax).then(|| JsonSlip::of(error, text, before.end)).flatten();
        let is_letter = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
        let column = text.get(before).unwrap_or_default().iter().filter(is_letter).count() + 1;
        JsonFault { why, slip, line, column }
    };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = Strict { depth: 0, fault: &fault }.deserialize(&mut deserializer);
    let value = read.map_err(|error| at(fault.get(), &error))?;
    deserializer.end().map_err(|error| at(StrictJsonError::Syntax, &error))?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(JsonFault { why: StrictJsonError::NotAnObject, slip: None, line: 1, column: 1 }),
    }
}

#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    /// The cause of the failure, which serde's error type can't carry.
    fault: &'f Cell<StrictJsonError>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fail(StrictJsonError::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn fail<E: serde::de::Error>(self, fault: StrictJsonError) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if key == RAW_VALUE {
                return Err(self.fail(StrictJsonError::Syntax));
            }
            let Entry::Vacant(place) = object.entry(key) else {
                return Err(self.fail(StrictJsonError::DuplicateKey));
            };
            place.insert(members.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_fault_has_its_own_name() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        for (text, fault) in [
            ("", StrictJsonError::Syntax),
            ("{", StrictJsonError::Syntax),
            ("{} {}", StrictJsonError::Syntax),
            ("[]", StrictJsonError::NotAnObject),
            ("null", StrictJsonError::NotAnObject),
            (r#"{"a":1,"a":1}"#, StrictJsonError::DuplicateKey),
            (r#"{"a":[{"b":1,"\u0062":2}]}"#, StrictJsonError::DuplicateKey),
            (r#"{"a":{"$serde_json::private::RawValue":"{}"}}"#, StrictJsonError::Syntax),
            (&deep, StrictJsonError::TooDeep),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_fault_of_a_text_written_by_hand_has_a_place() {
        for (text, why, slip, line, column) in [
            ("{\n  \"a\": 1,\n}", StrictJsonError::Syntax, Some(JsonSlip::Comma), 3, 1),
            ("{\"a\": 1,\n \"a\": 2}", StrictJsonError::DuplicateKey, None, 2, 4),
            ("{}\n]", StrictJsonError::Syntax, Some(JsonSlip::Trailing), 2, 1),
            ("[]", StrictJsonError::NotAnObject, None, 1, 1),
            ("", StrictJsonError::Syntax, Some(JsonSlip::Empty), 1, 1),
        ] {
            assert_eq!(parse_exactly(text.as_bytes()), Err(JsonFault { why, slip, line, column }), "{text}");
        }
    }

    #[test]
    fn a_slip_of_the_keyboard_is_named_at_the_character_where_it_shows() {
        for (text, slip, line, column) in [
            (" \n ", JsonSlip::Empty, 2, 1),
            ("{\"가\": 1, // 나\n}", JsonSlip::Comment, 1, 10),
            ("{\n# a\n}", JsonSlip::Comment, 2, 1),
            ("{\"a\": /* b */ 1}", JsonSlip::Comment, 1, 7),
            ("{'a': 1}", JsonSlip::Quote, 1, 2),
            ("{\"가나\": “다”}", JsonSlip::Quote, 1, 8),
            ("{\"a\": [1,]}", JsonSlip::Comma, 1, 10),
            ("{\"a\": [1", JsonSlip::Unclosed, 1, 8),
            ("{\"a", JsonSlip::Unclosed, 1, 3),
            ("{a: 1}", JsonSlip::Name, 1, 2),
            ("{\"a: \"b\"}", JsonSlip::Colon, 1, 7),
            ("{\"a\": 1\n \"b\": 2}", JsonSlip::NoComma, 2, 2),
            ("{\"a\": \"b\" c\"}", JsonSlip::NoComma, 1, 11),
            ("{\"a\": [1}", JsonSlip::NoComma, 1, 9),
            ("{\"가\": \"b\n\"}", JsonSlip::LineBreak, 1, 9),
            ("{} {}", JsonSlip::Trailing, 1, 4),
            ("{\"a\": \"\\d\"}", JsonSlip::Escape, 1, 9),
            ("{\"a\": True}", JsonSlip::Value, 1, 7),
            ("안녕", JsonSlip::Value, 1, 1),
        ] {
            let fault = parse_exactly(text.as_bytes()).unwrap_err();
            assert_eq!((fault.slip, fault.line, fault.column), (Some(slip), line, column), "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_no_json() {
        assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(StrictJsonError::Syntax));
    }

    #[test]
    fn a_number_is_the_same_however_often_it_is_read_and_written() {
        let read = parse(br#"{"a":184400000001814867000}"#).unwrap();
        assert_eq!(parse(Value::Object(read.clone()).to_string().as_bytes()), Ok(read));
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(text in r#"\{("[a-c]":(1|-7|18446744073709551615|1\.5|"한글"|null|true|\[1,2\]|\{"z":0\}))?\}"#) {
            prop_assert_eq!(Value::Object(parse(text.as_bytes()).unwrap()), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
