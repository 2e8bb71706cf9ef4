use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use kakao_webhooks::{
    erasure::{Departure, Fact, FactKind, departures_since, first_day},
    wire::{AppId, Time, UserId},
};

use super::{
    List,
    row::{CSV_HEADER, Row, Rows},
};
use crate::{
    aws::erasures::{Erasures, Held},
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
        let (mut facts, unreadable) = self.facts(erasures, since, now).await?;
        let held = self.held(erasures, members(&facts, since), now).await?;
        // The record is some minutes old.
        for ((app, user), held) in &held {
            let linked = held.linked_at.map(|at| Fact { user: *user, at, kind: FactKind::Linked });
            facts.entry(app.clone()).or_default().extend(linked);
        }
        self.print(&departures_of_apps(facts, since), &held, since)?;
        if unreadable > 0 {
            output::warn(&format!(
                "{} of an unknown form left out: use the version of khook that matches the recorder",
                counted(unreadable, "record")
            ));
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is recorded of departures since then, and how many records could not be read.
    async fn facts(&self, erasures: &Erasures, since: Time, now: Time) -> Result<(Facts, usize)> {
        let mut step = Progress::of_stderr().step("Reading the records");
        let days = days(since, now);
        let mut read = stream::iter(days.iter().map(|day| erasures.of_day(*day, self.app.as_ref()))).buffered(AT_ONCE);
        let (mut facts, mut unreadable) = (Facts::new(), 0);
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
        facts.values_mut().for_each(keep_those_who_left);
        Ok((facts, unreadable))
    }

    /// What the table holds of these members.
    async fn held(&self, erasures: &Erasures, members: BTreeSet<Member>, now: Time) -> Result<BTreeMap<Member, Held>> {
        let mut step = Progress::of_stderr().step("Reading what is held");
        let all = counted(members.len(), "member");
        let mut read = stream::iter(members)
            .map(|(app, user)| async move {
                let held = erasures.held(&app, user, now).await?;
                Ok::<_, anyhow::Error>(((app, user), held))
            })
            .buffered(AT_ONCE);
        let mut held = BTreeMap::new();
        while let Some((member, of_member)) = read.try_next().await? {
            held.insert(member, of_member);
            step.note(&format!("{} of {all}", held.len()));
        }
        step.done(&all);
        Ok(held)
    }

    fn print(&self, found: &[(AppId, Departure)], held: &BTreeMap<Member, Held>, since: Time) -> Result<()> {
        let (mut rows, nothing) = (Rows::default(), Held::default());
        if self.csv {
            output::csv_record(CSV_HEADER)?;
        }
        for (app, departure) in found {
            let held = held.get(&(app.clone(), departure.user)).unwrap_or(&nothing);
            let row = Row { app, departure, held };
            if self.csv {
                output::csv_record(&row.csv())?;
            } else if self.json {
                output::json_line(&row.json())?;
            } else {
                rows.add(&row);
            }
        }
        if self.csv || self.json { Ok(()) } else { rows.print(&format!("no member left since {since}")) }
    }
}

/// What is known, by app.
type Facts = BTreeMap<AppId, Vec<Fact>>;

type Member = (AppId, UserId);

/// Most links are of members who never left: a run of the reconciler may have found millions.
fn keep_those_who_left(facts: &mut Vec<Fact>) {
    let has_left = |fact: &&Fact| matches!(fact.kind, FactKind::Left { .. });
    let left: BTreeSet<UserId> = facts.iter().filter(has_left).map(|fact| fact.user).collect();
    facts.retain(|fact| left.contains(&fact.user));
    facts.shrink_to_fit();
}

/// Those who left since then.
fn members(facts: &Facts, since: Time) -> BTreeSet<Member> {
    let of_app = |(app, facts): (&AppId, &Vec<Fact>)| {
        let app = app.clone();
        departures_since(facts.iter().cloned(), since).into_iter().map(move |one| (app.clone(), one.user))
    };
    facts.iter().flat_map(of_app).collect()
}

/// The departures since then, by day, app and time.
fn departures_of_apps(facts: Facts, since: Time) -> Vec<(AppId, Departure)> {
    let of_app = |(app, facts): (AppId, Vec<Fact>)| {
        departures_since(facts, since).into_iter().map(move |one| (app.clone(), one))
    };
    let mut all: Vec<_> = facts.into_iter().flat_map(of_app).collect();
    all.sort_by_key(|(app, one)| (one.left_at.day(), app.clone(), one.left_at, one.user));
    all
}

/// The days from the first whose record is about departures since then to tomorrow's: another clock may be ahead.
fn days(since: Time, now: Time) -> Vec<Time> {
    let (first, last) = (first_day(since), now.plus_days(1).day());
    let days = (0..).map(|number| first.plus_days(number)).take_while(|day| day.day() <= last);
    days.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_before_that_tell_which_events_are_of_one_departure_are_read_too_and_tomorrow() {
        let time = |text: &str| text.parse().unwrap();
        let days = days(time("2026-02-27T23:59:59Z"), time("2026-03-01T00:00:00Z"));
        let days: Vec<_> = days.into_iter().map(Time::day).collect();
        let expected = ["24", "25", "26", "27", "28"].map(|day| format!("2026-02-{day}"));
        assert_eq!(days, [&expected[..], &["2026-03-01".to_owned(), "2026-03-02".to_owned()]].concat());
    }

    #[test]
    fn of_members_who_never_left_no_fact_is_kept() {
        let at = "2026-02-27T00:00:00Z".parse::<Time>().unwrap();
        let fact = |user: u64, kind| Fact { user: user.to_string().parse().unwrap(), at, kind };
        let left = FactKind::Left { report: None, effective_at: None };
        let of_one_who_left = vec![fact(7, FactKind::Linked), fact(7, left)];
        let mut facts = of_one_who_left.clone();
        facts.extend((100..200).map(|user| fact(user, FactKind::Linked)));
        keep_those_who_left(&mut facts);
        assert_eq!(facts, of_one_who_left);
    }
}
