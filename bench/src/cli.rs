//! The command line.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use end_to_end::binaries::workspace;
use khook::ui::{
    output::{self, complain},
    progress::Progress,
};

use crate::{
    budget,
    contender::Contender,
    figures::{Machine, Plan, Results},
    measure::measure,
    prepare::{NAMES, Prepared, Wanted, local_folder},
    processor::{self, measure::Bench, table::Pace},
    report,
    surroundings::Surroundings,
    workers::{self, Programs},
};

/// Compares the acknowledging functions with other implementations of the same job: in turn, under one Lambda Runtime
/// API, with the same events and with SQS and DynamoDB that answer at once. Also measures the processor, before a table
/// that counts requests, and publisher, deliverer, answerer and reconciler. A full run writes docs/performance.md.
#[derive(Debug, Parser)]
#[command(name = "cargo bench-all")]
struct Options {
    /// Run a fraction of the rounds: enough for a large regression, too few for the budgets. The page stays as it is.
    #[arg(long)]
    quick: bool,
    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
    /// Fail if a budget is exceeded or, in a run without `--only`, cannot be checked or the machine had other work. The page
    /// stays as it is.
    #[arg(long)]
    check: bool,
    /// Measure only this contender; may be repeated. The page stays as it is.
    #[arg(long, value_name = "CONTENDER", value_parser = NAMES)]
    only: Vec<String>,
    /// Delay each start of a contender, to see a budget exceeded, for example `unlink=50` (milliseconds). `processor=5`
    /// delays each request to its table and handles one at a time, also one that hangs; `workers=50` delays each answer of
    /// the model and of Kakao's API, hands the publisher each batch in two halves and the deliverer each batch four times,
    /// and makes later changes and the members of the large app larger. The page stays as it is.
    #[arg(long, value_name = "CONTENDER=MS", value_parser = delay)]
    slow_down: Vec<(String, Duration)>,
    /// Measure the Rust binaries of the last build. The page stays as it is.
    #[arg(long)]
    no_build: bool,
    /// The folder of the archives that `cargo lambda build --arm64 --output-format zip` wrote [default: target/lambda].
    #[arg(long, value_name = "FOLDER")]
    archives: Option<PathBuf>,
}

fn delay(text: &str) -> Result<(String, Duration), String> {
    let parsed = || {
        let (name, millis) = text.split_once('=')?;
        let delay = Duration::from_millis(millis.parse().ok()?);
        NAMES.contains(&name).then(|| (name.to_owned(), delay))
    };
    parsed().ok_or_else(|| format!("write it as unlink=50, with one of {}", NAMES.join(", ")))
}

/// The command.
#[must_use]
pub fn main() -> ExitCode {
    // One thread for all servers: they and the contenders take turns.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = runtime.context("no runtime").and_then(|runtime| runtime.block_on(until_interrupted(&Options::parse())));
    match ran {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

/// Builds run in process groups of their own, which Ctrl-C reaches only through this process.
async fn until_interrupted(options: &Options) -> Result<ExitCode> {
    tokio::select! {
        ran = run(options) => ran,
        interrupted = tokio::signal::ctrl_c() => interrupted.context("no signals").and_then(|()| bail!("interrupted")),
    }
}

async fn run(options: &Options) -> Result<ExitCode> {
    let progress = Progress::of_stderr();
    options.are_consistent()?;
    let wanted = Wanted { only: &options.only, build: !options.no_build, archives: options.archives.as_deref() };
    let mut prepared = Prepared::of(wanted, progress).await?;
    slow_down(&mut prepared.contenders, &options.slow_down);
    for left_out in &prepared.left_out {
        progress.say(&format!("remark: {left_out}"));
    }
    // On a terminal, a spinner turns in a thread of its own, which would disturb what is measured.
    let progress = Progress::Lines;
    let surroundings = Surroundings::start(&local_folder().join("run")).await?;
    let plan = if options.quick { Plan::QUICK } else { Plan::FULL };
    let (rows, others) = measure(&prepared.contenders, &surroundings, plan, progress).await?;
    let mut processor = None;
    if let Some(program) = prepared.processor {
        processor = Some(measure_processor(options, &program, progress).await?);
    }
    let mut workers = None;
    if let Some(programs) = prepared.workers {
        workers = Some(measure_workers(options, &programs, progress).await?);
    }
    let machine = Machine::this(prepared.versions);
    let results = Results { machine, plan, rows, others, processor, workers, left_out: prepared.left_out };
    let shown =
        if options.json { serde_json::to_string_pretty(&results)? } else { report::table(&results, output::columns()) };
    // A closed standard output is no reason to skip the page.
    let _ = writeln!(std::io::stdout().lock(), "{shown}");
    if let Some(caveat) = report::caveat(&results) {
        progress.say(&format!("remark: {caveat}"));
    }
    if options.is_to_be_published() {
        report::write(&results, &workspace().join("docs"))?;
        progress.say("Written: docs/performance.md and docs/performance.svg");
    }
    Ok(if options.check && !keeps_budgets(&results, !options.only.is_empty(), progress) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn measure_processor(options: &Options, program: &Path, progress: Progress) -> Result<processor::Measured> {
    let planted = options.slow_down.iter().find(|(name, _)| name == processor::NAME);
    let pace = planted.map_or(Pace::USUAL, |(_, latency)| Pace { latency: *latency, one_at_a_time: true });
    let plan = if options.quick { processor::Plan::QUICK } else { processor::Plan::FULL };
    processor::measure(Bench { program, folder: &local_folder().join("run"), plan, pace }, progress).await
}

async fn measure_workers(options: &Options, programs: &Programs, progress: Progress) -> Result<workers::Measured> {
    let planted = options.slow_down.iter().find(|(name, _)| name == workers::NAME);
    let plan = if options.quick { workers::Plan::QUICK } else { workers::Plan::FULL };
    let plan = workers::Plan { planted: planted.map_or(Duration::ZERO, |(_, delay)| *delay), ..plan };
    workers::measure(programs, &local_folder().join("run"), plan, progress).await
}

impl Options {
    /// # Errors
    /// What would have no effect.
    fn are_consistent(&self) -> Result<()> {
        if let Some(folder) = self.archives.as_ref().filter(|folder| !folder.is_dir()) {
            bail!("--archives {}: there is no such folder. Leave it out for target/lambda", folder.display());
        }
        let is_measured = |name: &String| self.only.is_empty() || self.only.contains(name);
        match self.slow_down.iter().find(|(name, _)| !is_measured(name)) {
            Some((name, _)) => bail!("--slow-down {name}: it is not measured. Add --only {name}"),
            None => Ok(()),
        }
    }

    /// Whether the run is complete, as all published runs are.
    const fn is_to_be_published(&self) -> bool {
        !self.quick && !self.check && !self.no_build && self.only.is_empty() && self.slow_down.is_empty()
    }
}

/// Plants regressions.
fn slow_down(contenders: &mut [Contender], delays: &[(String, Duration)]) {
    for (name, delay) in delays {
        for contender in contenders.iter_mut().filter(|contender| contender.name == *name) {
            contender.delay = *delay;
        }
    }
}

/// Whether all budgets are kept. One that cannot be checked, or not with certainty, counts as broken, unless only a part was
/// to be measured: of that, something must have a budget.
fn keeps_budgets(results: &Results, is_partial: bool, progress: Progress) -> bool {
    let unchecked = budget::unchecked(results);
    for budget in unchecked.iter().filter(|_| !is_partial) {
        progress.say(&format!("not checked: {budget}"));
    }
    let verdicts = budget::verdicts(results);
    let broken: Vec<_> = verdicts.iter().filter(|verdict| verdict.is_broken()).collect();
    for verdict in &broken {
        progress.say(&format!("over budget: {verdict}"));
    }
    progress.say(&format!(
        "{} of {} figures keep their budgets{}",
        verdicts.len() - broken.len(),
        verdicts.len(),
        if is_partial { String::new() } else { format!("; {} budgets are not checked", unchecked.len()) }
    ));
    if verdicts.is_empty() {
        progress.say("what is compared was not measured: add, for example, --only floor --only minimal");
    }
    let is_doubtful = !is_partial && results.disturbed().is_some();
    if is_doubtful {
        progress.say("the machine had other work: run it again when it has none");
    }
    let is_checked = if is_partial { !verdicts.is_empty() } else { unchecked.is_empty() && !is_doubtful };
    broken.is_empty() && is_checked
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::{contender::Role, example};

    #[test]
    fn only_a_full_run_of_all_is_published() {
        Options::command().debug_assert();
        let is_published =
            |arguments: &[&str]| Options::parse_from(["bench-all"].iter().chain(arguments)).is_to_be_published();
        assert!(is_published(&[]));
        assert!(is_published(&["--json"]));
        for arguments in
            [&["--quick"][..], &["--check"], &["--no-build"], &["--only", "skill"], &["--slow-down", "skill=1"]]
        {
            assert!(!is_published(arguments), "{arguments:?}");
        }
    }

    #[test]
    fn a_budget_that_cannot_be_checked_fails_all_but_a_partial_run() {
        let keeps = |results: &Results, is_partial| keeps_budgets(results, is_partial, Progress::Silent);
        let mut results = example::results();
        assert!(keeps(&results, false));
        let others = std::mem::replace(&mut results.others, 0.5);
        assert!(!keeps(&results, false));
        results.others = others;
        for take in [
            |results: &mut Results| drop(results.processor.take()),
            |results: &mut Results| drop(results.workers.take()),
        ] {
            let mut results = results.clone();
            take(&mut results);
            assert!(!keeps(&results, false));
            assert!(keeps(&results, true));
        }
        example::row(&mut results, "skill").zip = None;
        assert!(!keeps(&results, false));
        assert!(keeps(&results, true));
        results.rows.retain(|row| row.role != Role::Python);
        example::row(&mut results, "skill").zip = Some(1);
        assert!(!keeps(&results, false));
        example::row(&mut results, "unlink").plain.memory.median *= 2.0;
        assert!(!keeps(&results, true));
        (results.rows, results.processor, results.workers) = (vec![], None, None);
        assert!(!keeps(&results, true));
    }

    #[test]
    fn an_option_without_effect_is_refused_with_what_to_do() {
        let refused = |arguments: &[&str]| {
            let options = Options::parse_from(["bench-all"].iter().chain(arguments));
            options.are_consistent().err().map(|error| error.to_string())
        };
        assert_eq!(refused(&["--archives", ".", "--slow-down", "unlink=5"]), None);
        assert_eq!(refused(&["--only", "unlink", "--slow-down", "unlink=5"]), None);
        assert_eq!(
            refused(&["--only", "floor", "--slow-down", "unlink=5"]).as_deref(),
            Some("--slow-down unlink: it is not measured. Add --only unlink")
        );
        assert_eq!(
            refused(&["--archives", "/nowhere"]).as_deref(),
            Some("--archives /nowhere: there is no such folder. Leave it out for target/lambda")
        );
    }

    #[test]
    fn a_delay_is_a_contender_and_a_time() {
        assert_eq!(delay("talk-share=50"), Ok(("talk-share".to_owned(), Duration::from_millis(50))));
        for text in ["talk-share", "talk-share=soon", "nobody=50"] {
            assert!(delay(text).is_err(), "{text}");
        }
    }
}
