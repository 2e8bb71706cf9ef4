use std::time::Duration;

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};

use super::{
    Loaded, QuarantineEntry, Retention, Saved, Store, StoreError, Written,
    items::{self, STATE},
};
use crate::{
    state::{Counted, HistoryEntry, State, Subject},
    wire::Time,
};

/// The table in DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    pub(super) client: Client,
    pub(super) table: String,
    retention: Retention,
}

const NOT_THERE: &str = "attribute_not_exists(pk)";

impl DynamoStore {
    /// The table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, table: String, retention: Retention) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_millis(500))
            .operation_attempt_timeout(Duration::from_millis(2_000))
            .build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(4).with_initial_backoff(Duration::from_millis(25)))
            .build();
        Self { client: Client::from_conf(config), table, retention }
    }

    fn history_put(&self, entry: &HistoryEntry) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(items::history(entry, self.retention)))
            .condition_expression(NOT_THERE)
            .build()
            .map_err(|error| StoreError::Never(error.to_string()))
    }

    fn counter_update(&self, counted: &Counted) -> Result<Update, StoreError> {
        let key = items::key(counted.subject().partition_key(), counted.sort_key());
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key))
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        update = match counted {
            Counted::Message { .. } => update.update_expression("ADD #count :one"),
            Counted::Share { chat_type, .. } => update
                .update_expression("ADD #count :one, by_chat_type.#chat_type :one")
                .expression_attribute_names("#chat_type", chat_type),
        };
        update.build().map_err(|error| StoreError::Never(error.to_string()))
    }

    /// Adds to a map that isn't there are refused, so the map comes first.
    async fn prepare_counter(&self, counted: &Counted) -> Result<(), StoreError> {
        let prepared = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key(counted.subject().partition_key(), counted.sort_key())))
            .update_expression("SET by_chat_type = if_not_exists(by_chat_type, :empty)")
            .expression_attribute_values(":empty", AttributeValue::M([].into()))
            .send()
            .await;
        prepared.map(drop).map_err(|error| fault(&error))
    }

    /// Moves the counter's newest time forwards; harmless twice.
    async fn touch_counter(&self, counted: &Counted, at: Time) -> Result<(), StoreError> {
        let touched = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(items::key(counted.subject().partition_key(), counted.sort_key())))
            .update_expression("SET last_at = :at")
            .condition_expression("attribute_not_exists(last_at) OR last_at < :at")
            .expression_attribute_values(":at", AttributeValue::S(at.to_string()))
            .send()
            .await;
        match touched {
            Ok(_) => Ok(()),
            Err(error) if is_condition(&error) => Ok(()),
            Err(error) => Err(fault(&error)),
        }
    }

    async fn transact(&self, entry: &HistoryEntry, counted: &Counted) -> Result<Transacted, StoreError> {
        let written = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(self.history_put(entry)?).build())
            .transact_items(TransactWriteItem::builder().update(self.counter_update(counted)?).build())
            .send()
            .await;
        match written {
            Ok(_) => Ok(Transacted::Done),
            Err(error) => Transacted::of(&error).ok_or_else(|| fault(&error)),
        }
    }
}

/// How a transaction of a history item and a counter ended, by its cancellation reasons.
enum Transacted {
    Done,
    /// The history item was there.
    Known,
    /// The counter has no map yet.
    Unprepared,
    /// Another transaction held one of the items.
    Conflict,
}

impl Transacted {
    fn of(error: &SdkError<TransactWriteItemsError>) -> Option<Self> {
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return (error.code() == Some("ValidationException")).then_some(Self::Unprepared);
        };
        let codes: Vec<_> =
            cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None")).collect();
        if codes.first() == Some(&"ConditionalCheckFailed") {
            return Some(Self::Known);
        }
        if codes.contains(&"ValidationError") {
            return Some(Self::Unprepared);
        }
        codes.contains(&"TransactionConflict").then_some(Self::Conflict)
    }
}

impl Store for DynamoStore {
    async fn put_history(&self, entry: &HistoryEntry) -> Result<Written, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(items::history(entry, self.retention)))
            .condition_expression(NOT_THERE)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Written::First),
            Err(error) if is_condition(&error) => Ok(Written::Again),
            Err(error) => Err(fault(&error)),
        }
    }

    async fn put_history_and_count(&self, entry: &HistoryEntry, counted: &Counted) -> Result<Written, StoreError> {
        let mut outcome = self.transact(entry, counted).await?;
        if matches!(outcome, Transacted::Unprepared) && matches!(counted, Counted::Share { .. }) {
            self.prepare_counter(counted).await?;
            outcome = self.transact(entry, counted).await?;
        }
        let written = match outcome {
            Transacted::Done => Written::First,
            Transacted::Known => Written::Again,
            Transacted::Conflict => return Err(StoreError::TryAgain("another transaction holds the item".to_owned())),
            Transacted::Unprepared => {
                return Err(StoreError::Never("the counter's item is of an unknown form".to_owned()));
            }
        };
        self.touch_counter(counted, entry.received_at).await?;
        Ok(written)
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
        state: &S,
        expires_at: Option<Time>,
    ) -> Result<Saved, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(items::state(subject, before, state, expires_at)?));
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
        let item = items::quarantine(entry, self.retention);
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map(drop)
            .map_err(|error| fault(&error))
    }
}

fn is_condition<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

/// Only what DynamoDB itself calls invalid is hopeless; the rest may pass.
pub(super) fn fault<E, R>(error: &SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let is_hopeless = error.code() == Some("ValidationException");
    let text = DisplayErrorContext(error).to_string();
    if is_hopeless { StoreError::Never(text) } else { StoreError::TryAgain(text) }
}
