//! `khook demo`: the whole service on this machine, and a simulated member's life.

mod chatbot;
mod delivery;
mod play;
mod reconcile;
mod report;
mod story;

use std::process::ExitCode;

use anyhow::Result;
use clap::Arg;
use serde_json::Value;

use crate::{
    aws::table::Table,
    commands::dev,
    console::{Console, ConsoleOptions},
    local::{Build, Delivery, Receiver, running::DevLock},
    random,
    ui::{count::counted, progress::Progress},
};
use play::Player;
use story::{ExpectedEffect, MEMBER, StoryStep};

pub use play::StepResult;

/// Options of `khook demo`.
#[derive(Debug, clap::Args)]
#[command(mut_args(with_keep))]
pub struct Demo {
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// Stay afterwards, as `khook dev` does, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    keep: bool,
    #[command(flatten, next_help_heading = "Console (with --keep)")]
    console: ConsoleOptions,
}

/// There is a console only where the command stays. Without the conflict clap would not require `--keep` beside `--json`,
/// which excludes it.
fn with_keep(option: Arg) -> Arg {
    match option.get_id().as_str() {
        "port" | "open" => option.requires("keep").conflicts_with("json"),
        _ => option,
    }
}

impl Demo {
    /// Runs it. The exit code says whether all was as it should be.
    ///
    /// # Errors
    /// What is missing on this machine, or a local cloud that breaks down.
    pub async fn run(self) -> Result<ExitCode> {
        let lock = self.keep.then(DevLock::take).transpose()?;
        let console = self.keep.then(|| self.console.prepare()).transpose()?;
        let progress = Progress::of_stderr();
        let secret = random::signing_secret()?;
        let receiver = Receiver::start(&secret).await?;
        let delivery = Delivery { url: receiver.url().to_owned(), secret };
        let answerer = chatbot::SlowAnswerer::start().await?;
        let others = dev::Others {
            delivery: Some(delivery),
            answerer: Some(answerer.answerer()),
            parameters: vec![story::rules()],
        };
        let stage = dev::Stage::set_up(progress, Build::local(), others).await?;
        let dev::Stage { cloud, kakao, reading, .. } = &stage;
        reconcile::wait(reading);
        let console = match console {
            Some(console) => Some(console.start(&stage).await?),
            None => None,
        };
        let mut player = Player::new(cloud, console.as_ref().map_or(cloud.base_url(), Console::base_url))?;
        let steps = story::story(kakao, runtime::clock::now())?;
        let results = play_all(&mut player, &steps, progress).await?;
        let user = player.table().view(&format!("USER#{}#{MEMBER}", kakao.app_id)).await?.unwrap_or(Value::Null);
        let delivered = delivery::check(&receiver, &user).await;
        let strays = strays(player.table(), &steps).await?;
        let reconciled = reconcile::play(cloud, reading).await?;
        let answered = chatbot::ask(&stage).await?;
        let report = report::DemoReport { results, delivered, reconciled, answered, user, strays };
        if self.json {
            report.print_json()?
        } else {
            report.print(self.keep)?
        }
        if let (Some(lock), Some(console)) = (lock, &console) {
            dev::stay(lock, &stage, console, dev::Receivers::default(), None).await?;
        }
        stage.cloud.stop().await;
        Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

async fn play_all(player: &mut Player, steps: &[StoryStep], progress: Progress) -> Result<Vec<StepResult>> {
    let mut playing = progress.step("Simulating Kakao");
    let mut results = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        playing.note(&format!("{}/{}: {}", number + 1, steps.len(), step.title));
        results.push(player.play(step).await?);
    }
    playing.done(&counted(steps.len(), "request"));
    Ok(results)
}

/// What the table holds and should not, or the other way round: every event once, and nothing set aside.
async fn strays(table: &Table, steps: &[StoryStep]) -> Result<Vec<String>> {
    let keys = table.keys().await?;
    let mut strays: Vec<String> = keys
        .iter()
        .filter(|(partition, _)| partition.starts_with("INBOX#") || partition.starts_with("QUARANTINE#"))
        .map(|(partition, sort)| format!("{partition} / {sort}"))
        .collect();
    let events = keys.iter().filter(|(_, sort)| sort.starts_with("EVENT#")).count();
    let expected = steps.iter().filter(|step| matches!(step.effect, ExpectedEffect::Effect { .. })).count();
    if events != expected {
        strays.push(format!("{} in the history instead of {expected}", counted(events, "event")));
    }
    Ok(strays)
}
