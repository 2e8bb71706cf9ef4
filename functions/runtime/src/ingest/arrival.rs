use std::{net::IpAddr, time::Duration};

use tokio::time::Instant;

use kakao_webhooks::wire::{EventId, Time};

/// When and as what a request came, and until when it must be answered.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The gateway's id of the request.
    pub request_id: String,
    /// When the gateway received it, or else when we did: an event without a time of its own is dated by it.
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

/// A gateway's time that is further away than this from our clock is not when it received the request: `sam local`
/// gives seconds in place of milliseconds. An unlink dated by it would be void, or freeze the link.
const PLAUSIBLE_DISTANCE_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// A gateway's clock that is further away than this is not believed for the deadline: the event may be
/// a replayed one.
const PLAUSIBLE_AGE_MILLIS: i64 = 10_000;

/// A request that reaches us (almost) too late, after a slow cold start, is kept all the same, though its
/// sender may have given up: most are sent once. With less than this left …
const TOO_LITTLE: Duration = Duration::from_millis(200);
/// … it gets this.
const LATE_BUDGET: Duration = Duration::from_secs(1);

impl Arrival {
    /// An arrival handed over `now` that the gateway dated `time_epoch` (milliseconds), to be answered within
    /// `budget` of that. A date further than a day from `now` is none.
    #[must_use]
    pub fn new(request_id: String, time_epoch: i64, now: Time, handed_over: Instant, budget: Duration) -> Self {
        let is_plausible = |time: &Time| now.millis_since(*time).unsigned_abs() <= PLAUSIBLE_DISTANCE_MILLIS;
        let received_at = Time::from_millis(time_epoch).filter(is_plausible).unwrap_or(now);
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
    const NOW: i64 = 1_790_660_097_000;
    const DAY: i64 = 86_400_000;

    fn arrival(time_epoch: i64) -> (Arrival, Duration) {
        let (now, start) = (Time::from_millis(NOW).unwrap(), Instant::now());
        let arrival = Arrival::new("r".into(), time_epoch, now, start, BUDGET);
        let left = arrival.deadline - start;
        (arrival, left)
    }

    #[test]
    fn the_budget_counts_from_the_gateways_clock() {
        assert_eq!(arrival(NOW).1, BUDGET);
        assert_eq!(arrival(NOW - 1_000).1, Duration::from_millis(1_500));
    }

    #[test]
    fn the_gateways_time_is_the_receive_time_within_a_day_of_our_clock() {
        for time_epoch in [NOW - DAY, NOW - 1, NOW, NOW + 1, NOW + DAY] {
            assert_eq!(arrival(time_epoch).0.received_at.as_millis(), time_epoch);
        }
    }

    #[test]
    fn a_gateways_time_in_seconds_or_years_ahead_is_not_the_receive_time() {
        let ten_years = 3_650 * DAY;
        for time_epoch in [NOW / 1_000, 0, -1, NOW - DAY - 1, NOW + DAY + 1, NOW + ten_years, i64::MIN, i64::MAX] {
            assert_eq!(arrival(time_epoch).0.received_at.as_millis(), NOW, "{time_epoch}");
        }
    }

    #[test]
    fn what_reaches_us_too_late_still_gets_time_to_be_kept() {
        for age in [2_400, 3_000, 10_000] {
            assert_eq!(arrival(NOW - age).1, LATE_BUDGET, "{age}");
        }
    }

    #[test]
    fn an_implausible_gateway_clock_leaves_the_whole_budget() {
        for time_epoch in [0, -1, NOW / 1_000, NOW - 10_001, NOW + 1, i64::MAX] {
            assert_eq!(arrival(time_epoch).1, BUDGET, "{time_epoch}");
        }
    }
}
