//! The short way of asking: the skill function invokes the function `answerer` and waits for what it returns.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Place;
use crate::{envelope::to_ascii_json, wire::Time};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionKind {
    /// What a message is answered with, in this place.
    Message(Place),
    /// Whether a parameter's value is a good one.
    Validation,
}

/// A question that the service is asked while Kakao waits.
#[derive(Clone, PartialEq)]
pub struct DirectQuestion {
    /// The gateway's id of the request.
    pub request_id: String,
    /// What is asked.
    pub asked: QuestionKind,
    /// When the answer must be there.
    pub deadline: Time,
    /// What Kakao sent.
    pub payload: Map<String, Value>,
}

/// What the user said stands in it.
impl fmt::Debug for DirectQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectQuestion")
            .field("request_id", &self.request_id)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Form<'f> {
    v: u64,
    ask: Members<'f>,
}

#[derive(Serialize, Deserialize)]
struct Members<'f> {
    request_id: String,
    room: bool,
    validation: bool,
    deadline_ms: i64,
    payload: Cow<'f, Map<String, Value>>,
}

const VERSION: u64 = 1;

impl DirectQuestion {
    /// The event of the invocation.
    ///
    /// # Errors
    /// None that could happen: every member can be written as JSON.
    pub fn encode(&self) -> serde_json::Result<String> {
        to_ascii_json(&Form {
            v: VERSION,
            ask: Members {
                request_id: self.request_id.clone(),
                room: self.asked == QuestionKind::Message(Place::Room),
                validation: self.asked == QuestionKind::Validation,
                deadline_ms: self.deadline.as_millis(),
                payload: Cow::Borrowed(&self.payload),
            },
        })
    }

    /// The question that an event is; `None` of any other event.
    #[must_use]
    pub fn decode(event: &Value) -> Option<Self> {
        let Form { v: VERSION, ask } = Form::deserialize(event).ok()? else { return None };
        let asked = match (ask.validation, ask.room) {
            (true, _) => QuestionKind::Validation,
            (false, true) => QuestionKind::Message(Place::Room),
            (false, false) => QuestionKind::Message(Place::Chat),
        };
        let (deadline, payload) = (Time::clamped(ask.deadline_ms), ask.payload.into_owned());
        Some(Self { request_id: ask.request_id, asked, deadline, payload })
    }
}

/// What the function `answerer` returns.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectReply {
    /// The answer: a SkillResponse, or the status of a validation, as JSON.
    Answer(String),
    /// There is none: the cause's short name.
    Failed(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_is_read_as_it_was_written() {
        for asked in [QuestionKind::Message(Place::Chat), QuestionKind::Message(Place::Room), QuestionKind::Validation]
        {
            let payload = json!({"userRequest": {"utterance": "안녕"}}).as_object().unwrap().clone();
            let deadline = Time::from_millis(1_790_660_097_123).unwrap();
            let ask = DirectQuestion { request_id: "r".to_owned(), asked, deadline, payload };
            let text = ask.encode().unwrap();
            assert!(text.is_ascii() && !format!("{ask:?}").contains("안녕"));
            assert_eq!(DirectQuestion::decode(&serde_json::from_str(&text).unwrap()), Some(ask));
        }
    }

    #[test]
    fn a_batch_is_no_question() {
        for event in
            [json!({"Records": []}), json!({}), json!([]), json!({"v": 2, "ask": {}}), json!({"v": 1, "ask": {}})]
        {
            assert_eq!(DirectQuestion::decode(&event), None, "{event}");
        }
    }
}
