//! An event about a token may hold the token itself (OAuth Event Types 1.0 §2), which opens the user's account. Nothing
//! here needs it, so it is overwritten before anything reads the event.

use std::borrow::Cow;

use serde::Deserialize;

use crate::wire::{is_key, scalars};

/// Members whose value is a token, whatever its format is said to be.
const TOKEN_MEMBERS: [&[u8]; 5] = [b"token", b"token_identifier", b"access_token", b"refresh_token", b"id_token"];

/// Events whose subject is a token: as it is, or as the `id` of an opaque subject.
const TOKEN_EVENTS: [&[u8]; 2] = [b"/event-type/token-issued", b"/event-type/token-revoked"];

/// The claims with a filler for each token in them, if there is one. What is not JSON is searched, too: it will be
/// kept.
pub(super) fn without_tokens(claims: &[u8]) -> Option<Vec<u8>> {
    // Few claims hold one.
    let mut redacted = Cow::Borrowed(claims);
    let (mut place, mut before) = (Position::default(), 0);
    for range in scalars(claims) {
        let between = claims.get(before..range.start).unwrap_or_default();
        place.pass(between);
        before = range.end;
        let is_key = is_key(claims, range.end);
        // What is not JSON may have a colon before it and behind it.
        let is_value = !is_key || between.trim_ascii_end().ends_with(b":");
        if is_value && place.is_token() {
            fill(redacted.to_mut().get_mut(range).unwrap_or_default());
        } else if is_key {
            place.enter(claims.get(range).unwrap_or_default());
        }
    }
    match redacted {
        Cow::Owned(redacted) if redacted != claims => Some(redacted),
        _ => None,
    }
}

/// A key, copied only if it is written with escapes. As bytes: a `str` refuses an unpaired surrogate, which the claims'
/// reader repairs.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'k>(#[serde(borrow)] Cow<'k, [u8]>);

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
    /// The depth of the subject of all events (RFC 9493 §4.1), whichever they are.
    common_subject: Option<i64>,
}

impl Position {
    /// Passes what stands between two scalars.
    fn pass(&mut self, between: &[u8]) {
        for byte in between {
            match byte {
                b'{' => {
                    self.subject = self.subject.filter(|depth| *depth < self.depth);
                    self.depth += 1;
                }
                b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    self.leave_below(self.depth);
                }
                _ => {}
            }
        }
    }

    fn enter(&mut self, key: &[u8]) {
        let depth = self.depth;
        self.leave_below(depth - 1);
        let Ok(Key(name)) = serde_json::from_slice(key) else {
            // It may be meant as any of them.
            self.token = self.token.or(Some(depth));
            return;
        };
        let name = name.as_ref();
        let is_in_subject = self.event.is_some() || self.common_subject.is_some();
        let is_token = TOKEN_MEMBERS.contains(&name) || (is_in_subject && name == b"id");
        self.token = self.token.or(is_token.then_some(depth));
        let is_subject = self.event.is_some() && (name == b"subject" || name == b"sub_id");
        self.subject = self.subject.or(is_subject.then_some(depth));
        let is_event = TOKEN_EVENTS.iter().any(|event| name.ends_with(event));
        self.event = self.event.or(is_event.then_some(depth));
        self.common_subject = self.common_subject.or((depth == 1 && name == b"sub_id").then_some(depth));
    }

    /// Forgets the keys that stand deeper.
    fn leave_below(&mut self, depth: i64) {
        for of_key in [&mut self.token, &mut self.event, &mut self.subject, &mut self.common_subject] {
            *of_key = of_key.filter(|known| *known <= depth);
        }
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
            (
                r#"{"\ud800\/event-type\/token-revoked":{"subject":"abc"},"sub":"7"}"#,
                r#"{"\ud800\/event-type\/token-revoked":{"subject":"***"},"sub":"7"}"#,
            ),
            (
                r#"{"events":{},"sub_id":{"format":"opaque","id":"abc","sub":"7"},"id":"8"}"#,
                r#"{"events":{},"sub_id":{"format":"opaque","id":"***","sub":"7"},"id":"8"}"#,
            ),
            (
                r#"{"u/event-type/token-revoked":{"sub_id":"abc"},"sub_id":"7"}"#,
                r#"{"u/event-type/token-revoked":{"sub_id":"***"},"sub_id":"7"}"#,
            ),
            (
                r#"{"u/event-type/token-revoked":{"subject":["a",{"sub":"7"},"bc"],"reason":"x"}}"#,
                r#"{"u/event-type/token-revoked":{"subject":["*",{"sub":"*"},"**"],"reason":"x"}}"#,
            ),
            // No JSON, and kept all the same.
            (
                r#"{"\x/event-type/token-revoked":{"subject":"abc"}}"#,
                r#"{"\x/event-type/token-revoked":{"subject":"***"}}"#,
            ),
            (r#"{"\x\/token-revoked":{"a":"abc"},"b":"c"}"#, r#"{"\x\/token-revoked":{"a":"***"},"b":"c"}"#),
            (r#"{"token":"abc":"def","a":"b"}"#, r#"{"token":"***":"***","a":"b"}"#),
            (r#"{"a":"token":"abc","b":"c"}"#, r#"{"a":"token":"***","b":"c"}"#),
            (r#"{"token":"abc","token":"def"}{"#, r#"{"token":"***","token":"***"}{"#),
            (r#"{"token":"abc"#, r#"{"token":"***"#),
            (r#"{"token":"abc\"#, r#"{"token":"****"#),
            (r#"{"token":"abc\""#, r#"{"token":"****""#),
        ] {
            assert_eq!(redacted(claims), kept);
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_hide_no_key() {
        let claims = b"{\"\xff/event-type/token-revoked\":{\"subject\":\"abc\"},\"\xff\":\"d\"}";
        let kept = b"{\"\xff/event-type/token-revoked\":{\"subject\":\"***\"},\"\xff\":\"d\"}";
        assert_eq!(without_tokens(claims).unwrap(), kept);
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
            if TOKEN_MEMBERS.contains(&name.as_bytes()) {
                expected["a"][&name] = Value::from("*".repeat(claims["a"][&name].to_string().len() - 2));
            }
            prop_assert_eq!(Value::Object(read), expected);
        }

        /// As the claims are read: whatever the key of an event is written like.
        #[test]
        fn a_token_is_hidden_below_every_key_that_is_read_as_its_event(
            before in r#"([a-z\u{ac00}]|\\ud83[cd]|\\udf8[9a]|\\u00e9|\\["\\/bfnrt]){0,5}"#,
            escaped in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let event = "/event-type/token-revoked".chars().zip(escaped);
            let event = event.map(|(c, is_escaped)| if is_escaped { format!("\\u{:04x}", u32::from(c)) } else { c.into() });
            let key = before + &event.collect::<String>();
            let read = parse_strict_json(redacted(&format!(r#"{{"{key}":{{"subject":"abc"}}}}"#)).as_bytes()).unwrap();
            let [(name, value)] = read.iter().collect::<Vec<_>>()[..] else { panic!("{read:?}") };
            prop_assert!(name.ends_with("/event-type/token-revoked"));
            prop_assert_eq!(value, &serde_json::json!({"subject": "***"}));
        }

        #[test]
        fn no_bytes_panic_or_change_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(without_tokens(&bytes).is_none_or(|text| text.len() == bytes.len()));
        }
    }
}
