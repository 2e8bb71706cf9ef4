use std::{net::IpAddr, time::Duration};

use tokio::time::Instant;

use crate::wire::{EventId, Time};

/// When and as what a request came, and until when it must be answered.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The gateway's id of the request.
    pub request_id: String,
    /// When the gateway received it: the time that the event is dated by.
    pub received_at: Time,
    /// What our own clock said at the hand-over.
    pub now: Time,
    /// When the request was handed to the function.
    pub handed_over: Instant,
    /// When the answer must leave.
    pub deadline: Instant,
    /// Who called the gateway, if it says so. Behind another proxy that is the proxy.
    pub source: Option<IpAddr>,
}

/// A gateway's clock that is further away than this is not believed for the deadline: the event may be
/// a replayed one.
const PLAUSIBLE_AGE_MILLIS: i64 = 10_000;

/// A request that reaches us (almost) too late, after a slow cold start, is kept all the same, though its
/// sender may have given up: most are sent once. With less than this left …
const TOO_LITTLE: Duration = Duration::from_millis(200);
/// … it gets this.
const LATE_BUDGET: Duration = Duration::from_secs(1);

impl Arrival {
    /// An arrival handed over `now` that the gateway dated `time_epoch` (milliseconds; absent or zero:
    /// not at all), to be answered within `budget` of that.
    #[must_use]
    pub fn new(request_id: String, time_epoch: i64, now: Time, handed_over: Instant, budget: Duration) -> Self {
        let received_at = Time::from_millis(time_epoch).filter(|time| time.as_millis() > 0).unwrap_or(now);
        let age = now.millis_since(received_at);
        let spent = if (0..=PLAUSIBLE_AGE_MILLIS).contains(&age) { age.unsigned_abs() } else { 0 };
        let left = budget.saturating_sub(Duration::from_millis(spent));
        let left = if left < TOO_LITTLE { LATE_BUDGET } else { left };
        Self { request_id, received_at, now, handed_over, deadline: handed_over + left, source: None }
    }

    /// How long there is until the answer must leave.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The event's id: the sender's own, or else the gateway's id of the request.
    #[must_use]
    pub fn id_or_request_id(&self, own: Option<&str>) -> EventId {
        EventId::from_text(own.unwrap_or(&self.request_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Duration = Duration::from_millis(2_500);

    fn left(time_epoch: i64) -> Duration {
        let (now, start) = (Time::from_millis(1_000_000).unwrap(), Instant::now());
        Arrival::new("r".into(), time_epoch, now, start, BUDGET).deadline - start
    }

    #[test]
    fn the_budget_counts_from_the_gateways_clock() {
        assert_eq!(left(1_000_000), BUDGET);
        assert_eq!(left(999_000), Duration::from_millis(1_500));
    }

    #[test]
    fn what_reaches_us_too_late_still_gets_time_to_be_kept() {
        for time_epoch in [997_600, 997_000, 990_000] {
            assert_eq!(left(time_epoch), LATE_BUDGET, "{time_epoch}");
        }
    }

    #[test]
    fn an_implausible_gateway_clock_leaves_the_whole_budget() {
        for time_epoch in [0, -1, 989_999, 1_000_001, i64::MAX] {
            assert_eq!(left(time_epoch), BUDGET, "{time_epoch}");
        }
    }
}
