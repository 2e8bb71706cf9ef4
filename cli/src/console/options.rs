//! The options of the commands that start a console, and how it is started beside a local cloud.

use std::{path::PathBuf, process::Stdio};

use anyhow::Result;
use tokio::{
    process::Command,
    task::{JoinHandle, spawn_blocking},
};

use super::{
    Console, Edges, PORT, Setup,
    backlogs::Backlogs,
    history::{Bounds, History},
};
use crate::{
    aws::{queue::StackQueue, table::Table},
    commands::{changes::Tap, dev::Stage},
    local::Project,
    ui::output,
};

/// Options of the console.
#[derive(Debug, clap::Args)]
pub struct ConsoleOptions {
    /// The console's port, and so the service's; the next free one if it is taken
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    port: u16,
    /// Open the console in the browser
    #[arg(long)]
    open: bool,
}

/// A console that reads its history while the local cloud starts.
pub struct Preparing {
    options: ConsoleOptions,
    folder: PathBuf,
    history: JoinHandle<History>,
}

impl ConsoleOptions {
    /// Begins to read the history.
    ///
    /// # Errors
    /// If its folder can't be made.
    pub fn prepare(self) -> Result<Preparing> {
        let folder = Project::find()?.make_local("console")?;
        let kept = folder.clone();
        let history = spawn_blocking(move || History::open(&kept, Bounds::default()));
        Ok(Preparing { options: self, folder, history })
    }
}

impl Preparing {
    /// Starts the console of this stage.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub async fn start(self, stage: &Stage) -> Result<Console> {
        let Self { options, folder, history } = self;
        let console = Console::beside(stage, options.port, folder, history.await?).await?;
        if options.open && !open(&console.url()) {
            output::warn("no browser could be opened: open the address yourself");
        }
        Ok(console)
    }
}

impl Console {
    /// That of this stage, with what its bus publishes.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port, or the bus can't be followed.
    pub async fn beside(stage: &Stage, port: u16, folder: PathBuf, history: History) -> Result<Self> {
        let Stage { cloud, kakao, callbacks, faults, reading, .. } = stage;
        let aws = cloud.sdk_config();
        let edges = Edges {
            table: Table::new(&aws, cloud.table_name()),
            queue: StackQueue::new(&aws, cloud.queue_url().to_owned()),
            kakao_api_url: reading.url().to_owned(),
        };
        let setup = Setup {
            port,
            base_url: cloud.base_url(),
            kakao,
            callback_url: Some(callbacks.url()),
            faults: faults.clone(),
            backlogs: Some(Backlogs::of(cloud)),
            folder,
            cloud: edges,
        };
        let mut console = Self::start(setup, history).await?;
        let tap = Tap::open(&aws, cloud.output("BusName")).await?;
        console.tap(tap.left_to_the_cloud());
        Ok(console)
    }
}

/// Opens an address in the browser. False: this machine has no command for it.
fn open(url: &str) -> bool {
    let commands: &[&str] = if cfg!(target_os = "macos") { &["open"] } else { &["xdg-open", "wslview"] };
    commands.iter().any(|command| {
        let mut command = Command::new(command);
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
    })
}
