//! The way to SQS. A standard queue: any order and any number of deliveries end in the same state, so
//! FIFO would buy nothing.

use std::time::Duration;

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::{Client, config::Builder, error::DisplayErrorContext, types::SendMessageBatchRequestEntry};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::edges::{Deletion, EdgeError, Queue, Visibility, whole_seconds};

/// How long one attempt to send may take: two fit into an acknowledgement's time, with some left for the inbox.
pub(crate) const ATTEMPT: Duration = Duration::from_millis(700);

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
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(20)))
            .build();
        Self { client: Client::from_conf(config), url }
    }

    /// Another queue, by the same client.
    #[must_use]
    pub fn beside(&self, url: String) -> Self {
        Self { client: self.client.clone(), url }
    }
}

/// SQS takes so many messages at once.
const BATCH: usize = 10;
const BATCHES_AT_ONCE: usize = 4;

impl SqsQueue {
    async fn send_batch(&self, envelopes: &[String]) -> Result<(), EdgeError> {
        let entry = |(index, envelope): (usize, &String)| {
            SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(envelope).build()
        };
        let entries = envelopes.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>();
        let entries = entries.map_err(|error| EdgeError(error.to_string()))?;
        let sent = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
        let sent = sent.map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))?;
        let stored = sent.successful().iter().filter(|entry| !entry.message_id().is_empty()).count();
        if stored == envelopes.len() {
            return Ok(());
        }
        let code = sent.failed().first().map_or("none", |failed| failed.code());
        Err(EdgeError(format!("{stored} of {} messages are stored, an error: {code}", envelopes.len())))
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

    async fn send_all(&self, envelopes: &[String]) -> Result<(), EdgeError> {
        let batches: Vec<_> = envelopes.chunks(BATCH).map(|batch| self.send_batch(batch).boxed()).collect();
        stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).try_collect::<Vec<()>>().await.map(drop)
    }
}

impl Visibility for SqsQueue {
    async fn hide(&self, receipt: &str, pause: Duration) -> Result<(), EdgeError> {
        let change = self.client.change_message_visibility().queue_url(&self.url);
        let changed = change.receipt_handle(receipt).visibility_timeout(whole_seconds(pause)).send().await;
        changed.map(drop).map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))
    }
}

impl Deletion for SqsQueue {
    async fn delete(&self, receipt: &str) -> Result<(), EdgeError> {
        let deleted = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await;
        deleted.map(drop).map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))
    }
}
