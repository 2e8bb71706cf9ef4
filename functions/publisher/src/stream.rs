use aws_lambda_events::{
    event::dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use kakao_webhooks::{
    ingest::Queue,
    publish::{Bus, Publisher, Write, is_published},
    state::Members,
    wire::Time,
};
use tokio::time::Instant;

/// Publishes a batch of the stream, and names the record from which it has to come again.
pub(crate) async fn publish<B: Bus, K: Queue>(
    publisher: &Publisher<B, K>,
    event: Event,
    deadline: Instant,
) -> DynamoDbEventResponse {
    let writes: Vec<Write> = event.records.into_iter().filter_map(write).collect();
    let failed = publisher.publish(&writes, Time::now(), deadline).await;
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures = failed
        .into_iter()
        .map(|sequence_number| {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = Some(sequence_number);
            failure
        })
        .collect();
    response
}

/// A record of an item whose changes are published. The event source filters likewise; here it holds
/// whatever the source is.
fn write(record: EventRecord) -> Option<Write> {
    let text = |name: &str| match record.change.keys.get(name) {
        Some(serde_dynamo::AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    if !is_published(text("pk"), text("sk")) {
        return None;
    }
    let whole = serde_json::to_string(&record).unwrap_or_default();
    let change = record.change;
    Some(Write {
        sequence_number: change.sequence_number.unwrap_or_default(),
        old: members(change.old_image),
        new: members(change.new_image),
        written_at: Time::from_millis(change.approximate_creation_date_time.timestamp_millis()),
        record: whole,
    })
}

/// An image that can't be turned into members is one that can't be read: it is handed on empty.
fn members(image: serde_dynamo::Item) -> Option<Members> {
    (!image.is_empty()).then(|| serde_dynamo::from_item(image).unwrap_or_default())
}
