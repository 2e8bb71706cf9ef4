//! Times in this machine's time zone, in addition to UTC.

use clap::Args;
use jiff::{Zoned, tz::TimeZone};
use kakao_webhooks::wire::Time;

/// Whether local times are shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct LocalTime {
    /// Show each time in this machine's time zone (TZ), too
    #[arg(long)]
    local_time: bool,
}

impl LocalTime {
    /// The zone, if its times are shown.
    #[must_use]
    pub fn zone(self) -> Zone {
        Zone(self.local_time.then(TimeZone::system))
    }
}

/// The zone whose times are shown in addition to UTC, if any.
#[derive(Clone, Debug, Default)]
pub struct Zone(Option<TimeZone>);

impl Zone {
    /// A cell that is a time, or a key that begins with one, with the local time behind it. Any other as it is.
    #[must_use]
    pub fn beside(&self, cell: &str) -> String {
        let time = cell.split('#').next().and_then(|text| text.parse().ok());
        match time.and_then(|time| self.local(time)) {
            Some(local) => format!("{cell} ({})", local.strftime("%F %T %:z")),
            None => cell.to_owned(),
        }
    }

    /// The time of day of a UTC day, to the second; with its date where that is another day.
    #[must_use]
    pub fn short(&self, time: Time, day: &str) -> String {
        let utc = short(&time.timestamp().to_zoned(TimeZone::UTC), day);
        match self.local(time) {
            Some(local) => format!("{utc} ({} {})", short(&local, day), local.strftime("%:z")),
            None => utc,
        }
    }

    fn local(&self, time: Time) -> Option<Zoned> {
        self.0.clone().map(|zone| time.timestamp().to_zoned(zone))
    }
}

fn short(time: &Zoned, day: &str) -> String {
    let date = time.date().to_string();
    let time = time.strftime("%T");
    if date == day { time.to_string() } else { format!("{date} {time}") }
}

#[cfg(test)]
pub(crate) fn seoul() -> Zone {
    Zone(Some(TimeZone::fixed(jiff::tz::offset(9))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_its_local_time_behind_it_and_anything_else_is_as_it_was() {
        for (cell, shown) in [
            ("2026-11-28T02:55:06.789Z", "2026-11-28T02:55:06.789Z (2026-11-28 11:55:06 +09:00)"),
            ("2026-11-28T20:00:00.000Z#id", "2026-11-28T20:00:00.000Z#id (2026-11-29 05:00:00 +09:00)"),
            ("unlinked", "unlinked"),
            ("", ""),
            ("12 min", "12 min"),
        ] {
            assert_eq!(seoul().beside(cell), shown);
            assert_eq!(Zone::default().beside(cell), cell);
        }
    }

    #[test]
    fn a_short_time_says_the_date_only_of_another_day() {
        let time = "2026-11-28T20:00:00.999Z".parse().unwrap();
        assert_eq!(Zone::default().short(time, "2026-11-28"), "20:00:00");
        assert_eq!(Zone::default().short(time, "2026-11-27"), "2026-11-28 20:00:00");
        assert_eq!(seoul().short(time, "2026-11-28"), "20:00:00 (2026-11-29 05:00:00 +09:00)");
        assert_eq!(seoul().short(time, "2026-11-29"), "2026-11-28 20:00:00 (05:00:00 +09:00)");
    }
}
