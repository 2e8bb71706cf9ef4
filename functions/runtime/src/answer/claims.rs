use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use kakao_webhooks::wire::Time;

use crate::{
    edges::EdgeError,
    store::{
        DynamoStore,
        dynamo::fault,
        items::{key, seconds, text, text_of},
    },
};

/// Whether a job may be worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// No one has worked on it.
    First,
    /// The table does not say who has it: better two workers than none.
    Unknown,
    /// A worker had it, and must have ended: without an answer, or the job would be gone.
    Abandoned,
    /// A worker has it until then.
    Held {
        /// The end of its lease.
        until: Time,
    },
}

/// What a worker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease<'l> {
    /// The job's request.
    pub request_id: &'l str,
    /// Another worker has another name.
    pub worker: &'l str,
    /// The beginning.
    pub now: Time,
    /// The end: the worker must have ended then.
    pub until: Time,
}

/// Who works on which job.
pub trait Claims: Send + Sync {
    /// Claims the job of a request, if no one else has it now.
    ///
    /// # Errors
    /// It is unknown who has it.
    fn claim(&self, lease: Lease<'_>) -> impl Future<Output = Result<Claim, EdgeError>> + Send;
}

const CLAIM: &str = "CLAIM";
const WORKER: &str = "worker";
const LEASE: &str = "lease_until_ms";

/// A claim is of no use once its URL is dead, which the slowest queue may show later.
const KEPT: Duration = Duration::from_secs(15 * 60);

impl Claims for DynamoStore {
    async fn claim(&self, lease: Lease<'_>) -> Result<Claim, EdgeError> {
        let Lease { request_id, worker, now, until } = lease;
        let millis = |time: Time| AttributeValue::N(time.as_millis().to_string());
        let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        let mut item = key(format!("CALLBACK#{request_id}"), CLAIM);
        item.insert(LEASE.to_owned(), millis(until));
        item.insert(WORKER.to_owned(), text(worker));
        item.insert("expires_at".to_owned(), seconds(Time::clamped(until.as_millis().saturating_add(kept))));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(pk) OR lease_until_ms <= :now")
            .expression_attribute_values(":now", millis(now))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let held = match put {
            Ok(written) if written.attributes().is_none_or(std::collections::HashMap::is_empty) => {
                return Ok(Claim::First);
            }
            Ok(_) => return Ok(Claim::Abandoned),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(held)) => held.item().cloned(),
                _ => return Err(EdgeError(fault(&error).to_string())),
            },
        };
        // An attempt of ours whose response was lost.
        if held.as_ref().and_then(|item| text_of(item, WORKER)) == Some(worker) {
            return Ok(Claim::First);
        }
        let lease = held.as_ref().and_then(|item| item.get(LEASE)?.as_n().ok()?.parse().ok());
        // The worker that has it asked for the same end, or a later one.
        Ok(Claim::Held { until: lease.map_or(until, Time::clamped) })
    }
}
