use serde::Deserialize;

use crate::wire::rest_api::without_secrets;

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
    /// Something that isn't documented, in Kakao's words.
    #[error("{0}")]
    Unknown(String),
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing more: no further attempt can be shown.
    GiveUp,
    /// The same once more, a second later.
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
            Self::Unknown(_) => "unknown",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn next(&self) -> Next {
        match self {
            Self::NotAnnounced => Next::OnceMore,
            Self::Reply => Next::PlainText,
            Self::Kakao => Next::Retry,
            Self::BotTest | Self::Token | Self::Bot | Self::Unknown(_) => Next::GiveUp,
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

/// What Kakao says to a posted answer: by the status that its JSON has; without one, by the HTTP status.
///
/// # Errors
/// [`CallbackFailure`]: the answer isn't shown.
pub fn judge(status: u16, body: &[u8]) -> Result<(), CallbackFailure> {
    #[derive(Deserialize)]
    struct Body {
        status: String,
        #[serde(default)]
        message: Option<String>,
    }
    match serde_json::from_slice(body) {
        Ok(Body { status: word, .. }) if word.eq_ignore_ascii_case("SUCCESS") => Ok(()),
        Ok(Body { message, .. }) => Err(of_message(status, &message.unwrap_or_default())),
        Err(_) if (200..300).contains(&status) => Ok(()),
        Err(_) => Err(of_message(status, "")),
    }
}

fn of_message(status: u16, message: &str) -> CallbackFailure {
    let lower = message.to_lowercase();
    match MESSAGES.into_iter().find(|(words, _)| lower.contains(words)) {
        Some((_, failure)) => failure,
        None if status >= 500 || status == 429 => CallbackFailure::Kakao,
        None => CallbackFailure::Unknown(format!("status {status}: {}", without_secrets(message))),
    }
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
            assert!(matches!(judge(302, body), Err(CallbackFailure::Unknown(_))));
        }
    }

    #[test]
    fn an_unknown_message_is_shown_in_short_and_without_a_token() {
        let token = "0d9f1c2b3a4e5f60718293a4b5c6d7e8";
        let long =
            format!("No {token} at https://bot-api.kakao.com/v1/bots/{token}/callback/{token}\n{}", "가".repeat(999));
        let CallbackFailure::Unknown(shown) = fails(400, &long) else { panic!("known") };
        assert!(!shown.contains(token) && !shown.contains('\n') && shown.chars().count() < 400, "{shown}");
    }
}
