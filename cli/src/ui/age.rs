//! How long ago something was, in the unit that a reader would take.

use kakao_webhooks::wire::Time;

/// The unit's name and how many seconds it has, the largest first.
const UNITS: [(&str, i64); 3] = [("d", 86_400), ("h", 3_600), ("min", 60)];

/// Whole seconds; none where the clocks disagree.
#[must_use]
pub fn seconds(since: Time, now: Time) -> i64 {
    (now.millis_since(since) / 1_000).max(0)
}

/// The same for a reader: `45 s`, `12 min`, `3 h`, `13 d`. Below two of a unit the next smaller one says more.
#[must_use]
pub fn shown(seconds: i64) -> String {
    let unit = UNITS.iter().find(|(_, length)| seconds >= 2 * length);
    unit.map_or_else(|| format!("{seconds} s"), |(name, length)| format!("{} {name}", seconds / length))
}

/// A time and its age as cells of a table.
#[must_use]
pub fn cells(since: Option<Time>, now: Time) -> [String; 2] {
    let cell = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    [cell(since.map(|time| time.to_string())), cell(since.map(|time| shown(seconds(time, now))))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_in_the_largest_unit_that_it_has_two_of() {
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_799, "47 h"),
            (1_209_600, "14 d"),
        ] {
            assert_eq!(shown(seconds), text);
        }
    }

    #[test]
    fn what_another_clock_dates_ahead_is_new() {
        let time = |seconds| Time::from_seconds(seconds).unwrap();
        assert_eq!(seconds(time(10), time(5)), 0);
        assert_eq!(seconds(time(5), time(10)), 5);
    }
}
