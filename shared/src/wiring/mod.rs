//! The rooms joined to a function: everything that a binary needs is built here, once, during init.

use aws_config::{BehaviorVersion, SdkConfig};
use lambda_http::{Error, service_fn};

use crate::{
    config::{ConfigError, Variables},
    ingest::{Ingest, Webhook},
    queue::SqsQueue,
    store::DynamoStore,
};

/// What the SDK's own variables say: endpoint, region, credentials.
pub async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// The table that the variables name.
///
/// # Errors
/// A variable that can't be used.
pub fn table<F>(aws: &SdkConfig, variables: &Variables<F>) -> Result<DynamoStore, ConfigError>
where
    F: Fn(&str) -> Option<String>,
{
    Ok(DynamoStore::new(aws, variables.table_name()?, variables.retention()?))
}

/// Runs the acknowledging function of a webhook until Lambda ends it.
///
/// # Errors
/// A variable that can't be used, or a runtime that can't be reached.
pub async fn acknowledge<W: Webhook, F>(webhook: W, aws: &SdkConfig, variables: &Variables<F>) -> Result<(), Error>
where
    F: Fn(&str) -> Option<String>,
{
    let queue = SqsQueue::new(aws, variables.event_queue_url()?);
    let ingest = Ingest::new(webhook, queue, table(aws, variables)?);
    lambda_http::run(service_fn(|request| ingest.accept(request))).await
}
