use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;

use super::{
    check::InvalidReply,
    condition::{Condition, FirstFit, Found},
    reply::{Reply, SkillResponse},
    rules::text_with,
    words::Words,
};
use crate::wire::skill::SkillPayload;

/// What a bot answers: the seam for your own. Called once per message, on the way of the answer: no
/// network, no waiting.
pub trait Responder: Send + Sync {
    /// The reply to a message.
    fn reply(&self, payload: &SkillPayload) -> Reply;
}

/// The answer when there is no other.
const NOTHING_SAID: &str = "무엇을 도와드릴까요?";

/// The user's own words again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Echo;

impl Responder for Echo {
    fn reply(&self, payload: &SkillPayload) -> Reply {
        Reply::text(payload.user_request.words().unwrap_or(NOTHING_SAID))
    }
}

/// Always the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed(pub String);

impl Responder for Fixed {
    fn reply(&self, _payload: &SkillPayload) -> Reply {
        Reply::text(&self.0)
    }
}

/// Answers from a short list; another answer where none fits. [`Rules`](super::Rules) know more conditions and every
/// component.
pub struct Listed {
    answers: FirstFit<Reply>,
    otherwise: Box<dyn Responder>,
}

/// One line of the list. It fits if everything that it names is so; naming nothing, it fits always.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The block's id or name.
    block: Option<Words>,
    /// The matched intent's id or name.
    intent: Option<Words>,
    /// What the user said, apart from a mention of the bot.
    utterance: Option<Words>,
    text: String,
    /// Each says what is written on it.
    #[serde(default)]
    quick_replies: Vec<String>,
}

/// Why a list of answers can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It is not a JSON list of answers.
    #[error("it is not a JSON list of answers with a text each (line {line}, column {column})")]
    Form {
        /// Where the text goes wrong.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// An answer would not be taken by Kakao.
    #[error("answer {0} of the list: {1}")]
    Invalid(usize, InvalidReply),
}

impl From<Entry> for (Condition, Reply) {
    fn from(entry: Entry) -> Self {
        let Entry { block, intent, utterance, text, quick_replies } = entry;
        let [block, intent, says] = [block, intent, utterance].map(|words| words.into_iter().collect());
        (Condition { block, intent, says, ..Condition::default() }, text_with(&text, &quick_replies))
    }
}

impl Listed {
    /// Reads a list: `[{"block"|"intent"|"utterance": …, "text": …, "quick_replies": […]}, …]`. The first that
    /// fits is the answer.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn from_json(text: &str, otherwise: Box<dyn Responder>) -> Result<Self, ListError> {
        let entries: Vec<Entry> = serde_json::from_str(text)
            .map_err(|error| ListError::Form { line: error.line(), column: error.column() })?;
        let answers: Vec<(Condition, Reply)> = entries.into_iter().map(Into::into).collect();
        for (index, (_, reply)) in answers.iter().enumerate() {
            reply.build().map_err(|error| ListError::Invalid(index + 1, error))?;
        }
        Ok(Self { answers: FirstFit(answers), otherwise })
    }
}

impl Responder for Listed {
    fn reply(&self, payload: &SkillPayload) -> Reply {
        let found = self.answers.find(&Found::of(payload), |_| true);
        found.map_or_else(|| self.otherwise.reply(payload), |(_, reply)| reply.clone())
    }
}

/// The answer's reply, or plain words if it panics or makes a reply that Kakao doesn't take. Group chat rooms take no
/// quick replies: there they are left out.
pub fn respond(responder: &dyn Responder, payload: &SkillPayload) -> SkillResponse {
    let reply = match catch_unwind(AssertUnwindSafe(|| responder.reply(payload))) {
        Ok(reply) if payload.user_request.is_in_room() => Ok(reply.without_quick_replies()),
        Ok(reply) => Ok(reply),
        Err(_) => Err("a panic".to_owned()),
    };
    let response = reply.and_then(|reply| reply.build().map_err(|error| error.to_string()));
    response.unwrap_or_else(|why| {
        tracing::error!(event = "reply_invalid", kind = crate::wire::Kind::Skill.name(), why);
        SkillResponse::plain(NOTHING_SAID)
    })
}
