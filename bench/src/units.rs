//! Numbers with three significant digits and a unit.

use std::time::Duration;

/// A time in milliseconds.
pub(crate) fn in_millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Milliseconds with their unit.
pub(crate) fn millis(value: f64) -> String {
    format!("{} ms", digits(value))
}

/// Bytes in thousands or millions, as the limits of archives are given.
pub(crate) fn bytes(value: f64) -> String {
    if value >= 1e6 { format!("{} MB", digits(value / 1e6)) } else { format!("{:.0} kB", value / 1e3) }
}

/// At least three digits: 130.0, 27.3, 1.93, 0.171.
pub(crate) fn digits(value: f64) -> String {
    match value {
        _ if value >= 10.0 => format!("{value:.1}"),
        _ if value >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        assert_eq!(["130.0 ms", "27.3 ms", "1.93 ms", "0.171 ms"], [130.04, 27.26, 1.93, 0.1712].map(millis));
        assert_eq!(["4.06 MB", "21.4 MB", "459 kB"], [4_060_000.0, 21_400_000.0, 458_700.0].map(bytes));
    }
}
