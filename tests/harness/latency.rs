//! Times of one thing that is done again and again.

use std::{fmt, time::Duration};

/// Times that were measured.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// How often a test measures: `LATENCY_EVENTS`, or else this.
    #[must_use]
    pub fn asked(otherwise: usize) -> usize {
        std::env::var("LATENCY_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }

    /// One more.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The shortest time that so many of a hundred do not exceed. Zero if nothing was measured.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.0.clone();
        times.sort_unstable();
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).copied().unwrap_or_default()
    }
}

/// For example `p50 12.3 ms, p99 45.6 ms, of 100`.
impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, worst] = [50, 99].map(|percent| self.percentile(percent).as_secs_f64() * 1_000.0);
        write!(f, "p50 {median:.1} ms, p99 {worst:.1} ms, of {}", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let mut times = Latencies::default();
        assert_eq!(times.percentile(50), Duration::ZERO);
        (1..=200).rev().for_each(|millis| times.push(Duration::from_millis(millis)));
        assert_eq!([1, 50, 99, 100].map(|percent| times.percentile(percent).as_millis()), [2, 100, 198, 200]);
        assert_eq!(times.to_string(), "p50 100.0 ms, p99 198.0 ms, of 200");
    }
}
