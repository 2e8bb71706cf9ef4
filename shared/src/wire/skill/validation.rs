//! Parameter validation requests (several implementers agree; Kakao's own page of them is gone): while a block asks for a
//! parameter, Kakao asks whether what the user wrote is a good value.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::{BotUserKey, Fields, Personal};

/// A parameter's value that Kakao asks about while it fills the parameters of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validation {
    /// The bot's name, which may be mentioned before the words.
    pub bot_name: Option<String>,
    /// What the user wrote.
    pub utterance: Option<Personal<String>>,
    /// The part of it that is the value.
    pub origin: Option<Personal<String>>,
    /// What Kakao takes that part for: a text, often of JSON.
    pub resolved: Option<Personal<String>>,
    /// Who wrote it.
    pub user_key: Option<BotUserKey>,
}

impl Validation {
    /// The validation that a body asks for. What is absent or of another shape is as if it weren't there.
    #[must_use]
    pub fn read(body: &Fields<'_>) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(|text| Personal::new(text.to_owned()));
        let none = Map::new();
        let member = |name| body.get(name).and_then(Value::as_object).unwrap_or(&none);
        let value = member("value");
        Self {
            bot_name: member("bot").get("name").and_then(Value::as_str).map(str::to_owned),
            utterance: text(body.get("utterance")),
            origin: text(value.get("origin")),
            resolved: text(value.get("resolved")),
            user_key: body.object("user").and_then(|user| user.id("id")).unwrap_or_default(),
        }
    }
}

/// What a parameter validation is answered with (Kakao's "parameter validation API").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ValidationStatus {
    /// The value is a good one.
    Success,
    /// It isn't: Kakao asks the user again.
    Fail,
    /// It could not be judged.
    Error,
    /// The parameter stays without a value.
    Ignore,
}

impl ValidationStatus {
    /// The answer.
    #[must_use]
    pub const fn json(self) -> &'static str {
        match self {
            Self::Success => r#"{"status":"SUCCESS"}"#,
            Self::Fail => r#"{"status":"FAIL"}"#,
            Self::Error => r#"{"status":"ERROR"}"#,
            Self::Ignore => r#"{"status":"IGNORE"}"#,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json, to_value};

    use super::*;

    #[test]
    fn a_validation_is_read_whatever_is_missing_or_odd() {
        let read = |body: Value| Validation::read(&body.as_object().unwrap().into());
        let text = |text: &str| Some(Personal::new(text.to_owned()));
        let whole = json!({"isInSlotFilling": true, "bot": {"name": "봇"}, "utterance": "둘", "value": {"origin": "둘", "resolved": "2"},
            "user": {"id": "u", "type": "botUserKey"}});
        let expected = Validation {
            bot_name: Some("봇".to_owned()),
            utterance: text("둘"),
            origin: text("둘"),
            resolved: text("2"),
            user_key: "u".parse().ok(),
        };
        assert_eq!(read(whole), expected);
        assert_eq!(read(json!({"value": ["둘"], "utterance": {}, "user": 7})), Validation::default());
        assert!(!format!("{expected:?}").contains('둘'));
    }

    #[test]
    fn a_status_is_written_as_it_is_read() {
        for name in ["SUCCESS", "FAIL", "ERROR", "IGNORE"] {
            let status: ValidationStatus = serde_json::from_value(json!(name)).unwrap();
            assert_eq!(from_str::<Value>(status.json()).unwrap(), json!({"status": to_value(status).unwrap()}));
        }
    }
}
