use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, in milliseconds. Written as RFC 3339 in UTC with exactly three decimals, so that the
/// text's order is the time's order. Between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// 9999-12-30T22:00:00Z, the last hour that every time library can write.
const LATEST_MILLIS: i64 = 253_402_207_200_000;

/// In milliseconds.
const DAY: i64 = 86_400_000;

impl Time {
    /// From milliseconds since 1970, or `None` outside the range.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        (0..=LATEST_MILLIS).contains(&millis).then_some(Self(millis))
    }

    /// The moment nearest to this many milliseconds since 1970 that is in the range.
    #[must_use]
    pub fn clamped(millis: i64) -> Self {
        Self(millis.clamp(0, LATEST_MILLIS))
    }

    /// From whole seconds since 1970, as JWT's NumericDate (RFC 7519 §2) has it, or `None` outside
    /// the range.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        seconds.checked_mul(1_000).and_then(Self::from_millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down: the unit of a DynamoDB TTL attribute.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1_000
    }

    /// This moment and `days` more, at most the end of the range.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(i64::from(days).saturating_mul(DAY)).min(LATEST_MILLIS))
    }

    /// This moment less `days`, at least the beginning of the range.
    #[must_use]
    pub fn minus_days(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(days).saturating_mul(DAY)).max(0))
    }

    /// How much later than `earlier` this is, in milliseconds; negative if it is earlier.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The day in UTC, as `yyyy-mm-dd`.
    #[must_use]
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// The same moment for other libraries.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        // In range by construction; the epoch can't be reached.
        Timestamp::from_duration(SignedDuration::from_millis(self.0)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

/// A text that is no RFC 3339 time with an offset, or outside of 1970 to 9999.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 time between 1970 and 9999")]
pub struct InvalidTime;

impl FromStr for Time {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let timestamp: Timestamp = text.parse().map_err(|_| InvalidTime)?;
        Self::from_millis(timestamp.as_millisecond()).ok_or(InvalidTime)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_with_three_decimals_in_utc() {
        assert_eq!(Time::from_seconds(0).unwrap().to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time::from_millis(1_700_000_000_007).unwrap().to_string(), "2023-11-14T22:13:20.007Z");
    }

    #[test]
    fn reads_any_offset_and_any_precision() {
        let time: Time = "2023-11-15T07:13:20.0079+09:00".parse().unwrap();
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.007Z");
    }

    #[test]
    fn a_time_out_of_range_is_none_instead_of_a_panic() {
        assert_eq!(Time::from_seconds(i64::MAX), None);
        assert_eq!(Time::from_millis(-1), None);
        assert!("1969-12-31T23:59:59Z".parse::<Time>().is_err());
        let latest = Time::from_millis(LATEST_MILLIS).unwrap();
        assert_eq!(latest.to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(latest.plus_days(u32::MAX), latest);
    }
}
