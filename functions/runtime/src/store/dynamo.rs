use std::time::Duration;

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::query::builders::QueryFluentBuilder,
    types::AttributeValue,
};
use kakao_webhooks::{
    state::{CountedShare, HistoryEntry, STATE, State, Subject},
    wire::{Kind, Time},
};

use super::{
    Loaded, QuarantineEntry, Retention, Revision, Saved, Store, StoreError, Written, items, kept::name_beside,
};

/// The table in DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(super) retention: Retention,
}

/// Who waits for the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Kakao: seconds in all.
    Acknowledging,
    /// The queue: half a minute.
    Background,
    /// A person, perhaps far away, with a large item.
    Operator,
}

pub(crate) const NOT_THERE: &str = "attribute_not_exists(pk)";

impl DynamoStore {
    /// The table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, table: String, retention: Retention, pace: Pace) -> Self {
        let (attempt, attempts) = match pace {
            // For the stored key set. The inbox gets its time limit from the caller.
            Pace::Acknowledging => (400, 2),
            Pace::Background => (2_000, 4),
            Pace::Operator => (10_000, 3),
        };
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(attempt)).build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .retry_config(
                RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_millis(25)),
            )
            .build();
        Self { client: Client::from_conf(config), table, retention }
    }

    /// Reads a partition, from its first sort key on.
    pub(crate) fn partition(&self, key: impl Into<String>) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).key_condition_expression("pk = :pk");
        query.expression_attribute_values(":pk", items::text(key))
    }
}

impl Store for DynamoStore {
    async fn put_history(&self, entry: &HistoryEntry) -> Result<Written, StoreError> {
        self.put_history_of(entry, None).await
    }

    async fn put_history_and_count(&self, entry: &HistoryEntry, counted: &CountedShare) -> Result<Written, StoreError> {
        self.count(entry, counted).await
    }

    async fn forget_counts(&self, subject: &Subject, until: Time) -> Result<(), StoreError> {
        self.recount_shares(subject, until).await
    }

    async fn load<S: State>(&self, subject: &Subject) -> Result<Loaded<S>, StoreError> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(items::key(subject.partition_key(), STATE)))
            .consistent_read(true)
            .send()
            .await;
        items::loaded(subject, read.map_err(|error| fault(&error))?.item)
    }

    async fn save<S: State>(
        &self,
        subject: &Subject,
        before: &Loaded<S>,
        after: &Revision<S>,
    ) -> Result<Saved, StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(items::state(subject, before, after)?));
        let put = if before.version == 0 {
            put.condition_expression(NOT_THERE)
        } else {
            put.condition_expression("version = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.version.to_string()))
        };
        match put.send().await {
            Ok(_) => Ok(Saved::Done),
            Err(error) if is_condition(&error) => Ok(Saved::Conflict),
            Err(error) => Err(fault(&error)),
        }
    }

    async fn put_quarantine(&self, entry: &QuarantineEntry) -> Result<(), StoreError> {
        let name = items::quarantine_name(entry);
        if self.put_quarantined(entry, &name).await? {
            return Ok(());
        }
        // Another event of this id was received in the same millisecond.
        self.put_quarantined(entry, &name_beside(&name, &entry.envelope)).await.map(drop)
    }

    async fn note_seen(&self, kind: Kind, at: Time) -> Result<(), StoreError> {
        Self::note_seen(self, kind, at).await
    }
}

pub(crate) fn is_condition<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

/// Only what DynamoDB itself calls invalid is hopeless; the rest may pass.
pub(crate) fn fault<E, R>(error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let is_hopeless = error.code() == Some("ValidationException");
    let text = DisplayErrorContext(error).to_string();
    if is_hopeless { StoreError::Never(text) } else { StoreError::TryAgain(text) }
}
