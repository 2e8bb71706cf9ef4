//! The chatbot's rules in a stack's table, with errors for an operator.

use anyhow::{Result, anyhow};
use aws_config::SdkConfig;
use kakao_webhooks::wire::Time;
use runtime::store::{DynamoStore, Pace, Retention, Saved, StoreError, StoredRules};

use super::fault::stored;

/// The stored rules of a stack.
#[derive(Clone, Debug)]
pub struct RuleTable {
    store: DynamoStore,
    name: String,
}

impl RuleTable {
    /// Those in the table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        Self { store: DynamoStore::new(aws, name.clone(), Retention::default(), Pace::Operator), name }
    }

    /// What is stored.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn stored(&self) -> Result<Option<StoredRules>> {
        self.store.rules().await.map_err(self.fault("dynamodb:GetItem"))
    }

    /// Stores a document in the place of what was read; `false` if that was changed meanwhile.
    ///
    /// # Errors
    /// If the table can't be written.
    pub async fn put(&self, document: &str, at: Time, before: Option<&StoredRules>) -> Result<bool> {
        let saved = self.store.put_rules(document, at, before).await;
        Ok(saved.map_err(self.fault("dynamodb:PutItem"))? == Saved::Done)
    }

    /// Removes what was read; `false` if that was changed meanwhile.
    ///
    /// # Errors
    /// If the table can't be written.
    pub async fn clear(&self, before: &StoredRules) -> Result<bool> {
        let saved = self.store.clear_rules(before).await;
        Ok(saved.map_err(self.fault("dynamodb:DeleteItem"))? == Saved::Done)
    }

    fn fault(&self, action: &'static str) -> impl FnOnce(StoreError) -> anyhow::Error {
        let name = self.name.clone();
        move |error| anyhow!("the table `{name}` can't be used: {}", stored(action, &error))
    }
}
