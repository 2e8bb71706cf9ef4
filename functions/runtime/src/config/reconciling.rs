use super::{ConfigError, Variables, malformed, secret_arn};
use crate::reconcile::{DailyTime, KakaoApiUrl, Settings};

/// Where Kakao's REST API is.
const KAKAO_API_URL: &str = "https://kapi.kakao.com";

impl Variables<'_> {
    /// `KAKAO_API_URL`, by default Kakao's.
    ///
    /// # Errors
    /// Not a URL to which keys may be sent.
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
        let Some(text) = self.get(VARIABLE) else { return Ok(Settings::default().most_unlinks) };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Variables<'static> {
        Variables::new(move |asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_malformed_variable_is_named_but_not_shown() {
        for error in [
            with("KAKAO_API_URL", "http://hidden.example.com").kakao_api_url().unwrap_err(),
            with("KAKAO_READER_KEYS", "hidden").kakao_reader_keys().unwrap_err(),
            with("RECONCILE_MAX_UNLINKS", "hidden").reconcile_max_unlinks().unwrap_err(),
            with("RECONCILE_MAX_UNLINKS", "-1").reconcile_max_unlinks().unwrap_err(),
            with("RECONCILE_AT", "hidden").reconcile_at().unwrap_err(),
        ] {
            assert!(error.to_string().contains(error.variable) && !error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn what_may_be_absent_has_a_default() {
        let empty = with("X", "");
        assert!(empty.kakao_api_url().is_ok());
        assert_eq!((empty.reconcile_max_unlinks().unwrap(), empty.reconcile_at().unwrap()), (20, DailyTime::default()));
        assert_eq!(with("RECONCILE_AT", "04:00").reconcile_at().unwrap(), "04:00".parse().unwrap());
    }
}
