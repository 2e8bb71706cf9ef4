use kakao_webhooks::wire::Time;

/// A time of day in Korea, which knows no summer time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyTime {
    minutes: i64,
}

/// No time of day of the form `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a time of day from 00:00 to 23:59")]
pub struct NotATimeOfDay;

/// 03:30: the fewest people log in.
impl Default for DailyTime {
    fn default() -> Self {
        Self { minutes: 3 * 60 + 30 }
    }
}

impl std::str::FromStr for DailyTime {
    type Err = NotATimeOfDay;

    fn from_str(text: &str) -> Result<Self, NotATimeOfDay> {
        let two_digits = |text: &str, most: i64| {
            let is = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            is.then(|| text.parse::<i64>().ok()).flatten().filter(|number| *number <= most)
        };
        let (hours, minutes) = text.trim().split_once(':').ok_or(NotATimeOfDay)?;
        match (two_digits(hours, 23), two_digits(minutes, 59)) {
            (Some(hours), Some(minutes)) => Ok(Self { minutes: hours * 60 + minutes }),
            _ => Err(NotATimeOfDay),
        }
    }
}

/// A day in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Korea is so far ahead of UTC.
const KOREA: i64 = 9 * 60 * 60 * 1_000;

impl DailyTime {
    /// When it was this time of day last, at the latest now.
    #[must_use]
    pub fn last_before(self, now: Time) -> Time {
        let of_day = self.minutes * 60_000;
        let since = (now.as_millis() + KOREA - of_day).rem_euclid(DAY);
        Time::clamped(now.as_millis() - since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_two_digits_each() {
        for text in ["", "3:30", "24:00", "03:60", "0330", "+3:30", "03:3a", "03:30:00"] {
            assert_eq!(text.parse::<DailyTime>(), Err(NotATimeOfDay), "{text}");
        }
        assert_eq!(" 03:30 ".parse(), Ok(DailyTime::default()));
    }
}
