//! Text from outside may hold characters that a terminal obeys or that a reader can't see. They are written as escapes.

/// Whether a character is a control character (C0, DEL, C1) or an invisible format character: marks of direction, line
/// separators, tags. The two joiners (U+200C, U+200D) aren't among them: emoji and some scripts are written with them.
const fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text on one line, each hidden character as an escape: `\n`, `\r`, `\t`, else as in `\u{1b}`.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// A JSON document with the same value, each hidden character as `\u009b`. Line breaks between its members stay.
#[must_use]
pub(super) fn visible_json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for letter in document.chars() {
        if is_hidden(letter) && letter != '\n' {
            let units =
                letter.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
            shown.push_str(&units);
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn all_hidden() -> impl Iterator<Item = char> {
        ('\0'..=char::MAX).filter(|letter| is_hidden(*letter))
    }

    #[test]
    fn every_control_character_and_every_invisible_mark_is_hidden_and_no_letter_is() {
        let controls = ('\0'..=char::MAX).filter(|letter| letter.is_control());
        let marks = "\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{61c}\
                     \u{2028}\u{2029}\u{200b}\u{feff}\u{e0001}\u{e0041}\u{e007f}";
        for letter in controls.chain(marks.chars()) {
            assert!(is_hidden(letter), "{letter:?}");
        }
        let text = "라이언 a\u{301} 👩\u{200d}👧 ❤\u{fe0f} العربية – “x” \\u";
        assert_eq!(visible(text), text);
    }

    #[test]
    fn a_hidden_character_is_shown_as_an_escape() {
        assert_eq!(visible("a\u{1b}[2J\u{9b}b\r\n\t\u{202e}"), "a\\u{1b}[2J\\u{9b}b\\r\\n\\t\\u{202e}");
        assert!(
            all_hidden().all(|letter| visible(&letter.to_string()).chars().all(|letter| letter.is_ascii_graphic()))
        );
    }

    #[test]
    fn json_keeps_its_value_and_hides_nothing() {
        let text: String = all_hidden().chain("\"\\라이언".chars()).collect();
        let value = json!({ &text: [text, {"a": 1}] });
        let shown = visible_json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        assert!(!shown.chars().any(|letter| is_hidden(letter) && letter != '\n'), "{shown:?}");
        assert!(shown.contains("\\u009b") && shown.contains("\\u007f") && shown.contains("\\u202e"), "{shown}");
    }
}
