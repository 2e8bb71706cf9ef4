use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use kakao_webhooks::wire::EventId;

use super::DynamoStore;
use crate::{
    edges::{EdgeError, Inbox},
    keys::{FetchError, KeySetStore},
};

/// The table, for a function that needs it only when something else has failed. Making DynamoDB's client is a tenth of a start's
/// work, so it is made when it is first used.
#[derive(Clone, Debug)]
pub struct FallbackTable(Arc<LazyLock<DynamoStore, MakeStore>>);

type MakeStore = Box<dyn FnOnce() -> DynamoStore + Send>;

impl FallbackTable {
    /// The table that `make` makes.
    pub fn new(make: impl FnOnce() -> DynamoStore + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }

    pub(super) fn store(&self) -> &DynamoStore {
        &self.0
    }

    /// Makes the table's client, for a caller who sees that it will be needed.
    pub(crate) fn make(&self) {
        LazyLock::force(&self.0);
    }
}

impl Inbox for FallbackTable {
    async fn put(&self, id: &EventId, envelope: &str, within: Duration) -> Result<(), EdgeError> {
        self.0.put(id, envelope, within).await
    }
}

impl KeySetStore for FallbackTable {
    async fn stored(&self) -> Result<Option<(Bytes, Duration)>, FetchError> {
        // The SDK's future is large, and each fetch of keys would carry it along, though it is hardly ever needed.
        Box::pin(self.0.stored()).await
    }
}
