use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use kakao_webhooks::wire::Time;
use runtime::store::{Applier, Record, Store};
use tokio::time::Instant;

/// Applies a batch and names the messages that were not applied, so that only they come again.
pub(crate) async fn apply<S: Store>(applier: &Applier<S>, event: SqsEvent, deadline: Instant) -> SqsBatchResponse {
    let records = event.records.into_iter().filter_map(|message| {
        // A message without an id can't be named as failed; SQS makes none.
        let sent_at =
            message.attributes.get("SentTimestamp").and_then(|millis| Time::from_millis(millis.parse().ok()?));
        Some(Record { id: message.message_id?, body: message.body.unwrap_or_default(), sent_at })
    });
    let failed = applier.apply(&records.collect::<Vec<_>>(), deadline).await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}
