//! Envelopes that are kept under their event's id, in the inbox and in the quarantine. An id is only as unique as its
//! sender makes it, so nothing is written over but by itself: a repeated id would destroy an event.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::put_item::{PutItemError, PutItemOutput, builders::PutItemFluentBuilder},
};
use kakao_webhooks::wire::{Time, sha256_hex};

use super::{
    DynamoStore,
    dynamo::is_condition,
    items::{ENVELOPE, Item, text},
};

/// There is no item under this key, or it keeps the same envelope.
const NO_OTHER: &str = "attribute_not_exists(pk) OR envelope = :envelope";

impl DynamoStore {
    /// A put of an item with an envelope, unless another envelope is kept under its key. An item that is being replayed
    /// bears the time of that (`khook quarantine replay`): the envelope `replayed_at` that time is the same event.
    pub(super) fn put_unless_another(&self, item: Item, replayed_at: Option<Time>) -> PutItemFluentBuilder {
        let put = self.client.put_item().table_name(&self.table);
        let put = put.set_expression_attribute_values(
            item.get(ENVELOPE).map(|envelope| Item::from([(":envelope".to_owned(), envelope.clone())])),
        );
        let put = put.set_item(Some(item));
        let Some(time) = replayed_at else { return put.condition_expression(NO_OTHER) };
        put.condition_expression(format!("{NO_OTHER} OR replayed_at = :replayed_at"))
            .expression_attribute_values(":replayed_at", text(time.to_string()))
    }
}

/// Whether it was put. If not, another envelope is there. Any other error is the caller's.
pub(super) fn is_put<E>(
    put: Result<PutItemOutput, SdkError<PutItemError>>,
    fault: impl FnOnce(&SdkError<PutItemError>) -> E,
) -> Result<bool, E> {
    match put {
        Ok(_) => Ok(true),
        Err(error) if is_condition(&error) => Ok(false),
        Err(error) => Err(fault(&error)),
    }
}

/// The name for an envelope where another one has the name of its id.
pub(super) fn name_beside(name: &str, envelope: &str) -> String {
    format!("{name}:{}", sha256_hex(envelope.as_bytes()))
}
