//! What Kakao makes of a reply's JSON.

use kakao_webhooks::skill::{Place, ReplyError, SkillResponse};
use serde_json::Value;

use super::{CallbackFail, CallbackKind};

/// Whether a first answer says that the reply is to come.
pub(super) fn uses_callback(first: &Value) -> bool {
    first.get("useCallback") == Some(&Value::Bool(true))
}

/// Judges a reply by the rules of Kakao's guide.
pub(super) fn judge(body: &str, kind: CallbackKind) -> Result<(), CallbackFail> {
    let place = if kind == CallbackKind::Room { Place::Room } else { Place::Chat };
    match SkillResponse::from_json(body, place) {
        Ok(_) => Ok(()),
        Err(ReplyError::Json(_)) => Err(CallbackFail::Json),
        Err(ReplyError::Invalid(_)) => Err(CallbackFail::SkillJson),
    }
}

/// The text of a reply's bubbles, line by line; of a bubble that is no plain text, its JSON.
#[must_use]
pub fn words(reply: &Value) -> String {
    let outputs = reply.get("template").and_then(|template| template.get("outputs")?.as_array());
    let bubble = |output: &Value| {
        let text = output.get("simpleText").and_then(|text| text.get("text")?.as_str());
        text.map_or_else(|| output.to_string(), str::to_owned)
    };
    outputs.into_iter().flatten().map(bubble).collect::<Vec<_>>().join("\n")
}
