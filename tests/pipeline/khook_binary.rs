//! khook's real binary, run to its end.

use std::process::Stdio;

use end_to_end::{Pipeline, binaries::binary, table};
use serde_json::Value;
use tokio::process::Command;

/// How it ended.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Done {
    /// What it printed when it succeeded.
    pub(crate) fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.error);
        self.out
    }

    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.printed()).unwrap()
    }

    /// Its error when it failed and printed nothing.
    pub(crate) fn refused(self) -> String {
        assert!(self.code != Some(0) && self.out.is_empty(), "{:?} {}", self.code, self.out);
        self.error
    }
}

/// khook with these variables and nothing of the shell's that could name another service.
pub(crate) fn command(variables: &[(&str, String)], arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("khook").unwrap());
    command.env_clear().envs(["PATH", "HOME"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command
        .args(arguments)
        .envs([("AWS_REGION", "ap-northeast-2"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

pub(crate) async fn run(variables: &[(&str, String)], arguments: &[&str]) -> Done {
    let output = command(variables, arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

/// khook on a pipeline's table and queue.
pub(crate) async fn of(pipeline: &Pipeline, arguments: &[&str]) -> Done {
    let variables = [
        ("TABLE_NAME", table::NAME.to_owned()),
        ("EVENT_QUEUE_URL", pipeline.queue.url()),
        ("AWS_ENDPOINT_URL_DYNAMODB", pipeline.table.endpoint()),
        ("AWS_ENDPOINT_URL_SQS", pipeline.queue.endpoint()),
    ];
    run(&variables, arguments).await
}
