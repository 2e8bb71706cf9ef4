use std::time::Duration;

use futures_util::{StreamExt, stream};
use kakao_webhooks::{envelope::Envelope, wire::Time};
use runtime::{
    edges::Queue,
    store::{DynamoStore, InboxEnvelope, inbox_partitions},
};
use tokio::time::{Instant, timeout_at};

/// How many partitions are emptied at once: all, so that none waits for another's time to be over.
const AT_ONCE: usize = 16;

/// The result of emptying the inbox.
#[derive(Clone, Copy, Default)]
struct Tally {
    sent: u64,
    waiting: u64,
    oldest: Option<Time>,
    /// Partitions that were not read to their end.
    unread: u64,
}

impl Tally {
    fn left(&mut self, waiting: &InboxEnvelope) {
        self.waiting += 1;
        let received_at = Envelope::decode(&waiting.envelope).ok().map(|envelope| envelope.received_at);
        self.oldest = self.oldest.into_iter().chain(received_at).min();
    }

    fn unread(mut self, partition: &str, error: &str) -> Self {
        tracing::error!(event = "inbox_not_read", partition, error);
        self.unread += 1;
        self
    }

    fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            waiting: self.waiting + other.waiting,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
            unread: self.unread + other.unread,
        }
    }

    fn log(&self, now: Time) {
        if self.sent > 0 {
            tracing::warn!(event = "inbox_emptied", sent = self.sent);
        }
        // What was not read is not known to be empty.
        let waiting = self.waiting + self.unread;
        if waiting > 0 {
            let age = self.oldest.map_or(0, |oldest| now.millis_since(oldest) / 1_000);
            let oldest_seconds = u64::try_from(age).unwrap_or_default();
            tracing::info!(
                event = "measured",
                gauge = "inbox_waiting",
                value = waiting,
                unread = self.unread,
                oldest_seconds
            );
        }
    }
}

/// Sends what waits in the inbox to the queue, and takes out what the queue has. Two at once only send
/// twice, which changes nothing.
pub(crate) async fn empty(table: &DynamoStore, queue: &impl Queue, deadline: Instant) {
    let turn = usize::try_from(runtime::clock::now().as_seconds() / 60).unwrap_or_default() % ONE_IN;
    stream::iter(inbox_partitions())
        .map(|partition| async move { empty_partition(table, queue, &partition, turn, deadline).await })
        .buffer_unordered(AT_ONCE)
        .fold(Tally::default(), |all, one| async move { all.and(one) })
        .await
        .log(runtime::clock::now());
}

/// After this many refusals in a row it is rather the queue than the envelopes: then one in [`ONE_IN`] is tried, other
/// ones each minute, and the rest counted, until one goes.
const MOST_REFUSALS: usize = 3;
const ONE_IN: usize = 5;

/// How long one envelope may take, so that one that hangs leaves time for those behind it.
const ONE_LIMIT: Duration = Duration::from_secs(3);

/// Page by page to the partition's end or the time's; what is left waits for the next minute. One that the
/// queue refuses holds up none behind it.
async fn empty_partition(
    table: &DynamoStore,
    queue: &impl Queue,
    partition: &str,
    turn: usize,
    deadline: Instant,
) -> Tally {
    let (mut tally, mut last, mut refusals) = (Tally::default(), None, 0);
    loop {
        let page = match timeout_at(deadline, table.waiting(partition, last.as_ref())).await {
            Ok(Ok(page)) if page.is_empty() => return tally,
            Ok(Ok(page)) => page,
            Ok(Err(error)) => return tally.unread(partition, &error.to_string()),
            Err(_) => return tally.unread(partition, "no time left"),
        };
        last = page.last().map(|waiting| waiting.id.clone());
        for (place, waiting) in page.iter().enumerate() {
            if refusals >= MOST_REFUSALS && place % ONE_IN != turn {
                tally.left(waiting);
                continue;
            }
            let until = deadline.min(Instant::now() + ONE_LIMIT);
            let sent = timeout_at(until, resend(table, queue, waiting)).await;
            match sent.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
                Ok(()) => {
                    tally.sent += 1;
                    refusals = 0;
                }
                Err(error) => {
                    tracing::error!(event = "inbox_not_sent", event_id = %waiting.id, error);
                    tally.left(waiting);
                    refusals += 1;
                }
            }
        }
    }
}

async fn resend(table: &DynamoStore, queue: &impl Queue, waiting: &InboxEnvelope) -> Result<(), String> {
    queue.send(&waiting.envelope).await.map_err(|error| error.to_string())?;
    table.remove_waiting(waiting).await.map_err(|error| error.to_string())
}
