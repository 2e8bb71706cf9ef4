use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;

use super::DynamoStore;
use crate::{
    auth::{FetchError, KeyShelf},
    ingest::{EdgeError, Inbox},
    wire::EventId,
};

/// The table, for whoever needs it only when something else has failed. Making DynamoDB's client is a tenth of a start's
/// work, so it is made when it is first used.
#[derive(Clone, Debug)]
pub struct Spare(Arc<LazyLock<DynamoStore, Make>>);

type Make = Box<dyn FnOnce() -> DynamoStore + Send>;

impl Spare {
    /// The table that `make` makes.
    pub fn new(make: impl FnOnce() -> DynamoStore + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }

    /// Makes the table's client and opens its connection, for whoever sees that they will be needed.
    pub(crate) async fn open(&self) {
        self.0.open().await;
    }
}

impl Inbox for Spare {
    async fn put(&self, id: &EventId, envelope: &str, within: Duration) -> Result<(), EdgeError> {
        self.0.put(id, envelope, within).await
    }
}

impl KeyShelf for Spare {
    async fn stored(&self) -> Result<Option<(Bytes, Duration)>, FetchError> {
        // The SDK's future is large, and whoever fetches keys carries it along, though hardly anybody ever needs it.
        Box::pin(self.0.stored()).await
    }
}
