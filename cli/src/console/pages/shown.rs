//! How values are written in the pages. Templates pass references.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

/// The time of day on this machine.
pub(super) fn clock(at: &i64) -> String {
    let time = Timestamp::from_millisecond(*at).unwrap_or_default();
    time.to_zoned(TimeZone::system()).strftime("%H:%M:%S%.3f").to_string()
}

/// The time zone of [`clock`]'s times: `UTC`, `KST`.
pub(in crate::console) fn zone() -> String {
    let zone = TimeZone::system();
    // Without a zone, a machine's times are UTC.
    let zone = if zone.is_unknown() { TimeZone::UTC } else { zone };
    Timestamp::now().to_zoned(zone).strftime("%Z").to_string()
}

/// A time for a machine.
pub(super) fn iso(at: &i64) -> String {
    format!("{:.3}", Timestamp::from_millisecond(*at).unwrap_or_default())
}

/// Seconds to a tenth.
pub(super) fn tenths(ms: &i64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

/// Seconds that are not over yet.
pub(super) fn whole_seconds(ms: &i64) -> i64 {
    (ms + 999) / 1_000
}

/// When that will have passed, in milliseconds since 1970.
pub(super) fn until(left_ms: &i64) -> i64 {
    runtime::clock::now().as_millis() + left_ms
}

/// JSON on several lines; nothing of null.
pub(super) fn pretty(value: &Value) -> String {
    if value.is_null() { String::new() } else { serde_json::to_string_pretty(value).unwrap_or_default() }
}
