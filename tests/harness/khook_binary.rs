//! khook's real binary, as a shell runs it.

use std::process::Stdio;

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
    let output = command(variables, arguments)?.output().await?;
    let (out, error) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(Done { code: output.status.code(), out, error })
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
