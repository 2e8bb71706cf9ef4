use serde_json::Value;

use crate::wire::parse_strict_json;

/// Why Kakao does not show an answer that was posted to a callback URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackFailure {
    /// The message came from the bot test of Kakao's console.
    #[error("the message came from the bot test, which takes no callbacks")]
    BotTest,
    /// The URL is mistyped, expired or used.
    #[error("the callback URL is not valid, has expired or was used")]
    Token,
    /// Kakao doesn't know yet that a callback follows: the first answer is still on its way, or it was not the waiting
    /// answer.
    #[error("the first answer did not announce a callback, or has not arrived")]
    NotAnnounced,
    /// The URL's bot is none.
    #[error("the callback URL's bot is not valid")]
    Bot,
    /// The answer breaks a rule.
    #[error("the answer breaks a rule of Kakao's")]
    Reply,
    /// Kakao failed.
    #[error("Kakao's callback service failed")]
    Kakao,
    /// Something that isn't documented. Its words may repeat the URL or the answer, and are not kept.
    #[error("status {status}, with {length} characters that are no error known of Kakao's")]
    Unknown {
        /// The status: of the body, or of the response.
        status: u16,
        /// How long the message is.
        length: usize,
    },
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more: no further attempt can be shown.
    GiveUp,
    /// The same a second later, until the first answer must have reached Kakao.
    OnceMore,
    /// Plain words, once.
    PlainText,
    /// The same again while there is time.
    Retry,
}

impl CallbackFailure {
    /// The cause's stable short name, in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BotTest => "bot_test",
            Self::Token => "token",
            Self::NotAnnounced => "not_announced",
            Self::Bot => "bot",
            Self::Reply => "reply",
            Self::Kakao => "kakao",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn next(&self) -> Next {
        match self {
            Self::NotAnnounced => Next::OnceMore,
            Self::Reply => Next::PlainText,
            Self::Kakao => Next::Retry,
            Self::BotTest | Self::Token | Self::Bot | Self::Unknown { .. } => Next::GiveUp,
        }
    }
}

/// Kakao's messages, each by words that only it has, in the order in which they are looked for: the second is part of
/// the first.
const MESSAGES: [(&str, CallbackFailure); 8] = [
    ("invalid callback token for testing", CallbackFailure::BotTest),
    ("invalid callback token", CallbackFailure::Token),
    ("skill server settings", CallbackFailure::NotAnnounced),
    ("use callback", CallbackFailure::NotAnnounced),
    ("invalid bot id", CallbackFailure::Bot),
    ("invalid json response", CallbackFailure::Reply),
    ("skill-json", CallbackFailure::Reply),
    ("internal server error", CallbackFailure::Kakao),
];

/// What Kakao says to a posted answer: by the word or the message that its JSON has; without them, by the status in it,
/// else by the HTTP status.
///
/// # Errors
/// [`CallbackFailure`]: the answer isn't shown.
pub fn judge(http_status: u16, body: &[u8]) -> Result<(), CallbackFailure> {
    let body = parse_strict_json(body).unwrap_or_default();
    let text = |name| body.get(name).and_then(Value::as_str);
    let message = text("message").unwrap_or_default();
    let word = text("status");
    if word.is_some_and(|word| word.eq_ignore_ascii_case("SUCCESS")) {
        return Ok(());
    }
    let named = body.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = named.filter(|status| (400..600).contains(status)).unwrap_or(http_status);
    match of_message(message) {
        Some(failure) => Err(failure),
        None if word.is_none() && (200..300).contains(&status) => Ok(()),
        None if status >= 500 || status == 429 => Err(CallbackFailure::Kakao),
        None => Err(CallbackFailure::Unknown { status, length: message.chars().count() }),
    }
}

fn of_message(message: &str) -> Option<CallbackFailure> {
    let lower = message.to_lowercase();
    MESSAGES.into_iter().find(|(words, _)| lower.contains(words)).map(|(_, failure)| failure)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fails(status: u16, message: &str) -> CallbackFailure {
        let body = json!({"taskId": "t", "status": "FAIL", "message": message, "timestamp": 1}).to_string();
        judge(status, body.as_bytes()).unwrap_err()
    }

    #[test]
    fn each_row_of_kakaos_table_has_its_cause_and_what_to_do() {
        for (message, name, next) in [
            ("Invalid callback token for testing purposes", "bot_test", Next::GiveUp),
            ("Invalid callback token", "token", Next::GiveUp),
            ("skill server settings are incorrect, use callback true", "not_announced", Next::OnceMore),
            ("Invalid bot ID", "bot", Next::GiveUp),
            ("Invalid json response", "reply", Next::PlainText),
            ("Invalid skill-json format", "reply", Next::PlainText),
            ("Internal server error 501", "kakao", Next::Retry),
            ("Internal server error 999", "kakao", Next::Retry),
            ("Something new", "unknown", Next::GiveUp),
            ("", "unknown", Next::GiveUp),
        ] {
            for status in [200, 400] {
                let failure = fails(status, message);
                assert_eq!((failure.name(), failure.next()), (name, next), "{message}");
            }
        }
        assert_eq!(fails(500, "Something new"), CallbackFailure::Kakao);
    }

    #[test]
    fn the_bodys_status_counts_and_without_one_the_https() {
        let success = br#"{"taskId":"t","status":"SUCCESS","message":"ok","timestamp":1}"#;
        for status in [200, 202, 400, 500] {
            assert_eq!(judge(status, success), Ok(()));
        }
        for body in [&b""[..], b"ok", b"{}", b"[]", br#"{"status":1}"#] {
            assert_eq!(judge(200, body), Ok(()));
            assert_eq!(judge(503, body), Err(CallbackFailure::Kakao));
            assert_eq!(judge(429, body), Err(CallbackFailure::Kakao));
            assert!(matches!(judge(302, body), Err(CallbackFailure::Unknown { status: 302, .. })));
        }
    }

    #[test]
    fn a_message_counts_whatever_stands_beside_it() {
        for body in [
            json!({"status": 400, "message": "Invalid callback token"}),
            json!({"status": null, "message": "Invalid callback token"}),
            json!({"message": "Invalid callback token"}),
        ] {
            for status in [200, 400, 500] {
                assert_eq!(judge(status, body.to_string().as_bytes()), Err(CallbackFailure::Token), "{status}: {body}");
            }
        }
        let cut = br#"{"status":"FAIL","message":"Invalid callback token \ud83d"}"#;
        assert_eq!(judge(200, cut), Err(CallbackFailure::Token));
        let of_number = |number: u16| judge(200, json!({"status": number}).to_string().as_bytes());
        assert_eq!(of_number(503), Err(CallbackFailure::Kakao));
        assert_eq!(of_number(404), Err(CallbackFailure::Unknown { status: 404, length: 0 }));
        assert_eq!(of_number(200), Ok(()));
    }

    #[test]
    fn nothing_of_an_unknown_message_is_shown() {
        let said = "비밀번호는 1234 https://bot-api.kakao.com/v1/bots/64f0/callback/0d9f";
        let failure = fails(400, said);
        assert_eq!(failure, CallbackFailure::Unknown { status: 400, length: said.chars().count() });
        let shown = format!("{failure} {failure:?}");
        assert!(said.split([' ', '/']).filter(|word| word.len() > 3).all(|word| !shown.contains(word)), "{shown}");
    }
}
