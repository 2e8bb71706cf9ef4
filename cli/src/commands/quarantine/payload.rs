//! What a quarantined envelope holds, as far as it can be read without the rules of its webhook.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kakao_webhooks::wire::parse_strict_json;
use serde_json::{Map, Value, json};

use crate::commands::backlog::letter::plain;

/// Where the webhooks name the user: members of an event of ours, then of what Kakao sent.
const OF_EVENT: [&str; 5] = ["/user_id", "/user/app_user_id", "/user/open_id", "/claimed_user", "/user_key"];
const OF_PAYLOAD: [&str; 5] =
    ["/user_id", "/id", "/userRequest/user/properties/appUserId", "/userRequest/user/id", "/sub"];

/// The user that an envelope names, if one can be found.
pub(super) fn user(envelope: &Value) -> Option<String> {
    if let Some(event) = envelope.get("event") {
        return named(event, &OF_EVENT);
    }
    let text = text(envelope)?;
    if let Some(claims) = part(text, 1) {
        return named(&claims, &OF_PAYLOAD).or_else(|| of_subject(&claims));
    }
    let form =
        || form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), value.into())).collect();
    let fields = parse_strict_json(text.as_bytes()).unwrap_or_else(|_| form());
    named(&Value::Object(fields), &OF_PAYLOAD)
}

/// The header and the claims of a quarantined token. What is not JSON is the text of that part.
pub(super) fn token(envelope: &Value) -> Option<Value> {
    let text = text(envelope)?;
    Some(json!({"header": part(text, 0)?, "claims": part(text, 1)?}))
}

fn text(envelope: &Value) -> Option<&str> {
    envelope.pointer("/quarantine/payload/text")?.as_str()
}

/// A part of a token in its compact form.
fn part(text: &str, number: usize) -> Option<Value> {
    let parts: Vec<_> = text.trim_ascii().split('.').collect();
    let [_, _, _] = parts[..] else { return None };
    let bytes = URL_SAFE_NO_PAD.decode(parts.get(number)?).ok()?;
    let read = parse_strict_json(&bytes).map(Value::Object);
    Some(read.unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into()))
}

fn named(members: &Value, pointers: &[&str]) -> Option<String> {
    let is_id = |value: &&Value| value.is_string() || value.is_number();
    pointers.iter().find_map(|pointer| members.pointer(pointer).filter(is_id).map(plain))
}

/// The user in the subject of a token's event.
fn of_subject(claims: &Value) -> Option<String> {
    let events: &Map<String, Value> = claims.get("events")?.as_object()?;
    events.values().find_map(|event| named(event, &["/subject/sub", "/sub_id/sub"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_payload(text: &str) -> Value {
        json!({"quarantine": {"payload": {"text": text}}})
    }

    fn token_text(claims: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_user_is_found_wherever_a_webhook_names_one() {
        for (envelope, expected) in [
            (json!({"event": {"user_id": "7"}}), Some("7")),
            (json!({"event": {"user": {"open_id": "o"}}}), Some("o")),
            (json!({"event": {"chat_type": "x"}}), None),
            (of_payload("app_id=1&user_id=7"), Some("7")),
            (of_payload(r#"{"id":7,"event":"added"}"#), Some("7")),
            (of_payload(r#"{"userRequest":{"user":{"id":"u"}}}"#), Some("u")),
            (of_payload(&token_text(r#"{"sub":"7"}"#)), Some("7")),
            (of_payload(&token_text(r#"{"events":{"e":{"subject":{"sub":"7"}}}}"#)), Some("7")),
            (of_payload(&token_text("[]")), None),
            (of_payload("not JSON"), None),
            (json!({"quarantine": {"payload": {"base64": "AA=="}}}), None),
            (json!("no envelope"), None),
        ] {
            assert_eq!(user(&envelope).as_deref(), expected, "{envelope}");
        }
    }

    #[test]
    fn a_token_is_shown_decoded_and_a_part_that_is_not_json_as_text() {
        let shown = token(&of_payload(&token_text(r#"{"sub":"7"}"#)));
        assert_eq!(shown, Some(json!({"header": {"alg": "RS256"}, "claims": {"sub": "7"}})));
        let twice = r#"{"a":1,"a":2}"#;
        assert_eq!(token(&of_payload(&token_text(twice))).unwrap()["claims"], twice);
        for none in ["app_id=1&user_id=7", "a.b", "https://a.example/x", "!.!.!"] {
            assert_eq!(token(&of_payload(none)), None, "{none}");
        }
    }
}
