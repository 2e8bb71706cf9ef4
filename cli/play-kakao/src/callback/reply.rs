//! What Kakao makes of a reply's JSON.

use serde_json::Value;

use super::{CallbackFail, CallbackKind};

const MAX_BYTES: usize = 30_000;
const MAX_OUTPUTS: usize = 3;
const MAX_TEXT: usize = 1_000;
/// What a room does not take.
const NOT_IN_ROOMS: [&str; 2] = ["commerceCard", "carousel"];

/// Whether a first answer says that the reply is to come.
pub(super) fn uses_callback(first: &Value) -> bool {
    first.get("useCallback") == Some(&Value::Bool(true))
}

/// Judges a reply as far as its form goes.
pub(super) fn judge(body: &str, kind: CallbackKind) -> Result<(), CallbackFail> {
    let reply: Value = serde_json::from_str(body).map_err(|_| CallbackFail::Json)?;
    let is_room = kind == CallbackKind::Room;
    if body.len() <= MAX_BYTES && follows_rules(&reply, is_room) { Ok(()) } else { Err(CallbackFail::SkillJson) }
}

fn follows_rules(reply: &Value, is_room: bool) -> bool {
    let template = reply.get("template");
    let Some(outputs) = template.and_then(|template| template.get("outputs")?.as_array()) else { return false };
    let has_quick_replies = template.is_some_and(|template| template.get("quickReplies").is_some());
    reply.get("version").and_then(Value::as_str) == Some("2.0")
        && (usize::from(!is_room)..=MAX_OUTPUTS).contains(&outputs.len())
        && !(is_room && has_quick_replies)
        && outputs.iter().all(|output| is_component(output, is_room))
}

/// Whether this is one bubble: one member, whose value is an object.
fn is_component(output: &Value, is_room: bool) -> bool {
    let Some((name, value)) = output.as_object().filter(|it| it.len() == 1).and_then(|it| it.iter().next()) else {
        return false;
    };
    if name == "simpleText" {
        let text = value.get("text").and_then(Value::as_str).unwrap_or_default();
        return !text.trim().is_empty() && text.encode_utf16().count() <= MAX_TEXT;
    }
    value.is_object() && !(is_room && NOT_IN_ROOMS.contains(&name.as_str()))
}

/// The text of a reply's bubbles, line by line; of a bubble that is no plain text, its JSON.
pub(super) fn words(reply: &Value) -> String {
    let outputs = reply.get("template").and_then(|template| template.get("outputs")?.as_array());
    let bubble = |output: &Value| {
        let text = output.get("simpleText").and_then(|text| text.get("text")?.as_str());
        text.map_or_else(|| output.to_string(), str::to_owned)
    };
    outputs.into_iter().flatten().map(bubble).collect::<Vec<_>>().join("\n")
}
