//! The short form of the rules: a list in one line, for an environment variable.

use serde::Deserialize;

use super::{Answer, Rule, Rules};
use crate::skill::{
    check::InvalidReply,
    condition::{Condition, FirstFit},
    short::ShortReply,
    words::Words,
};

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

pub(super) fn read(text: &str) -> Result<Rules, ListError> {
    let entries: Vec<Entry> =
        serde_json::from_str(text).map_err(|error| ListError::Form { line: error.line(), column: error.column() })?;
    let rule = |(index, entry): (usize, Entry)| entry.rule().map_err(|error| ListError::Invalid(index + 1, error));
    let rules: Result<Vec<_>, _> = entries.into_iter().enumerate().map(rule).collect();
    Ok(Rules { rules: FirstFit(rules?), validations: FirstFit::default() })
}

impl Entry {
    fn rule(self) -> Result<(Condition, Rule), InvalidReply> {
        let Self { block, intent, utterance, text, quick_replies } = self;
        let [block, intent, says] = [block, intent, utterance].map(|words| words.into_iter().collect());
        let answer = Answer::of(&ShortReply { text, quick_replies }.reply())?;
        Ok((Condition { block, intent, says, ..Condition::default() }, Rule { name: None, answer }))
    }
}
