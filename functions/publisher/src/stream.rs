use aws_lambda_events::{
    event::dynamodb::{Event, EventRecord},
    streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse},
};
use kakao_webhooks::{state::is_published, wire::Time};
use runtime::{
    ingest::Queue,
    publish::{Bus, Publisher, Write},
};
use serde_dynamo::{AttributeValue, Item};
use tokio::time::Instant;

/// Publishes a batch of the stream, and names the record from which it has to come again.
pub(crate) async fn publish<B: Bus, K: Queue>(
    publisher: &Publisher<B, K>,
    event: Event,
    deadline: Instant,
) -> DynamoDbEventResponse {
    let writes: Vec<Write> = event.records.into_iter().filter_map(write).collect();
    let failed = publisher.publish(&writes, runtime::clock::now(), deadline).await;
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
        Some(AttributeValue::S(text)) => text.as_str(),
        _ => "",
    };
    if !is_published(text("pk"), text("sk")) {
        return None;
    }
    let change = record.change;
    let image = |image: Item| (!image.is_empty()).then_some(image);
    Some(Write {
        sequence_number: change.sequence_number.unwrap_or_default(),
        keys: change.keys,
        old: image(change.old_image),
        new: image(change.new_image),
        written_at: Time::from_millis(change.approximate_creation_date_time.timestamp_millis()),
    })
}
