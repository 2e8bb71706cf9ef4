//! A chat with the bot, read from the recorded requests: what was said, also from elsewhere, and what was answered.

mod drawn;
mod say;

use std::collections::BTreeSet;

use kakao_webhooks::skill::{Place, ReplyError, SkillResponse};
use serde::Serialize;
use serde_json::Value;

pub(super) use drawn::{Action, Bubble, Drawn};
pub(super) use say::{NewMessage, NewMessageJson, say};

use super::history::{Exchange, History, RecordedAnswer};
use crate::{
    commands::check::{
        finding::{Judgement, Verdict},
        reply::{judge_body, judge_recorded},
    },
    kakao::KakaoCallback,
};

/// The user who writes unless another one is named, as `khook send skill` has it.
pub(super) const USER: &str = "bot-user-1";

/// So many messages of a chat are shown.
pub(super) const MESSAGES: usize = 50;

/// Where and as whom a chat is led.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Chat {
    /// The user as the bot knows them.
    pub(super) user: String,
    /// The group chat room; empty in the user's own chat with the bot.
    pub(super) room: String,
}

/// A message, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ChatMessage {
    /// The request's number.
    pub(super) id: u64,
    /// When it came, in milliseconds since 1970.
    pub(super) at: i64,
    /// What the user wrote.
    pub(super) said: String,
    /// The block that a button led to; empty where none did.
    pub(super) block: String,
    pub(super) status: Option<u16>,
    /// The answer; none where there was none that could be shown.
    pub(super) reply: Option<Reply>,
    /// What came to the callback URL, if one was sent along.
    pub(super) callback: Option<Callback>,
}

/// An answer, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Reply {
    #[serde(flatten)]
    pub(super) drawn: Drawn,
    /// What stands in the chat until the answer comes to the callback URL.
    pub(super) waiting_text: Option<String>,
    pub(super) judgement: Judged,
    /// Each remark and each mistake, where there are several.
    pub(super) remarks: Vec<String>,
    /// The limits that it comes near to.
    pub(super) near_limits: Vec<String>,
    /// The answer itself.
    pub(super) json: Value,
}

/// What `khook check` says of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) seen: String,
    pub(super) fix: String,
}

/// A callback URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Callback {
    /// Whether it can still be used.
    pub(super) is_open: bool,
    /// For how many milliseconds.
    pub(super) left_ms: i64,
    /// What came to it.
    pub(super) attempts: Vec<CallbackTry>,
}

/// A request to a callback URL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct CallbackTry {
    /// In milliseconds since the URL was issued.
    pub(super) ms: i64,
    /// What the user saw of it; none where Kakao refused it.
    pub(super) reply: Option<Reply>,
    /// Kakao's words, where it refused it.
    pub(super) refusal: Option<String>,
}

impl Chat {
    /// That of this user, or of [`USER`], in this room if it is named.
    fn named(user: String, room: String) -> Self {
        Self { user: if user.is_empty() { USER.to_owned() } else { user }, room }
    }

    /// Where it is shown.
    pub(super) fn path(&self) -> String {
        let pairs = [("user", &self.user), ("room", &self.room)];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("/chatbot?{query}")
    }

    const fn place(&self) -> Place {
        if self.room.is_empty() { Place::Chat } else { Place::Room }
    }

    /// The chat that a recorded message belongs to; none of another request.
    fn of(exchange: &Exchange) -> Option<Self> {
        let decoded = &exchange.explanation.decoded;
        let text = |pointer: &str| decoded.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        // Of a request that was refused no one knows who wrote it.
        let is_message = exchange.explanation.kind.as_deref() == Some("skill")
            && exchange.explanation.refusal.is_none()
            && decoded.pointer("/userRequest/utterance").is_some_and(Value::is_string);
        let user = text("/userRequest/user/id").filter(|_| is_message)?;
        let room = text("/userRequest/chat/properties/botGroupKey").or_else(|| text("/userRequest/chat/id"));
        Some(Self { user, room: room.unwrap_or_default() })
    }

    /// All chats that are recorded, the newest first.
    pub(super) fn recorded(history: &History) -> Vec<Self> {
        let mut known = BTreeSet::new();
        history.newest(usize::MAX, None, |exchange| {
            let chat = Self::of(exchange)?;
            known.insert(chat.clone()).then_some(chat)
        })
    }

    /// Its newest messages, the oldest of them first.
    pub(super) async fn messages(&self, history: &History, kakao: Option<&KakaoCallback>) -> Vec<ChatMessage> {
        let exchanges = history
            .newest(MESSAGES, None, |exchange| (Self::of(exchange).as_ref() == Some(self)).then(|| exchange.clone()));
        let mut messages = Vec::with_capacity(exchanges.len());
        for exchange in exchanges.into_iter().rev() {
            messages.push(self.message(exchange, kakao).await);
        }
        messages
    }

    async fn message(&self, exchange: Exchange, kakao: Option<&KakaoCallback>) -> ChatMessage {
        let decoded = &exchange.explanation.decoded;
        let text = |pointer: &str| decoded.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let said = text("/userRequest/utterance").trim_end();
        let block = text("/userRequest/block/id");
        let callback = match (kakao, token_of(text("/userRequest/callbackUrl"))) {
            (Some(kakao), Some(token)) => self.callback(kakao, token).await,
            _ => None,
        };
        // Kakao shows no other answer.
        let answer = exchange.answer.as_ref().filter(|answer| answer.status == 200);
        ChatMessage {
            id: exchange.id,
            at: exchange.at,
            said: said.to_owned(),
            block: if block == "fallback" { String::new() } else { block.to_owned() },
            status: exchange.status(),
            reply: answer.and_then(|answer| Reply::of_answer(answer, self.place())),
            callback,
        }
    }

    /// Of a restarted Kakao, which knows the URL no longer, there is none.
    async fn callback(&self, kakao: &KakaoCallback, token: &str) -> Option<Callback> {
        let known = kakao.exchange(token).await.ok()?;
        let attempts = known.attempts.iter().map(|attempt| CallbackTry {
            ms: attempt.ms(),
            reply: if attempt.is_said() { Reply::of_callback(&attempt.body().to_string(), self.place()) } else { None },
            refusal: attempt.refusal().map(str::to_owned),
        });
        Some(Callback { is_open: known.open, left_ms: known.left_ms, attempts: attempts.collect() })
    }
}

impl ChatMessage {
    /// Whether an answer is still to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.waiting_text.is_some())
            && self.callback.as_ref().is_some_and(|callback| callback.is_open)
    }

    /// What changes when more is known of it, for a page that shows it already.
    pub(super) fn state(&self) -> String {
        let attempts = self.callback.as_ref().map_or(0, |callback| callback.attempts.len());
        format!("{attempts}{}", if self.is_waiting() { "-waiting" } else { "" })
    }

    /// Whether an answer was announced, and none came in time.
    pub(super) fn is_unanswered(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.waiting_text.is_some())
            && self.callback.as_ref().is_some_and(|callback| {
                !callback.is_open && callback.attempts.iter().all(|attempt| attempt.reply.is_none())
            })
    }
}

impl Reply {
    /// That of a recorded answer; none of one that is no JSON.
    fn of_answer(answer: &RecordedAnswer, place: Place) -> Option<Self> {
        let body = answer.body.shown();
        Self::judged(body, place, || judge_recorded(answer.header("content-type"), body, place))
    }

    /// That of a request to a callback URL, whose content type Kakao has checked.
    fn of_callback(body: &str, place: Place) -> Option<Self> {
        Self::judged(body, place, || judge_body(body, place))
    }

    fn judged(body: &str, place: Place, judge: impl FnOnce() -> Judgement) -> Option<Self> {
        let json: Value = serde_json::from_str(body).ok()?;
        let uses_callback = json.get("useCallback") == Some(&Value::Bool(true));
        let waiting_text = json.pointer("/data/text").and_then(Value::as_str).unwrap_or_default();
        let judgement = judge();
        let remarks = if uses_callback { vec![] } else { remarks(body, place) };
        Some(Self {
            drawn: Drawn::of(&json),
            waiting_text: uses_callback.then(|| waiting_text.to_owned()),
            judgement: Judged { verdict: judgement.verdict, seen: judgement.seen, fix: judgement.fix },
            remarks: if remarks.len() > 1 { remarks } else { vec![] },
            near_limits: SkillResponse::near_limits(body, place).iter().map(ToString::to_string).collect(),
            json,
        })
    }
}

fn remarks(body: &str, place: Place) -> Vec<String> {
    match SkillResponse::from_json(body, place) {
        Ok(response) => response.remarks().iter().map(ToString::to_string).collect(),
        Err(ReplyError::Invalid(invalid)) => invalid.0.iter().map(ToString::to_string).collect(),
        Err(ReplyError::Json(error)) => vec![error.to_string()],
    }
}

/// The token at the end of a callback URL.
fn token_of(url: &str) -> Option<&str> {
    let (_, token) = url.rsplit_once("/callback/")?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (!token.is_empty() && token.bytes().all(is_token)).then_some(token)
}
