use std::{net::IpAddr, ops::RangeInclusive, time::Duration};

use tokio::time::Instant;

use kakao_webhooks::{
    state::FUTURE_TOLERANCE_MILLIS,
    wire::{EventId, Time},
};

/// A request's receive time and id, and the deadline of its answer.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The gateway's id of the request.
    pub request_id: String,
    /// When the gateway received it, or else when we did: an event without a time of its own is dated by it.
    pub received_at: Time,
    /// Our own clock's time when Lambda delivered it.
    pub now: Time,
    /// When the request was handed to the function.
    pub handed_over: Instant,
    /// When the answer must leave.
    pub deadline: Instant,
    /// Who called the gateway, if it says so. Behind another proxy that is the proxy.
    pub source: Option<IpAddr>,
}

/// The ages, in milliseconds, by which a gateway's time is when it received the request. `sam local` gives seconds in
/// place of milliseconds, and a clock ahead of ours is wrong: an unlink dated so would be void, or freeze the link.
const PLAUSIBLE_AGES_MILLIS: RangeInclusive<i64> = -FUTURE_TOLERANCE_MILLIS..=24 * 60 * 60 * 1_000;

/// A gateway's clock that is further away than this is not believed for the deadline: the event may be
/// a replayed one.
const AGES_WITHIN_A_REQUEST_MILLIS: RangeInclusive<i64> = 0..=10_000;

/// A request that reaches us (almost) too late, after a slow cold start, is kept all the same, though its
/// sender may have given up: most are sent once. With less than this left …
const TOO_LITTLE: Duration = Duration::from_millis(200);
/// … it gets this.
const LATE_BUDGET: Duration = Duration::from_secs(1);

impl Arrival {
    /// An arrival handed over `now` that the gateway dated `time_epoch` (milliseconds), to be answered within `budget`
    /// of that. A date more than a day before `now`, or further ahead of it than an event's own time may be, is none.
    #[must_use]
    pub fn new(request_id: String, time_epoch: i64, now: Time, handed_over: Instant, budget: Duration) -> Self {
        let is_plausible = |time: &Time| PLAUSIBLE_AGES_MILLIS.contains(&now.millis_since(*time));
        let received_at = Time::from_millis(time_epoch).filter(is_plausible).unwrap_or(now);
        let age = now.millis_since(received_at);
        let spent = if AGES_WITHIN_A_REQUEST_MILLIS.contains(&age) { age.unsigned_abs() } else { 0 };
        let left = budget.saturating_sub(Duration::from_millis(spent));
        let left = if left < TOO_LITTLE { LATE_BUDGET } else { left };
        Self { request_id, received_at, now, handed_over, deadline: handed_over + left, source: None }
    }

    /// How long there is until the answer must leave.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long ago the gateway received the request.
    #[must_use]
    pub fn age(&self) -> Duration {
        let before = u64::try_from(self.now.millis_since(self.received_at)).unwrap_or_default();
        Duration::from_millis(before) + self.handed_over.elapsed()
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

    #[tokio::test(start_paused = true)]
    async fn the_age_counts_from_the_gateways_receipt() {
        let arrival = arrival(NOW - 1_200).0;
        tokio::time::advance(Duration::from_millis(300)).await;
        assert_eq!(arrival.age(), Duration::from_millis(1_500));
    }

    #[test]
    fn the_gateways_time_is_the_receive_time_from_a_day_before_our_clock_to_ten_minutes_after_it() {
        for time_epoch in [NOW - DAY, NOW - 1, NOW, NOW + 1, NOW + FUTURE_TOLERANCE_MILLIS] {
            assert_eq!(arrival(time_epoch).0.received_at.as_millis(), time_epoch);
        }
    }

    #[test]
    fn a_gateways_time_in_seconds_or_ahead_of_our_clock_is_not_the_receive_time() {
        let (hour, ten_years) = (DAY / 24, 3_650 * DAY);
        let ahead = [FUTURE_TOLERANCE_MILLIS + 1, hour, DAY, ten_years].map(|ahead| NOW + ahead);
        for time_epoch in [NOW / 1_000, 0, -1, NOW - DAY - 1, i64::MIN, i64::MAX].into_iter().chain(ahead) {
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
