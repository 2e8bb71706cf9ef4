//! Text for people, with our own colours only.

use std::fmt::Display;

use console::Style;

use super::visible;

/// A line for people. Whatever is put into it is made visible first, so that only our own styles reach the terminal.
#[derive(Clone, Debug, Default)]
pub struct Text(Vec<(Style, String)>);

impl Text {
    /// More of it.
    #[must_use]
    pub fn and(self, part: impl Display) -> Self {
        self.styled(Style::new(), part)
    }

    /// More of it, in this style.
    #[must_use]
    pub fn styled(mut self, style: Style, part: impl Display) -> Self {
        self.0.push((style, visible(&part.to_string())));
        self
    }

    /// With styles, or without.
    pub(super) fn rendered(&self, styled: bool) -> String {
        let style = |(style, part): &(Style, String)| style.clone().force_styling(styled).apply_to(part).to_string();
        self.0.iter().map(style).collect()
    }

    /// As standard output shows it.
    pub(super) fn for_stdout(&self) -> String {
        self.0.iter().map(|(style, part)| style.apply_to(part).to_string()).collect()
    }

    /// As standard error shows it.
    pub(super) fn for_stderr(&self) -> String {
        self.0.iter().map(|(style, part)| style.clone().for_stderr().apply_to(part).to_string()).collect()
    }

    /// Without any style.
    #[cfg(test)]
    pub(crate) fn plain(&self) -> String {
        self.0.iter().map(|(_, part)| part.as_str()).collect()
    }
}

impl<T: AsRef<str>> From<T> for Text {
    fn from(text: T) -> Self {
        Self::default().and(text.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_styles_are_escape_sequences() {
        let text =
            Text::from("\u{1b}[1mfalse\u{1b}[0m ").styled(Style::new().green().force_styling(true), "true\u{9b}2J");
        assert_eq!(text.for_stdout(), "\\u{1b}[1mfalse\\u{1b}[0m \u{1b}[32mtrue\\u{9b}2J\u{1b}[0m");
        assert_eq!(text.for_stderr(), text.for_stdout());
        assert_eq!(text.plain(), "\\u{1b}[1mfalse\\u{1b}[0m true\\u{9b}2J");
    }
}
