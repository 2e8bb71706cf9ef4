use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use kakao_webhooks::wire::{Time, sha256_hex};
use tokio::time::timeout;

use super::{
    DynamoStore, FallbackTable, Saved, StoreError,
    dynamo::{NOT_THERE, fault, is_condition},
    items::{Item, key, text, text_of},
};
use crate::{edges::EdgeError, rules::RuleStore};

/// The item of the chatbot's rules.
const PARTITION: &str = "ANSWERS";
const SORT: &str = "RULES";

const DOCUMENT: &str = "document";
const DIGEST: &str = "digest";
const WRITTEN_AT: &str = "written_at";

/// Two attempts of the client.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The chatbot's rules as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRules {
    /// The document's text.
    pub document: String,
    /// When it was stored.
    pub written_at: Option<Time>,
    /// Of the document; for writes on condition.
    digest: Option<String>,
}

impl From<&Item> for StoredRules {
    fn from(item: &Item) -> Self {
        Self {
            document: text_of(item, DOCUMENT).unwrap_or_default().to_owned(),
            written_at: text_of(item, WRITTEN_AT).and_then(|time| time.parse().ok()),
            digest: text_of(item, DIGEST).map(str::to_owned),
        }
    }
}

/// That the item is still as it was read, with the values that the condition names.
fn unchanged(before: Option<&StoredRules>) -> (&'static str, Option<(&'static str, AttributeValue)>) {
    match before.map(|before| &before.digest) {
        None => (NOT_THERE, None),
        Some(None) => ("attribute_exists(pk) AND attribute_not_exists(digest)", None),
        Some(Some(digest)) => ("digest = :digest", Some((":digest", text(digest)))),
    }
}

impl DynamoStore {
    /// The stored rules, as the last write left them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rules(&self) -> Result<Option<StoredRules>, StoreError> {
        Ok(self.rules_item(true).await?.as_ref().map(StoredRules::from))
    }

    async fn rules_item(&self, is_consistent: bool) -> Result<Option<Item>, StoreError> {
        let read = self.client.get_item().table_name(&self.table).set_key(Some(key(PARTITION, SORT)));
        let read = read.consistent_read(is_consistent).send().await;
        Ok(read.map_err(|error| fault(&error))?.item)
    }

    /// Stores rules in the place of those that were read before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_rules(&self, document: &str, at: Time, before: Option<&StoredRules>) -> Result<Saved, StoreError> {
        let mut item = key(PARTITION, SORT);
        item.insert(DOCUMENT.to_owned(), text(document));
        item.insert(DIGEST.to_owned(), text(sha256_hex(document.as_bytes())));
        item.insert(WRITTEN_AT.to_owned(), text(at.to_string()));
        let (condition, value) = unchanged(before);
        let mut put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        if let Some((name, value)) = value {
            put = put.expression_attribute_values(name, value);
        }
        match put.condition_expression(condition).send().await {
            Ok(_) => Ok(Saved::Done),
            Err(error) if is_condition(&error) => Ok(Saved::Conflict),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Removes the rules that were read before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn clear_rules(&self, before: &StoredRules) -> Result<Saved, StoreError> {
        let (condition, value) = unchanged(Some(before));
        let mut delete = self.client.delete_item().table_name(&self.table).set_key(Some(key(PARTITION, SORT)));
        if let Some((name, value)) = value {
            delete = delete.expression_attribute_values(name, value);
        }
        match delete.condition_expression(condition).send().await {
            Ok(_) => Ok(Saved::Done),
            Err(error) if is_condition(&error) => Ok(Saved::Conflict),
            Err(error) => Err(fault(&error)),
        }
    }
}

impl RuleStore for DynamoStore {
    async fn stored(&self) -> Result<Option<String>, EdgeError> {
        let read = timeout(TIMEOUT, self.rules_item(false)).await;
        let item = read.map_err(|_| EdgeError("no answer in time".to_owned()))?;
        let item = item.map_err(|error| EdgeError(error.to_string()))?;
        Ok(item.map(|item| StoredRules::from(&item).document))
    }
}

impl RuleStore for FallbackTable {
    async fn stored(&self) -> Result<Option<String>, EdgeError> {
        Box::pin(RuleStore::stored(self.store())).await
    }
}
