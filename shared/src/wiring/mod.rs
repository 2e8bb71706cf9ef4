//! The rooms joined to a function: everything that a binary needs is built here, once, during init.

use aws_config::{BehaviorVersion, SdkConfig};
use lambda_http::{Error, service_fn};

use crate::{
    config::Variables,
    ingest::{Ingest, Webhook},
    queue::SqsQueue,
    store::DynamoStore,
};

/// What the SDK's own variables say: endpoint, region, credentials.
pub async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// Runs the acknowledging function of a webhook until Lambda ends it.
///
/// # Errors
/// A variable that can't be used, or a runtime that can't be reached.
pub async fn acknowledge<W: Webhook, F>(webhook: W, variables: &Variables<F>) -> Result<(), Error>
where
    F: Fn(&str) -> Option<String>,
{
    let (queue_url, table) = (variables.event_queue_url()?, variables.table_name()?);
    let aws = aws().await;
    let inbox = DynamoStore::new(&aws, table, variables.retention()?);
    let ingest = Ingest::new(webhook, SqsQueue::new(&aws, queue_url), inbox);
    lambda_http::run(service_fn(|request| ingest.accept(request))).await
}
