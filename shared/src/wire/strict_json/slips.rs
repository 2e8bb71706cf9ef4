//! What of JSON's syntax a text breaks, in the words of whoever wrote it by hand.

use std::ops::Range;

use serde_json::error::Category;

/// What is wrong at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonSlip {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// `//`, `/*` or `#`.
    #[error("JSON has no comments: leave it out")]
    Comment,
    /// `'`, `“`, `‘` and the like.
    #[error("this is not the quotation mark of JSON, which is \"")]
    Quote,
    /// A comma before a closing bracket.
    #[error("the comma before this bracket is one too many")]
    Comma,
    /// It ends within an object, a list or a text.
    #[error("it ends too early: a bracket or a quotation mark is not closed")]
    Unclosed,
    /// A name without quotation marks.
    #[error("a member's name in quotation marks must stand here")]
    Name,
    /// A name without a value.
    #[error("a colon must stand here, or a quotation mark before it is missing")]
    Colon,
    /// Two values without a comma.
    #[error("a comma or a closing bracket is missing before this, or a \\ before a quotation mark within a text")]
    NoComma,
    /// A text of two lines.
    #[error("a text is not closed in its line (a line break within a text is written \\n)")]
    LineBreak,
    /// More behind the end.
    #[error("something follows behind the end of the document")]
    Trailing,
    /// `\` and something that JSON doesn't know.
    #[error("a \\ within a text is written \\\\")]
    Escape,
    /// Neither an object nor a list, text, number, `true`, `false` or `null`.
    #[error("a value must stand here: a text in quotation marks, a number, true, false, null, {{…}} or […]")]
    Value,
}

impl JsonSlip {
    /// That of an error, whose place is this byte of the text.
    pub(super) fn of(error: &serde_json::Error, text: &[u8], at: usize) -> Option<Self> {
        if text.trim_ascii().is_empty() {
            return Some(Self::Empty);
        }
        let (before, rest) = text.split_at_checked(at)?;
        if ["//", "/*", "#"].iter().any(|comment| rest.starts_with(comment.as_bytes())) {
            return Some(Self::Comment);
        }
        if ["'", "“", "”", "‘", "’", "＂"].iter().any(|quote| rest.starts_with(quote.as_bytes())) {
            return Some(Self::Quote);
        }
        let is_behind_comma = before.trim_ascii_end().ends_with(b",");
        if is_behind_comma && (rest.starts_with(b"}") || rest.starts_with(b"]")) {
            return Some(Self::Comma);
        }
        Self::of_words(&error.to_string()).or((error.classify() == Category::Eof).then_some(Self::Unclosed))
    }

    /// serde_json tells its errors apart by their words only.
    fn of_words(error: &str) -> Option<Self> {
        let words = [
            ("key must be a string", Self::Name),
            ("expected `:`", Self::Colon),
            ("expected `,` or", Self::NoComma),
            ("control character", Self::LineBreak),
            ("trailing comma", Self::Comma),
            ("trailing characters", Self::Trailing),
            ("invalid escape", Self::Escape),
            ("expected value", Self::Value),
            ("expected ident", Self::Value),
            ("invalid number", Self::Value),
        ];
        words.into_iter().find_map(|(begin, slip)| error.starts_with(begin).then_some(slip))
    }
}

/// The line of an error's place, counted from 1, and that line's bytes before the one that is wrong.
pub(super) fn place(text: &[u8], line: usize, column: usize) -> (usize, Range<usize>) {
    let lines_before = text.split_inclusive(|byte| *byte == b'\n').take(line.saturating_sub(1));
    let start: usize = lines_before.map(<[u8]>::len).sum();
    // serde_json counts what it has read: a line break that ends a text belongs to the line before.
    let at = (start + column).saturating_sub(1).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    (before.iter().filter(|byte| **byte == b'\n').count() + 1, start..at)
}
