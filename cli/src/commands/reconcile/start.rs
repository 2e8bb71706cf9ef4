//! `khook reconcile run`: starts runs, after older items are in the roster.

use std::process::ExitCode;

use anyhow::{Result, bail};
use kakao_webhooks::wire::AppId;
use runtime::reconcile::{Phase, Purpose, RosterFill, Run, run_id};

use super::{
    RunTarget,
    apps::named,
    follow,
    progress::grouped,
    status::{AppRun, Trouble, described, found_by},
};
use crate::{
    aws::runs::Runs,
    random,
    ui::{ask, count::counted, output, progress::Progress},
};

pub(super) async fn run(target: &RunTarget, wait: bool, yes: bool) -> Result<ExitCode> {
    let runs = target.table.runs().await?;
    let apps = target.apps_to_start(&runs).await?;
    if apps.len() > 1 {
        let names: Vec<_> = apps.iter().map(|(app, _)| app.clone()).collect();
        let question = format!("Start runs of {} ({})?", counted(apps.len(), "app"), named(&names));
        ask::whether(&question, yes).await?;
    }
    for (app, before) in &apps {
        if let Some(before) = before.as_ref().filter(|before| !(wait && is_on(before))) {
            may_be_replaced(app, before, yes).await?;
        }
    }
    fill_roster(&runs).await?;
    let mut started = vec![];
    for (app, before) in apps {
        let run = match before {
            Some(on) if wait && is_on(&on) => {
                output::say(format!("App {app}: waiting for the run that was started at {}", on.started_at));
                on
            }
            before => {
                let run = start(&runs, &app, Purpose::Correct, before.as_ref()).await?;
                if !target.json {
                    output::line(format!("App {app}: run {} started", run.run_id))?;
                }
                run
            }
        };
        started.push((app, run));
    }
    if wait {
        return waited(&runs, started, target.json).await;
    }
    if target.json {
        output::json(&started.iter().map(described).collect())?;
    } else {
        output::line("The reconciler begins within a minute; `khook reconcile status` shows how far it is")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether it is what `run` would start: one that is waited for is not started again.
fn is_on(run: &Run) -> bool {
    run.purpose == Purpose::Correct && run.state.is_working()
}

/// A run that works is not replaced, and a held one only after a question.
pub(super) async fn may_be_replaced(app: &AppId, run: &Run, yes: bool) -> Result<()> {
    match run.state {
        Phase::Listing | Phase::Confirming => bail!(
            "app {app} has a run that is {} ({}, started at {}). Wait for it (`khook reconcile {} {app}`), or end it \
             with `khook reconcile cancel {app}`",
            run.state.name(),
            run.run_id,
            run.started_at,
            if run.purpose == Purpose::Correct { "run --wait" } else { "diff" }
        ),
        Phase::Held => {
            let why = Trouble::of(app, run).map(|trouble| trouble.sentence()).unwrap_or_default();
            ask::whether(&format!("{why} Replace it by a new run?"), yes).await
        }
        Phase::Done | Phase::Failed => Ok(()),
    }
}

/// Writes the record of a new run, unless another process was faster.
pub(super) async fn start(runs: &Runs, app: &AppId, purpose: Purpose, before: Option<&Run>) -> Result<Run> {
    let now = runtime::clock::now();
    let random = u16::from_str_radix(&random::hex::<2>()?, 16)?;
    let run = Run::new(run_id(now, random), purpose, before, now);
    if !runs.save(app, &run).await? {
        bail!("app {app}: another run was started just now. `khook reconcile status {app}` shows it");
    }
    Ok(run)
}

async fn waited(runs: &Runs, started: Vec<AppRun>, is_json: bool) -> Result<ExitCode> {
    let going_on: Vec<_> = started.iter().map(|(app, _)| follow::going_on(app)).collect();
    let mut ended = vec![];
    for ((app, _), going_on) in started.into_iter().zip(going_on) {
        let run = follow::to_its_end(runs, &app, going_on).await?;
        if !is_json {
            output::line(ended_as(&app, &run))?;
        }
        ended.push((app, run));
    }
    if is_json {
        output::json(&ended.iter().map(described).collect())?;
    }
    let is_done = ended.iter().all(|(_, run)| run.state == Phase::Done);
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn ended_as(app: &AppId, run: &Run) -> String {
    match Trouble::of(app, run).filter(|_| run.state != Phase::Done) {
        Some(trouble) => trouble.sentence(),
        None => format!(
            "App {app}: done: {} listed, {} known; corrected: {}",
            grouped(run.counts.listed),
            grouped(run.counts.known),
            found_by(run.purpose, &run.counts)
        ),
    }
}

/// Puts members whom an earlier release stored into the roster: once, and on from where it was interrupted.
pub(super) async fn fill_roster(runs: &Runs) -> Result<()> {
    let mut fill = runs.roster_fill().await?;
    if fill.as_ref().is_some_and(RosterFill::is_finished) {
        return Ok(());
    }
    let mut step = Progress::of_stderr().step("Filling the roster, once");
    loop {
        let next = runs.fill_roster(fill, runtime::clock::now()).await?;
        let far = format!("{} of {} items", counted(next.filled, "member"), grouped(next.scanned));
        if next.is_finished() {
            step.done(&far);
            return Ok(());
        }
        step.note(&far);
        fill = Some(next);
    }
}
