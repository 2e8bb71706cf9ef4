//! A queue to send to, with errors for an operator.

use aws_config::SdkConfig;
use aws_sdk_sqs::{Client, config::Builder};
use runtime::edges::{EdgeError, Queue};

use super::{PATIENCE, attempts_of, fault::sentence};

/// A queue of a stack.
#[derive(Clone, Debug)]
pub struct StackQueue {
    client: Client,
    url: String,
}

impl StackQueue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(aws: &SdkConfig, url: String) -> Self {
        let config = Builder::from(aws).timeout_config(attempts_of(aws, PATIENCE)).build();
        Self { client: Client::from_conf(config), url }
    }
}

impl Queue for StackQueue {
    async fn send(&self, envelope: &str) -> Result<(), EdgeError> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(envelope).send().await;
        let sent = sent.map_err(|error| EdgeError(sentence("sqs:SendMessage", &error)))?;
        // The client takes an empty 200 for an answer. Only what has an id is stored.
        let id = sent.message_id().filter(|id| !id.is_empty());
        id.map(drop).ok_or_else(|| EdgeError("the queue answered without a message id".to_owned()))
    }
}
