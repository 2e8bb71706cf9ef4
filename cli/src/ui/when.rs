//! The time of an event, as an option.

use kakao_webhooks::{state::FUTURE_TOLERANCE_MILLIS, wire::Time};

/// An event's own time (RFC 3339).
///
/// # Errors
/// If it is no time, or so far ahead of this machine's clock that the processor would put the event into quarantine.
pub fn event_time(text: &str) -> Result<Time, String> {
    at_the_latest(text, runtime::clock::now())
}

fn at_the_latest(text: &str, now: Time) -> Result<Time, String> {
    let time: Time = text.parse().map_err(|error| format!("{error}"))?;
    if time.millis_since(now) > FUTURE_TOLERANCE_MILLIS {
        let minutes = FUTURE_TOLERANCE_MILLIS / 60_000;
        return Err(format!(
            "it is more than {minutes} minutes ahead of this machine's clock ({now}): the event would end in quarantine"
        ));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_at_most_ten_minutes_ahead() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for (text, is_right) in [
            ("2025-01-01T00:00:00Z", true),
            ("2026-01-01T09:10:00+09:00", true),
            ("2026-01-01T00:10:00.001Z", false),
            ("2999-01-01T00:00:00Z", false),
            ("yesterday", false),
        ] {
            assert_eq!(at_the_latest(text, now).is_ok(), is_right, "{text}");
        }
        let error = at_the_latest("2999-01-01T00:00:00Z", now).unwrap_err();
        assert!(error.contains("more than 10 minutes") && error.contains("quarantine"), "{error}");
    }
}
