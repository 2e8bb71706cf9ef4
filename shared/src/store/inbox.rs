use std::time::Duration;

use aws_config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{config::Builder, error::DisplayErrorContext};

use super::{
    DynamoStore, StoreError,
    dynamo::{NOT_THERE, fault, is_condition},
    items::{self, Item, text_of},
};
use crate::{
    https::Knock,
    ingest::{EdgeError, Inbox},
    wire::EventId,
};

/// An envelope that waits for the queue.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The event's id.
    pub id: EventId,
    /// The envelope's text.
    pub envelope: String,
}

/// How many items of the inbox are read at once.
const PAGE: i32 = 25;

impl Inbox for DynamoStore {
    async fn put(&self, id: &EventId, envelope: &str, within: Duration) -> Result<(), EdgeError> {
        // Two attempts: a connection that was frozen may be dead.
        let attempt = within.mul_f32(0.48);
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).build();
        let put = self.client.put_item().table_name(&self.table).set_item(Some(items::inbox(id, envelope)));
        // What waits already is not written over: whoever knows an id could destroy an event.
        let put = put.condition_expression(NOT_THERE).customize();
        match put.config_override(Builder::new().timeout_config(timeouts)).send().await {
            Err(error) if !is_condition(&error) => Err(EdgeError(DisplayErrorContext(&error).to_string())),
            _ => Ok(()),
        }
    }
}

impl DynamoStore {
    /// Opens the connection, before somebody waits for it. Whatever goes wrong shows when something is put.
    pub(super) async fn open(&self) {
        let put = self.client.put_item().table_name(&self.table).customize();
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let _ = put.interceptor(Knock).config_override(once).send().await;
    }

    /// Some items of one of the inbox's partitions, behind this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, partition: &str, behind: Option<&EventId>) -> Result<Vec<Waiting>, StoreError> {
        let start = behind.map(|id| items::key(partition, id.as_str()));
        let query = self.partition(partition).consistent_read(true).set_exclusive_start_key(start).limit(PAGE);
        let read = query.send().await.map_err(|error| fault(&error))?;
        Ok(read.items().iter().map(waiting).collect())
    }

    /// Takes an item out of the inbox, once the queue has it. Harmless twice.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_waiting(&self, id: &EventId) -> Result<(), StoreError> {
        let key = items::key(items::inbox_partition(id), id.as_str());
        let removed = self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await;
        removed.map(drop).map_err(|error| fault(&error))
    }
}

fn waiting(item: &Item) -> Waiting {
    let of = |name| text_of(item, name).unwrap_or_default();
    Waiting { id: EventId::from_text(of("sk")), envelope: of("envelope").to_owned() }
}
