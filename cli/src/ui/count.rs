//! Counted nouns: `1 user`, `2 users`.

use std::fmt::Display;

/// A count and its noun, in the plural unless the count is one.
#[must_use]
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    if count == N::from(1) { format!("{count} {noun}") } else { format!("{count} {}", plural(noun)) }
}

/// The regular plural of a noun. The last word carries it.
#[must_use]
pub fn plural(noun: &str) -> String {
    let before_y = noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match before_y {
        Some(stem) => format!("{stem}ies"),
        None if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") => format!("{noun}es"),
        None => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        for (count, noun, text) in [
            (0, "user", "0 users"),
            (1, "user", "1 user"),
            (2, "user", "2 users"),
            (1, "dead letter", "1 dead letter"),
            (2, "address", "2 addresses"),
            (3, "entry", "3 entries"),
            (3, "day", "3 days"),
        ] {
            assert_eq!(counted(count, noun), text);
        }
    }
}
