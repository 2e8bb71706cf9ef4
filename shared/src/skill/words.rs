use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

/// A text in the form in which two that look the same are the same: composed (macOS writes Hangul decomposed),
/// without invisible characters, and with single blanks between words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(super) struct Words(String);

/// So many characters of a message are compared with the rules. People write far less.
const MOST_COMPARED: usize = 1_000;

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::of(&text)
    }
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        Self::of_beginning(text, usize::MAX)
    }

    /// What a user said, as far as it is compared: thousands of rules may be compared with it.
    pub(super) fn said(text: &str) -> Self {
        Self::of_beginning(text, MOST_COMPARED)
    }

    fn of_beginning(text: &str, most: usize) -> Self {
        // Copied texts carry such characters along unseen: joiners, marks of direction, Hangul fillers.
        let invisible = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let composed: String =
            text.chars().filter(|character| !invisible.contains(*character)).nfc().take(most).collect();
        Self(composed.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// Whether no message has it, as far as messages are compared.
    pub(super) fn is_too_long(&self) -> bool {
        self.0.chars().nth(MOST_COMPARED).is_some()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words without the mention of this bot that Kakao puts before them in a group chat room.
    pub(super) fn without_mention_of(&self, bot: Option<&Self>) -> &str {
        let Self(words) = self;
        let rest = bot.and_then(|Self(name)| words.strip_prefix('@')?.strip_prefix(name.as_str())?.strip_prefix(' '));
        rest.unwrap_or(words)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_equal_to_its_other_spellings(
            words in proptest::collection::vec("[가-힣a-zé🙂?]{1,6}", 1..4),
            blank in "[ \t\n\u{a0}\u{3000}]{1,3}",
            invisible in "[\u{ad}\u{115f}\u{1160}\u{180e}\u{200b}-\u{200f}\u{2060}-\u{2064}\u{3164}\u{fe0f}\u{feff}\u{ffa0}]",
        ) {
            let plain = Words::of(&words.join(" "));
            let decomposed: String = words.join(&blank).nfd().collect();
            let spaced: String = decomposed.chars().flat_map(|character| [character].into_iter().chain(invisible.chars())).collect();
            prop_assert_eq!(&Words::of(&format!("{blank}{invisible}{spaced}{blank}")), &plain);
            prop_assert_eq!(&Words::of(&plain.0), &plain);
            let mentioned = Words::of(&format!("@우리 봇{blank}{spaced}"));
            prop_assert_eq!(mentioned.without_mention_of(Some(&Words::of("우리 봇"))), plain.0);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), bot in any::<String>()) {
            let _ = Words::of(&text).without_mention_of(Some(&Words::of(&bot)));
        }
    }

    #[test]
    fn of_a_message_only_the_beginning_is_compared() {
        let long = "가".repeat(1_001);
        assert_eq!(Words::said(&long).as_str(), "가".repeat(1_000));
        // Decomposed, each is two characters.
        assert_eq!(Words::said(&long.nfd().collect::<String>()), Words::said(&long));
        assert_eq!(Words::of(&long).as_str(), long);
    }

    #[test]
    fn only_the_bots_own_mention_is_left_out() {
        let bot = Words::of("봇");
        for (text, rest) in [
            ("@봇 시간", "시간"),
            ("@봇", "@봇"),
            ("@봇들 시간", "@봇들 시간"),
            ("봇 시간", "봇 시간"),
            ("시간 @봇 ", "시간 @봇"),
            ("@다른봇 시간", "@다른봇 시간"),
            ("@봇 @봇 시간", "@봇 시간"),
        ] {
            assert_eq!(Words::of(text).without_mention_of(Some(&bot)), rest);
        }
        assert_eq!(Words::of("@봇 시간").without_mention_of(None), "@봇 시간");
    }
}
