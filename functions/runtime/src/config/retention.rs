//! How long things are kept.

use std::ops::RangeInclusive;

use super::{ConfigError, Variables};
use crate::store::{LONGEST_QUARANTINE_DAYS, QUEUED_DAYS, Retention};

/// The longest that something is kept, in days (`template.yaml`).
const LONGEST_DAYS: u32 = 3_650;

impl Variables<'_> {
    /// `HISTORY_RETENTION_DAYS`, `QUARANTINE_RETENTION_DAYS` and `GONE_RETENTION_DAYS`. Template users are held to more: its
    /// limits are those of the longest quarantine.
    ///
    /// # Errors
    /// Not a whole number of days; or history, or the state of a user who is gone, that ends before a late delivery of an
    /// event can.
    pub fn retention(&self) -> Result<Retention, ConfigError> {
        let (default, quarantine_days) = (Retention::default(), self.quarantine_days()?);
        // What is replayed must still find its history, or it is counted twice; and the state of a user who is gone, or an
        // older event links that user again.
        let limits = QUEUED_DAYS + quarantine_days..=LONGEST_DAYS;
        Ok(Retention {
            history_days: self.days("HISTORY_RETENTION_DAYS", &limits, default.history_days)?,
            quarantine_days,
            gone_days: self.days("GONE_RETENTION_DAYS", &limits, default.gone_days)?,
        })
    }

    /// `QUARANTINE_RETENTION_DAYS` alone, for a function that writes neither history nor states.
    ///
    /// # Errors
    /// Not a whole number of days from 1 to [`LONGEST_QUARANTINE_DAYS`].
    pub fn quarantine_days(&self) -> Result<u32, ConfigError> {
        let limits = 1..=LONGEST_QUARANTINE_DAYS;
        self.days("QUARANTINE_RETENTION_DAYS", &limits, Retention::default().quarantine_days)
    }

    fn days(&self, variable: &'static str, limits: &RangeInclusive<u32>, default: u32) -> Result<u32, ConfigError> {
        let Some(text) = self.get(variable) else { return Ok(default) };
        text.trim().parse().ok().filter(|number| limits.contains(number)).ok_or_else(|| ConfigError {
            variable,
            problem: format!("is not a whole number of days from {} to {}", limits.start(), limits.end()),
            fix: "Set it within these limits, or leave it out",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_retention_is_as_long_as_an_event_can_be_late_and_its_error_names_the_limits() {
        let retention = |variable: &'static str, days: &str, quarantine: &'static str| {
            let days = days.to_owned();
            Variables::new(move |asked: &str| match asked {
                _ if asked == variable => Some(days.clone()),
                "QUARANTINE_RETENTION_DAYS" => Some(quarantine.to_owned()),
                _ => None,
            })
            .retention()
        };
        for (variable, quarantine, least, most) in [
            ("HISTORY_RETENTION_DAYS", "30", 51, 3_650),
            ("GONE_RETENTION_DAYS", "30", 51, 3_650),
            ("GONE_RETENTION_DAYS", "60", 81, 3_650),
            ("QUARANTINE_RETENTION_DAYS", "", 1, 60),
        ] {
            for days in [least, most] {
                retention(variable, &days.to_string(), quarantine).unwrap();
            }
            for days in ["0", "-1", "9999999999", "x", &(least - 1).to_string(), &(most + 1).to_string()] {
                let expected = format!(
                    "{variable} is not a whole number of days from {least} to {most}. Set it within these limits, or \
                     leave it out"
                );
                assert_eq!(retention(variable, days, quarantine).unwrap_err().to_string(), expected);
            }
        }
    }
}
