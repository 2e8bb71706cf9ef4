use std::time::Duration;

/// The pause after each failed attempt, in seconds, before the jitter.
const PAUSES: [u32; 8] = [5, 30, 2 * 60, 10 * 60, 60 * 60, 3 * 60 * 60, 6 * 60 * 60, 11 * 60 * 60];

/// The pause after the last attempt: when it is over, SQS moves the message to its dead-letter queue.
const LAST: u32 = 5;

/// A pause is longer or shorter by at most this part of it.
const JITTER: f64 = 0.2;

/// SQS hides a message for at most 12 hours, counted from its receipt. That is before the invocation: by less than five
/// minutes, since the queue's own visibility timeout is shorter.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60 - 5 * 60);

/// How long a message waits after its attempt with this number (from 1) failed. `random` is from 0 up to 1.
pub(super) fn after(attempt: u32, random: f64) -> Duration {
    let longest = *PAUSES.last().unwrap_or(&LAST);
    let usual = match usize::try_from(attempt.max(1)).unwrap_or(usize::MAX) - 1 {
        index if index == PAUSES.len() => LAST,
        // More attempts than the template's queue allows: no more often for that.
        index => PAUSES.get(index).copied().unwrap_or(longest),
    };
    let jitter = (2.0 * random.clamp(0.0, 1.0) - 1.0) * JITTER;
    Duration::from_secs_f64(f64::from(usual) * (1.0 + jitter)).min(LONGEST)
}

/// How long a message waits that can't be read: no endpoint is behind it that needs time.
pub(super) const UNREADABLE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_pauses_grow_as_documented() {
        let pauses: Vec<_> = (1..=10).map(|attempt| after(attempt, 0.5).as_secs()).collect();
        assert_eq!(pauses, [5, 30, 120, 600, 3_600, 10_800, 21_600, 39_600, 5, 39_600]);
        assert_eq!(after(0, 0.5), after(1, 0.5));
        assert_eq!(after(u32::MAX, 0.5), after(10, 0.5));
    }

    proptest! {
        #[test]
        fn a_pause_is_within_a_fifth_of_its_length_and_of_what_sqs_allows(attempt in 1_u32..=8, random in 0.0..1.0_f64) {
            let (pause, usual) = (after(attempt, random).as_secs_f64(), after(attempt, 0.5).as_secs_f64());
            prop_assert!(pause >= usual * 0.799_999 && pause <= usual * 1.200_001, "{pause}");
            prop_assert!(pause + 5.0 * 60.0 <= 43_200.0, "{pause}");
        }
    }
}
