//! `khook keys`: a simulated Kakao's signing keys, in a file and as a published key set.

use std::{future, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand, value_parser};
use tokio::time::sleep;

use crate::{
    kakao::{KeyRing, KeyServer},
    local::Project,
    ui::output,
};

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key file with one new signing key
    #[command(after_help = "Example:\n  khook keys new --key-file keys.json")]
    New(NewKeys),
    /// Publish the key set of a key file on this machine until Ctrl-C, and rotate it
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeKeys),
}

const SERVE_EXAMPLES: &str = "\
A rotation puts a new key first in the file: `khook send account-status --key <FILE>` signs with it from then on. The \
key that left the set last stays in the file, so that `--kid` can sign what must be refused.

Examples:
  khook keys serve                                 one key, on a free port
  khook keys serve --port 8765 --rotate-every 60   a new key every minute";

/// Options of `khook keys new`.
#[derive(Debug, Args)]
pub struct NewKeys {
    #[command(flatten)]
    file: KeyFile,
}

/// Options of `khook keys serve`.
#[derive(Debug, Args)]
pub struct ServeKeys {
    #[command(flatten)]
    file: KeyFile,
    /// The port on 127.0.0.1; by default a free one
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Make a new key every this many seconds; by default never
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..))]
    rotate_every: Option<u64>,
    /// The number of keys before the newest one that stay in the set
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    keep_old: usize,
}

#[derive(Debug, Args)]
struct KeyFile {
    /// The file with the private keys; by default .local/keys.json of the project
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyFile {
    fn path(&self) -> Result<PathBuf> {
        if let Some(path) = &self.key_file {
            return Ok(path.clone());
        }
        let project = Project::find().context("outside a clone of the project, name the file: --key-file keys.json")?;
        Ok(project.make_local("")?.join("keys.json"))
    }
}

impl Keys {
    /// Runs it.
    ///
    /// # Errors
    /// A file or port that can't be used.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::New(new) => new.run(),
            Self::Serve(serve) => serve.run().await,
        }
    }

    /// Whether it runs until it is interrupted.
    #[must_use]
    pub const fn stays(&self) -> bool {
        matches!(self, Self::Serve(_))
    }
}

impl NewKeys {
    fn run(&self) -> Result<ExitCode> {
        let path = self.file.path()?;
        ensure!(!path.exists(), "{} is there already. Remove it first, or name another one", path.display());
        let ring = KeyRing::generate()?;
        ring.write(&path)?;
        output::line(format!("{} {}", ring.published_ids(0).join(" "), path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl ServeKeys {
    async fn run(&self) -> Result<ExitCode> {
        let path = self.file.path()?;
        let mut ring = if path.exists() {
            KeyRing::read(&path)?
        } else {
            let ring = KeyRing::generate()?;
            ring.write(&path)?;
            ring
        };
        let server = KeyServer::start_on(self.port, &ring.published(self.keep_old)?).await?;
        output::line(format!("KAKAO_JWKS_URL={}", server.url()))?;
        output::line(format!("khook send account-status --key {} …", path.display()))?;
        self.say(&ring)?;
        let Some(seconds) = self.rotate_every else { return future::pending().await };
        loop {
            sleep(Duration::from_secs(seconds)).await;
            ring.rotate(self.keep_old)?;
            // Published before it signs: a verifier that asks for a token's key finds it.
            server.publish(&ring.published(self.keep_old)?);
            ring.write(&path)?;
            self.say(&ring)?;
        }
    }

    fn say(&self, ring: &KeyRing) -> Result<()> {
        output::line(format!("{} the set is {}", runtime::clock::now(), ring.published_ids(self.keep_old).join(" ")))
    }
}
