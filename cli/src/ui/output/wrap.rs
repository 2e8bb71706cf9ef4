//! Lines for people, broken between words only.

use console::measure_text_width;

/// The text in lines of at most this many columns. A word that is longer has a line of its own: identifiers can still
/// be copied.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + 1 + measure_text_width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text with its middle left out, if it has more characters than this.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let end = kept / 2;
    let start: String = text.chars().take(kept - end).collect();
    start + "…" + &text.chars().skip(length - end).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_between_words_and_a_long_word_stays_whole() {
        assert_eq!(wrap("one two  three 라이언 봄", 9), ["one two", "three", "라이언 봄"]);
        assert_eq!(wrap("a 2026-11-28T02:55:06.000Z b", 10), ["a", "2026-11-28T02:55:06.000Z", "b"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }

    #[test]
    fn the_middle_is_left_out_of_what_is_too_long() {
        assert_eq!(shortened("0123456789:user-linked", 11), "01234…inked");
        assert_eq!(shortened("0123456789", 10), "0123456789");
        assert_eq!(shortened("라이언라이언", 3), "라…언");
    }
}
