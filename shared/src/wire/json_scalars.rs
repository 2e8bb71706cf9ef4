//! The strings and numbers of a JSON text, found without reading it, for cases that `serde_json` cannot handle.
//! Nothing is inserted or removed, so that a text that is not JSON stays one that is not JSON.

use std::ops::Range;

use serde::de::{DeserializeOwned, IgnoredAny};

/// Reads JSON from outside: half a surrogate pair is U+FFFD, and a number beyond a double is ±1e308.
///
/// # Errors
/// `serde_json`'s.
pub fn from_json<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(text).or_else(|_| serde_json::from_slice(&repaired(text)))
}

/// The text with a substitute for each value that JSON's grammar allows and `serde_json` refuses (RFC 8259 §6, §8.2).
pub(super) fn repaired(text: &[u8]) -> Vec<u8> {
    let mut repaired = text.to_vec();
    for range in scalars(text) {
        match repaired.get_mut(range) {
            Some(string @ [b'"', ..]) => replace_half_pairs(string),
            Some(number) if is_beyond_a_double(number) => replace_with_1e308(number),
            _ => {}
        }
    }
    repaired
}

/// Where the strings, quotes included, and the numbers of a text are. Each byte is looked at once.
pub(crate) fn scalars(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let length = match rest.first()? {
                b'"' => string_length(rest),
                b'-' | b'0'..=b'9' => number_length(rest),
                _ => 0,
            };
            let start = at;
            at += length.max(1);
            if length > 0 {
                return Some(start..at);
            }
        }
    })
}

/// Whether what ends at this place is a member's key.
pub(crate) fn is_key(text: &[u8], end: usize) -> bool {
    text.get(end..).unwrap_or_default().trim_ascii_start().first() == Some(&b':')
}

/// Up to the closing quote, or to the end where there is none.
fn string_length(text: &[u8]) -> usize {
    let mut is_escaped = true;
    let is_end = |byte: &u8| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    };
    text.iter().position(is_end).map_or(text.len(), |last| last + 1)
}

fn number_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count()
}

fn is_beyond_a_double(number: &[u8]) -> bool {
    serde_json::from_slice::<f64>(number).is_err() && serde_json::from_slice::<IgnoredAny>(number).is_ok()
}

/// No shorter text is beyond a double. It stays a number, so that a field that needs it is an error and not absent.
fn replace_with_1e308(number: &mut [u8]) {
    let digits = number.iter_mut().skip_while(|byte| **byte == b'-');
    let filler = std::iter::repeat(b' ');
    digits.zip(b"1e308".iter().copied().chain(filler)).for_each(|(byte, other)| *byte = other);
}

/// The length of an escape as in `\ud83c`.
const UNIT: usize = 6;

fn replace_half_pairs(string: &mut [u8]) {
    let mut at = 0;
    while let Some(rest) = string.get_mut(at..).filter(|rest| !rest.is_empty()) {
        at += match utf_16_unit(rest) {
            Some(0xd800..=0xdbff) if matches!(rest.get(UNIT..).and_then(utf_16_unit), Some(0xdc00..=0xdfff)) => {
                2 * UNIT
            }
            Some(0xd800..=0xdfff) => {
                rest.iter_mut().zip(b"\\ufffd").for_each(|(byte, other)| *byte = *other);
                UNIT
            }
            // What follows a backslash is never the beginning of another escape.
            _ if rest.first() == Some(&b'\\') => 2,
            _ => 1,
        };
    }
}

/// The UTF-16 unit whose escape a text begins with.
fn utf_16_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        from_json(text.as_bytes())
    }

    #[test]
    fn half_a_surrogate_pair_is_the_replacement_character_wherever_it_is() {
        for (text, value) in [
            (r#"["바다 \ud83c"]"#, json!(["바다 \u{fffd}"])),
            (r#"["\udf0a바다"]"#, json!(["\u{fffd}바다"])),
            (r#"{"\uD83C":"\uDF0A"}"#, json!({"\u{fffd}": "\u{fffd}"})),
            (r#"["\ud83c\ud83c\udf0a"]"#, json!(["\u{fffd}🌊"])),
            (r#"["\ud83c\n\udf0a\ud83c\udf0a"]"#, json!(["\u{fffd}\n\u{fffd}🌊"])),
            (r#"["\\ud83c\\\ud83c"]"#, json!(["\\ud83c\\\u{fffd}"])),
            (r#"["\"\ud83c", "\\", "\ud83c"]"#, json!(["\"\u{fffd}", "\\", "\u{fffd}"])),
        ] {
            assert_eq!(read(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn a_number_beyond_a_double_costs_no_other_member() {
        let long = "9".repeat(400);
        for (number, value) in
            [("1e400", 1e308), ("-1e400", -1e308), ("2e308", 1e308), (&long, 1e308), ("1E+999", 1e308)]
        {
            let text = format!(r#"{{"a":18446744073709551615,"b":[{number}],"c":"{number}"}}"#);
            assert_eq!(read(&text).unwrap(), json!({"a": u64::MAX, "b": [value], "c": number}), "{number}");
        }
    }

    #[test]
    fn what_is_not_json_is_not_repaired() {
        for text in [
            "01e400",
            "1.e400",
            "+1e400",
            "1e400x",
            "true1e400",
            "\"\\ud83c",
            "\"\\ud83\"",
            "\"\\u+83c\"",
            "\"\\x\\ud83c\"",
            "[1e400",
            "\"\u{1}\\ud83c\"",
            "1e400 1e400",
            "'\\ud83c'",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(from_json::<Value>(b"\"\xff\\ud83c\"").is_err());
    }

    proptest! {
        #[test]
        fn what_serde_json_reads_is_read_as_serde_json_reads_it(pieces in proptest::collection::vec(piece(), 0..12)) {
            let text = pieces.concat();
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                prop_assert_eq!(read(&text).unwrap(), value.clone());
                prop_assert_eq!(serde_json::from_slice::<Value>(&repaired(text.as_bytes())).unwrap(), value);
            }
        }

        #[test]
        fn a_string_of_any_escapes_is_read_with_half_pairs_replaced(units in proptest::collection::vec(unit(), 0..8)) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            prop_assert_eq!(read(&format!("\"{escaped}\"")).unwrap(), String::from_utf16_lossy(&units));
        }

        #[test]
        fn no_bytes_panic_or_change_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(repaired(&bytes).len(), bytes.len());
            let _ = from_json::<Value>(&bytes);
        }
    }

    fn piece() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"\\ud83c\\udf0a\"",
            "\\ud83c",
            "\\",
            "1",
            "-1.5",
            "1e3",
            "1e400",
            " ",
            "true",
            "null",
            "한",
        ])
    }

    fn unit() -> impl Strategy<Value = u16> {
        prop_oneof![any::<u16>(), 0xd7f0..0xe010_u16]
    }
}
