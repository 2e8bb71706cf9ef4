use futures_util::future::join;
use kakao_webhooks::wire::Time;
use runtime::store::{DynamoStore, StoreError};
use tokio::time::{Instant, error::Elapsed, timeout_at};

/// Measures what no other metric shows: how much waits in the quarantine and for how long, and how long each kind of
/// webhook has been silent. The queues' own gauges are AWS's.
pub(crate) async fn measure(table: &DynamoStore, wanted: Wanted, deadline: Instant) {
    let now = runtime::clock::now();
    let silence = async { if wanted.silence { silence(table, now).await } else { Ok(()) } };
    join(
        report("quarantine", timeout_at(deadline, quarantine(table, wanted.quarantine_days, now))),
        report("silence", timeout_at(deadline, silence)),
    )
    .await;
}

/// What there is to measure.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// Of how many days the quarantine may hold events.
    pub(crate) quarantine_days: u32,
    /// Whether arrival times of webhooks are stored.
    pub(crate) silence: bool,
}

async fn report(what: &str, measured: impl Future<Output = Result<Result<(), StoreError>, Elapsed>>) {
    match measured.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(event = "not_measured", what, %error),
        Err(_) => tracing::warn!(event = "not_measured", what, error = "no time left"),
    }
}

async fn quarantine(table: &DynamoStore, days: u32, now: Time) -> Result<(), StoreError> {
    let (quarantined, unread) = table.quarantined(now, days).await;
    if let Some(error) = unread {
        // What was read says that something waits; nothing read doesn't say that nothing does.
        if quarantined.waiting == 0 {
            return Err(error);
        }
        tracing::warn!(event = "not_measured", what = "a day of the quarantine", %error);
    }
    if quarantined.waiting > 0 {
        let oldest_seconds = quarantined.oldest.map_or(0, |oldest| since(oldest, now));
        tracing::info!(event = "measured", gauge = "quarantine_waiting", value = quarantined.waiting, oldest_seconds);
    }
    Ok(())
}

async fn silence(table: &DynamoStore, now: Time) -> Result<(), StoreError> {
    for (kind, received_at) in table.last_seen().await? {
        let days = since(received_at, now) / SECONDS_A_DAY;
        if days > 0 {
            tracing::info!(event = "measured", gauge = "days_silent", kind, value = days);
        }
    }
    Ok(())
}

const SECONDS_A_DAY: u64 = 86_400;

fn since(then: Time, now: Time) -> u64 {
    u64::try_from(now.millis_since(then) / 1_000).unwrap_or_default()
}
