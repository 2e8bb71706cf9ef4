use futures_util::future::join;
use kakao_webhooks::wire::Time;
use runtime::store::{DynamoStore, StoreError};
use serde_json::Value;
use tokio::time::{Instant, error::Elapsed, timeout_at};

/// Measures what no other metric shows: how much waits in the quarantine and for how long, and how long each kind of
/// webhook has been silent. The queues' own gauges are AWS's.
pub(crate) async fn measure(table: &DynamoStore, wanted: Option<Wanted>, deadline: Instant) {
    let Some(wanted) = wanted else { return };
    let now = runtime::clock::now();
    let silence = async { if wanted.silence { silence(table, now).await } else { Ok(()) } };
    join(
        report("quarantine", timeout_at(deadline, quarantine(table, wanted.quarantine_days, now))),
        report("silence", timeout_at(deadline, silence)),
    )
    .await;
}

/// Each measurement reads every day of the quarantine, so not each minute does.
const EVERY_MINUTES: i64 = 5;

/// Whether this run measures: by the time of the schedule's event; a run without one does.
pub(crate) fn is_due(event: &Value) -> bool {
    let time: Option<Time> = event.get("time").and_then(Value::as_str).and_then(|time| time.parse().ok());
    time.is_none_or(|time| (time.as_seconds() / 60) % EVERY_MINUTES == 0)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_fifth_minute_measures_and_a_run_by_hand_does() {
        let of_minute = |minute: u8| is_due(&json!({"time": format!("2026-01-01T00:{minute:02}:00Z")}));
        assert_eq!((0..60).filter(|minute| of_minute(*minute)).count(), 12);
        assert!(is_due(&json!({})) && is_due(&json!(null)) && is_due(&json!({"time": 7})));
    }
}
