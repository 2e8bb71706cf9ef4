use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{CallbackFail, faults::Script, reply};

/// What a callback URL was issued for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallbackKind {
    /// A message to a bot: one minute.
    #[default]
    Chat,
    /// A message in a group chat room: five minutes.
    Room,
    /// A message of the bot test, which can do no callback.
    BotTest,
}

impl CallbackKind {
    /// Each, with its name in the requests of another process.
    pub const NAMES: [(Self, &str); 3] = [(Self::Chat, "chat"), (Self::Room, "room"), (Self::BotTest, "test")];

    /// How long the URL can be used.
    #[must_use]
    pub const fn lifetime(self) -> SignedDuration {
        match self {
            Self::Chat | Self::BotTest => SignedDuration::from_secs(60),
            Self::Room => SignedDuration::from_secs(300),
        }
    }
}

/// What became of one request to a callback URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The user sees it.
    Said,
    /// Kakao refused it.
    Refused(CallbackFail),
    /// A scripted fault kept it from being judged.
    Fault,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Said => "SUCCESS",
            Self::Refused(_) => "FAIL",
            Self::Fault => "FAULT",
        }
    }
}

/// A request to a callback URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackAttempt {
    /// When it came.
    pub at: Timestamp,
    /// Its body.
    pub body: String,
    /// What became of it.
    pub verdict: Verdict,
}

/// The skill's own answer, which Kakao gets before anything comes to the callback URL.
#[derive(Clone, Debug, PartialEq)]
struct FirstAnswer {
    seen_at: Timestamp,
    body: Value,
}

/// One message of a user with all that was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The bot that was written to.
    pub bot_id: String,
    /// What for.
    pub kind: CallbackKind,
    /// Since when the URL can be used.
    pub issued_at: Timestamp,
    first: Option<FirstAnswer>,
    attempts: Vec<CallbackAttempt>,
    /// What the requests to this URL meet, before the faults of all.
    pub(super) script: Script,
}

impl Exchange {
    pub(super) fn new(bot_id: String, kind: CallbackKind, issued_at: Timestamp) -> Self {
        Self { bot_id, kind, issued_at, first: None, attempts: Vec::new(), script: Script::default() }
    }

    /// When the URL can no longer be used.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.issued_at.saturating_add(self.kind.lifetime()).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn set_first_answer(&mut self, body: &str, seen_at: Timestamp) {
        self.first = Some(FirstAnswer { seen_at, body: serde_json::from_str(body).unwrap_or_default() });
    }

    pub(super) fn record(&mut self, attempt: CallbackAttempt) {
        self.attempts.push(attempt);
    }

    /// Whether Kakao has seen at this time that the answer is to come to the callback URL.
    pub(super) fn is_expected(&self, now: Timestamp) -> bool {
        self.first.as_ref().is_some_and(|first| first.seen_at <= now && reply::uses_callback(&first.body))
    }

    /// What stands in the chat until the answer comes: `data.text` of an answer with `useCallback`.
    #[must_use]
    pub fn waiting_text(&self) -> Option<&str> {
        let body = self.first.as_ref().map(|first| &first.body).filter(|body| reply::uses_callback(body))?;
        body.get("data")?.get("text")?.as_str()
    }

    /// All requests to the URL.
    #[must_use]
    pub fn attempts(&self) -> &[CallbackAttempt] {
        &self.attempts
    }

    /// What the user saw as answers, in order: the skill's own, if it was one, and what Kakao took at the URL. The
    /// waiting text is none. Each is the text of its bubbles, line by line.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        let first = self.first.iter().map(|first| &first.body).filter(|body| !reply::uses_callback(body));
        let first = first.map(reply::words).filter(|words| !words.is_empty());
        let said = self.attempts.iter().filter(|attempt| attempt.verdict == Verdict::Said);
        let said = said.filter_map(|attempt| serde_json::from_str(&attempt.body).ok().as_ref().map(reply::words));
        first.chain(said).collect()
    }

    /// Whether the URL was used.
    pub(super) fn is_used(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.verdict == Verdict::Said)
    }

    /// The same for another process, and whether the URL can still be used.
    #[must_use]
    pub fn to_json(&self, now: Timestamp) -> Value {
        let attempt = |attempt: &CallbackAttempt| {
            let message = match attempt.verdict {
                Verdict::Refused(fail) => Some(fail.message()),
                Verdict::Said | Verdict::Fault => None,
            };
            let ms = attempt.at.duration_since(self.issued_at).as_millis();
            let body = serde_json::from_str(&attempt.body).unwrap_or_else(|_| Value::from(attempt.body.clone()));
            json!({"ms": i64::try_from(ms).ok(), "status": attempt.verdict.name(), "message": message, "body": body})
        };
        let left = self.expires_at().duration_since(now).as_millis().max(0);
        json!({
            "left_ms": i64::try_from(left).ok(),
            "open": !self.is_used() && now < self.expires_at(),
            "waiting_text": self.waiting_text(),
            "heard": self.heard(),
            "attempts": self.attempts.iter().map(attempt).collect::<Vec<_>>(),
        })
    }
}
