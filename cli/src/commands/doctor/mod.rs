//! `khook doctor`: a deployed stack from outside and inside, and how to fix what is wrong with it.
//!
//! | module | what it does |
//! |---|---|
//! | `account`, `aws` | the edge: a trait for the account's facts about a stack, and the client that reads them from AWS |
//! | `gather`, `facts` | reads all facts at once; the facts that were read |
//! | `stack`, `functions`, `sources`, `settings`, `keys`, `reconciling`, `waiting`, `alarms` | judge the facts. Pure |
//! | `outside` | what Kakao finds, by `khook check` |
//! | `report` | prints the result |

mod account;
mod alarms;
mod aws;
mod facts;
mod functions;
mod gather;
mod keys;
mod members;
mod outside;
mod reconciling;
mod report;
mod settings;
mod sources;
mod stack;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
mod waiting;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use aws_config::SdkConfig;
use clap::Args;

use crate::{
    aws::target,
    local::{self, running::Running},
    ui::{output, progress::Progress, usage::Usage},
};
use account::Account;
use aws::Aws;
use facts::Facts;
use report::{DoctorReport, Section};

/// Options of `khook doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The CloudFormation stack, or a base URL to check from outside only. By default the stack of KHOOK_STACK, else the
    /// running `khook dev`
    #[arg(env = "KHOOK_STACK", hide_env = true, value_name = "STACK|URL")]
    target: Option<String>,
    /// With a stack: the base URL that Kakao calls, if it is not the stack's own
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Also list the checks that found nothing wrong
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `khook doctor --help` ends with.
pub(crate) const EXAMPLES: &str = "\
It only reads, and its requests cause no alarm. It shows no key, no value of a setting and no personal data.

The exit status is 0 if no mistake was found (! is only a warning), 1 if a mistake was found, 2 if it could not be \
determined.

Examples:
  khook doctor                                        the running khook dev
  AWS_REGION=ap-northeast-2 khook doctor kakao-webhooks
  khook doctor kakao-webhooks --url https://hooks.example.com/v1
  khook doctor https://hooks.example.com/v1 --json | jq .ok";

/// The stack's name in the local cloud (infra/local/deploy.py).
const LOCAL_STACK: &str = "kakao-webhooks";

/// What is examined.
struct DoctorTarget {
    /// `None`: from outside only.
    inside: Option<(SdkConfig, String)>,
    /// `None`: the stack's output.
    base_url: Option<String>,
    /// Whether other commands need the stack's name.
    is_named: bool,
}

impl Doctor {
    /// Runs it. The exit code says whether something is wrong.
    ///
    /// # Errors
    /// Only a closed standard output. Other errors are printed here, because exit status 1 means a mistake was found.
    pub async fn run(self) -> Result<ExitCode> {
        output::or_unknown(self.examined().await)
    }

    async fn examined(self) -> Result<ExitCode> {
        let (is_json, all) = (self.json, self.all);
        let target = self.target().await?;
        let mut step = Progress::of_stderr().step("Looking");
        step.note("at everything at once");
        let report = target.report().await?;
        step.done("");
        if is_json {
            output::json(&report.json())?;
        } else {
            report.lines(output::columns(), all).into_iter().try_for_each(output::line)?;
        }
        Ok(report.tally().exit_code())
    }

    async fn target(self) -> Result<DoctorTarget> {
        let is_url = |text: &String| text.contains("://");
        match self.target.filter(|target| !is_empty_variable(target)) {
            Some(url) if is_url(&url) => {
                ensure!(self.url.is_none(), "name one base URL, not two");
                Ok(DoctorTarget { inside: None, base_url: Some(url), is_named: true })
            }
            Some(stack) => {
                check_name(&stack)?;
                Ok(DoctorTarget { inside: Some((target::aws().await?, stack)), base_url: self.url, is_named: true })
            }
            None => {
                let running = Running::found("name a stack or a base URL")?;
                let aws = local::sdk_config(&running.endpoint, &running.region);
                let base_url = Some(self.url.unwrap_or(running.base_url));
                Ok(DoctorTarget { inside: Some((aws, LOCAL_STACK.to_owned())), base_url, is_named: false })
            }
        }
    }
}

/// An empty variable names no stack. An empty argument is what an unset variable of a shell leaves.
fn is_empty_variable(target: &str) -> bool {
    target.is_empty() && std::env::var_os("KHOOK_STACK").is_some_and(|stack| stack.is_empty())
}

/// Fails on what can be neither a stack's name nor its ARN.
fn check_name(stack: &str) -> Result<()> {
    let is_name = stack.starts_with(|c: char| c.is_ascii_alphabetic())
        && stack.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name || stack.starts_with("arn:") {
        return Ok(());
    }
    Err(Usage::error(format!("`{stack}` is not the name of a stack. A base URL begins with https:// or http://")))
}

impl DoctorTarget {
    async fn report(self) -> Result<DoctorReport> {
        let Some((aws, name)) = self.inside else {
            let base_url = self.base_url.unwrap_or_default();
            let sections = vec![outside_of(&base_url).await?];
            return Ok(DoctorReport {
                stack: None,
                base_url: Some(base_url),
                sections,
                hints: vec![],
                is_named: false,
            });
        };
        let report = examine(&Aws::new(aws, &name), &name, self.base_url).await?;
        Ok(DoctorReport { is_named: self.is_named, ..report })
    }
}

/// Both parts, at once.
async fn examine(account: &impl Account, name: &str, base_url: Option<String>) -> Result<DoctorReport> {
    let stack = account.stack().await;
    let own = || stack.as_ref().ok()?.outputs.get("BaseUrl").cloned();
    let base_url = base_url.or_else(own);
    let outside = async {
        match &base_url {
            Some(base_url) => outside_of(base_url).await.map(Some),
            None => Ok(None),
        }
    };
    let inside = async {
        match &stack {
            Ok(stack) => {
                let facts = gather::facts(account, stack.clone(), runtime::clock::now()).await;
                (judged(&facts), hints(&facts))
            }
            Err(unread) => {
                (vec![Section::new(format!("stack {name}"), vec![unread.judgement().named("stack")])], vec![])
            }
        }
    };
    let (outside, (inside, hints)) = tokio::join!(outside, inside);
    let sections = outside?.into_iter().chain(inside).collect();
    Ok(DoctorReport { stack: Some(name.to_owned()), base_url, sections, hints, is_named: true })
}

async fn outside_of(base_url: &str) -> Result<Section> {
    Ok(Section::new(format!("outside {base_url}"), outside::findings(base_url).await?))
}

fn judged(facts: &Facts) -> Vec<Section> {
    let sections = [
        ("stack", stack::findings(facts)),
        ("functions", functions::findings(facts)),
        ("event sources", sources::findings(facts)),
        ("settings", settings::findings(facts)),
        ("key set", keys::findings(facts)),
        ("reconciler", reconciling::findings(facts)),
        ("waiting", waiting::findings(facts)),
        ("alarms", alarms::findings(facts)),
    ];
    let named = sections.into_iter().filter(|(_, findings)| !findings.is_empty());
    named.map(|(name, findings)| Section::new(name, findings)).collect()
}

/// What a stack could have, and is no mistake without.
fn hints(facts: &Facts) -> Vec<String> {
    reconciling::hint(facts).into_iter().collect()
}
