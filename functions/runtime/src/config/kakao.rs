//! What Kakao sends, and how it is proven: apps, keys, tokens and networks.

use kakao_webhooks::auth::{Apps, SourceCheck, Sources, SourcesError, Typing};

use super::{ConfigError, Variables, malformed};
use crate::keys::KeyEndpoint;

/// Where Kakao publishes its keys.
const KAKAO_JWKS_URL: &str = "https://kauth.kakao.com/.well-known/jwks.json";

/// The longest custom key, in characters.
const LONGEST_KEY: usize = 128;

impl Variables<'_> {
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

    /// `KAKAO_JWKS_URL`, by default Kakao's.
    ///
    /// # Errors
    /// Not a URL that keys may come from, or [`Self::ca_bundle`].
    pub fn key_endpoint(&self) -> Result<KeyEndpoint, ConfigError> {
        let url = self.get("KAKAO_JWKS_URL").unwrap_or_else(|| KAKAO_JWKS_URL.to_owned());
        KeyEndpoint::new(&url, &self.ca_bundle()?)
            .map_err(|error| malformed("KAKAO_JWKS_URL", &error, "Leave it out to use Kakao's own key set"))
    }

    /// `ACCEPT_UNTYPED_TOKENS`: `true` or `false`, by default `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn typing(&self) -> Result<Typing, ConfigError> {
        const FIX: &str = "Leave it out, unless Kakao's tokens really come without a typ";
        Ok(if self.flag("ACCEPT_UNTYPED_TOKENS", FIX)? { Typing::Optional } else { Typing::Required })
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

    /// `WATCH_SILENCE`: `true` or `false`, by default `false`. Whether it is noted when each kind of webhook last came,
    /// for the janitor to say how long none did.
    ///
    /// # Errors
    /// Anything else.
    pub fn watches_silence(&self) -> Result<bool, ConfigError> {
        self.flag("WATCH_SILENCE", "Set it to true only if an alarm on silent webhooks is wanted")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::with, *};

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
}
