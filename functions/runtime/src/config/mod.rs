//! The environment's variables. Read once, at the start; a missing or malformed one refuses to start and
//! says which and what to do. No message shows a value.

use std::{fmt, ops::RangeInclusive};

use http::Uri;
use kakao_webhooks::{
    auth::{Apps, SkillAuth, SourceCheck, Sources, SourcesError, Typing},
    skill::{Echo, Fixed, Listed, Responder},
    state::ProfileValues,
};

use crate::{
    clock::Clock,
    deliver::DeliveryUrl,
    http::{CaBundle, Pool},
    keys::KeyEndpoint,
    reconcile::{self, DailyTime, KakaoApiUrl},
    store::{LONGEST_QUARANTINE_DAYS, QUEUED_DAYS, Retention},
};

/// Where Kakao publishes its keys.
const KAKAO_JWKS_URL: &str = "https://kauth.kakao.com/.well-known/jwks.json";

/// Where Kakao's REST API is.
const KAKAO_API_URL: &str = "https://kapi.kakao.com";

const CA_BUNDLE_FIX: &str = "Set it to the path of a file of certificates in PEM, or leave it out";

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

    /// `KAKAO_APPS`.
    ///
    /// # Errors
    /// Not set, or not what [`Apps::from_json`] reads.
    pub fn apps(&self) -> Result<Apps, ConfigError> {
        const FIX: &str = r#"Set it to a JSON list such as [{"app_id":"123456","rest_api_keys":["<REST API key>"],"admin_key_sha256":["<what khook hash-key prints>"]}]"#;
        let text = self.required("KAKAO_APPS", FIX)?;
        Apps::from_json(&text).map_err(|error| malformed("KAKAO_APPS", &error, FIX))
    }

    /// `KAKAO_APPS`, for a function whose webhooks admin keys prove. An app without one is legitimate, since it may use
    /// the account status change webhook alone; its other webhooks are refused, which is worth a warning.
    ///
    /// # Errors
    /// As [`Self::apps`].
    pub fn apps_proven_by_admin_key(&self) -> Result<Apps, ConfigError> {
        let apps = self.apps()?;
        for app_id in apps.without_admin_key() {
            let fix = "add the digest that khook hash-key prints to admin_key_sha256, if this app uses this webhook";
            tracing::warn!(event = "app_without_admin_key", %app_id, fix);
        }
        Ok(apps)
    }

    /// `EVENT_QUEUE_URL`.
    ///
    /// # Errors
    /// Not set, or not a URL.
    pub fn event_queue_url(&self) -> Result<String, ConfigError> {
        const FIX: &str = "Set it to the queue's URL, for example \
                           https://sqs.ap-northeast-2.amazonaws.com/123456789012/events (template.yaml does)";
        url("EVENT_QUEUE_URL", &self.required("EVENT_QUEUE_URL", FIX)?, FIX)
    }

    /// `TABLE_NAME`.
    ///
    /// # Errors
    /// Not set.
    pub fn table_name(&self) -> Result<String, ConfigError> {
        self.required("TABLE_NAME", "Set it to the name of the DynamoDB table (template.yaml does)")
    }

    /// `KAKAO_JWKS_URL`, by default Kakao's.
    ///
    /// # Errors
    /// Not a URL that keys may come from, or [`Self::ca_bundle`].
    pub fn key_endpoint(&self) -> Result<KeyEndpoint, ConfigError> {
        let url = self.get("KAKAO_JWKS_URL").unwrap_or_else(|| KAKAO_JWKS_URL.to_owned());
        KeyEndpoint::new(&url, &self.ca_bundle()?)
            .map_err(|error| malformed("KAKAO_JWKS_URL", &error, "Leave it out to use Kakao's own key set"))
    }

    /// `AWS_CA_BUNDLE`, the SDKs' name for it: a file of certificates that are trusted in addition to the compiled-in
    /// ones. It may be absent.
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn ca_bundle(&self) -> Result<CaBundle, ConfigError> {
        let read = |path: String| CaBundle::read(&path);
        let bundle = self.get("AWS_CA_BUNDLE").map(read).transpose();
        Ok(bundle.map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))?.unwrap_or_default())
    }

    /// The connections to AWS, by [`Self::ca_bundle`].
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn pool(&self) -> Result<Pool, ConfigError> {
        Pool::new(&self.ca_bundle()?).map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))
    }

    /// The connections to AWS and to hosts elsewhere, by [`Self::ca_bundle`].
    ///
    /// # Errors
    /// A file that can't be used.
    pub fn pool_of_the_web(&self) -> Result<Pool, ConfigError> {
        Pool::of_the_web(&self.ca_bundle()?).map_err(|error| malformed("AWS_CA_BUNDLE", &error, CA_BUNDLE_FIX))
    }

    /// `ACCEPT_UNTYPED_TOKENS`: `true` or `false`, by default `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn typing(&self) -> Result<Typing, ConfigError> {
        const FIX: &str = "Leave it out, unless Kakao's tokens really come without a typ";
        Ok(if self.flag("ACCEPT_UNTYPED_TOKENS", FIX)? { Typing::Optional } else { Typing::Required })
    }

    fn flag(&self, variable: &'static str, fix: &'static str) -> Result<bool, ConfigError> {
        match self.get(variable).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ConfigError { variable, problem: "is neither true nor false".to_owned(), fix }),
        }
    }

    /// `EVENT_BUS_NAME`.
    ///
    /// # Errors
    /// Not set.
    pub fn event_bus_name(&self) -> Result<String, ConfigError> {
        self.required("EVENT_BUS_NAME", "Set it to the name of the EventBridge bus (template.yaml does)")
    }

    /// `UNPUBLISHED_QUEUE_URL`, which may be absent.
    ///
    /// # Errors
    /// There, but not a URL.
    pub fn unpublished_queue_url(&self) -> Result<Option<String>, ConfigError> {
        const VARIABLE: &str = "UNPUBLISHED_QUEUE_URL";
        let checked = |text: String| url(VARIABLE, &text, "Set it to the queue's URL, or leave it out");
        self.get(VARIABLE).map(checked).transpose()
    }

    /// `DELIVERY_URL`.
    ///
    /// # Errors
    /// Not set, or not a URL to which changes may be delivered.
    pub fn delivery_url(&self) -> Result<DeliveryUrl, ConfigError> {
        const VARIABLE: &str = "DELIVERY_URL";
        const FIX: &str = "Set it to your service's URL, for example https://example.com/kakao (template.yaml does)";
        DeliveryUrl::from_text(&self.required(VARIABLE, FIX)?).map_err(|error| malformed(VARIABLE, &error, FIX))
    }

    /// `DELIVERY_QUEUE_URL`.
    ///
    /// # Errors
    /// Not set, or not a URL.
    pub fn delivery_queue_url(&self) -> Result<String, ConfigError> {
        const VARIABLE: &str = "DELIVERY_QUEUE_URL";
        const FIX: &str = "Set it to the URL of the queue from which the function receives (template.yaml does)";
        url(VARIABLE, &self.required(VARIABLE, FIX)?, FIX)
    }

    /// `DELIVERY_SECRET`: the ARN of the secret.
    ///
    /// # Errors
    /// Not set, or not the ARN of a secret in Secrets Manager.
    pub fn delivery_secret(&self) -> Result<String, ConfigError> {
        const FIX: &str = "Set it to the ARN of a Secrets Manager secret, for example \
                           arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:delivery-0a1B2c";
        secret_arn("DELIVERY_SECRET", &self.required("DELIVERY_SECRET", FIX)?, FIX)
    }

    /// `KAKAO_API_URL`, by default Kakao's.
    ///
    /// # Errors
    /// Not a URL at which keys may be shown.
    pub fn kakao_api_url(&self) -> Result<KakaoApiUrl, ConfigError> {
        let url = self.get("KAKAO_API_URL").unwrap_or_else(|| KAKAO_API_URL.to_owned());
        KakaoApiUrl::from_text(&url)
            .map_err(|error| malformed("KAKAO_API_URL", &error, "Leave it out to use Kakao's own API"))
    }

    /// `KAKAO_READER_KEYS`: the ARN of the secret with the keys.
    ///
    /// # Errors
    /// Not set, or not the ARN of a secret in Secrets Manager.
    pub fn kakao_reader_keys(&self) -> Result<String, ConfigError> {
        const FIX: &str = "Set it to the ARN of a Secrets Manager secret, for example \
                           arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:kakao-reader-keys-0a1B2c";
        secret_arn("KAKAO_READER_KEYS", &self.required("KAKAO_READER_KEYS", FIX)?, FIX)
    }

    /// `RECONCILE_MAX_UNLINKS`, by default 20.
    ///
    /// # Errors
    /// Not a whole number.
    pub fn reconcile_max_unlinks(&self) -> Result<u64, ConfigError> {
        const VARIABLE: &str = "RECONCILE_MAX_UNLINKS";
        let Some(text) = self.get(VARIABLE) else { return Ok(reconcile::Settings::default().most_unlinks) };
        text.trim().parse().map_err(|_| ConfigError {
            variable: VARIABLE,
            problem: "is not a whole number of members".to_owned(),
            fix: "Set it to the most members that a run may unlink without approval, or leave it out",
        })
    }

    /// `RECONCILE_AT`: a time of day in Korea, by default 03:30.
    ///
    /// # Errors
    /// Not of the form `HH:MM`.
    pub fn reconcile_at(&self) -> Result<DailyTime, ConfigError> {
        let at = self.get("RECONCILE_AT").map(|text| text.parse()).transpose();
        let at =
            at.map_err(|error| malformed("RECONCILE_AT", &error, "Set it to a time such as 03:30, or leave it out"));
        Ok(at?.unwrap_or_default())
    }

    /// `PUBLISH_PROFILE_VALUES`: `true` or `false`, by default `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn profile_values(&self) -> Result<ProfileValues, ConfigError> {
        const FIX: &str = "Leave it out, unless every reader of the bus may see profile values";
        let published = self.flag("PUBLISH_PROFILE_VALUES", FIX)?;
        Ok(if published { ProfileValues::Published } else { ProfileValues::Withheld })
    }

    /// `WATCH_SILENCE`: `true` or `false`, by default `false`. Whether it is noted when each kind of webhook last came,
    /// for the janitor to say how long none did.
    ///
    /// # Errors
    /// Anything else.
    pub fn watches_silence(&self) -> Result<bool, ConfigError> {
        self.flag("WATCH_SILENCE", "Set it to true only if an alarm on silent webhooks is wanted")
    }

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

    /// What the skill answers: the first of the list `SKILL_ANSWERS` that fits, else `SKILL_TEXT`, else the
    /// user's own words.
    ///
    /// # Errors
    /// A list that can't be used, or an answer in it that Kakao wouldn't take.
    pub fn skill_answer(&self) -> Result<Box<dyn Responder>, ConfigError> {
        const FIX: &str = r#"Set it to a JSON list such as [{"utterance":"영업시간","text":"10시부터 20시까지입니다.","quick_replies":["위치"]}]"#;
        let otherwise: Box<dyn Responder> = match self.get("SKILL_TEXT") {
            Some(text) => Box::new(Fixed(text)),
            None => Box::new(Echo),
        };
        let Some(list) = self.get("SKILL_ANSWERS") else { return Ok(otherwise) };
        let listed = Listed::from_json(&list, otherwise).map_err(|error| malformed("SKILL_ANSWERS", &error, FIX))?;
        Ok(Box::new(listed))
    }

    /// `SOURCE_CHECK` (`off`, `observe` or `enforce`; by default `off`) against the networks of `SOURCE_CIDRS`.
    ///
    /// # Errors
    /// Anything else, or nothing to check against.
    pub fn sources(&self) -> Result<Sources, ConfigError> {
        const FIX: &str = "Set SOURCE_CIDRS to what khook ips prints, and SOURCE_CHECK to off, observe or enforce";
        let check = self.get("SOURCE_CHECK").map(|text| SourceCheck::from_text(&text)).transpose();
        let check = check.map_err(|error| malformed("SOURCE_CHECK", &error, FIX))?.unwrap_or_default();
        let list = self.get("SOURCE_CIDRS").unwrap_or_default();
        Sources::new(check, &list).map_err(|error: SourcesError| malformed("SOURCE_CIDRS", &error, FIX))
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

    /// `SHARE_USER_KEY`, by default `user_id`.
    ///
    /// # Errors
    /// A blank or a control character in it, or more than 128 characters.
    pub fn share_user_key(&self) -> Result<String, ConfigError> {
        const VARIABLE: &str = "SHARE_USER_KEY";
        let key = self.get(VARIABLE).map_or_else(|| "user_id".to_owned(), |key| key.trim().to_owned());
        if key.chars().any(|c| c.is_whitespace() || c.is_control()) || key.chars().count() > LONGEST_KEY {
            return Err(ConfigError {
                variable: VARIABLE,
                problem: "is not the name of a custom key".to_owned(),
                fix: "Set it to at most 128 characters without blanks and control characters, or leave it out",
            });
        }
        Ok(key)
    }

    /// `HISTORY_RETENTION_DAYS`, `QUARANTINE_RETENTION_DAYS` and `GONE_RETENTION_DAYS`. Template users are held to more: its
    /// limits are those of the longest quarantine.
    ///
    /// # Errors
    /// Not a whole number of days; or history, or the state of a user who is gone, that ends before a late delivery of an
    /// event can.
    pub fn retention(&self) -> Result<Retention, ConfigError> {
        let (default, quarantine_days) = (Retention::default(), self.quarantine_days()?);
        // What is replayed must still find its history, or it is counted twice; and the state of a user who is gone, or an
        // older event links that user again.
        let limits = QUEUED_DAYS + quarantine_days..=LONGEST_DAYS;
        Ok(Retention {
            history_days: self.days("HISTORY_RETENTION_DAYS", &limits, default.history_days)?,
            quarantine_days,
            gone_days: self.days("GONE_RETENTION_DAYS", &limits, default.gone_days)?,
        })
    }

    /// `QUARANTINE_RETENTION_DAYS` alone, for a function that writes neither history nor states.
    ///
    /// # Errors
    /// Not a whole number of days from 1 to [`LONGEST_QUARANTINE_DAYS`].
    pub fn quarantine_days(&self) -> Result<u32, ConfigError> {
        let limits = 1..=LONGEST_QUARANTINE_DAYS;
        self.days("QUARANTINE_RETENTION_DAYS", &limits, Retention::default().quarantine_days)
    }

    fn days(&self, variable: &'static str, limits: &RangeInclusive<u32>, default: u32) -> Result<u32, ConfigError> {
        let Some(text) = self.get(variable) else { return Ok(default) };
        text.trim().parse().ok().filter(|number| limits.contains(number)).ok_or_else(|| ConfigError {
            variable,
            problem: format!("is not a whole number of days from {} to {}", limits.start(), limits.end()),
            fix: "Set it within these limits, or leave it out",
        })
    }
}

/// The longest that something is kept, in days (`template.yaml`).
const LONGEST_DAYS: u32 = 3_650;

/// The longest custom key, in characters.
const LONGEST_KEY: usize = 128;

/// The text, if it is the URL of something that speaks HTTP. Nothing can be sent to a queue without a valid URL, so every
/// event would take the way through the inbox.
fn url(variable: &'static str, text: &str, fix: &'static str) -> Result<String, ConfigError> {
    let text = text.trim().to_owned();
    let is_url = text.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some_and(|host| !host.is_empty())
    });
    if is_url { Ok(text) } else { Err(ConfigError { variable, problem: "is not a URL".to_owned(), fix }) }
}

/// The text, if it is the ARN of a secret. Someone may have set the secret itself: the error does not show it.
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
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Variables<'static> {
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
            with("KAKAO_API_URL", "http://secret.example.com").kakao_api_url().unwrap_err(),
            with("KAKAO_READER_KEYS", "secret").kakao_reader_keys().unwrap_err(),
            with("RECONCILE_MAX_UNLINKS", "secret").reconcile_max_unlinks().unwrap_err(),
            with("RECONCILE_AT", "secret").reconcile_at().unwrap_err(),
        ] {
            assert!(error.to_string().contains(error.variable) && !error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_queue_url_that_is_none_is_refused() {
        for value in
            ["events", "https://", "sqs.ap-northeast-2.amazonaws.com/1/events", "arn:aws:sqs:x:1:q", "ftp://x/q"]
        {
            let error = with("EVENT_QUEUE_URL", value).event_queue_url().unwrap_err().to_string();
            assert!(error.starts_with("EVENT_QUEUE_URL is not a URL. Set it to the queue's URL"), "{error}");
            assert!(with("UNPUBLISHED_QUEUE_URL", value).unpublished_queue_url().is_err(), "{value}");
        }
        for value in ["https://sqs.ap-northeast-2.amazonaws.com/123456789012/q", "http://127.0.0.1:4566/000000000000/q"]
        {
            assert_eq!(with("EVENT_QUEUE_URL", value).event_queue_url().unwrap(), value);
            assert_eq!(with("UNPUBLISHED_QUEUE_URL", value).unpublished_queue_url().unwrap().as_deref(), Some(value));
        }
    }

    #[test]
    fn only_the_arn_of_a_secret_is_one() {
        let arn = "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a/b-0a1B2c";
        assert_eq!(with("DELIVERY_SECRET", arn).delivery_secret().unwrap(), arn);
        for value in [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:",
            "arn:aws:secretsmanager::123456789012:secret:x",
            "arn:aws:sqs:ap-northeast-2:123456789012:secret:x",
            "arn:aws:ssm:ap-northeast-2:123456789012:parameter/x",
        ] {
            let error = with("DELIVERY_SECRET", value).delivery_secret().unwrap_err().to_string();
            assert!(error.starts_with("DELIVERY_SECRET is not the ARN of a secret. Set it to"), "{error}");
            assert!(!error.contains("whsec_M"), "{error}");
        }
    }

    #[test]
    fn blanks_around_a_queue_url_are_not_part_of_it() {
        let url = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/q";
        let around = with("EVENT_QUEUE_URL", " https://sqs.ap-northeast-2.amazonaws.com/123456789012/q\n");
        assert_eq!(around.event_queue_url().unwrap(), url);
    }

    #[test]
    fn each_retention_is_as_long_as_an_event_can_be_late_and_its_error_names_the_limits() {
        let retention = |variable: &'static str, days: &str, quarantine: &'static str| {
            let days = days.to_owned();
            Variables::new(move |asked: &str| match asked {
                _ if asked == variable => Some(days.clone()),
                "QUARANTINE_RETENTION_DAYS" => Some(quarantine.to_owned()),
                _ => None,
            })
            .retention()
        };
        for (variable, quarantine, least, most) in [
            ("HISTORY_RETENTION_DAYS", "30", 51, 3_650),
            ("GONE_RETENTION_DAYS", "30", 51, 3_650),
            ("GONE_RETENTION_DAYS", "60", 81, 3_650),
            ("QUARANTINE_RETENTION_DAYS", "", 1, 60),
        ] {
            for days in [least, most] {
                retention(variable, &days.to_string(), quarantine).unwrap();
            }
            for days in ["0", "-1", "9999999999", "x", &(least - 1).to_string(), &(most + 1).to_string()] {
                let expected = format!(
                    "{variable} is not a whole number of days from {least} to {most}. Set it within these limits, or \
                     leave it out"
                );
                assert_eq!(retention(variable, days, quarantine).unwrap_err().to_string(), expected);
            }
        }
    }

    #[test]
    fn a_share_user_key_is_a_name_without_blanks_of_at_most_128_characters() {
        for (value, key) in [("user_id", "user_id"), (" 사용자.id-1 ", "사용자.id-1"), ("", "user_id")] {
            assert_eq!(with("SHARE_USER_KEY", value).share_user_key().unwrap(), key);
        }
        for value in ["a b", "a\tb", "a\u{3000}b", "a\u{7f}", "a\0"] {
            let error = with("SHARE_USER_KEY", value).share_user_key().unwrap_err().to_string();
            assert!(
                error.starts_with("SHARE_USER_KEY is not the name of a custom key. Set it to at most 128"),
                "{error}"
            );
        }
        let of_length = |length| Variables::new(move |_: &str| Some("가".repeat(length))).share_user_key();
        assert!(of_length(128).is_ok() && of_length(129).is_err());
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
