//! The known words that resemble one with a typing error.

use strsim::osa_distance;

/// This many letters are added, left out, changed or swapped at most.
const MOST_ERRORS: usize = 3;

/// The words that this text is a slip of the keyboard away from, in any case: all that are nearest. None if it is one
/// of them.
pub fn nearest<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Vec<&'w str> {
    let mut nearest = Vec::new();
    let mut least = (text.chars().count() / 3).clamp(1, MOST_ERRORS);
    for word in words {
        if word == text {
            return vec![];
        }
        let distance = osa_distance(&text.to_lowercase(), &word.to_lowercase());
        if distance < least {
            nearest.clear();
            least = distance;
        }
        if distance == least {
            nearest.push(word);
        }
    }
    nearest
}

/// The same as a question: "did you mean `user-unlinked`?"
pub fn did_you_mean<'w>(text: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    let words: Vec<_> = nearest(text, words).into_iter().map(|word| format!("`{word}`")).collect();
    (!words.is_empty()).then(|| format!("did you mean {}?", words.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 5] = ["user-linked", "user-unlinked", "added", "blocked", "token-revoked"];

    #[test]
    fn a_typing_error_is_recognized_and_another_word_is_not_one() {
        for (text, meant) in [
            ("user-unlinkd", &["user-unlinked"][..]),
            ("user-unlikned", &["user-unlinked"]),
            ("USER-linked", &["user-linked"]),
            ("User-linked", &["user-linked"]),
            ("user-ulinked", &["user-linked", "user-unlinked"]),
            ("aded", &["added"]),
            ("block", &[]),
            ("blockd", &["blocked"]),
            ("user-linked", &[]),
            ("chat_room", &[]),
            ("leave", &[]),
            ("", &[]),
            ("한글", &[]),
        ] {
            assert_eq!(nearest(text, WORDS), meant, "{text}");
        }
        assert_eq!(
            did_you_mean("user-ulinked", WORDS).as_deref(),
            Some("did you mean `user-linked` or `user-unlinked`?")
        );
        assert_eq!(did_you_mean("leave", WORDS), None);
    }
}
