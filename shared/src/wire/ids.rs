//! Identifiers. Whatever becomes part of a table key is checked here, once: a bounded length, no
//! control character and no `#`, which parts the members of a key. So no input reaches another
//! user's key.

use std::{fmt, num::NonZeroU64, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// A text that is no identifier of this type. It names no value: the value may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(&'static str);

/// A Kakao app's number, as digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(String);

impl AppId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidId("app id (1 to 20 digits)")) }
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A member number: the user's id within one app (Kakao Login, "회원번호"). Up to 64 bits, so text or
/// an integer on the wire, never a float. It is personal: `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(NonZeroU64);

impl UserId {
    /// From the number itself; zero is no member's.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number, to count from it: never for a log.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0.get()
    }

    /// The digits, for keys, items and what an operator asked to see: never for a log.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[member number]")
    }
}

const INVALID_USER_ID: InvalidId = InvalidId("member number (a positive integer of at most 64 bits)");

impl FromStr for UserId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // `u64::from_str` would take a leading plus sign.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(INVALID_USER_ID);
        }
        text.parse().ok().and_then(Self::new).ok_or(INVALID_USER_ID)
    }
}

/// An id's text; an integer's digits are the same id.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

macro_rules! digits {
    ($name:ident, $invalid:expr) => {
        impl TryFrom<&Value> for $name {
            type Error = InvalidId;

            fn try_from(value: &Value) -> Result<Self, InvalidId> {
                text_of(value).ok_or($invalid)?.parse()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

digits!(AppId, InvalidId("app id (1 to 20 digits)"));
digits!(UserId, INVALID_USER_ID);

impl Serialize for AppId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Whether a text may be a member of a table key.
fn is_key_member(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && !text.chars().any(|character| character.is_control() || character == '#')
}

fn without_channel(bot_id: &str) -> String {
    bot_id.trim_end_matches('!').to_owned()
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $longest:literal $(, $normal:path)?) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                $(let text = $normal(&text);)?
                if is_key_member(&text, $longest) { Ok(Self(text)) } else { Err(InvalidId($what)) }
            }
        }

        impl TryFrom<&Value> for $name {
            type Error = InvalidId;

            fn try_from(value: &Value) -> Result<Self, InvalidId> {
                text_of(value).ok_or(InvalidId($what))?.try_into()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!("[", $what, "]"))
            }
        }
    };
}

text_id!(
    /// A chatbot's id (`bot.id`). Its development channel is the same bot: it writes the id with a `!` at the end,
    /// which is left out here.
    BotId, "bot id", 128, without_channel
);
text_id!(
    /// A user as one bot knows them (`userRequest.user.id`).
    BotUserKey, "bot user key", 256
);
text_id!(
    /// A group chat room as one bot knows it (`botGroupKey`).
    RoomKey, "room key", 256
);
text_id!(
    /// A KakaoTalk Channel's public id (`_ISxgbxb`).
    ChannelId, "channel public id", 128
);
text_id!(
    /// A chat room's id as share webhooks carry it (`HASH_CHAT_ID`).
    ChatId, "chat id", 256
);
text_id!(
    /// A user who is known to a channel only (`id_type` = `open_id`).
    OpenId, "open id", 256
);
text_id!(
    /// The name of a consent item (`account_email`).
    ScopeId, "scope", 128
);

/// The identity of an event: the same event delivered twice has the same id.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct EventId(String);

impl EventId {
    /// An id from a text that Kakao or the gateway made. A text that could not stand in a key (or
    /// is too long) is replaced by its SHA-256: a strange id must not cost the event.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if is_key_member(text, 256) { Self(text.to_owned()) } else { Self(sha256_hex(text.as_bytes())) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for EventId {
    fn from(text: String) -> Self {
        Self::from_text(&text)
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of some bytes, as 64 lower-case hex characters.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_number_is_text_or_an_integer_of_up_to_64_bits() {
        for value in [json!("18446744073709551615"), json!(18_446_744_073_709_551_615_u64)] {
            assert_eq!(UserId::try_from(&value).unwrap().digits(), "18446744073709551615");
        }
        for value in [
            json!(1.0),
            json!(-1),
            json!(0),
            json!("0"),
            json!("+1"),
            json!(" 1"),
            json!("1e3"),
            json!("١"),
            json!(""),
            json!("18446744073709551616"),
            json!(null),
            json!([1]),
        ] {
            assert!(UserId::try_from(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn no_debug_output_shows_a_member_number() {
        assert_eq!(format!("{:?}", UserId::new(1_234_567).unwrap()), "[member number]");
    }

    #[test]
    fn a_text_id_can_never_part_a_key() {
        for text in ["", "a#b", "a\nb", "a\0", "a\u{85}", &"x".repeat(257)] {
            assert!(text.parse::<OpenId>().is_err(), "{text:?}");
        }
        assert_eq!("_ISxgbxb".parse::<ChannelId>().unwrap().as_str(), "_ISxgbxb");
    }

    #[test]
    fn a_text_id_may_come_as_an_integer_and_is_its_digits_then() {
        for (value, text) in
            [(json!(0), "0"), (json!(1_274_364_410), "1274364410"), (json!(u64::MAX), "18446744073709551615")]
        {
            assert_eq!(OpenId::try_from(&value).unwrap().as_str(), text);
        }
        for value in
            [json!(1.0), json!(1e3), json!(-1), json!(1.5), json!(true), json!(null), json!(["1"]), json!({"id": 1})]
        {
            assert!(OpenId::try_from(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn a_bots_development_channel_is_the_same_bot() {
        let bot: BotId = "64f0!".parse().unwrap();
        assert_eq!((bot.as_str(), &bot), ("64f0", &"64f0".parse().unwrap()));
        assert_eq!(serde_json::from_value::<BotId>(json!("64f0!")).unwrap(), bot);
        assert_eq!("a!b".parse::<BotId>().unwrap().as_str(), "a!b");
        assert!("!".parse::<BotId>().is_err());
    }

    #[test]
    fn an_event_id_that_cannot_stand_in_a_key_is_replaced_by_its_digest() {
        assert_eq!(EventId::from_text("a-b:c").as_str(), "a-b:c");
        assert_eq!(EventId::from_text("a#b").as_str().len(), 64);
        assert_ne!(EventId::from_text("a#b"), EventId::from_text("a#c"));
    }
}
