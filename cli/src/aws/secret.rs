//! A secret in Secrets Manager, with errors for an operator.

use anyhow::{Context, Result, anyhow};
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::{Client, config::Builder};

use super::{PATIENCE, attempts_of, fault::sentence};

/// The text of the secret with this ARN.
pub(crate) async fn read(aws: &SdkConfig, arn: String) -> Result<String> {
    let config = Builder::from(aws).timeout_config(attempts_of(aws, PATIENCE)).build();
    let read = Client::from_conf(config).get_secret_value().secret_id(arn).send().await;
    let sentence = |error| anyhow!("the secret can't be read: {}", sentence("secretsmanager:GetSecretValue", &error));
    read.map_err(sentence)?.secret_string.context("the secret holds bytes and no text")
}
