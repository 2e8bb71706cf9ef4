//! `infra/local/deploy.py`, and what it says.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{
    process::{self, Stream},
    project::Project,
    venv,
};
use crate::ui::{count::counted, progress::Progress};

/// The region in which `infra/local/deploy.py` deploys.
pub(super) const REGION: &str = "ap-northeast-2";

/// Where everything is, once deployed.
#[derive(Clone, Debug, Deserialize)]
pub struct LocalStack {
    /// The AWS region that the local cloud simulates.
    pub region: String,
    /// The address that stands for the API's: paths such as `/webhooks/unlink` follow it.
    pub base_url: String,
    /// The template's outputs.
    pub outputs: BTreeMap<String, String>,
    /// The functions by their binaries.
    pub functions: BTreeMap<String, LocalFunction>,
}

/// A deployed function.
#[derive(Clone, Debug, Deserialize)]
pub struct LocalFunction {
    /// Its name in Lambda.
    pub name: String,
    /// Its log group in CloudWatch Logs.
    pub log_group: String,
}

pub(super) async fn deploy(
    project: &Project,
    python: &Path,
    endpoint: &str,
    binaries: &Path,
    parameters: &[(String, String)],
    progress: Progress,
) -> Result<LocalStack> {
    let mut step = progress.step("Deploying template.yaml");
    let mut command = venv::python(python);
    command.arg(project.path("infra/local/deploy.py")).args(["--endpoint", endpoint]);
    command.arg("--template").arg(project.path("template.yaml")).arg("--binaries").arg(binaries);
    for (name, value) in parameters {
        command.arg("--parameter").arg(format!("{name}={value}"));
    }
    let finished = process::run(&mut command, |stream, line| {
        if stream == Stream::Err {
            step.note(line);
        }
    })
    .await?;
    if !finished.status.success() {
        bail!("template.yaml can't be deployed to the local cloud: {}", finished.complaint());
    }
    let stack: LocalStack =
        serde_json::from_str(&finished.stdout).context("infra/local/deploy.py printed something else")?;
    step.done(&counted(stack.functions.len(), "function"));
    Ok(stack)
}
