//! `khook reconcile approve|cancel`: what an operator decides about a run.

use std::process::ExitCode;

use anyhow::{Result, bail};
use kakao_webhooks::wire::AppId;
use runtime::reconcile::{Brake, Note, Phase, Run};

use super::{
    RunTarget,
    progress::{RunProgress, grouped},
    status::{described, state, why_held},
};
use crate::{
    aws::runs::Runs,
    ui::{ask, output},
};

/// So many members are shown of those who would be asked for.
const SHOWN: usize = 10;

/// A working run's record is written by its worker, too.
const ATTEMPTS: usize = 10;

pub(super) async fn approve(target: &RunTarget, yes: bool) -> Result<ExitCode> {
    let runs = target.table.runs().await?;
    let (app, mut run) = target.run(&runs).await?;
    let Some(brake) = run.held_because.filter(|_| run.state == Phase::Held) else {
        bail!("the run of app {app} is not held: it is {}. There is nothing to approve", state(&run));
    };
    let note = runs.first_note(&app, &run).await?;
    for line in reason(&app, brake, &run, note.as_ref()) {
        output::say(line);
    }
    ask::whether(&question(&app, brake, &run), yes).await?;
    run.approve();
    save(&runs, &app, &mut run).await?;
    if target.json {
        output::json(&described(&(app, run)))?;
    } else {
        output::line(format!("App {app}: approved. The reconciler goes on with it within a minute"))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn save(runs: &Runs, app: &AppId, run: &mut Run) -> Result<()> {
    run.updated_at = runtime::clock::now();
    if runs.save(app, run).await? {
        return Ok(());
    }
    bail!("the run of app {app} was changed meanwhile, and nothing was done. `khook reconcile status {app}` shows it")
}

/// What held it, and whom it would ask for.
fn reason(app: &AppId, brake: Brake, run: &Run, note: Option<&Note>) -> Vec<String> {
    let mut lines = output::wrap(&format!("App {app} is held: {}", why_held(brake, &run.counts)), output::columns());
    let members = note.map(|note| note.members.as_slice()).unwrap_or_default();
    let shown: Vec<_> = members.iter().take(SHOWN).map(|member| member.digits()).collect();
    if !shown.is_empty() {
        lines.push("The first members that Kakao did not list:".to_owned());
        lines.extend(shown.iter().map(|member| format!("  {member}")));
    }
    lines
}

fn question(app: &AppId, brake: Brake, run: &Run) -> String {
    let missing = grouped(run.counts.missing);
    match brake {
        Brake::TooManyMissing => format!(
            "Ask Kakao for each of these {missing} members of app {app}, and unlink those who are not linked there?"
        ),
        Brake::NothingInCommon => format!(
            "Read the list of app {app} again, ask Kakao for each missing member, if there are no more than {missing}, and \
             unlink those who are not linked there?"
        ),
    }
}

pub(super) async fn cancel(target: &RunTarget, yes: bool) -> Result<ExitCode> {
    let runs = target.table.runs().await?;
    let (app, run) = target.run(&runs).await?;
    check_on(&app, &run)?;
    ask::whether(&format!("End the run of app {app}, which is {}?", far(&run)), yes).await?;
    let run = cancelled(&runs, &app, run).await?;
    if target.json {
        output::json(&described(&(app, run)))?;
    } else {
        output::line(format!("App {app}: cancelled. What it corrected stays; the next run starts at its time of day"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn check_on(app: &AppId, run: &Run) -> Result<()> {
    match run.state {
        Phase::Listing | Phase::Confirming | Phase::Held => Ok(()),
        Phase::Done | Phase::Failed => {
            bail!("the run of app {app} is at its end: it is {}. There is nothing to cancel", state(run))
        }
    }
}

fn far(run: &Run) -> String {
    let progress = RunProgress::of(run).map_or_else(String::new, |progress| format!(" ({})", progress.words()));
    format!("{}{progress}", run.state.name())
}

/// Its worker writes every few seconds, and learns of the end by that.
async fn cancelled(runs: &Runs, app: &AppId, mut run: Run) -> Result<Run> {
    let run_id = run.run_id.clone();
    for _ in 0..ATTEMPTS {
        let now = runtime::clock::now();
        run.cancel(now);
        run.updated_at = now;
        if runs.save(app, &run).await? {
            return Ok(run);
        }
        let Some(next) = runs.run(app).await? else { break };
        if next.run_id != run_id {
            break;
        }
        check_on(app, &next)?;
        run = next;
    }
    bail!("the run of app {app} was changed meanwhile, and nothing was done. `khook reconcile status {app}` shows it")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use runtime::reconcile::{Counts, Purpose};

    use super::*;

    #[test]
    fn what_is_approved_of_is_shown_with_its_numbers_and_its_first_members() {
        let app: AppId = "123456".parse().unwrap();
        let mut run = Run::new("r".to_owned(), Purpose::Correct, None, "2026-01-01T00:00:00Z".parse().unwrap());
        run.counts = Counts { listed: 44_000, known: 45_000, shared: 44_000, missing: 1_000, ..Counts::default() };
        let members = (1..=1_000).map(|number: u64| (4_000_000_000 + number).to_string().parse().unwrap()).collect();
        let note = Note { behind: None, members };
        let many = reason(&app, Brake::TooManyMissing, &run, Some(&note)).join("\n");
        assert_snapshot!("reconcile-approve-many", format!("{many}\n{}", question(&app, Brake::TooManyMissing, &run)));
        let nothing = reason(&app, Brake::NothingInCommon, &run, None).join("\n");
        let asked = question(&app, Brake::NothingInCommon, &run);
        assert_snapshot!("reconcile-approve-nothing", format!("{nothing}\n{asked}"));
    }
}
