//! Lines for people, broken between words only.

use console::measure_text_width;

/// The text in lines of at most this many columns. A word that is longer has a line of its own: identifiers can still
/// be copied. At a no-break space (U+00A0) no line ends; it is written as a space.
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
    lines.into_iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

/// The same of a text that has lines of its own. One that is indented, such as a command, stays as it is.
#[must_use]
pub fn wrapped(text: &str, columns: usize) -> String {
    let line = |line: &str| match line.starts_with(' ') || line.is_empty() {
        true => vec![line.to_owned()],
        false => wrap(line, columns),
    };
    text.split('\n').flat_map(line).collect::<Vec<_>>().join("\n")
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
        assert_eq!(wrap("after 27\u{a0}s ago", 8), ["after", "27 s ago"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }

    #[test]
    fn each_line_of_a_text_is_broken_and_an_indented_one_is_left_alone() {
        assert_eq!(
            wrapped("one two three\n\n  a command to copy\nfour", 9),
            "one two\nthree\n\n  a command to copy\nfour"
        );
    }

    #[test]
    fn the_middle_is_left_out_of_what_is_too_long() {
        assert_eq!(shortened("0123456789:user-linked", 11), "01234…inked");
        assert_eq!(shortened("0123456789", 10), "0123456789");
        assert_eq!(shortened("라이언라이언", 3), "라…언");
    }
}
