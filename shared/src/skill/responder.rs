use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;

use super::{
    check::{InvalidReply, Place},
    parts::QuickReply,
    reply::Reply,
    response::SkillResponse,
    rule_set::RuleSet,
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

/// Answers from a short list; another answer where none fits.
pub struct Listed {
    entries: Vec<Entry>,
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

/// What entries are compared with.
struct Found {
    block: [Option<Words>; 2],
    intent: [Option<Words>; 2],
    said: Option<Words>,
    bot: Option<Words>,
}

impl Found {
    fn of(payload: &SkillPayload) -> Self {
        let words = |text: &Option<String>| text.as_deref().map(Words::of);
        let SkillPayload { bot, intent, user_request, .. } = payload;
        Self {
            block: [words(&user_request.block.id), words(&user_request.block.name)],
            intent: [words(&intent.id), words(&intent.name)],
            said: user_request.words().map(Words::of),
            bot: words(&bot.name),
        }
    }

    fn was_said(&self, wanted: &Words) -> bool {
        let bot = self.bot.as_ref();
        self.said.as_ref().is_some_and(|said| said.without_mention_of(bot) == wanted.without_mention_of(bot))
    }
}

impl Entry {
    fn fits(&self, found: &Found) -> bool {
        let is = |wanted: &Option<Words>, found: &[Option<Words>; 2]| wanted.is_none() || found.contains(wanted);
        is(&self.block, &found.block)
            && is(&self.intent, &found.intent)
            && self.utterance.as_ref().is_none_or(|wanted| found.was_said(wanted))
    }

    fn reply(&self) -> Reply {
        let label = |label: &String| QuickReply::message(label, label);
        // Not cut: a text that is too long is a mistake of the list, and found when it is read.
        let text = super::SimpleText { text: self.text.clone() };
        self.quick_replies.iter().map(label).fold(Reply::of(text), Reply::quick_reply)
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
        for (index, entry) in entries.iter().enumerate() {
            entry.reply().build().map_err(|error| ListError::Invalid(index + 1, error))?;
        }
        Ok(Self { entries, otherwise })
    }
}

impl Listed {
    fn entry(&self, payload: &SkillPayload) -> Option<&Entry> {
        let found = Found::of(payload);
        self.entries.iter().find(|entry| entry.fits(&found))
    }
}

impl Responder for Listed {
    fn reply(&self, payload: &SkillPayload) -> Reply {
        self.entry(payload).map_or_else(|| self.otherwise.reply(payload), Entry::reply)
    }
}

/// The list's own answers, without the other one.
impl RuleSet for Listed {
    fn answer(&self, payload: &SkillPayload) -> Option<SkillResponse> {
        let place = Place::of(payload);
        // Every entry was built once when the list was read.
        self.entry(payload)?.reply().fitted(place).build_for(place).ok()
    }
}

/// The answer's reply, or plain words if it panics or makes a reply that Kakao doesn't take. Group chat rooms take no
/// quick replies: there they are left out.
pub fn respond(responder: &dyn Responder, payload: &SkillPayload) -> SkillResponse {
    let place = Place::of(payload);
    let reply = match catch_unwind(AssertUnwindSafe(|| responder.reply(payload))) {
        Ok(reply) => Ok(reply.fitted(place)),
        Err(_) => Err("a panic".to_owned()),
    };
    let response = reply.and_then(|reply| reply.build_for(place).map_err(|error| error.to_string()));
    response.unwrap_or_else(|why| {
        tracing::error!(event = "reply_invalid", kind = crate::wire::Kind::Skill.name(), why);
        SkillResponse::plain(NOTHING_SAID)
    })
}
