//! Marks what an operator sends through the queue again.

use anyhow::{Context, Result, bail};
use kakao_webhooks::envelope::to_ascii_json;
use serde_json::{Value, json};

/// The envelope with the time of the replay, all else as it was.
///
/// # Errors
/// If it is not a JSON object.
pub fn replayed(envelope: &str, now: &str) -> Result<String> {
    let mut envelope: Value = serde_json::from_str(envelope).context("the stored envelope is not JSON")?;
    match envelope.as_object_mut() {
        Some(members) => members.insert("replayed_at".to_owned(), json!(now)),
        None => bail!("the stored envelope is not a JSON object"),
    };
    Ok(to_ascii_json(&envelope)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replayed_envelope_keeps_unknown_members() {
        let envelope = replayed(r#"{"v":1,"new":{"한":["😀"]}}"#, "2026-01-01T00:00:00.000Z").unwrap();
        assert!(envelope.is_ascii());
        let read: Value = serde_json::from_str(&envelope).unwrap();
        assert_eq!(read, json!({"v": 1, "new": {"한": ["😀"]}, "replayed_at": "2026-01-01T00:00:00.000Z"}));
    }

    #[test]
    fn what_is_no_object_is_not_marked() {
        for text in ["", "7", "[]"] {
            assert!(replayed(text, "2026-01-01T00:00:00.000Z").is_err(), "{text}");
        }
    }
}
