//! Answers that take longer than Kakao waits (Kakao business guide, "AI chatbot callback"): the URL to which the answer
//! is posted later, the answer until then, the job that is worked on meanwhile, and what Kakao says to the answer.

mod job;
mod url;
mod verdict;

pub use job::{Deadlines, Job, UnreadableJob};
pub use url::{CallbackOrigin, CallbackUrl, RefusedUrl};
pub use verdict::{CallbackFailure, Next, judge};

use serde_json::json;

/// The answer at once to a message that is answered later. Kakao ignores a template in it; the block's own bubbles may
/// show `data.text`.
#[must_use]
pub fn waiting_answer(text: &str) -> String {
    json!({"version": "2.0", "useCallback": true, "data": {"text": text}}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waiting_answer_is_what_kakao_documents() {
        let answer = r#"{"data":{"text":"잠시만요"},"useCallback":true,"version":"2.0"}"#;
        assert_eq!(waiting_answer("잠시만요"), answer);
    }
}
