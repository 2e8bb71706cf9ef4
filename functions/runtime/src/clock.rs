//! The present time, for the outermost layer only: everything else gets it as an argument.

use jiff::Timestamp;
use kakao_webhooks::wire::Time;

/// The machine's present time.
#[must_use]
pub fn now() -> Time {
    Clock::default().now()
}

/// Where a function reads the present time: the outermost layer hands it in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    ahead_millis: i64,
}

impl Clock {
    /// The machine's clock, set forward by this many milliseconds (back, where negative): for tests whose events have
    /// fixed times.
    #[must_use]
    pub const fn ahead(millis: i64) -> Self {
        Self { ahead_millis: millis }
    }

    /// The present time.
    #[must_use]
    pub fn now(self) -> Time {
        let millis = Timestamp::now().as_millisecond().saturating_add(self.ahead_millis);
        Time::clamped(millis)
    }
}
