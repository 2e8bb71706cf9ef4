use aws_sdk_dynamodb::{error::DisplayErrorContext, types::AttributeValue};

use super::{
    DynamoStore, StoreError,
    dynamo::fault,
    items::{self, Item},
};
use crate::{
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
    async fn put(&self, id: &EventId, envelope: &str) -> Result<(), EdgeError> {
        let item = items::inbox(id, envelope);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))
    }
}

impl DynamoStore {
    /// Some items of one of the inbox's partitions, behind this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self, partition: &str, behind: Option<&EventId>) -> Result<Vec<Waiting>, StoreError> {
        let start = behind.map(|id| items::key(partition, id.as_str()));
        let read = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .limit(PAGE)
            .send()
            .await
            .map_err(|error| fault(&error))?;
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
    let of = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    Waiting { id: EventId::from_text(&of("sk")), envelope: of("envelope") }
}
