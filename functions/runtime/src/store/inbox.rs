use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::{config::Builder, error::DisplayErrorContext};
use tokio::time::Instant;

use super::{
    DynamoStore, StoreError,
    dynamo::{fault, is_condition},
    items::{self, Item, text_of},
    kept::{is_put, name_beside},
};
use crate::edges::{EdgeError, Inbox};
use kakao_webhooks::wire::EventId;

/// An envelope that waits for the queue.
#[derive(Clone, Debug)]
pub struct InboxEnvelope {
    /// The event's id.
    pub id: EventId,
    /// The envelope's text.
    pub envelope: String,
}

/// How many items of the inbox are read at once.
const PAGE: i32 = 25;

impl Inbox for DynamoStore {
    async fn put(&self, id: &EventId, envelope: &str, within: Duration) -> Result<(), EdgeError> {
        let end = Instant::now() + within;
        if self.put_unless_another_is_there(id, envelope, within).await? {
            return Ok(());
        }
        // Another event waits under this id.
        let id = EventId::from_text(&name_beside(id.as_str(), envelope));
        let put = self.put_unless_another_is_there(&id, envelope, end.saturating_duration_since(Instant::now()));
        put.await.map(drop)
    }
}

impl DynamoStore {
    /// Whether the envelope is in the inbox under this id. If not, another is.
    async fn put_unless_another_is_there(
        &self,
        id: &EventId,
        envelope: &str,
        within: Duration,
    ) -> Result<bool, EdgeError> {
        // Two attempts: a connection that was frozen may be dead.
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(within.mul_f32(0.48)).build();
        let put = self.put_unless_another(items::inbox(id, envelope), None).customize();
        let put = put.config_override(Builder::new().timeout_config(timeouts)).send().await;
        is_put(put, |error| EdgeError(DisplayErrorContext(error).to_string()))
    }

    /// Some items of one of the inbox's partitions, behind this one. What was put just now may be missing: the next minute
    /// finds it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, partition: &str, behind: Option<&EventId>) -> Result<Vec<InboxEnvelope>, StoreError> {
        let start = behind.map(|id| items::key(partition, id.as_str()));
        let query = self.partition(partition).set_exclusive_start_key(start).limit(PAGE);
        let read = query.send().await.map_err(|error| fault(&error))?;
        Ok(read.items().iter().map(waiting).collect())
    }

    /// Takes an envelope out of the inbox, once the queue has it. Another one that was put under its id meanwhile stays.
    /// Harmless twice.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_waiting(&self, waiting: &InboxEnvelope) -> Result<(), StoreError> {
        let key = items::key(items::inbox_partition(&waiting.id), waiting.id.as_str());
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let delete = delete.condition_expression("envelope = :envelope");
        let delete = delete.expression_attribute_values(":envelope", items::text(&waiting.envelope));
        match delete.send().await {
            Err(error) if !is_condition(&error) => Err(fault(&error)),
            _ => Ok(()),
        }
    }
}

fn waiting(item: &Item) -> InboxEnvelope {
    let of = |name| text_of(item, name).unwrap_or_default();
    InboxEnvelope { id: EventId::from_text(of("sk")), envelope: of("envelope").to_owned() }
}
