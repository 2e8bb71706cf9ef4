//! `khook dev`: the whole service on this machine, until Ctrl-C.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Error, Result, bail};
use console::{Color, Style};
use kakao_webhooks::wire::{Route, Time};
use play_kakao::callback::{CallbackServer, SimulatedCallbacks};
use runtime::deliver::DeliveryUrl;
use serde_json::Value;
use tokio::time::sleep;

use super::skill::watch::WatchedRules;
use crate::{
    aws::rules::RuleTable,
    console::{Console, ConsoleOptions},
    kakao::{AccountStatus, Kakao, KeyServer, Request, Shape, SkillMessage, TalkChannel, TalkShare, Unlink},
    local::{
        Answerer, Build, Cloud, Delivery, Faults, Options, Project, Reading, SecretFile,
        gate::{Behind, Gate},
        logs::{LogLine, LogReader},
        running::{DevLock, RunningDelivery},
    },
    ui::{
        output::{self, Text},
        progress::Progress,
    },
};

/// Options of `khook dev`.
#[derive(Debug, clap::Args)]
pub struct Dev {
    /// Deliver every change to this URL, signed: your receiver. http:// is for this machine only
    #[arg(long, value_name = "URL", value_parser = delivery_url)]
    deliver_to: Option<String>,
    /// Ask this URL, signed, what the chatbot answers where no rule fits: your answerer. http:// is for this machine only
    #[arg(long, value_name = "URL", value_parser = delivery_url)]
    answerer: Option<String>,
    /// Answer the chatbot's messages by the rules in this file, which may be changed while it runs
    #[arg(long, value_name = "FILE")]
    skill_rules: Option<PathBuf>,
    #[command(flatten)]
    console: ConsoleOptions,
}

/// A URL that the deliverer accepts. One that only lacks its scheme is shown with it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn delivery_url(text: &str) -> Result<String> {
    let text = text.trim();
    let Err(error) = DeliveryUrl::from_text(text) else { return Ok(text.to_owned()) };
    let has_scheme = text.contains("://");
    let mut with_scheme = ["http://", "https://"].into_iter().map(|scheme| format!("{scheme}{text}"));
    match with_scheme.find(|url| !has_scheme && DeliveryUrl::from_text(url).is_ok()) {
        Some(url) => bail!("it has no scheme. Did you mean `{url}`?"),
        None => bail!(error),
    }
}

const MEMBER: &str = "1234567890";
/// With one member alone the list and the states would have nothing in common once that one is gone.
const OTHER_MEMBER: &str = "1234567891";
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

impl Dev {
    /// Runs it until it is interrupted.
    ///
    /// # Errors
    /// Another one that runs, what is missing on this machine, or a local cloud that breaks down.
    pub async fn run(self) -> Result<ExitCode> {
        let rules = self.skill_rules.map(WatchedRules::open).transpose()?;
        let lock = DevLock::take()?;
        let console = self.console.prepare()?;
        let project = Project::find()?;
        let (delivered, asked) = (SecretFile::of_delivery(&project)?, SecretFile::of_answerer(&project)?);
        let delivery = self.deliver_to.map(|url| Ok::<_, Error>(Delivery { url, secret: delivered.secret()? }));
        let answerer = self.answerer.map(|url| Ok::<_, Error>(Answerer { url, secret: asked.secret()? }));
        let others = Others { delivery: delivery.transpose()?, answerer: answerer.transpose()?, parameters: vec![] };
        let stage = Stage::set_up(Progress::of_stderr(), Build::local(), others.clone()).await?;
        let receivers = Receivers {
            delivery: others.delivery.map(|it| RunningDelivery::of(&stage.cloud, it.url, delivered.path().clone())),
            answerer: others.answerer.map(|it| (it.url, asked.path().clone())),
        };
        let console = console.start(&stage).await?;
        stay(lock, &stage, &console, receivers, rules).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What a local cloud works with that is not Kakao's.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// Where changes are delivered.
    pub delivery: Option<Delivery>,
    /// What answers where no rule does.
    pub answerer: Option<Answerer>,
    /// Further parameters of the template.
    pub parameters: Vec<(String, String)>,
}

/// Where a running `khook dev` posts signed requests.
#[derive(Clone, Default)]
pub struct Receivers {
    /// To the receiver of changes.
    pub delivery: Option<RunningDelivery>,
    /// To the answerer: its URL, and the file with the secret.
    pub answerer: Option<(String, PathBuf)>,
}

/// The service on this machine, and a simulated Kakao.
pub struct Stage {
    /// Where the service runs.
    pub cloud: Cloud,
    /// The simulated Kakao.
    pub kakao: Kakao,
    /// The functions ask it for Kakao's keys as long as they run.
    _keys: KeyServer,
    /// Through these they reach the keys and the receiver of changes.
    _gates: (Gate, Option<Gate>),
    /// What goes wrong around them.
    pub faults: Faults,
    /// Kakao's REST API, which the reconciler reads.
    pub reading: Reading,
    /// Kakao's callback, which the chatbot's later answers come to.
    pub callbacks: CallbackServer,
}

impl Stage {
    /// Builds, starts and deploys it all.
    ///
    /// # Errors
    /// What is missing on this machine, or a local cloud that breaks down.
    pub async fn set_up(progress: Progress, build: Build, others: Others) -> Result<Self> {
        let kakao = Kakao::generate()?;
        let keys = KeyServer::start([&kakao.signing_key()?]).await?;
        let faults = Faults::default();
        let before_keys = Gate::before(keys.url(), Behind::Keys, &faults).await?;
        let reading = Reading::start(&kakao.app_id, &faults).await?;
        let callbacks =
            CallbackServer::start(SimulatedCallbacks::default()).await.context("127.0.0.1 has no free port")?;
        let Others { mut delivery, answerer, parameters } = others;
        let mut before_receiver = None;
        // TLS is the deliverer's own affair: no gate stands in front of an https:// URL.
        if let Some(delivery) = delivery.as_mut().filter(|delivery| delivery.url.starts_with("http://")) {
            let gate = Gate::before(&delivery.url, Behind::Receiver, &faults).await?;
            gate.url().clone_into(&mut delivery.url);
            before_receiver = Some(gate);
        }
        let mut parameters = [kakao.parameters(before_keys.url()), parameters].concat();
        if answerer.is_some() {
            parameters.push(("KakaoCallbackUrl".to_owned(), callbacks.url().to_owned()));
        }
        let options =
            Options { build, parameters, delivery, answerer, reading: Some(&reading), faults: Some(faults.clone()) };
        let cloud = Cloud::start(&options, progress).await?;
        Ok(Self { cloud, kakao, _keys: keys, _gates: (before_keys, before_receiver), faults, reading, callbacks })
    }
}

/// Prints how to simulate Kakao against a cloud, and follows its logs, and the file of rules, until it is interrupted.
///
/// # Errors
/// If the cloud breaks down.
pub async fn stay(
    mut lock: DevLock,
    stage: &Stage,
    console: &Console,
    receivers: Receivers,
    mut rules: Option<WatchedRules>,
) -> Result<()> {
    let Stage { cloud, kakao, reading, callbacks, .. } = stage;
    lock.announce(cloud, console, kakao, reading, callbacks.url(), receivers.delivery.clone())?;
    let table = RuleTable::new(&cloud.sdk_config(), cloud.table_name().to_owned());
    if let Some(rules) = &rules {
        rules.put(&table).await?;
    }
    introduce(console, kakao, &receivers, rules.as_ref())?;
    let mut logs = LogReader::of_all(cloud)?;
    loop {
        let lines = logs.read().await?;
        console.follow(&lines);
        for line in lines {
            output::line(shown(&line))?;
        }
        if let Some(rules) = &mut rules {
            rules.look(&table).await;
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

fn introduce(console: &Console, kakao: &Kakao, receivers: &Receivers, rules: Option<&WatchedRules>) -> Result<()> {
    let base = console.base_url();
    heading("The console: what comes, what it is answered and why, and where each event is")?;
    output::line(format!("  {}", console.url()))?;
    heading("The five URLs, as you would set them at Kakao")?;
    for (name, route) in [
        ("unlink", Route::UNLINK),
        ("account status", Route::ACCOUNT_STATUS),
        ("talk share", Route::TALK_SHARE),
        ("talk channel", Route::TALK_CHANNEL),
        ("chatbot skill", Route::SKILL),
    ] {
        output::line(format!("  {name:<15} {base}{}", route.path))?;
    }
    heading("Simulate Kakao with curl (the keys are this run's own)")?;
    for request in samples(kakao)? {
        output::lines(&request.curl(base))?;
        output::line("")?;
    }
    output::line("  curl and `khook user link|unlink` do not change the simulated Kakao's list of members:")?;
    output::line("  the next reconciliation undoes such a link or unlink. What `khook send` sends changes it.")?;
    heading("… or with khook, which finds this run by itself")?;
    for example in [
        "send account-status --event user-linked --user 1234567890",
        "send account-status --event user-profile-changed --user 1234567890 --member nickname=라이언",
        "send account-status --event user-unlinked --user 1234567890 --forge signature --expect 400",
        "send talk-channel --event added --user 1234567890",
        "send talk-share --custom user_id=1234567890 --as query",
        "send skill --app-user 1234567890 --utterance 안녕하세요",
        "send unlink --user 1234567890 --as form",
    ] {
        output::line(format!("  cargo khook {example}"))?;
    }
    heading("The resulting state")?;
    output::line(format!("  cargo khook user show {} {MEMBER}", kakao.app_id))?;
    output::line(format!("  cargo khook user history {} {MEMBER}", kakao.app_id))?;
    output::line("  cargo khook changes tail")?;
    heading("A webhook is lost, and the reconciler finds what it would have said")?;
    for user in [MEMBER, OTHER_MEMBER] {
        output::line(format!("  cargo khook send account-status --event user-linked --user {user}"))?;
    }
    output::line(format!("  cargo khook send unlink --user {MEMBER} --lost"))?;
    output::line(format!("  cargo khook reconcile run {} --wait    # takes up to a minute", kakao.app_id))?;
    output::line("  Kakao's list of members is simulated, too:")?;
    output::line(format!("  cargo khook kakao users {} {MEMBER} {OTHER_MEMBER}", kakao.app_id))?;
    if let Some(RunningDelivery { url, secret_file, .. }) = &receivers.delivery {
        heading("Every change is posted to your receiver, signed (Standard Webhooks)")?;
        output::line(format!("  to             {url}"))?;
        output::line(format!("  secret in      {}", secret_file.display()))?;
        output::line("  check it with  cargo khook delivery test")?;
    }
    if let Some(rules) = rules {
        heading("The chatbot answers by your rules; save the file to change them")?;
        output::line(format!("  in             {}", rules.path().display()))?;
        output::line("  say something  cargo khook send skill --utterance 영업시간")?;
    }
    if let Some((url, secret_file)) = &receivers.answerer {
        heading("Your answerer is asked what no rule answers, signed (Standard Webhooks)")?;
        output::line(format!("  at             {url}"))?;
        output::line(format!("  secret in      {}", secret_file.display()))?;
        output::line("  try it with    cargo khook send skill --utterance 배송 --callback")?;
    }
    heading("The functions' logs, each when its invocation ends (Ctrl-C ends everything)")
}

fn heading(text: &str) -> Result<()> {
    output::line("")?;
    output::line(Text::default().styled(Style::new().bold().cyan(), text))
}

/// One request of each kind.
fn samples(kakao: &Kakao) -> Result<Vec<Request>> {
    let now = runtime::clock::now();
    let unlink = Unlink {
        app_id: kakao.app_id.clone(),
        user_id: MEMBER.to_owned(),
        referrer_type: Some("UNLINK_FROM_APPS".to_owned()),
        group_user_token: None,
    };
    let share = TalkShare {
        chat_type: "DirectChat".to_owned(),
        chat_id: "a1b2c3d4".to_owned(),
        custom: [("user_id".to_owned(), Value::from(MEMBER))].into_iter().collect(),
        resource_id: "share-1".to_owned(),
        ..TalkShare::default()
    };
    let channel = TalkChannel {
        event: "added".to_owned(),
        id: MEMBER.to_owned(),
        id_type: "app_user_id".to_owned(),
        channel_id: "_ISxgbxb".to_owned(),
        channel_uuid: Some("@khook".to_owned()),
        at: Some(now),
        resource_id: "channel-1".to_owned(),
        deprecated: false,
    };
    let message = SkillMessage {
        bot_id: kakao.bot_id.clone(),
        user_key: "bot-user-1".to_owned(),
        app_user_id: Some(MEMBER.to_owned()),
        utterance: "안녕하세요".to_owned(),
        request_id: "message-1".to_owned(),
        ..SkillMessage::default()
    };
    let linked = AccountStatus {
        audience: kakao.rest_api_key.clone(),
        user_id: Some(MEMBER.to_owned()),
        token_id: "token-1".to_owned(),
        at: now.as_seconds(),
        event_uri: "https://schemas.openid.net/secevent/oauth/event-type/user-linked".to_owned(),
        ..AccountStatus::default()
    };
    Ok(vec![
        linked.request(&kakao.signing_key()?, None)?,
        channel.request(&kakao.admin_key),
        share.request(&kakao.admin_key, Shape::Query),
        message.request(Some(kakao.skill_proof())),
        unlink.request(&kakao.admin_key, Shape::Form),
    ])
}

/// A log line on one line: time, function, event, fields.
fn shown(line: &LogLine) -> Text {
    let mut fields = line.fields.clone();
    // A line that is not of our logger has no time of its own.
    let own = fields.remove("timestamp").and_then(|time| Some(time.as_str()?.to_owned()));
    let time = own.or_else(|| Time::from_millis(line.at).map(|time| time.to_string())).unwrap_or_default();
    let time: String = time.chars().skip(11).take(12).collect();
    let level = fields.remove("level").and_then(|level| Some(level.as_str()?.to_owned())).unwrap_or_default();
    let event = fields.remove("event").or_else(|| fields.remove("message"));
    let event = event.as_ref().map(plain).unwrap_or_default();
    let color = match level.as_str() {
        "ERROR" => Color::Red,
        "WARN" => Color::Yellow,
        "INFO" => Color::Green,
        // A panic, or whatever else isn't of our logger.
        "" => Color::Magenta,
        _ => Color::White,
    };
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", brief(name, value))).collect();
    Text::default()
        .styled(Style::new().dim(), format!("{time:<12} "))
        .styled(Style::new().cyan(), format!("{:<14} ", line.function))
        .styled(Style::new().fg(color).bold(), format!("{event:<12} "))
        .styled(Style::new().dim(), fields.join(" "))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The beginning of a request's id is enough to see which lines belong together.
fn brief(name: &str, value: &Value) -> String {
    let text = plain(value);
    if name == "request_id" { text.chars().take(8).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_log_line_of_a_panic_cannot_write_to_the_terminal() {
        let fields = json!({"message": "\u{1b}[2J\u{9b}\nnext", "a\u{202e}": "\r"});
        let line = LogLine { function: "unlink".into(), at: 0, fields: fields.as_object().unwrap().clone() };
        let shown = shown(&line).plain();
        assert_eq!(shown, r"00:00:00.000 unlink         \u{1b}[2J\u{9b}\nnext   a\u{202e}=\r");
    }

    #[test]
    fn an_event_without_a_time_of_its_own_has_that_of_its_line() {
        let fields = json!({"level": "INFO", "event": "kept"});
        let line = LogLine { function: "unlink".into(), at: 45_229_123, fields: fields.as_object().unwrap().clone() };
        assert_eq!(shown(&line).plain().trim_end(), "12:33:49.123 unlink         kept");
    }

    #[test]
    fn a_log_line_is_short() {
        let fields = json!({
            "timestamp": "2026-11-20T10:33:49.123456Z", "level": "INFO", "event": "kept", "kind": "unlink", "ms": 3,
        });
        let line = LogLine { function: "unlink".into(), at: 0, fields: fields.as_object().unwrap().clone() };
        assert_eq!(shown(&line).plain(), "10:33:49.123 unlink         kept         kind=unlink ms=3");
    }
}
