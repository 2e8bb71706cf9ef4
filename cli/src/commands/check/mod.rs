//! `khook check`: what Kakao would find at an address: every known mistake that can be seen from outside.

mod account_status;
mod certificate;
pub(crate) mod finding;
mod health;
mod probe;
pub(crate) mod reply;
pub(crate) mod report;
pub(crate) mod route;
mod route_check;
mod skill;
mod status;
mod webhook;
mod wrapper;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use reqwest::{
    Url,
    header::{HeaderName, HeaderValue},
};
use runtime::ingest::MAX_BODY_BYTES;

use crate::ui::{ask, output};
use finding::Judgement;
use probe::{Probe, Prober};
pub(crate) use reply::FALLBACK_CAUSE;
use report::{Checked, Tally};
use route::Route;
use route_check::RouteCheck;
use skill::Sent;

/// Options of `khook check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The address as it is registered at Kakao, or a base URL to check all six routes below it
    #[arg(value_name = "URL")]
    url: String,
    /// The route, if the end of the path does not show it
    #[arg(long, value_name = "ROUTE")]
    kind: Option<Route>,
    /// The header that authenticates chatbot requests
    #[arg(long, alias = "header", value_name = "NAME", default_value = "x-skill-key")]
    skill_header: HeaderName,
    /// A file with that header's value, to check whether it is the service's; `-` asks for it and shows nothing of it
    #[arg(long, value_name = "FILE")]
    skill_key_file: Option<PathBuf>,
    /// With that key, send a message; it becomes an event of the bot user khook-check
    #[arg(long, requires = "skill_key_file")]
    send: bool,
    /// What is sent
    #[arg(long = "as", requires = "send", value_name = "KIND", default_value = "chat")]
    sent: Sent,
    /// A file with the app's primary admin key, to check whether it is the service's; `-` asks for it and shows nothing of
    /// it. No event is created
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `khook check --help` ends with.
pub(crate) const EXAMPLES: &str = "\
It connects directly, without a proxy, and trusts public authorities only, as Kakao does. It sends no key over plain \
http://, except on this machine. Without --send its requests create no event.

The exit status is 0 if no mistake was found (! is only a warning), 1 if a mistake was found, 2 if it could not be checked.

Examples:
  khook check https://hooks.example.com/v1                      all six routes
  khook check https://hooks.example.com/skill --skill-key-file key.txt --send
  khook check https://hooks.example.com/webhooks/unlink \\
      --admin-key-file admin-key.txt
  khook check https://hooks.example.com --admin-key-file -   asks for it
  khook check https://bot.example.com/kakao --kind skill --json";

/// Whether requests may take long and count for an alarm of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CheckScope {
    /// It may: a well-formed key that no app has, a token of an unknown key.
    Thorough,
    /// They may not: `khook doctor`, which also checks the alarms, would find one that it caused itself.
    Quiet,
}

struct Proofs {
    skill: skill::Proof,
    admin_key: Option<HeaderValue>,
}

impl Check {
    /// Runs it. The exit code says whether a mistake was found.
    ///
    /// # Errors
    /// Only a closed standard output. Other errors are printed here, because exit status 1 means a mistake was found.
    pub async fn run(self) -> Result<ExitCode> {
        output::or_unknown(self.checked().await)
    }

    async fn checked(self) -> Result<ExitCode> {
        let (routes, proofs) = (route::routes(&self.url, self.kind)?, self.proofs().await?);
        let checked = check_all(routes, &proofs, CheckScope::Thorough).await?;
        if self.json {
            report::json(&checked)?
        } else {
            report::print(&checked)?
        }
        Ok(Tally::of_routes(&checked).exit_code())
    }

    async fn proofs(&self) -> Result<Proofs> {
        let value = secret(self.skill_key_file.as_deref(), "", "The chatbot's key (it isn't shown):").await?;
        let skill = skill::Proof { header: self.skill_header.clone(), value, send: self.send.then_some(self.sent) };
        let admin_key =
            secret(self.admin_key_file.as_deref(), "KakaoAK ", "Primary admin key (it isn't shown):").await?;
        Ok(Proofs { skill, admin_key })
    }
}

/// The name of a file that means: ask.
const ASKED: &str = "-";
/// A key file is a line; whatever is longer is no key.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// A header's value from a file, or asked for; never shown.
async fn secret(file: Option<&Path>, scheme: &str, question: &str) -> Result<Option<HeaderValue>> {
    let Some(file) = file else { return Ok(None) };
    let (name, text) = if file == Path::new(ASKED) {
        ("the answer".to_owned(), ask::secret(question, MAX_KEY_BYTES).await?)
    } else {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("{name} can't be read"))?;
        (name, text)
    };
    let key = text.trim();
    ensure!(!key.is_empty(), "{name} is empty: there is no key in it");
    let value = HeaderValue::from_str(&format!("{scheme}{key}")).ok();
    let mut value = value.with_context(|| format!("the content of {name} cannot be a header's value"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Checks a base URL without keys and without causing an alarm.
///
/// # Errors
/// If it is not an address, or no client can be created on this machine.
pub(crate) async fn quietly(base: &str) -> Result<Vec<Checked>> {
    let skill = skill::Proof { header: HeaderName::from_static("x-skill-key"), value: None, send: None };
    check_all(route::routes(base, None)?, &Proofs { skill, admin_key: None }, CheckScope::Quiet).await
}

async fn check_all(routes: Vec<(Route, Url)>, proofs: &Proofs, scope: CheckScope) -> Result<Vec<Checked>> {
    let prober = Prober::new()?;
    let mut checked = vec![];
    for (route, url) in routes {
        let found = check(&prober, route, &url, proofs, scope).await?;
        let has_no_answer = found.has_no_answer();
        checked.push(found);
        if has_no_answer {
            // There is no answer: the other routes are at the same address.
            break;
        }
    }
    Ok(checked)
}

async fn check(prober: &Prober, route: Route, url: &Url, proofs: &Proofs, scope: CheckScope) -> Result<Checked> {
    if route::is_open(url) {
        let open = Judgement::mistake("plain http://", "serve and register https://: Kakao accepts nothing else");
        return Ok(Checked { route, url: url.clone(), findings: vec![open.named("https")] });
    }
    let mut route_check = RouteCheck::new(prober);
    match route {
        Route::Skill => skill::check(&mut route_check, url, &proofs.skill).await,
        Route::Health => health::check(&mut route_check, url).await,
        Route::AccountStatus => account_status::check(&mut route_check, url, scope).await,
        Route::Unlink | Route::TalkShare | Route::TalkChannel => {
            webhook::check(&mut route_check, route, url, proofs.admin_key.as_ref(), scope).await?;
        }
    }
    let limits = if route == Route::Skill { skill::TIME_LIMITS } else { webhook::TIME_LIMITS };
    let mut findings = route_check.end(limits);
    findings.extend(route::own_query(url).map(|query| query.named("address")));
    Ok(Checked { route, url: url.clone(), findings })
}

/// The same with a body that our functions refuse from every sender.
fn oversized(probe: Probe) -> Probe {
    probe.body("application/json", "x".repeat(MAX_BODY_BYTES + 1))
}
