//! `khook reconcile diff`: compares without correcting, and prints what differs.

use std::process::ExitCode;

use anyhow::{Result, bail};
use kakao_webhooks::wire::{AppId, Time};
use runtime::reconcile::{Difference, Phase, Purpose, Run};
use serde_json::{Value, json};

use super::{
    RunTarget, follow,
    progress::grouped,
    start::{fill_roster, may_be_replaced, start},
    status::{Trouble, found_by, hanging},
};
use crate::{
    aws::runs::Runs,
    ui::{
        age,
        output::{self, TextTable},
    },
};

/// So many seconds is a comparison worth printing without a new one.
const NEW: i64 = 60 * 60;

pub(super) async fn diff(target: &RunTarget, again: bool, yes: bool) -> Result<ExitCode> {
    let runs = target.table.runs().await?;
    let (app, before) = target.app_to_start(&runs).await?;
    let run = compared(&runs, &app, before, again, yes).await?;
    if run.state != Phase::Done {
        let trouble = Trouble::of(&app, &run).map(|trouble| trouble.sentence());
        bail!("{}", trouble.unwrap_or_else(|| format!("app {app}: the comparison is {}", run.state.name())));
    }
    let differences = runs.differences(&app, &run).await?;
    if target.json {
        output::json(&document(&app, &run, &differences))?;
    } else {
        print(&app, &run, &differences)?;
    }
    Ok(if run.counts.differences() == 0 && differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A comparison that ended: the one that is on, the last one, or a new one.
async fn compared(runs: &Runs, app: &AppId, before: Option<Run>, again: bool, yes: bool) -> Result<Run> {
    let now = runtime::clock::now();
    match before {
        Some(run) if run.purpose == Purpose::Compare && run.state.is_working() => {
            output::say(format!("Going on with the comparison that was started at {}", run.started_at));
            return follow::to_its_end(runs, app, follow::going_on(app)).await;
        }
        Some(run) if run.purpose == Purpose::Compare && run.state == Phase::Held && !again => return Ok(run),
        Some(run) if !again && is_new(&run, now) => {
            let ended = run.finished_at.unwrap_or(now);
            let age = age::shown(age::seconds(ended, now));
            output::say(format!("This comparison ended {age} ago; --again makes a new one"));
            return Ok(run);
        }
        Some(run) => {
            may_be_replaced(app, &run, yes).await?;
            fill_roster(runs).await?;
            start(runs, app, Purpose::Compare, Some(&run)).await?;
        }
        None => {
            fill_roster(runs).await?;
            start(runs, app, Purpose::Compare, None).await?;
        }
    }
    follow::to_its_end(runs, app, follow::going_on(app)).await
}

/// Whether it is a comparison that ended a moment ago.
fn is_new(run: &Run, now: Time) -> bool {
    let ended = run.finished_at.filter(|_| run.purpose == Purpose::Compare && run.state == Phase::Done);
    ended.is_some_and(|ended| age::seconds(ended, now) < NEW)
}

/// What Kakao says and what the table says.
const fn sides(difference: &Difference) -> [&'static str; 2] {
    if difference.linked_at_kakao { ["linked", "not linked"] } else { ["not linked", "linked"] }
}

/// Since when the member is linked at Kakao. Of one who is not linked Kakao does not say since when.
const fn linked_since(difference: &Difference) -> Option<Time> {
    if difference.linked_at_kakao { Some(difference.at) } else { None }
}

fn table(differences: &[Difference]) -> TextTable {
    let mut table = output::table(&["Member", "At Kakao", "Here", "Since"]);
    for difference in differences {
        let [at_kakao, here] = sides(difference);
        let member = difference.user_id.digits();
        let since = linked_since(difference).map_or_else(|| "–".to_owned(), |at| at.to_string());
        table.add_row([member.as_str(), at_kakao, here, &since]);
    }
    table
}

fn print(app: &AppId, run: &Run, differences: &[Difference]) -> Result<()> {
    if !differences.is_empty() {
        output::print_table(&table(differences))?;
    }
    hanging(&sentence(app, run, differences.len())).into_iter().try_for_each(output::line)
}

fn sentence(app: &AppId, run: &Run, shown: usize) -> String {
    let total = run.counts.differences();
    let cut =
        if shown as u64 >= total { String::new() } else { format!(" The first {} are shown.", grouped(shown as u64)) };
    let next = if total > 0 { format!(" To correct them: khook reconcile run {app}") } else { String::new() };
    format!(
        "App {app}: {} listed, {} known; differences: {}.{cut}{next}",
        grouped(run.counts.listed),
        grouped(run.counts.known),
        found_by(Purpose::Compare, &run.counts)
    )
}

fn document(app: &AppId, run: &Run, differences: &[Difference]) -> Value {
    let one = |difference: &Difference| {
        let [at_kakao, here] = sides(difference);
        json!({"user_id": difference.user_id, "at_kakao": at_kakao, "here": here, "since": linked_since(difference)})
    };
    json!({
        "app_id": app,
        "run_id": run.run_id,
        "finished_at": run.finished_at,
        "counts": run.counts,
        "total": run.counts.differences(),
        "differences": differences.iter().map(one).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use runtime::reconcile::Counts;

    use super::*;

    #[test]
    fn differences_fit_80_columns_and_are_counted_in_full() {
        let at: Time = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let difference =
            |digits: &str, linked_at_kakao| Difference { user_id: digits.parse().unwrap(), linked_at_kakao, at };
        let differences = [difference("7", true), difference("18446744073709551615", false)];
        let app: AppId = "123456".parse().unwrap();
        let mut run = Run::new("r".to_owned(), Purpose::Compare, None, at);
        run.counts =
            Counts { listed: 45_000, known: 46_233, linked: 1_200, unlinked: 34, unclear: 1, ..Counts::default() };
        let shown = [table(&differences).rendered(80, false)]
            .into_iter()
            .chain(hanging(&sentence(&app, &run, 2)))
            .collect::<Vec<_>>()
            .join("\n");
        assert_snapshot!("reconcile-diff-80", shown);
        assert_snapshot!(
            "reconcile-diff-json",
            serde_json::to_string_pretty(&document(&app, &run, &differences)).unwrap()
        );
        run.counts = Counts { listed: 2, known: 2, ..Counts::default() };
        assert_eq!(sentence(&app, &run, 0), "App 123456: 2 listed, 2 known; differences: none.");
    }

    #[test]
    fn only_a_comparison_that_ended_less_than_an_hour_ago_is_new() {
        let at = |text: &str| -> Time { text.parse().unwrap() };
        let now = at("2026-01-01T02:00:00Z");
        for (purpose, ended, is) in [
            (Purpose::Compare, "2026-01-01T01:00:01Z", true),
            (Purpose::Compare, "2026-01-01T01:00:00Z", false),
            (Purpose::Correct, "2026-01-01T01:59:00Z", false),
        ] {
            let mut run = Run::new("r".to_owned(), purpose, None, at("2026-01-01T00:00:00Z"));
            (run.state, run.finished_at) = (Phase::Done, Some(at(ended)));
            assert_eq!(is_new(&run, now), is, "{purpose:?} {ended}");
            run.state = Phase::Failed;
            assert!(!is_new(&run, now));
        }
    }
}
