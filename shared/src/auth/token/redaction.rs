//! An event about a token may hold the token itself (OAuth Event Types 1.0 §2), which opens the user's account. Nothing
//! here needs it, so it is overwritten before anything reads the event.

use std::borrow::Cow;

use serde::Deserialize;

use crate::wire::{is_key, scalars};

/// Members whose value is a token, whatever its format is said to be.
const TOKEN_MEMBERS: [&str; 5] = ["token", "token_identifier", "access_token", "refresh_token", "id_token"];

/// Events whose subject is a token: as it is, or as the `id` of an opaque subject.
const TOKEN_EVENTS: [&str; 2] = ["/event-type/token-issued", "/event-type/token-revoked"];

/// The claims with a filler for each token in them, if there is one. What is not JSON is searched, too: it will be
/// kept.
pub(super) fn without_tokens(claims: &[u8]) -> Option<Vec<u8>> {
    // Few claims hold one.
    let mut redacted = Cow::Borrowed(claims);
    let (mut place, mut before) = (Position::default(), 0);
    for range in scalars(claims) {
        place.pass(claims.get(before..range.start).unwrap_or_default());
        before = range.end;
        if is_key(claims, range.end) {
            place.enter(claims.get(range).unwrap_or_default());
        } else if place.is_token()
            && let Some(value) = redacted.to_mut().get_mut(range)
        {
            fill(value);
        }
    }
    match redacted {
        Cow::Owned(redacted) if redacted != claims => Some(redacted),
        _ => None,
    }
}

/// A key, copied only if it is written with escapes.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

/// Where in the claims a scalar stands. Depths count objects and arrays.
#[derive(Default)]
struct Position {
    depth: i64,
    /// The depth of the key below which everything is a token.
    token: Option<i64>,
    /// The depth of the key of an event about a token.
    event: Option<i64>,
    /// The depth of the `subject` of such an event: a token where it is not an object.
    subject: Option<i64>,
}

impl Position {
    /// Passes what stands between two scalars.
    fn pass(&mut self, between: &[u8]) {
        for byte in between {
            match byte {
                b'{' => {
                    self.depth += 1;
                    self.subject = None;
                }
                b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    for of_key in [&mut self.token, &mut self.event, &mut self.subject] {
                        *of_key = of_key.filter(|depth| *depth <= self.depth);
                    }
                }
                _ => {}
            }
        }
    }

    fn enter(&mut self, key: &[u8]) {
        let Key(name) = serde_json::from_slice(key).unwrap_or_default();
        let depth = self.depth;
        for of_key in [&mut self.token, &mut self.event, &mut self.subject] {
            *of_key = of_key.filter(|known| *known < depth);
        }
        let is_token = TOKEN_MEMBERS.contains(&&*name) || (self.event.is_some() && name == "id");
        self.token = self.token.or(is_token.then_some(depth));
        self.subject = (self.event.is_some() && name == "subject").then_some(depth);
        let is_event = TOKEN_EVENTS.iter().any(|event| name.ends_with(event));
        self.event = self.event.or(is_event.then_some(depth));
    }

    const fn is_token(&self) -> bool {
        self.token.is_some() || self.subject.is_some()
    }
}

/// A string stays a string, a number a number.
fn fill(value: &mut [u8]) {
    match value {
        [b'"', inside @ .., b'"'] | [b'"', inside @ ..] => inside.fill(b'*'),
        number => number.iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|digit| *digit = b'1'),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::wire::parse_strict_json;

    fn redacted(claims: &str) -> String {
        without_tokens(claims.as_bytes()).map_or_else(|| claims.to_owned(), |text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn the_value_of_a_member_that_holds_a_token_is_hidden_and_nothing_else() {
        for (claims, kept) in [
            (r#"{"token":"abc","reason":"x"}"#, r#"{"token":"***","reason":"x"}"#),
            (
                r#"{"a":[{"token_identifier" : "a\"c"}],"b":"token"}"#,
                r#"{"a":[{"token_identifier" : "****"}],"b":"token"}"#,
            ),
            (r#"{"t\u006fken":["a","b"],"c":"d"}"#, r#"{"t\u006fken":["*","*"],"c":"d"}"#),
            (r#"[{"token":"abc"},"d",5]"#, r#"[{"token":"***"},"d",5]"#),
            (r#"{"refresh_token":-12.5e3,"c":1}"#, r#"{"refresh_token":-11.1e1,"c":1}"#),
            (
                r#"{"token":{"value":"abc","c":["d",{"e":1}]},"f":"g"}"#,
                r#"{"token":{"value":"***","c":["*",{"e":1}]},"f":"g"}"#,
            ),
            (r#"{"token":["a",{"x":2},"bc"],"f":"g"}"#, r#"{"token":["*",{"x":1},"**"],"f":"g"}"#),
            (
                r#"{"u/event-type/token-revoked":{"subject":"abc","reason":"x"},"sub":"7"}"#,
                r#"{"u/event-type/token-revoked":{"subject":"***","reason":"x"},"sub":"7"}"#,
            ),
            (
                r#"{"u/event-type/token-issued":{"subject":{"format":"opaque","id":"abc"},"token_subject":{"sub":"7"}}}"#,
                r#"{"u/event-type/token-issued":{"subject":{"format":"opaque","id":"***"},"token_subject":{"sub":"7"}}}"#,
            ),
            // No JSON, and kept all the same.
            (r#"{"token":"abc","token":"def"}{"#, r#"{"token":"***","token":"***"}{"#),
            (r#"{"token":"abc"#, r#"{"token":"***"#),
            (r#"{"token":"abc\"#, r#"{"token":"****"#),
            (r#"{"token":"abc\""#, r#"{"token":"****""#),
        ] {
            assert_eq!(redacted(claims), kept);
        }
    }

    #[test]
    fn claims_without_a_token_are_kept_as_they_came() {
        for claims in [
            r#"{"token_type":"refresh_token","token_subject":{"sub":"7"}}"#,
            r#"{"u/event-type/token-revoked":{"subject":{"subject_type":"iss-sub","sub":"7"}},"id":"8","subject":"9"}"#,
            r#"{"a":"token:","b":"c"}"#,
            "",
            "\"",
        ] {
            assert_eq!(without_tokens(claims.as_bytes()), None, "{claims}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_the_same_but_for_the_tokens(name in "(token|id_token|sub|t)", value in r#"([a-z"\\\u{ac00}]|\\u){0,9}"#) {
            let claims = serde_json::json!({"a": {name.clone(): value.clone(), "b": [value.clone()]}, "c": value});
            let read = parse_strict_json(redacted(&claims.to_string()).as_bytes()).unwrap();
            let mut expected = claims.clone();
            if TOKEN_MEMBERS.contains(&name.as_str()) {
                expected["a"][&name] = Value::from("*".repeat(claims["a"][&name].to_string().len() - 2));
            }
            prop_assert_eq!(Value::Object(read), expected);
        }

        #[test]
        fn no_bytes_panic_or_change_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(without_tokens(&bytes).is_none_or(|text| text.len() == bytes.len()));
        }
    }
}
