use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use kakao_webhooks::{
    erasure::{Departure, Fact, departures},
    wire::{AppId, Time},
};

use super::{
    List,
    row::{CSV_HEADER, Row, Rows},
};
use crate::{
    aws::erasures::Erasures,
    ui::{count::counted, output, progress::Progress},
};

/// How many days back by default.
const USUAL_DAYS: u32 = 30;

/// How many days, and how many members, are read at once.
const AT_ONCE: usize = 8;

impl List {
    pub(super) async fn run(&self) -> Result<ExitCode> {
        let now = runtime::clock::now();
        let since = self.since.unwrap_or_else(|| now.minus_days(USUAL_DAYS));
        let erasures = &self.table.erasures().await?;
        let (found, unreadable) = self.departures(erasures, since, now).await?;
        let mut step = Progress::of_stderr().step("Reading what is held");
        let (mut rows, mut read) = (Rows::default(), 0);
        if self.csv {
            output::csv_record(CSV_HEADER)?;
        }
        let mut held = stream::iter(&found)
            .map(|(app, departure)| async move {
                Ok::<_, anyhow::Error>((app, departure, erasures.held(app, departure.user, now).await?))
            })
            .buffered(AT_ONCE);
        while let Some((app, departure, held)) = held.try_next().await? {
            let row = Row { app, departure, held: &held };
            if self.csv {
                output::csv_record(&row.csv())?;
            } else if self.json {
                output::json_line(&row.json())?;
            } else {
                rows.add(&row);
            }
            read += 1;
            step.note(&format!("{read} of {}", counted(found.len(), "departure")));
        }
        step.done(&counted(found.len(), "departure"));
        if !self.csv && !self.json {
            rows.print(&format!("no member left since {since}"))?;
        }
        if unreadable > 0 {
            output::warn(&format!(
                "{} of an unknown form left out: use the version of khook that matches the recorder",
                counted(unreadable, "record")
            ));
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The departures since then, and how many records could not be read.
    async fn departures(
        &self,
        erasures: &Erasures,
        since: Time,
        now: Time,
    ) -> Result<(Vec<(AppId, Departure)>, usize)> {
        let mut step = Progress::of_stderr().step("Reading the records");
        let days = days(since, now);
        let mut read = stream::iter(days.iter().map(|day| erasures.of_day(*day, self.app.as_ref()))).buffered(AT_ONCE);
        let (mut facts, mut unreadable): (BTreeMap<AppId, Vec<Fact>>, usize) = (BTreeMap::new(), 0);
        let mut done = 0;
        while let Some(day) = read.try_next().await? {
            unreadable += day.unreadable;
            for (app, fact) in day.facts {
                facts.entry(app).or_default().push(fact);
            }
            done += 1;
            step.note(&format!("{done} of {}", counted(days.len(), "day")));
        }
        step.done(&counted(days.len(), "day"));
        Ok((since_then(facts, since), unreadable))
    }
}

/// The departures that took effect since then, by day, app and time.
fn since_then(facts: BTreeMap<AppId, Vec<Fact>>, since: Time) -> Vec<(AppId, Departure)> {
    let of_app = |(app, facts): (AppId, Vec<Fact>)| departures(facts).into_iter().map(move |one| (app.clone(), one));
    let mut all: Vec<_> = facts.into_iter().flat_map(of_app).filter(|(_, one)| known_at(one) >= since).collect();
    all.sort_by_key(|(app, one)| (one.left_at.day(), app.clone(), one.left_at, one.user));
    all
}

/// When the departure took effect here; else when it was received.
fn known_at(departure: &Departure) -> Time {
    let received = departure.first_said().map(|said| said.received_at);
    departure.effective_at.or(received).unwrap_or(departure.left_at)
}

/// The days from that of `since` to tomorrow's: another clock may be ahead.
fn days(since: Time, now: Time) -> Vec<Time> {
    let last = now.plus_days(1).day();
    let days = (0..).map(|number| since.plus_days(number)).take_while(|day| day.day() <= last);
    days.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_since_then_is_read_and_one_more() {
        let time = |text: &str| text.parse().unwrap();
        let days = days(time("2026-02-27T23:59:59Z"), time("2026-03-01T00:00:00Z"));
        let days: Vec<_> = days.into_iter().map(Time::day).collect();
        assert_eq!(days, ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
    }
}
