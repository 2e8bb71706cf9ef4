//! Where changes are delivered, and by which secret they are signed.

use super::{ConfigError, Variables, malformed, secret_arn, url};
use crate::deliver::DeliveryUrl;

impl Variables<'_> {
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
}

#[cfg(test)]
mod tests {
    use super::super::tests::with;

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
}
