//! The chatbot: who may send its messages, and what it answers.

use std::sync::Arc;

use kakao_webhooks::{
    auth::SkillAuth,
    skill::{CallbackOrigin, Echo, Fixed, Responder, RuleSet, Rules},
};

use super::{ConfigError, Variables, malformed, secret_arn, url};
use crate::{deliver::DeliveryUrl, http::secure, ingest::AnswerTexts};

/// Where the service's answerer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswererAddress {
    /// A Lambda function's ARN.
    Lambda(String),
    /// A URL.
    Https(DeliveryUrl),
}

const WAIT: &str = "답변을 준비하고 있어요. 잠시만 기다려 주세요.";
/// What is said where there is no answer, unless `SKILL_FALLBACK_TEXT` says something else.
pub const FALLBACK_TEXT: &str = "지금은 답변을 드리기 어려워요. 잠시 후 다시 말씀해 주세요.";

impl Variables<'_> {
    /// `SKILL_AUTH`, which may be absent.
    ///
    /// # Errors
    /// There, but not what [`SkillAuth::from_json`] reads.
    pub fn skill_auth(&self) -> Result<Option<SkillAuth>, ConfigError> {
        let read = |text: String| SkillAuth::from_json(&text);
        self.get("SKILL_AUTH").map(read).transpose().map_err(|error| {
            malformed("SKILL_AUTH", &error, "Set it to the header's name and the digest that khook hash-key prints")
        })
    }

    /// The rules of `SKILL_ANSWERS`, the short form of those that are stored. None where it is absent.
    ///
    /// # Errors
    /// A list that can't be used, or an answer in it that Kakao wouldn't take.
    pub fn skill_rules(&self) -> Result<Arc<dyn RuleSet>, ConfigError> {
        const FIX: &str = r#"Set it to a JSON list such as [{"utterance":"영업시간","text":"10시부터 20시까지입니다.","quick_replies":["위치"]}]"#;
        let list = self.get("SKILL_ANSWERS").unwrap_or_else(|| "[]".to_owned());
        let rules = Rules::from_list(&list);
        Ok(Arc::new(rules.map_err(|error| malformed("SKILL_ANSWERS", &error, FIX))?))
    }

    /// What the skill answers where no rule fits: `SKILL_TEXT`, or else the user's own words.
    #[must_use]
    pub fn skill_otherwise(&self) -> Box<dyn Responder> {
        match self.get("SKILL_TEXT") {
            Some(text) => Box::new(Fixed(text)),
            None => Box::new(Echo),
        }
    }

    /// `ANSWER_QUEUE_URL` and `ANSWERER_FUNCTION`, by which the skill asks the service. `None` where both are absent.
    ///
    /// # Errors
    /// One without the other, or a URL that is none.
    pub fn asking(&self) -> Result<Option<(String, String)>, ConfigError> {
        const VARIABLE: &str = "ANSWERER_FUNCTION";
        const FIX: &str = "Set ANSWER_QUEUE_URL and ANSWERER_FUNCTION, or neither (template.yaml does)";
        match (self.get("ANSWER_QUEUE_URL"), self.get(VARIABLE)) {
            (None, None) => Ok(None),
            (None, Some(_)) => self.answer_queue_url().map(|_| None),
            (Some(_), None) => Err(ConfigError { variable: VARIABLE, problem: "is not set".to_owned(), fix: FIX }),
            (Some(_), Some(function)) => Ok(Some((self.answer_queue_url()?, function.trim().to_owned()))),
        }
    }

    /// `ANSWER_QUEUE_URL`.
    ///
    /// # Errors
    /// Not set, or not a URL.
    pub fn answer_queue_url(&self) -> Result<String, ConfigError> {
        const VARIABLE: &str = "ANSWER_QUEUE_URL";
        const FIX: &str = "Set it to the URL of the queue of answers (template.yaml does)";
        url(VARIABLE, &self.required(VARIABLE, FIX)?, FIX)
    }

    /// `SKILL_WAIT_TEXT` and `SKILL_FALLBACK_TEXT`, by default sentences in Korean.
    #[must_use]
    pub fn answer_texts(&self) -> AnswerTexts {
        let text = |name, default: &str| self.get(name).unwrap_or_else(|| default.to_owned());
        AnswerTexts { wait: text("SKILL_WAIT_TEXT", WAIT), fallback: text("SKILL_FALLBACK_TEXT", FALLBACK_TEXT) }
    }

    /// `KAKAO_CALLBACK_URL`, by default Kakao's: the only origin that is called back.
    ///
    /// # Errors
    /// Not HTTPS (HTTP on loopback), or anything behind the port.
    pub fn callback_origin(&self) -> Result<CallbackOrigin, ConfigError> {
        const VARIABLE: &str = "KAKAO_CALLBACK_URL";
        const FIX: &str = "Leave it out to use Kakao's own";
        let Some(text) = self.get(VARIABLE) else { return Ok(CallbackOrigin::default()) };
        let url = secure(text.trim()).map_err(|error| malformed(VARIABLE, &error, FIX))?;
        let problem = || "is not a scheme, a host and perhaps a port".to_owned();
        CallbackOrigin::of(&url).ok_or_else(|| ConfigError { variable: VARIABLE, problem: problem(), fix: FIX })
    }

    /// `SKILL_ANSWERER`: where the service's own answerer is.
    ///
    /// # Errors
    /// Not set, or neither the ARN of a Lambda function nor a URL to which questions may be sent.
    pub fn skill_answerer(&self) -> Result<AnswererAddress, ConfigError> {
        const VARIABLE: &str = "SKILL_ANSWERER";
        const FIX: &str = "Set it to the ARN of a Lambda function or to an https:// URL, for example \
                           https://example.com/kakao/answer";
        let text = self.required(VARIABLE, FIX)?.trim().to_owned();
        if !text.starts_with("arn:") {
            let url = DeliveryUrl::from_text(&text).map_err(|error| malformed(VARIABLE, &error, FIX))?;
            return Ok(AnswererAddress::Https(url));
        }
        let parts: Vec<&str> = text.split(':').collect();
        let is_function =
            matches!(*parts, ["arn", _, "lambda", _, _, "function", _] | ["arn", _, "lambda", _, _, "function", _, _])
                && !parts.contains(&"");
        let problem = || "is not the ARN of a Lambda function".to_owned();
        if is_function {
            Ok(AnswererAddress::Lambda(text))
        } else {
            Err(ConfigError { variable: VARIABLE, problem: problem(), fix: FIX })
        }
    }

    /// `SKILL_ANSWERER_SECRET`: the ARN of the secret by which an answerer at a URL knows its requests.
    ///
    /// # Errors
    /// Not set, or not the ARN of a secret in Secrets Manager.
    pub fn skill_answerer_secret(&self) -> Result<String, ConfigError> {
        const VARIABLE: &str = "SKILL_ANSWERER_SECRET";
        const FIX: &str = "Set it to the ARN of a Secrets Manager secret, for example \
                           arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:answerer-0a1B2c: an answerer at \
                           a URL gets its requests signed";
        secret_arn(VARIABLE, &self.required(VARIABLE, FIX)?, FIX)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::with, *};

    #[test]
    fn an_answerer_is_a_function_or_a_url() {
        for arn in [
            "arn:aws:lambda:ap-northeast-2:123456789012:function:answers",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:answers:live",
        ] {
            assert_eq!(with("SKILL_ANSWERER", arn).skill_answerer().unwrap(), AnswererAddress::Lambda(arn.to_owned()));
        }
        for url in ["https://example.com/answer", "http://localhost:8080/answer"] {
            assert!(matches!(with("SKILL_ANSWERER", url).skill_answerer(), Ok(AnswererAddress::Https(_))), "{url}");
        }
        for wrong in [
            "answers",
            "http://example.com/answer",
            "https://a:b@example.com/",
            "arn:aws:lambda:ap-northeast-2:123456789012:function:",
            "arn:aws:sqs:ap-northeast-2:123456789012:answers",
        ] {
            let error = with("SKILL_ANSWERER", wrong).skill_answerer().unwrap_err().to_string();
            assert!(error.starts_with("SKILL_ANSWERER ") && error.contains("Set it to the ARN"), "{error}");
        }
    }

    #[test]
    fn the_skill_asks_if_both_variables_are_there() {
        let queue = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/answers";
        assert_eq!(with("X", "").asking().unwrap(), None);
        let error = with("ANSWER_QUEUE_URL", queue).asking().unwrap_err().to_string();
        assert!(error.starts_with("ANSWERER_FUNCTION is not set. Set ANSWER_QUEUE_URL and"), "{error}");
        let error = with("ANSWERER_FUNCTION", "answerer").asking().unwrap_err().to_string();
        assert!(error.starts_with("ANSWER_QUEUE_URL is not set."), "{error}");
    }

    #[test]
    fn only_an_origin_is_called_back() {
        assert_eq!(with("X", "").callback_origin().unwrap(), CallbackOrigin::default());
        assert!(with("KAKAO_CALLBACK_URL", "http://127.0.0.1:8080").callback_origin().is_ok());
        for wrong in ["http://example.com", "https://example.com/path", "https://a@example.com", "x"] {
            assert!(with("KAKAO_CALLBACK_URL", wrong).callback_origin().is_err(), "{wrong}");
        }
    }
}
