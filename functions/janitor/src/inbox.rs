use futures_util::{StreamExt, stream};
use kakao_webhooks::{
    envelope::Envelope,
    ingest::Queue,
    store::{DynamoStore, Waiting, inbox_partitions},
    wire::Time,
};
use tokio::time::{Instant, timeout_at};

/// How many partitions are emptied at once.
const AT_ONCE: usize = 8;

/// What came of the inbox. Where a part could not be read or the time was over, what was seen of it.
#[derive(Clone, Copy, Default)]
struct Outcome {
    sent: u64,
    waiting: u64,
    oldest: Option<Time>,
}

impl Outcome {
    fn left(&mut self, waiting: &Waiting) {
        self.waiting += 1;
        let received_at = Envelope::decode(&waiting.envelope).ok().map(|envelope| envelope.received_at);
        self.oldest = self.oldest.into_iter().chain(received_at).min();
    }

    fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            waiting: self.waiting + other.waiting,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
        }
    }

    fn log(&self, now: Time) {
        if self.sent > 0 {
            tracing::warn!(event = "inbox_emptied", sent = self.sent);
        }
        let age = self.oldest.map_or(0, |oldest| now.millis_since(oldest) / 1_000);
        tracing::info!(event = "measured", gauge = "inbox_waiting", value = self.waiting);
        tracing::info!(
            event = "measured",
            gauge = "inbox_oldest_seconds",
            value = u64::try_from(age).unwrap_or_default()
        );
    }
}

/// Sends what waits in the inbox to the queue, and takes out what the queue has. Two at once only send
/// twice, and twice is once.
pub(crate) async fn empty(table: &DynamoStore, queue: &impl Queue, deadline: Instant) {
    stream::iter(inbox_partitions())
        .map(|partition| async move { empty_partition(table, queue, &partition, deadline).await })
        .buffer_unordered(AT_ONCE)
        .fold(Outcome::default(), |all, one| async move { all.and(one) })
        .await
        .log(Time::now());
}

/// Page by page to the partition's end or the time's; what is left waits for the next minute. One that the
/// queue refuses holds up none behind it.
async fn empty_partition(table: &DynamoStore, queue: &impl Queue, partition: &str, deadline: Instant) -> Outcome {
    let (mut outcome, mut last) = (Outcome::default(), None);
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
                Ok(Ok(())) => outcome.sent += 1,
                Ok(Err(error)) => {
                    tracing::error!(event = "inbox_not_sent", event_id = %waiting.id, error);
                    outcome.left(&waiting);
                }
                Err(_) => outcome.left(&waiting),
            }
            last = Some(waiting.id);
        }
    }
    outcome
}

async fn resend(table: &DynamoStore, queue: &impl Queue, waiting: &Waiting) -> Result<(), String> {
    queue.send(&waiting.envelope).await.map_err(|error| error.to_string())?;
    table.remove_waiting(&waiting.id).await.map_err(|error| error.to_string())
}
