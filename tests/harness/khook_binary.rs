//! khook's real binary, as a shell runs it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Result;
use serde_json::Value;
use tokio::process::Command;

use crate::{binaries::binary, pipeline::Pipeline, table};

/// How it ended.
#[derive(Debug)]
pub struct Done {
    /// The exit status, if no signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub error: String,
}

impl Done {
    /// What it printed; it succeeded.
    pub fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.error);
        self.out
    }

    /// The JSON that it printed; it succeeded.
    #[must_use]
    pub fn json(self) -> Value {
        let printed = self.printed();
        let value = serde_json::from_str(&printed);
        assert!(value.is_ok(), "{printed}");
        value.unwrap_or_default()
    }

    /// What it complained of; it printed nothing.
    pub fn refused(self) -> String {
        assert!(self.code != Some(0) && self.out.is_empty(), "{:?} {}", self.code, self.out);
        self.error
    }
}

/// khook with these variables and nothing of the shell's that could name another service.
///
/// # Errors
/// If it can't be built.
pub fn command(variables: &[(&str, String)], arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary("khook")?);
    command.env_clear().envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
        .args(arguments)
        .envs([("AWS_REGION", "ap-northeast-2"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Runs it to its end.
///
/// # Errors
/// If it can't be built or started, or prints what is no text.
pub async fn run(variables: &[(&str, String)], arguments: &[&str]) -> Result<Done> {
    done(command(variables, arguments)?).await
}

async fn done(mut command: Command) -> Result<Done> {
    let output = command.output().await?;
    let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(Done { code: output.status.code(), out, error })
}

/// A folder that khook takes for a project's, in which a `khook dev` seems to run. It is gone at the end.
#[derive(Debug)]
pub struct Project(PathBuf);

impl Project {
    /// With this file of the running one.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn with_running(name: &str, running: &Value) -> Result<Self> {
        let root = std::env::temp_dir().join(format!("end-to-end-{name}-{}", std::process::id()));
        for folder in ["infra/local", ".local"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for file in ["template.yaml", "infra/local/deploy.py"] {
            fs::write(root.join(file), "")?;
        }
        fs::write(root.join(".local/dev.json"), running.to_string())?;
        Ok(Self(root))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// khook in it.
    ///
    /// # Errors
    /// As [`command`].
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = command(&[], arguments)?;
        command.current_dir(&self.0);
        Ok(command)
    }

    /// Runs khook in it to its end.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn run(&self, arguments: &[&str]) -> Result<Done> {
        done(self.command(arguments)?).await
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// khook on a pipeline's table and queue.
///
/// # Errors
/// As [`run`].
pub async fn of(pipeline: &Pipeline, arguments: &[&str]) -> Result<Done> {
    let variables = [
        ("TABLE_NAME", table::NAME.to_owned()),
        ("EVENT_QUEUE_URL", pipeline.queue.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", pipeline.table.endpoint()),
        ("AWS_ENDPOINT_URL_SQS", pipeline.queue.endpoint()),
    ];
    run(&variables, arguments).await
}
