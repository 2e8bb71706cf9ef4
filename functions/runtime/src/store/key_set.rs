use std::time::Duration;

use bytes::Bytes;
use kakao_webhooks::wire::Time;
use tokio::time::timeout;

use super::{
    DynamoStore, StoreError,
    dynamo::fault,
    items::{Item, key, text, text_of},
};
use crate::keys::{FetchError, KeySetStore};

/// Both keys of the item.
const KEYSET: &str = "KEYSET";

/// Far below the budget of an acknowledgement, with time left for the queue.
const TIMEOUT: Duration = Duration::from_millis(500);

impl DynamoStore {
    /// Keeps a key set's document for a start while the endpoint is down.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_key_set(&self, document: &str, fetched_at: Time) -> Result<(), StoreError> {
        let mut item = key(KEYSET, KEYSET);
        item.insert("document".to_owned(), text(document));
        item.insert("fetched_at".to_owned(), text(fetched_at.to_string()));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| fault(&error))
    }

    async fn key_set(&self) -> Result<Option<Item>, StoreError> {
        let read = self.client.get_item().table_name(&self.table).set_key(Some(key(KEYSET, KEYSET))).send().await;
        Ok(read.map_err(|error| fault(&error))?.item)
    }
}

impl KeySetStore for DynamoStore {
    async fn stored(&self) -> Result<Option<(Bytes, Duration)>, FetchError> {
        let read = timeout(TIMEOUT, self.key_set()).await.map_err(|_| FetchError("no answer in time".to_owned()))?;
        let item = read.map_err(|error| FetchError(error.to_string()))?;
        Ok(item.as_ref().and_then(|item| document(item, crate::clock::now())))
    }
}

fn document(item: &Item, now: Time) -> Option<(Bytes, Duration)> {
    let fetched_at: Time = text_of(item, "fetched_at")?.parse().ok()?;
    let age = u64::try_from(now.millis_since(fetched_at)).unwrap_or_default();
    // A stored set is never as good as one that was just fetched.
    Some((Bytes::copy_from_slice(text_of(item, "document")?.as_bytes()), Duration::from_millis(age.max(1))))
}
