use std::io::{self, Write};

use serde::{Serialize, ser::Error};
use serde_json::ser::{Formatter, Serializer};

/// Writes JSON in which every character outside of ASCII is escaped: what SQS takes.
///
/// # Errors
/// If the value can't be written as JSON.
pub fn to_ascii_json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Ascii))?;
    String::from_utf8(bytes).map_err(serde_json::Error::custom)
}

/// Control characters are escaped already: no fragment holds one.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for run in fragment.split_inclusive(|character: char| !character.is_ascii()) {
            let (plain, other) = run.split_at(run.trim_end_matches(|character: char| !character.is_ascii()).len());
            writer.write_all(plain.as_bytes())?;
            for unit in other.encode_utf16() {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}
