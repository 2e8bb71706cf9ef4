use super::{
    DynamoStore, StoreError,
    dynamo::{fault, is_condition},
    items::{key, text, text_of},
};
use kakao_webhooks::wire::{Kind, Time};

/// The partition that says when each kind of webhook was last received; its sort keys are the kinds.
const SEEN: &str = "SEEN";

impl DynamoStore {
    /// Notes that a webhook of this kind was received at `at`, unless a later one is noted already.
    pub(super) async fn note_seen(&self, kind: Kind, at: Time) -> Result<(), StoreError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(SEEN, kind.name())))
            .update_expression("SET received_at = :at")
            .condition_expression("attribute_not_exists(pk) OR received_at < :at")
            .expression_attribute_values(":at", text(at.to_string()))
            .send()
            .await;
        match noted {
            Err(error) if !is_condition(&error) => Err(fault(&error)),
            _ => Ok(()),
        }
    }

    /// In which hour a webhook of each kind was last received. A kind that never was isn't among them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_seen(&self) -> Result<Vec<(String, Time)>, StoreError> {
        let read = self.partition(SEEN).send().await.map_err(|error| fault(&error))?;
        let seen = |item| Some((text_of(item, "sk")?.to_owned(), text_of(item, "received_at")?.parse().ok()?));
        Ok(read.items().iter().filter_map(seen).collect())
    }
}
