//! The way to SQS. A standard queue: any order and any number of deliveries end in the same state, so
//! FIFO would buy nothing.

use std::time::Duration;

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{Client, config::Builder, error::DisplayErrorContext};

use crate::edges::{EdgeError, Queue, Visibility};

/// A queue in SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue at a URL. Two attempts: a connection that was frozen with the function may be
    /// dead.
    #[must_use]
    pub fn new(aws: &SdkConfig, url: String) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(700)).build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(20)))
            .build();
        Self { client: Client::from_conf(config), url }
    }
}

impl Queue for SqsQueue {
    async fn send(&self, envelope: &str) -> Result<(), EdgeError> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(envelope).send().await;
        let sent = sent.map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))?;
        // The client takes an empty 200 for an answer. Only what has an id is stored.
        let id = sent.message_id().filter(|id| !id.is_empty());
        id.map(drop).ok_or_else(|| EdgeError("an answer without a message id".to_owned()))
    }
}

impl Visibility for SqsQueue {
    async fn hide(&self, receipt: &str, pause: Duration) -> Result<(), EdgeError> {
        // In range: the service knows no more than twelve hours.
        let seconds = i32::try_from(pause.as_secs()).unwrap_or(i32::MAX);
        let change = self.client.change_message_visibility().queue_url(&self.url);
        let changed = change.receipt_handle(receipt).visibility_timeout(seconds).send().await;
        changed.map(drop).map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))
    }
}
