//! The environment's variables. Read once, at the start; a missing or malformed one refuses to start and
//! says which and what to do. No message shows a value.

mod aws;
mod delivery;
mod kakao;
mod publishing;
mod reconciling;
mod retention;
mod skill;

use std::fmt;

use http::Uri;

use crate::clock::Clock;

pub use skill::{AnswererAddress, FALLBACK_TEXT};

/// A variable that can't be used.
#[derive(thiserror::Error)]
#[error("{variable} {problem}. {fix}")]
pub struct ConfigError {
    /// Which.
    pub variable: &'static str,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub fix: &'static str,
}

/// What ends a `main` is shown by its `Debug`: its reader wants the sentence.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The variables, from wherever they come.
pub struct Variables<'v>(Box<Lookup<'v>>);

type Lookup<'v> = dyn Fn(&str) -> Option<String> + 'v;

impl<'v> Variables<'v> {
    /// The process's environment.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Variables from a function, for tests.
    pub fn new(get: impl Fn(&str) -> Option<String> + 'v) -> Self {
        Self(Box::new(get))
    }

    /// An empty variable is an absent one: a template can't always leave one out.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }

    fn required(&self, variable: &'static str, fix: &'static str) -> Result<String, ConfigError> {
        self.get(variable).ok_or_else(|| ConfigError { variable, problem: "is not set".to_owned(), fix })
    }

    fn flag(&self, variable: &'static str, fix: &'static str) -> Result<bool, ConfigError> {
        match self.get(variable).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ConfigError { variable, problem: "is neither true nor false".to_owned(), fix }),
        }
    }

    /// The machine's clock. A debug build sets it forward by `TEST_CLOCK_AHEAD_MS` milliseconds: the tests' events have
    /// fixed times. A release build knows no such variable.
    ///
    /// # Errors
    /// Not a whole number.
    pub fn clock(&self) -> Result<Clock, ConfigError> {
        const VARIABLE: &str = "TEST_CLOCK_AHEAD_MS";
        let Some(text) = self.get(VARIABLE).filter(|_| cfg!(debug_assertions)) else { return Ok(Clock::default()) };
        let problem = || "is not a whole number of milliseconds".to_owned();
        let parsed =
            text.parse().map_err(|_| ConfigError { variable: VARIABLE, problem: problem(), fix: "Leave it out" });
        parsed.map(Clock::ahead)
    }
}

/// The text, if it is the URL of something that speaks HTTP. Nothing can be sent to a queue without a valid URL, so every
/// event would take the way through the inbox.
fn url(variable: &'static str, text: &str, fix: &'static str) -> Result<String, ConfigError> {
    let text = text.trim().to_owned();
    let is_url = text.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some_and(|host| !host.is_empty())
    });
    if is_url { Ok(text) } else { Err(ConfigError { variable, problem: "is not a URL".to_owned(), fix }) }
}

/// The text, if it is the ARN of a secret. The secret itself may have been set: the error does not show it.
fn secret_arn(variable: &'static str, text: &str, fix: &'static str) -> Result<String, ConfigError> {
    let text = text.trim().to_owned();
    let parts: Vec<&str> = text.splitn(7, ':').collect();
    let is_secret = matches!(*parts, ["arn", partition, "secretsmanager", region, account, "secret", name]
        if ![partition, region, account, name].contains(&""));
    let problem = || "is not the ARN of a secret".to_owned();
    if is_secret { Ok(text) } else { Err(ConfigError { variable, problem: problem(), fix }) }
}

fn malformed(variable: &'static str, error: &impl std::error::Error, fix: &'static str) -> ConfigError {
    ConfigError { variable, problem: format!("can't be used: {error}"), fix }
}

#[cfg(test)]
mod tests {
    use kakao_webhooks::auth::Sources;

    use super::*;

    pub(super) fn with(name: &'static str, value: &'static str) -> Variables<'static> {
        Variables::new(move |asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_missing_variable_is_reported_with_the_fix() {
        let error = with("X", "").apps().unwrap_err().to_string();
        assert!(error.starts_with("KAKAO_APPS is not set. Set it to"), "{error}");
        let error = with("TABLE_NAME", " ").table_name().unwrap_err().to_string();
        assert!(error.starts_with("TABLE_NAME is not set."), "{error}");
    }

    #[test]
    fn a_malformed_variable_is_named_but_not_shown() {
        for error in [
            with("KAKAO_APPS", r#"[{"app_id":"secret"}]"#).apps().unwrap_err(),
            with("SKILL_AUTH", r#"{"header":"x","sha256":["secret"]}"#).skill_auth().unwrap_err(),
            with("KAKAO_JWKS_URL", "http://secret.example.com").key_endpoint().unwrap_err(),
            with("ACCEPT_UNTYPED_TOKENS", "secret").typing().unwrap_err(),
            with("GONE_RETENTION_DAYS", "secret").retention().unwrap_err(),
            with("PUBLISH_PROFILE_VALUES", "secret").profile_values().unwrap_err(),
            with("AWS_CA_BUNDLE", "/secret").ca_bundle().unwrap_err(),
            with("WATCH_SILENCE", "secret").watches_silence().unwrap_err(),
            with("SOURCE_CHECK", "secret").sources().unwrap_err(),
            with("SOURCE_CIDRS", "secret").sources().unwrap_err(),
            with("DELIVERY_URL", "https://a:b@example.com/secret").delivery_url().unwrap_err(),
            with("DELIVERY_QUEUE_URL", "q?secret").delivery_queue_url().unwrap_err(),
            with("SKILL_ANSWERER", "https://a:b@example.com/secret").skill_answerer().unwrap_err(),
            with("KAKAO_CALLBACK_URL", "https://example.com/secret").callback_origin().unwrap_err(),
        ] {
            assert!(error.to_string().contains(error.variable) && !error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_may_be_absent_has_a_default() {
        let empty = with("X", "");
        assert!(empty.skill_auth().unwrap().is_none());
        assert_eq!(empty.share_user_key().unwrap(), "user_id");
        assert!(empty.key_endpoint().is_ok());
        assert_eq!(empty.sources().unwrap(), Sources::default());
        assert_eq!(empty.retention().unwrap().gone_days, 90);
    }
}
