use serde::Deserialize;
use serde_json::Value;

use super::reply::{MAX_REPLY_BYTES, SkillResponse};

/// Where a reply is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The chat of a user with the bot.
    #[default]
    Chat,
    /// A group chat room.
    Room,
}

/// Why a text is not a reply that Kakao accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a reply")]
pub struct ReplyError;

impl SkillResponse {
    /// Reads a whole reply that somebody else wrote.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn from_json(text: &str, _place: Place) -> Result<Self, ReplyError> {
        #[derive(Deserialize)]
        struct Form {
            version: String,
            template: Template,
        }
        #[derive(Deserialize)]
        struct Template {
            outputs: Vec<Value>,
        }
        let form: Form = serde_json::from_str(text).map_err(|_| ReplyError)?;
        let is_reply = form.version == "2.0" && form.template.outputs.len() <= 3 && text.len() <= MAX_REPLY_BYTES;
        is_reply.then(|| Self(text.to_owned())).ok_or(ReplyError)
    }
}
