//! `khook delivery test`: whether the receiver takes what is signed, and refuses what is not.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use aws_config::SdkConfig;
use clap::Args;
use kakao_webhooks::wire::Time;
use reqwest::StatusCode;
use runtime::{
    deliver::{DeliveryUrl, Endpoint, HttpEndpoint, SignedRequest},
    http::{CaBundle, Pool},
    signing::SigningSecrets,
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    aws::{
        secret,
        stack::{self, StackTarget},
        target,
    },
    commands::dev::delivery_url,
    local::running::Running,
    random,
    ui::{
        ask,
        output::{self, verdict_cell},
        usage::Usage,
    },
};

pub(super) const EXAMPLES: &str = "\
The ping is what a delivery is, with another type: {\"type\":\"ping\",\"timestamp\":…,\"data\":{}}. A receiver answers it \
with 2xx and does nothing. A second one has a signature of another secret: a receiver that accepts it doesn't verify \
signatures, and anyone who knows its URL can send it changes.

Without --url and --stack it tests the receiver of the running `khook dev --deliver-to`. With --url, a stack's secret \
is used only if --stack is typed: KHOOK_STACK alone is ignored.

Exit status: 0 the receiver is right; 1 it is not, or could not be asked; 2 an invalid command line, or no receiver is \
named.

Permissions on AWS: cloudformation:DescribeStacks; secretsmanager:GetSecretValue on the secret, unless --secret-file \
names a file.

Examples:
  khook delivery test --stack kakao-webhooks
  khook delivery test --url http://localhost:8080/kakao \\
      --secret-file delivery-secret.txt";

/// Options of `khook delivery test`.
#[derive(Debug, Args)]
pub struct TestReceiver {
    /// The receiver's URL; by default the DeliveryUrl of --stack, else that of the running `khook dev`
    #[arg(long, value_name = "URL", value_parser = delivery_url)]
    url: Option<String>,
    /// A file with the secret (whsec_…); by default that of --stack or of the running `khook dev`, else it is asked for
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The CloudFormation stack whose receiver and secret are used
    #[command(flatten)]
    stack: StackTarget,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A secret file is a line or two.
const MAX_SECRET: u64 = 64 * 1024;
/// As long as the deliverer waits.
const PATIENCE: Duration = Duration::from_secs(10);

impl TestReceiver {
    /// Runs it.
    ///
    /// # Errors
    /// What is missing to send a ping.
    pub async fn run(self) -> Result<ExitCode> {
        let (url, secrets) = self.receiver().await?;
        let url = DeliveryUrl::from_text(&url).map_err(|error| anyhow!("the receiver's URL can't be used: {error}"))?;
        let endpoint = HttpEndpoint::new(url, Pool::of_the_web(&CaBundle::default())?);
        let strangers = SigningSecrets::from_text(&random::signing_secret()?)?;
        let signed = ping(&endpoint, &secrets).await?;
        // Of a receiver that can't be reached, or takes nothing, the second ping would say nothing.
        let forged = if signed.is_accepted() { Some(ping(&endpoint, &strangers).await?) } else { None };
        let report = Report { signed, forged };
        if self.json {
            report.print_json()?
        } else {
            report.print()?
        }
        Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn receiver(&self) -> Result<(String, SigningSecrets)> {
        let (url, secret) = match (&self.url, self.stack.name()) {
            (Some(url), _) => (url.clone(), self.secret_of_typed_stack().await?),
            (None, Some(stack)) => self.of_stack(stack).await?,
            (None, None) => of_running()?,
        };
        let secret = match (&self.secret_file, secret) {
            (Some(file), _) => fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?,
            (None, Some(secret)) => secret,
            (None, None) => ask::secret("Secret (it isn't shown):", MAX_SECRET).await?,
        };
        let secrets = SigningSecrets::from_text(&secret).context("the secret can't be used")?;
        Ok((url, secrets))
    }

    async fn of_stack(&self, stack: &str) -> Result<(String, Option<String>)> {
        let (aws, mut parameters) = parameters(stack).await?;
        let url = delivery_parameter(&mut parameters, stack, "DeliveryUrl")?;
        if self.secret_file.is_some() {
            return Ok((url, None));
        }
        let arn = delivery_parameter(&mut parameters, stack, "DeliverySecret")?;
        Ok((url, Some(secret::read(&aws, arn).await?)))
    }

    /// The secret for a receiver named by --url. KHOOK_STACK alone must not sign for it: it may be any receiver.
    async fn secret_of_typed_stack(&self) -> Result<Option<String>> {
        let Some(stack) = self.stack.typed_name().filter(|_| self.secret_file.is_none()) else { return Ok(None) };
        let (aws, mut parameters) = parameters(stack).await?;
        let arn = delivery_parameter(&mut parameters, stack, "DeliverySecret")?;
        Ok(Some(secret::read(&aws, arn).await?))
    }
}

async fn parameters(stack: &str) -> Result<(SdkConfig, BTreeMap<String, String>)> {
    let aws = target::aws().await?;
    let parameters = stack::parameters(&aws, stack).await?;
    Ok((aws, parameters))
}

fn delivery_parameter(parameters: &mut BTreeMap<String, String>, stack: &str, name: &str) -> Result<String> {
    let value = parameters.remove(name).filter(|value| !value.is_empty());
    value.with_context(|| format!("the stack `{stack}` delivers nothing: its {name} is not set"))
}

/// The receiver of the running `khook dev`, and its secret.
fn of_running() -> Result<(String, Option<String>)> {
    let running = Running::found("name the receiver with --url, or the stack with --stack or KHOOK_STACK")?;
    let delivery = running.delivery.ok_or_else(|| {
        Usage::error(
            "the running `khook dev` delivers nothing: start it with --deliver-to, or name a receiver with --url",
        )
    })?;
    let secret = fs::read_to_string(&delivery.secret_file);
    let secret = secret.with_context(|| format!("{} can't be read", delivery.secret_file.display()))?;
    Ok((delivery.url, Some(secret)))
}

/// How the receiver answered a ping.
#[derive(Debug)]
struct Answer {
    /// The status, or why there is none.
    status: Result<StatusCode, Silence>,
    took: Duration,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Silence {
    Late,
    /// What went wrong on the way to it.
    Unreached(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => write!(f, "no answer within {} s", PATIENCE.as_secs()),
            Self::Unreached(error) if error.contains("Connection refused") => f.write_str("connection refused"),
            Self::Unreached(error) => write!(f, "no answer: {error}"),
        }
    }
}

impl Answer {
    fn is_accepted(&self) -> bool {
        self.status.as_ref().is_ok_and(StatusCode::is_success)
    }

    fn shown(&self) -> String {
        self.status.as_ref().map_or_else(ToString::to_string, |status| status.as_u16().to_string())
    }
}

async fn ping(endpoint: &HttpEndpoint, secrets: &SigningSecrets) -> Result<Answer> {
    let now = runtime::clock::now();
    let (id, body) = (format!("ping:{}", random::hex::<8>()?), body(now));
    let signature = secrets.signature(&id, now, &body).context("the ping can't be signed")?;
    let request = SignedRequest { id, timestamp: now.as_seconds(), signature, body };
    let begun = Instant::now();
    let status = match timeout(PATIENCE, endpoint.post(request)).await {
        Ok(Ok(reply)) => Ok(reply.status),
        Ok(Err(error)) => Err(Silence::Unreached(error.0)),
        Err(_) => Err(Silence::Late),
    };
    Ok(Answer { status, took: begun.elapsed() })
}

fn body(now: Time) -> String {
    json!({"type": "ping", "timestamp": now, "data": {}}).to_string()
}

/// What came of both pings.
#[derive(Debug)]
struct Report {
    signed: Answer,
    /// `None` if it wasn't sent.
    forged: Option<Answer>,
}

impl Report {
    fn is_good(&self) -> bool {
        self.signed.is_accepted() && self.forged.as_ref().is_some_and(is_refused)
    }

    fn print_json(&self) -> Result<()> {
        let described = |answer: &Answer| {
            json!({
                "status": answer.status.as_ref().ok().map(StatusCode::as_u16),
                "ms": answer.took.as_millis(),
                "error": answer.status.as_ref().err().map(ToString::to_string),
            })
        };
        output::json(&json!({
            "ok": self.is_good(), "signed": described(&self.signed), "wrong_signature": self.forged.as_ref().map(described),
        }))
    }

    fn print(&self) -> Result<()> {
        let mut table = output::table(&["Ping", "Status", "ms", "Verdict"]);
        let mut row = |ping: &str, answer: &Answer, is_right: bool, verdict: &str| {
            let ms = answer.took.as_millis().to_string();
            table.add_row([
                output::Cell::new(ping),
                verdict_cell(&answer.shown(), is_right),
                output::faint_cell(&ms),
                output::Cell::new(verdict),
            ]);
        };
        row("signed", &self.signed, self.signed.is_accepted(), verdict_of_signed(&self.signed));
        if let Some(forged) = &self.forged {
            row("wrong signature", forged, is_refused(forged), verdict_of_forged(forged));
        }
        output::print_table(&table)
    }
}

fn verdict_of_signed(answer: &Answer) -> &'static str {
    match &answer.status {
        Ok(status) if status.is_success() => "accepted, as it should be",
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) => {
            "not accepted: does the receiver have this secret, and does it verify the body as it came?"
        }
        Ok(status) if status.is_redirection() => "not accepted: a delivery follows no redirect. Name the final URL",
        Ok(_) => "not accepted: a delivery would be tried again. Answer 2xx within 10 s",
        Err(Silence::Late) => "did not answer in time. Answer 2xx within 10 s",
        Err(Silence::Unreached(_)) => "the receiver was not reached: does it run, and is this its URL?",
    }
}

/// Any answer that is not a success. One that isn't given at all says nothing.
fn is_refused(answer: &Answer) -> bool {
    answer.status.as_ref().is_ok_and(|status| !status.is_success())
}

fn verdict_of_forged(answer: &Answer) -> &'static str {
    match &answer.status {
        Ok(status) if status.is_success() => {
            "ACCEPTED: the receiver does not verify signatures. Anyone who knows its URL can send it changes"
        }
        Ok(status) if status.is_client_error() => "refused, as it should be",
        Ok(_) => "not accepted, but 401 would be the right answer",
        Err(_) => "the receiver did not answer: a wrong signature should get 401",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        Answer { status: Ok(StatusCode::from_u16(status).unwrap()), took: Duration::ZERO }
    }

    #[test]
    fn only_a_receiver_that_accepts_the_one_and_refuses_the_other_is_right() {
        for (signed, forged, is_good) in [
            (204, Some(401), true),
            (200, Some(400), true),
            (200, Some(500), true),
            (200, Some(200), false),
            (401, None, false),
            (302, None, false),
        ] {
            let report = Report { signed: answer(signed), forged: forged.map(answer) };
            assert_eq!(report.is_good(), is_good, "{report:?}");
        }
        let silent = Answer { status: Err(Silence::Late), took: PATIENCE };
        assert!(!Report { signed: answer(200), forged: Some(silent) }.is_good());
    }

    #[test]
    fn the_verdict_of_a_late_receiver_says_how_long_it_has() {
        let late = Answer { status: Err(Silence::Late), took: PATIENCE };
        assert_eq!(late.shown(), "no answer within 10 s");
        assert_eq!(verdict_of_signed(&late), "did not answer in time. Answer 2xx within 10 s");
    }

    #[tokio::test]
    async fn a_port_on_which_nothing_listens_is_reported_in_one_phrase() {
        let url = DeliveryUrl::from_text("http://127.0.0.1:1/kakao").unwrap();
        let endpoint = HttpEndpoint::new(url, Pool::of_the_web(&CaBundle::default()).unwrap());
        let secrets = SigningSecrets::from_text(&random::signing_secret().unwrap()).unwrap();
        let answer = ping(&endpoint, &secrets).await.unwrap();
        assert_eq!(answer.shown(), "connection refused");
        assert!(verdict_of_signed(&answer).starts_with("the receiver was not reached"));
    }
}
