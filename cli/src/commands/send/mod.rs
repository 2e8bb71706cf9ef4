//! `khook send`: simulates Kakao against any address.

mod account_status;
mod skill;
mod truth;
mod typos;
mod webhooks;

use std::{fmt, fs, path::PathBuf, process::ExitCode, str::FromStr};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use console::Style;
use kakao_webhooks::wire::{Kind, UserId};
use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::{
    commands::check::finding::Judgement,
    kakao::{Answer, Kakao, Request},
    local::running::Running,
    ui::{
        output::{self, Text},
        usage::Usage,
    },
};
use truth::{LostWebhook, OfApp, Truth};

/// The webhooks.
#[derive(Debug, Subcommand)]
pub enum Send {
    /// Kakao Login's unlink webhook
    #[command(after_help = webhooks::UNLINK_EXAMPLES)]
    Unlink(webhooks::SendUnlink),
    /// Kakao Login's account status change webhook: a signed token
    #[command(after_help = account_status::EXAMPLES)]
    AccountStatus(account_status::SendAccountStatus),
    /// KakaoTalk Share's webhook
    #[command(after_help = webhooks::SHARE_EXAMPLES)]
    TalkShare(webhooks::SendTalkShare),
    /// KakaoTalk Channel's webhook
    #[command(after_help = webhooks::CHANNEL_EXAMPLES)]
    TalkChannel(webhooks::SendTalkChannel),
    /// A chatbot's skill request
    #[command(after_help = skill::EXAMPLES)]
    Skill(skill::SendSkill),
}

impl Send {
    /// Sends it. The exit code says whether the answer was the right one.
    ///
    /// # Errors
    /// What is missing to send it, or no answer.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Unlink(send) => deliver_true(&send.target, send.lost, send.truth(), || send.request()).await,
            Self::AccountStatus(send) => deliver_true(&send.target, send.lost, send.truth(), || send.request()).await,
            Self::TalkShare(send) => code(deliver(&send.target, || send.request(), |_| None).await?),
            Self::TalkChannel(send) => code(deliver(&send.target, || send.request(), |_| None).await?),
            Self::Skill(send) => send.run().await,
        }
    }
}

/// A command line without its first words.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    send: Send,
}

/// For the console, which simulates Kakao with the same options.
impl Send {
    /// What these words after `khook send` mean for the service of this simulated Kakao.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn of_words(words: &[String], kakao: &Kakao) -> Result<Self> {
        let CommandLine { mut send } = CommandLine::try_parse_from(words).map_err(|error| {
            let text = error.render().to_string();
            // The rest advises a person at a terminal.
            Usage::error(text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").to_owned())
        })?;
        send.target_mut().simulated = Simulated(Some(Box::new(kakao.clone())));
        Ok(send)
    }

    fn target_mut(&mut self) -> &mut SendTarget {
        match self {
            Self::Unlink(send) => &mut send.target,
            Self::AccountStatus(send) => &mut send.target,
            Self::TalkShare(send) => &mut send.target,
            Self::TalkChannel(send) => &mut send.target,
            Self::Skill(send) => &mut send.target,
        }
    }

    /// The request, with new ids each time.
    ///
    /// # Errors
    /// What is missing for it.
    pub(crate) fn request(&self) -> Result<Request> {
        match self {
            Self::Unlink(send) => send.request(),
            Self::AccountStatus(send) => send.request(),
            Self::TalkShare(send) => send.request(),
            Self::TalkChannel(send) => send.request(),
            Self::Skill(send) => send.request(None),
        }
    }

    /// The service has accepted it: what it says of a member's link is true at the simulated Kakao from now on.
    ///
    /// # Errors
    /// If Kakao's simulated REST API does not answer.
    pub(crate) async fn happens(&self, kakao_api_url: &str, kakao: &Kakao) -> Result<()> {
        let truth = match self {
            Self::Unlink(send) => send.truth(),
            Self::AccountStatus(send) => send.truth(),
            Self::TalkShare(_) | Self::TalkChannel(_) | Self::Skill(_) => return Ok(()),
        };
        match truth {
            Ok(truth) if truth.check_app(kakao).is_ok() => truth.set(kakao_api_url, &kakao.app_id).await.map(drop),
            _ => Ok(()),
        }
    }
}

/// Where to, and what is expected.
#[derive(Debug, Args)]
pub struct SendTarget {
    /// The address before /webhooks/… and /skill; by default that of the running `khook dev`
    #[arg(long, value_name = "URL", help_heading = "Delivery")]
    url: Option<String>,
    /// The expected status; by default any success
    #[arg(long, value_name = "STATUS", help_heading = "Delivery")]
    expect: Option<u16>,
    /// Print the answer as JSON
    #[arg(long, help_heading = "Delivery")]
    json: bool,
    /// Print the curl command instead of sending (it shows the key)
    #[arg(long, help_heading = "Delivery", conflicts_with = "json")]
    curl: bool,
    /// Send it even if an event, a value or the address looks like a typing error or a value is broken JSON
    #[arg(long, help_heading = "Delivery")]
    anyway: bool,
    #[arg(skip)]
    simulated: Simulated,
}

/// The simulated Kakao of a console, in place of that of the running `khook dev`.
#[derive(Clone, Default)]
struct Simulated(Option<Box<Kakao>>);

/// Without the keys.
impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulated").finish_non_exhaustive()
    }
}

impl SendTarget {
    fn base(&self) -> Result<String> {
        match &self.url {
            Some(url) => {
                let parsed: Option<Url> = url.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"));
                let parsed =
                    parsed.ok_or_else(|| Usage::error(format!("`{url}` is not a URL (https://host/prefix)")))?;
                self.unless_anyway(|| typos::base(&parsed))?;
                Ok(url.clone())
            }
            None => Ok(Running::found("name the address with --url")?.base_url),
        }
    }

    fn unless_anyway(&self, check: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.anyway { Ok(()) } else { check() }
    }

    /// Fails if a value looks like a typing error of one that Kakao documents.
    fn check_word(&self, option: &str, text: &str, known: &[&str]) -> Result<()> {
        self.unless_anyway(|| typos::word(option, text, known))
    }

    /// Whether the chatbot's fallback text is a failure: not where a status is all that is expected.
    const fn fails_by(&self, is_fallback: bool) -> bool {
        is_fallback && self.expect.is_none()
    }

    fn is_expected(&self, answer: &Answer) -> bool {
        self.expect.map_or((200..300).contains(&answer.status), |expected| answer.status == expected)
    }

    /// An answer for people.
    fn print_answer(&self, request: &Request, answer: &Answer, is_right: bool) -> Result<()> {
        let style = if is_right { Style::new().green() } else { Style::new().red() };
        let expected = self.expect.filter(|_| !is_right).map(|status| format!(", expected {status}"));
        let how = format!(" {} ms, {} {}", answer.took.as_millis(), request.kind.name(), request.shape());
        let status = Text::default().styled(style.bold(), answer.status).and(expected.unwrap_or_default());
        output::line(status.styled(Style::new().dim(), how))?;
        if !answer.body.is_empty() {
            output::foreign(&answer.body)?;
        }
        Ok(())
    }

    /// The keys of the running `khook dev`, if the request goes there.
    fn kakao(&self) -> Option<Kakao> {
        if self.url.is_some() {
            return None;
        }
        let simulated = self.simulated.0.as_deref().cloned();
        simulated.or_else(|| Running::find().map(|running| running.kakao))
    }
}

/// A secret, which is never an argument: from a file, else of the running `khook dev` (whose key no variable of the
/// shell can know), else from the environment.
fn secret(file: Option<&PathBuf>, variable: &str, of_running: Option<String>, option: &str) -> Result<String> {
    if let Some(file) = file {
        let text = fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
        return Ok(text.trim().to_owned());
    }
    let named = std::env::var(variable).ok().filter(|text| !text.is_empty());
    of_running.or(named).ok_or_else(|| {
        Usage::error(format!(
            "there is no key: name a file with {option} or set {variable}, or start `khook dev` and leave out --url"
        ))
    })
}

/// An option that is given, or else that of the running `khook dev`.
fn given<T>(value: Option<T>, of_running: Option<T>, option: &str) -> Result<T> {
    value.or(of_running).ok_or_else(|| {
        Usage::error(format!("{option} is missing. It is known only of a running `khook dev`, without --url"))
    })
}

/// Warns of what Kakao never sends. It is sent all the same, so that the result can be seen.
fn check_member_number(text: &str, result: &str) {
    if let Some(problem) = odd_member_number(text) {
        output::warn(&format!("{problem}: {result}"));
    }
}

/// The result of a member number that is none, where the event needs one.
const QUARANTINED: &str = "it ends in quarantine, as it would from Kakao";

fn odd_member_number(text: &str) -> Option<&'static str> {
    text.parse::<UserId>().is_err().then_some("the member number is no positive number of at most 64 bits")
}

/// `name=value`, the value JSON if it can be read as such, else a text.
#[derive(Clone, Debug)]
struct Pair(String, String);

impl Pair {
    /// The value. One that begins as JSON does and is not JSON is refused unless it is sent anyway.
    fn value(&self, option: &str, target: &SendTarget) -> Result<Value> {
        let Self(name, text) = self;
        let error = match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        target.unless_anyway(|| {
            if !text.starts_with(['[', '{', '"']) {
                return Ok(());
            }
            Err(Usage::error(format!(
                "{option} {name}=…: the value begins as JSON and is not JSON: {error}. --anyway sends it as text"
            )))
        })?;
        Ok(Value::from(text.as_str()))
    }
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it is not NAME=VALUE")?;
        Ok(Self(name.to_owned(), value.to_owned()))
    }
}

fn members(option: &str, pairs: &[Pair], target: &SendTarget) -> Result<Map<String, Value>> {
    pairs.iter().map(|pair| Ok((pair.0.clone(), pair.value(option, target)?))).collect()
}

/// The same of an event that may say whether a member is linked: the simulated REST API of the running `khook dev` then
/// says so, too. `truth` is what it says, or why it says nothing.
async fn deliver_true(
    target: &SendTarget,
    lost: LostWebhook,
    truth: Result<Truth>,
    request: impl FnOnce() -> Result<Request>,
) -> Result<ExitCode> {
    if lost.lost {
        return lose(target, &truth?).await;
    }
    let delivered = deliver(target, request, |_| None).await?;
    // What the service refused, as was expected of it, did not happen.
    if delivered.is_accepted
        && let (Ok(truth), None, Some(running)) = (truth, &target.url, Running::find())
        && truth.check_app(&running.kakao).is_ok()
    {
        truth.set(&running.kakao_api_url, &running.kakao.app_id).await?;
    }
    code(delivered)
}

/// It happens at Kakao, and no webhook is sent.
async fn lose(target: &SendTarget, truth: &Truth) -> Result<ExitCode> {
    let running = Running::found_for("--lost")?;
    truth.check_app(&running.kakao)?;
    let is_news = truth.set(&running.kakao_api_url, &running.kakao.app_id).await?;
    if target.json {
        output::json(&json!({"ok": true, "lost": true, "changed": is_news}))?;
    } else if is_news {
        output::line("lost: it happened at Kakao, and no webhook was sent. `khook reconcile run` finds it")?;
    } else {
        output::line(format!("no change: at the simulated Kakao the member {}", truth.old_news()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// An answer for programs.
fn report<'r>(
    request: &Request,
    answer: &Answer,
    is_right: bool,
    is_fallback: bool,
    remarks: impl IntoIterator<Item = &'r Judgement>,
) -> Value {
    let body = serde_json::from_str(&answer.body).unwrap_or_else(|_| Value::from(answer.body.clone()));
    let mut report = json!({
        "ok": is_right, "kind": request.kind.name(), "status": answer.status, "ms": answer.took.as_millis(), "body": body,
    });
    let remarks: Vec<_> = remarks.into_iter().map(|remark| &remark.seen).collect();
    if let Value::Object(members) = &mut report {
        if is_fallback {
            members.insert("fallback".to_owned(), json!(true));
        }
        if !remarks.is_empty() {
            members.insert("remarks".to_owned(), json!(remarks));
        }
    }
    report
}

/// What became of a request.
#[derive(Clone, Copy)]
struct Delivered {
    /// Whether the answer was the expected one; also if nothing was to be sent.
    is_right: bool,
    /// Whether the service accepted it.
    is_accepted: bool,
}

fn code(delivered: Delivered) -> Result<ExitCode> {
    Ok(if delivered.is_right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn deliver(
    target: &SendTarget,
    request: impl FnOnce() -> Result<Request>,
    remark: impl FnOnce(&str) -> Option<Judgement>,
) -> Result<Delivered> {
    let base = target.base()?;
    let request = request()?;
    if target.curl {
        output::lines(&request.curl(&base))?;
        return Ok(Delivered { is_right: true, is_accepted: false });
    }
    let answer = request.send(&base).await?;
    let is_expected = target.is_expected(&answer);
    let is_fallback = request.kind == Kind::Skill && skill::is_fallback(&answer.body);
    let is_right = is_expected && !target.fails_by(is_fallback);
    let is_accepted = (200..300).contains(&answer.status);
    let remark = if is_accepted { remark(&answer.body) } else { None };
    if target.json {
        output::json(&report(&request, &answer, is_right, is_fallback, &remark))?;
    } else {
        target.print_answer(&request, &answer, is_expected)?;
        if is_fallback {
            skill::print_fallback()?;
        }
        remark.iter().try_for_each(skill::print_remark)?;
    }
    Ok(Delivered { is_right, is_accepted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_where_it_can_be_and_text_elsewhere() {
        for (text, value) in [
            ("a=1", json!(1)),
            ("a=\"1\"", json!("1")),
            ("a=한 글", json!("한 글")),
            ("a=", json!("")),
            ("a=b=c", json!("b=c")),
            ("a=null", Value::Null),
        ] {
            assert_eq!(text.parse::<Pair>().unwrap().value("--member", &target(false)).unwrap(), value, "{text}");
        }
        assert!("a".parse::<Pair>().is_err());
    }

    fn target(anyway: bool) -> SendTarget {
        SendTarget { url: None, expect: None, json: false, curl: false, anyway, simulated: Simulated::default() }
    }

    #[test]
    fn a_value_that_begins_as_json_and_is_not_json_is_refused_with_its_place() {
        for text in [r#"["a","b"#, r#"{"a":1"#, r#""half"#, r#"["a\ud83cb"]"#, "[1,]"] {
            let pair: Pair = format!("scopes={text}").parse().unwrap();
            let error = pair.value("--member", &target(false)).unwrap_err();
            assert!(error.is::<Usage>(), "{error}");
            let error = error.to_string();
            assert!(error.starts_with("--member scopes=…: ") && error.contains("column"), "{error}");
            assert_eq!(pair.value("--member", &target(true)).unwrap(), text);
        }
    }

    #[test]
    fn what_no_member_number_can_be_is_warned_of() {
        for text in ["1", "9007199254740993", "18446744073709551615"] {
            assert_eq!(odd_member_number(text), None, "{text}");
        }
        for text in ["", "0", "-1", "+1", "1.5", "abc", "18446744073709551616"] {
            assert!(odd_member_number(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_secret_comes_from_a_file_before_anything_else() {
        let folder = std::env::temp_dir().join(format!("khook-secret-{}", std::process::id()));
        fs::write(&folder, "  abc\n").unwrap();
        let found = secret(Some(&folder), "KHOOK_NO_SUCH_VARIABLE", Some("other".into()), "--x").unwrap();
        fs::remove_file(&folder).unwrap();
        assert_eq!(found, "abc");
        assert_eq!(secret(None, "KHOOK_NO_SUCH_VARIABLE", Some("other".into()), "--x").unwrap(), "other");
        let error = secret(None, "KHOOK_NO_SUCH_VARIABLE", None, "--admin-key-file").unwrap_err().to_string();
        assert!(error.contains("--admin-key-file") && error.contains("KHOOK_NO_SUCH_VARIABLE"));
    }
}
