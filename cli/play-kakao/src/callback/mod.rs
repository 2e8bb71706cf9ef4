//! Simulates Kakao's chatbot callback: URLs that can be used once and for a short time, and what Kakao answers to a
//! reply that comes to one.
//!
//! [`SimulatedCallbacks`] is pure: a request and a time in, an answer out. With the feature `server`,
//! `CallbackServer` puts it on a port of loopback.
//!
//! Source: Kakao business guide, "AI chatbot callback". What it leaves open is a setting, or says so.

mod exchange;
mod fail;
mod faults;
mod reply;
#[cfg(feature = "server")]
mod server;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

pub use exchange::{CallbackAttempt, CallbackKind, Exchange, Verdict};
pub use fail::CallbackFail;
pub use faults::CallbackFault;
pub use reply::words as words_of;
#[cfg(feature = "server")]
pub use server::{Callback, CallbackServer, EXCHANGES_PATH};

use faults::Script;

/// What Kakao's documentation leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackSettings {
    /// The HTTP status of a FAIL.
    pub fail_status: u16,
    /// How long the skill's first answer is on its way: what comes to the URL earlier is refused.
    pub first_answer_takes: Duration,
}

impl Default for CallbackSettings {
    fn default() -> Self {
        Self { fail_status: 200, first_answer_takes: Duration::ZERO }
    }
}

/// A request to a callback URL, as it arrives.
#[derive(Clone, Debug)]
pub struct CallbackRequest {
    /// The method, in capitals.
    pub method: String,
    /// The path.
    pub path: String,
    /// The header `Content-Type`.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body: JSON, a page where a fault makes it one, or nothing.
    pub body: String,
}

/// What a request leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackReaction {
    /// This answer, at once.
    Answer(CallbackAnswer),
    /// This answer, after a time.
    AnswerAfter(Duration, CallbackAnswer),
    /// No answer, and the connection stays open.
    Hang,
    /// No answer, and the connection is reset.
    Reset,
}

/// The path of a callback URL.
#[must_use]
pub fn callback_path(bot_id: &str, token: &str) -> String {
    format!("/v1/bots/{bot_id}/callback/{token}")
}

/// The bot id and the token of a path.
fn parse_path(path: &str) -> Option<(&str, &str)> {
    let (bot_id, token) = path.strip_prefix("/v1/bots/")?.split_once("/callback/")?;
    (!bot_id.is_empty() && !token.is_empty() && !format!("{bot_id}{token}").contains('/')).then_some((bot_id, token))
}

/// The callback URLs that were issued, and what came to them.
#[derive(Clone, Debug, Default)]
pub struct SimulatedCallbacks {
    /// What the documentation leaves open.
    pub settings: CallbackSettings,
    exchanges: BTreeMap<String, Exchange>,
    script: Script,
    answers: u32,
}

impl SimulatedCallbacks {
    /// Issues a URL with this token for a message to this bot. Returns its path.
    pub fn issue(&mut self, token: &str, bot_id: &str, kind: CallbackKind, now: Timestamp) -> String {
        self.exchanges.insert(token.to_owned(), Exchange::new(bot_id.to_owned(), kind, now));
        callback_path(bot_id, token)
    }

    /// Takes the body of the skill's own answer, which has just been given.
    pub fn take_first_answer(&mut self, token: &str, body: &str, now: Timestamp) {
        let seen_at = now.saturating_add(self.settings.first_answer_takes).unwrap_or(Timestamp::MAX);
        if let Some(exchange) = self.exchanges.get_mut(token) {
            exchange.set_first_answer(body, seen_at);
        }
    }

    /// The next `count` requests meet this fault, after those of earlier calls.
    pub fn script(&mut self, count: usize, fault: CallbackFault) {
        self.script.add(count, fault);
    }

    /// The next request to the URL with this token meets this fault, after those of earlier calls and before the
    /// faults of all.
    pub fn script_for(&mut self, token: &str, fault: CallbackFault) {
        if let Some(exchange) = self.exchanges.get_mut(token) {
            exchange.script.add(1, fault);
        }
    }

    /// Removes the faults of all.
    pub fn clear_faults(&mut self) {
        self.script.clear();
    }

    /// What was said on the URL with this token.
    #[must_use]
    pub fn exchange(&self, token: &str) -> Option<&Exchange> {
        self.exchanges.get(token)
    }

    /// All messages for which a URL was issued, by token.
    pub fn exchanges(&self) -> impl Iterator<Item = (&str, &Exchange)> {
        self.exchanges.iter().map(|(token, exchange)| (token.as_str(), exchange))
    }

    /// What a request leads to.
    pub fn react(&mut self, request: &CallbackRequest, now: Timestamp) -> CallbackReaction {
        let Some((bot_id, token)) = parse_path(&request.path) else { return bare(404) };
        if request.method != "POST" {
            return bare(405);
        }
        let judged = self.judge(bot_id, token, request, now);
        let own = self.exchanges.get_mut(token).and_then(|exchange| exchange.script.take());
        match own.or_else(|| self.script.take()) {
            None => CallbackReaction::Answer(self.settle(token, request, judged, now)),
            Some(CallbackFault::Slow(time)) => {
                CallbackReaction::AnswerAfter(time, self.settle(token, request, judged, now))
            }
            Some(CallbackFault::LoseAnswer) => {
                self.settle(token, request, judged, now);
                CallbackReaction::Reset
            }
            Some(CallbackFault::Fail(fail)) => CallbackReaction::Answer(self.settle(token, request, Err(fail), now)),
            Some(fault) => {
                self.record(token, request, Verdict::Fault, now);
                self.break_off(&fault, now)
            }
        }
    }

    /// The answer of a fault that is not shown in the chat.
    fn break_off(&mut self, fault: &CallbackFault, now: Timestamp) -> CallbackReaction {
        match fault {
            CallbackFault::Hang => CallbackReaction::Hang,
            CallbackFault::Html(status) => CallbackReaction::Answer(CallbackAnswer {
                status: *status,
                body: "<html><body>Service Unavailable</body></html>".to_owned(),
            }),
            CallbackFault::Other(status, message) => {
                CallbackReaction::Answer(self.answer(self.settings.fail_status, status, message, now))
            }
            _ => CallbackReaction::Reset,
        }
    }

    /// Whether the user is to see this reply.
    fn judge(&self, bot_id: &str, token: &str, request: &CallbackRequest, now: Timestamp) -> Result<(), CallbackFail> {
        let exchange = self.exchanges.get(token).ok_or(CallbackFail::Token)?;
        if exchange.kind == CallbackKind::BotTest {
            return Err(CallbackFail::TestToken);
        }
        if exchange.is_used() || now >= exchange.expires_at() {
            return Err(CallbackFail::Token);
        }
        if bot_id.trim_end_matches('!') != exchange.bot_id.trim_end_matches('!') {
            return Err(CallbackFail::BotId);
        }
        if !exchange.is_expected(now) {
            return Err(CallbackFail::UseCallback);
        }
        if !request.content_type.starts_with("application/json") {
            return Err(CallbackFail::Json);
        }
        reply::judge(&request.body, exchange.kind)
    }

    fn settle(
        &mut self,
        token: &str,
        request: &CallbackRequest,
        judged: Result<(), CallbackFail>,
        now: Timestamp,
    ) -> CallbackAnswer {
        match judged {
            Ok(()) => {
                self.record(token, request, Verdict::Said, now);
                self.answer(200, "SUCCESS", "success", now)
            }
            Err(fail) => {
                self.record(token, request, Verdict::Refused(fail), now);
                self.answer(self.settings.fail_status, "FAIL", fail.message(), now)
            }
        }
    }

    fn record(&mut self, token: &str, request: &CallbackRequest, verdict: Verdict, now: Timestamp) {
        if let Some(exchange) = self.exchanges.get_mut(token) {
            exchange.record(CallbackAttempt { at: now, body: request.body.clone(), verdict });
        }
    }

    fn answer(&mut self, status: u16, word: &str, message: &str, now: Timestamp) -> CallbackAnswer {
        self.answers = self.answers.wrapping_add(1);
        let task_id = format!("{:08x}-0000-4000-8000-000000000000", self.answers);
        let timestamp = now.as_millisecond();
        let body: Value = json!({"taskId": task_id, "status": word, "message": message, "timestamp": timestamp});
        CallbackAnswer { status, body: body.to_string() }
    }
}

const fn bare(status: u16) -> CallbackReaction {
    CallbackReaction::Answer(CallbackAnswer { status, body: String::new() })
}
