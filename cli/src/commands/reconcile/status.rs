//! `khook reconcile status`: how far each app's run is.

use std::process::ExitCode;

use anyhow::Result;
use kakao_webhooks::wire::{AppId, Time};
use runtime::reconcile::{Brake, Counts, Phase, Purpose, Run, Summary};
use serde_json::{Value, json};

use super::{
    RunTarget,
    apps::no_runs,
    progress::{RunProgress, grouped},
};
use crate::{
    kakao::fix_of,
    ui::{
        age,
        output::{self, Cell, Color, TextTable},
    },
};

/// An app and its run.
pub(super) type AppRun = (AppId, Run);

pub(super) async fn status(target: &RunTarget) -> Result<ExitCode> {
    let runs = target.table.runs().await?;
    let found = target.found(&runs).await?;
    let now = runtime::clock::now();
    if target.json {
        output::json(&found.iter().map(described).collect())?;
    }
    if found.is_empty() {
        return Err(no_runs());
    }
    if target.json {
        return Ok(ExitCode::SUCCESS);
    }
    output::print_table(&table(&found, now))?;
    paragraphs(&found, now).into_iter().try_for_each(output::line)?;
    Ok(ExitCode::SUCCESS)
}

fn table(found: &[AppRun], now: Time) -> TextTable {
    let mut table = output::table(&["App", "Run", "Progress", "Corrected / found"]);
    for (app, run) in found {
        table.add_row([
            Cell::new(app),
            Cell::lines([state(run).to_owned(), ago(run, now)]).fg(color(run)),
            Cell::new(progress(run)),
            Cell::new(found_by(run.purpose, &run.counts)),
        ]);
    }
    table
}

/// Its state in a word. What an operator ended is `failed` only in the record.
pub(super) fn state(run: &Run) -> &'static str {
    match (run.purpose, run.state) {
        (Purpose::Correct, Phase::Failed) if run.is_cancelled() => "cancelled",
        (Purpose::Compare, Phase::Failed) if run.is_cancelled() => "cancelled (diff)",
        (Purpose::Compare, Phase::Listing) => "listing (diff)",
        (Purpose::Compare, Phase::Confirming) => "confirming (diff)",
        (Purpose::Compare, Phase::Done) => "done (diff)",
        (Purpose::Compare, Phase::Failed) => "failed (diff)",
        (Purpose::Compare, Phase::Held) => "held (diff)",
        (Purpose::Correct, state) => state.name(),
    }
}

/// When a run began that works, or ended.
fn ago(run: &Run, now: Time) -> String {
    let (what, since) = match run.finished_at {
        Some(finished_at) => ("ended", finished_at),
        None if run.state == Phase::Held => ("stopped", run.updated_at),
        None => ("began", run.started_at),
    };
    format!("{what} {} ago", age::shown(age::seconds(since, now)))
}

fn color(run: &Run) -> Color {
    match run.state {
        Phase::Failed if run.is_cancelled() => Color::Yellow,
        Phase::Listing | Phase::Confirming => Color::Cyan,
        Phase::Held => Color::Yellow,
        Phase::Done => Color::Green,
        Phase::Failed => Color::Red,
    }
}

fn progress(run: &Run) -> String {
    match RunProgress::of(run) {
        Some(progress) => progress.words(),
        None if run.state == Phase::Held => {
            format!("{}, {} missing", listed(&run.counts), grouped(run.counts.missing))
        }
        None => listed(&run.counts),
    }
}

fn listed(counts: &Counts) -> String {
    format!("{} listed, {} known", grouped(counts.listed), grouped(counts.known))
}

/// What was found, in the words of what was done about it.
pub(super) fn found_by(purpose: Purpose, counts: &Counts) -> String {
    let (linked, unlinked) = match purpose {
        Purpose::Correct => ("linked", "unlinked"),
        Purpose::Compare => ("only at Kakao", "only here"),
    };
    let mut parts = vec![];
    for (count, what) in [(counts.linked, linked), (counts.unlinked, unlinked), (counts.unclear, "unclear")] {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count)));
        }
    }
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// What the table has no place for: errors, what holds a run, what the last finished one found.
fn paragraphs(found: &[AppRun], now: Time) -> Vec<String> {
    let mut lines = vec![];
    for (app, run) in found {
        let own = own_lines(app, run, now);
        if !own.is_empty() {
            lines.push(String::new());
            lines.extend(own);
        }
    }
    lines
}

fn own_lines(app: &AppId, run: &Run, now: Time) -> Vec<String> {
    let mut lines = vec![];
    // Of the run itself the table has said it.
    if let Some(last) = run.last_finished.as_ref().filter(|last| last.run_id != run.run_id) {
        lines.extend(hanging(&finished(app, last, now)));
    }
    if let Some(Trouble { what, to_do }) = Trouble::of(app, run) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(hanging(&what));
        lines.extend(
            to_do.iter().flat_map(|text| output::wrap(text, output::columns() - 4)).map(|line| format!("  {line}")),
        );
    }
    lines
}

/// Lines that fit, each after the first indented.
pub(super) fn hanging(text: &str) -> Vec<String> {
    let lines = output::wrap(text, output::columns().saturating_sub(2));
    let indent = |(index, line): (usize, String)| if index == 0 { line } else { format!("  {line}") };
    lines.into_iter().enumerate().map(indent).collect()
}

/// An age that stays on one line.
fn unbroken(seconds: i64) -> String {
    age::shown(seconds).replace(' ', "\u{a0}")
}

fn finished(app: &AppId, last: &Summary, now: Time) -> String {
    format!(
        "App {app}, last finished run: {}, {} ago, after {}: {}; corrected: {}.",
        last.finished_at,
        unbroken(age::seconds(last.finished_at, now)),
        unbroken(age::seconds(last.started_at, last.finished_at)),
        listed(&last.counts),
        found_by(Purpose::Correct, &last.counts),
    )
}

/// What keeps a run from its end.
pub(super) struct Trouble {
    what: String,
    /// What to do about it. A line each, so that a command can be copied.
    to_do: Vec<String>,
}

impl Trouble {
    pub(super) fn of(app: &AppId, run: &Run) -> Option<Self> {
        if let Some(brake) = run.held_because.filter(|_| run.state == Phase::Held) {
            let what = format!("App {app} is held: {}", why_held(brake, &run.counts));
            let approve = format!("To look at it and let it go on: khook reconcile approve {app}");
            return Some(Self { what, to_do: vec![approve, format!("To end it: khook reconcile cancel {app}")] });
        }
        let error = run.last_error.as_deref()?;
        if run.is_cancelled() {
            let what = format!("App {app} was {error}. What it corrected stays.");
            return Some(Self { what, to_do: vec![format!("To start a new one: khook reconcile run {app}")] });
        }
        let mut to_do: Vec<_> = fix_of(error).map(|fix| format!("{}.", capital(&fix))).into_iter().collect();
        if run.state == Phase::Failed {
            to_do.push(format!("To start a new one: khook reconcile run {app}"));
            return Some(Self { what: format!("App {app} failed: {error}."), to_do });
        }
        to_do.push("It is tried again every minute.".to_owned());
        Some(Self { what: format!("App {app}, last error: {error}."), to_do })
    }

    /// On one line.
    pub(super) fn sentence(&self) -> String {
        format!("{} {}", self.what, self.to_do.join(". ").replace("..", "."))
    }
}

pub(super) fn why_held(brake: Brake, counts: &Counts) -> String {
    let numbers = match brake {
        Brake::TooManyMissing => {
            format!("{} of {} known here are not on Kakao's list.", grouped(counts.missing), grouped(counts.known))
        }
        Brake::NothingInCommon => {
            format!(
                "It lists {}; {} of {} known here are missing.",
                grouped(counts.listed),
                grouped(counts.missing),
                grouped(counts.known)
            )
        }
    };
    let why = brake.words();
    let end = if why.ends_with('?') { "" } else { "." };
    format!("{why}{end} {numbers}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A run for programs.
pub(super) fn described((app, run): &AppRun) -> Value {
    let progress = RunProgress::of(run);
    json!({
        "app_id": app,
        "run_id": run.run_id,
        "purpose": run.purpose,
        "state": run.state,
        "started_at": run.started_at,
        "updated_at": run.updated_at,
        "finished_at": run.finished_at,
        "counts": run.counts,
        "percent": progress.and_then(|progress| progress.percent()),
        "minutes_left": progress.and_then(|progress| progress.minutes_left),
        "held_because": run.held_because,
        "last_error": run.last_error,
        "last_finished": run.last_finished,
        "what_to_do": Trouble::of(app, run).map(|trouble| trouble.to_do),
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use kakao_webhooks::wire::rest_api::RestError;

    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn run(purpose: Purpose, state: Phase, counts: Counts) -> Run {
        let mut run = Run::new("20260101T183000.000Z-0a1b".to_owned(), purpose, None, time("2026-01-01T18:30:00Z"));
        (run.state, run.counts) = (state, counts);
        run.last_finished = Some(Summary {
            run_id: "20251231T183000.000Z-0a1b".to_owned(),
            started_at: time("2025-12-31T18:30:00Z"),
            finished_at: time("2025-12-31T18:35:00Z"),
            counts: Counts { listed: 45_000, known: 45_003, linked: 12, unlinked: 3, ..Counts::default() },
            differences_before: None,
        });
        run
    }

    fn samples() -> Vec<AppRun> {
        let app = |digits: &str| -> AppId { digits.parse().unwrap() };
        let listing = Counts { listed: 12_300, known: 12_298, linked: 2, ..Counts::default() };
        let confirming =
            Counts { listed: 45_010, known: 45_020, missing: 300, asked: 95, unlinked: 94, unclear: 1, ..listing };
        let missing = Counts { listed: 44_000, known: 45_000, shared: 44_000, missing: 1_000, ..Counts::default() };
        let mut held = run(Purpose::Correct, Phase::Held, missing);
        held.held_because = Some(Brake::TooManyMissing);
        let mut stranger =
            run(Purpose::Compare, Phase::Held, Counts { listed: 3, known: 7, missing: 7, ..Counts::default() });
        (stranger.held_because, stranger.last_finished) = (Some(Brake::NothingInCommon), None);
        let mut failed = run(Purpose::Correct, Phase::Listing, Counts::default());
        let body = br#"{"msg":"ip mismatched! callerIp=203.0.113.9. check out registered ips.","code":-401}"#;
        failed.fail(RestError::of_answer(401, body).to_string(), time("2026-01-01T18:30:02Z"));
        let mut again = run(Purpose::Correct, Phase::Listing, listing);
        again.last_error = Some("the queue: no answer in time".to_owned());
        let mut done =
            run(Purpose::Correct, Phase::Done, Counts { listed: 45_000, known: 45_000, ..Counts::default() });
        done.finish(time("2026-01-01T18:40:00Z"));
        let mut cancelled = run(Purpose::Correct, Phase::Listing, listing);
        cancelled.cancel(time("2026-01-01T18:41:00Z"));
        vec![
            (app("123456"), again),
            (app("1234567"), run(Purpose::Correct, Phase::Confirming, confirming)),
            (app("234567"), held),
            (app("345678"), stranger),
            (app("456789"), failed),
            (app("567890"), done),
            (app("678901"), cancelled),
        ]
    }

    #[test]
    fn every_state_fits_80_columns_and_says_what_to_do() {
        let now = time("2026-01-01T18:45:00Z");
        let shown = [table(&samples(), now).rendered(80, false)].into_iter().chain(paragraphs(&samples(), now));
        let shown = shown.collect::<Vec<_>>().join("\n");
        assert!(shown.lines().all(|line| console::measure_text_width(line) <= 80), "{shown}");
        assert_snapshot!("reconcile-status-80", shown);
    }

    #[test]
    fn what_programs_get_holds_no_digest_of_a_key() {
        let mut samples = samples();
        samples[0].1.key_sha256 = Some("digest-of-the-key".to_owned());
        let text = serde_json::to_string_pretty(&samples.iter().map(described).collect::<Value>()).unwrap();
        assert!(!text.contains("digest-of-the-key"), "{text}");
        assert_snapshot!("reconcile-status-json", text);
    }
}
