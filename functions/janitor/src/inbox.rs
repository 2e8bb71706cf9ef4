use futures_util::{StreamExt, stream};
use kakao_webhooks::{
    ingest::Queue,
    store::{DynamoStore, Waiting, inbox_partitions},
};
use tokio::time::{Instant, timeout_at};

/// How many partitions are emptied at once.
const AT_ONCE: usize = 8;

/// Sends what waits in the inbox to the queue, and takes out what the queue has. Two at once only send
/// twice, and twice is once.
pub(crate) async fn empty(table: &DynamoStore, queue: &impl Queue, deadline: Instant) {
    let sent = stream::iter(inbox_partitions())
        .map(|partition| async move { empty_partition(table, queue, &partition, deadline).await })
        .buffer_unordered(AT_ONCE)
        .fold(0_usize, |all, sent| async move { all + sent })
        .await;
    if sent > 0 {
        tracing::warn!(event = "inbox_emptied", sent);
    }
}

/// Page by page to the partition's end or the time's; what is left waits for the next minute. One that the
/// queue refuses holds up none behind it.
async fn empty_partition(table: &DynamoStore, queue: &impl Queue, partition: &str, deadline: Instant) -> usize {
    let (mut sent, mut last) = (0, None);
    while let Ok(page) = timeout_at(deadline, table.waiting(partition, last.as_ref())).await {
        let page = match page {
            Ok(page) if page.is_empty() => break,
            Ok(page) => page,
            Err(error) => {
                tracing::error!(event = "inbox_not_read", %error);
                break;
            }
        };
        for waiting in page {
            match timeout_at(deadline, resend(table, queue, &waiting)).await {
                Ok(Ok(())) => sent += 1,
                Ok(Err(error)) => tracing::error!(event = "inbox_not_sent", event_id = %waiting.id, error),
                Err(_) => return sent,
            }
            last = Some(waiting.id);
        }
    }
    sent
}

async fn resend(table: &DynamoStore, queue: &impl Queue, waiting: &Waiting) -> Result<(), String> {
    queue.send(&waiting.envelope).await.map_err(|error| error.to_string())?;
    table.remove_waiting(&waiting.id).await.map_err(|error| error.to_string())
}
