use std::time::Duration;

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_secretsmanager::{Client, config::Builder};

use super::SecretSource;
use crate::{edges::EdgeError, http::in_full};

/// A secret in AWS Secrets Manager.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
    arn: String,
}

impl SecretsManager {
    /// The secret with this ARN.
    #[must_use]
    pub fn new(aws: &SdkConfig, arn: String) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(1_200)).build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(50)))
            .build();
        Self { client: Client::from_conf(config), arn }
    }
}

impl SecretSource for SecretsManager {
    async fn read(&self) -> Result<String, EdgeError> {
        let value = self.client.get_secret_value().secret_id(&self.arn).send().await;
        // Not the SDK's display of an error's context: that shows a response that it could not read, with the secret in it.
        let value = value.map_err(|error| EdgeError(in_full(&error)))?;
        value.secret_string.ok_or_else(|| EdgeError("it holds bytes and no text".to_owned()))
    }
}
