use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Args, builder::PossibleValuesParser};
use console::Style;
use kakao_webhooks::skill::Place;
use play_kakao::callback::{CallbackFault, CallbackKind, words_of};
use runtime::config::FALLBACK_TEXT;
use serde_json::{Value, json};

use super::{SendTarget, check_member_number, code, deliver, given, report, secret, webhooks::resource_id};
use crate::{
    commands::check::{
        FALLBACK_CAUSE,
        finding::{Judgement, Verdict},
        reply::judge_body,
    },
    kakao::{Answer, Attempt, Exchange, KakaoCallback, ParameterValidation, Request, SkillMessage, registration_check},
    local::running::Running,
    ui::{
        output::{self, Text, wrap},
        usage::Usage,
    },
};

pub(super) const EXAMPLES: &str = "\
With --callback the message carries a callback URL, as of a block with callback on: khook prints the first answer, \
the waiting text in it, and all that comes to the URL within the minute (in rooms five) with Kakao's verdict. The \
service must know the origin of that URL: `khook dev` does; for a service of --url set KAKAO_CALLBACK_URL to \
http://127.0.0.1:<port> and name the port with --callback-port.

Faults of --fault, in place of the verdict of Kakao's callback API:
  hang, refuse        no answer; the connection is reset. The user sees nothing
  lose-answer         the user sees the reply, and the connection is reset: the
                      service posts again and is refused (token), as it should
  test-token, token   as of the bot test; as of a used or expired URL. Final:
                      the command waits until the URL has expired
  bot-id              as of another bot's URL. Final, too
  use-callback        as if the first answer had announced no callback
  json, skill-json    as if the reply were no JSON, or no valid reply
  501, 504, 505, 999  an error of Kakao's own

With --validation the answer is SUCCESS also where the answerer failed or gave no status: then the value counts as a \
good one. `not_answered` in its log names the cause.

What `khook check` would object to in the answer, such as a component that Kakao does not know, is printed as a remark \
and does not change the exit status.

Exit status: 0 the answer is right, and with --callback and a first answer that announces one, a reply came in time; \
1 not, or no answer, or (without --expect) the fallback text of the service; 2 an invalid command line.

Examples:
  khook send skill --utterance 안녕하세요 --app-user 1234567890
  khook send skill --utterance 배송 --callback
  khook send skill --utterance 배송 --callback --room --fault use-callback
  khook send skill --utterance 3월32일 --validation
  khook send skill --check
  khook send skill --url https://hooks.example.com --skill-key-file key.txt \\
      --bot 5f… --utterance hi";

/// What the messages of a room name as the room.
const ROOM: &str = "room-1";

/// Options of `khook send skill`.
#[derive(Debug, Args)]
pub struct SendSkill {
    /// Only send the check (a GET) that Kakao performs when the URL is registered
    #[arg(long, conflicts_with_all = ["callback", "room", "test", "validation"])]
    check: bool,
    /// What the user writes
    #[arg(long, value_name = "TEXT", default_value = "안녕하세요")]
    utterance: String,
    /// With a callback URL; wait for what comes to it
    #[arg(long, conflicts_with_all = ["validation", "curl"])]
    callback: bool,
    /// The port of khook's own callback server; by default that of the running `khook dev`, or a free one with --url
    #[arg(long, value_name = "PORT", requires_all = ["callback", "url"])]
    callback_port: Option<u16>,
    /// What the next request to the callback URL meets; repeatable, in order
    #[arg(long, value_name = "FAULT", requires = "callback", value_parser = fault_names())]
    fault: Vec<String>,
    /// Written in a group chat room, with this key
    #[arg(long, value_name = "KEY", num_args = 0..=1, default_missing_value = ROOM, conflicts_with = "test")]
    room: Option<String>,
    /// Written in the bot test, which can do no callback
    #[arg(long)]
    test: bool,
    /// Not a message, but the validation of a parameter whose value is the utterance; SUCCESS also if the answerer failed
    #[arg(long, conflicts_with_all = ["room", "test"])]
    validation: bool,
    /// The chatbot's id; by default that of the running `khook dev`
    #[arg(long, value_name = "ID")]
    bot: Option<String>,
    /// The user as the bot knows them
    #[arg(long, value_name = "KEY", default_value = "bot-user-1")]
    user_key: String,
    /// The user as the bot's channel knows them
    #[arg(long, value_name = "KEY")]
    plusfriend_user_key: Option<String>,
    /// The member number, for a user who is linked
    #[arg(long, value_name = "NUMBER")]
    app_user: Option<String>,
    /// Whether the user added the channel
    #[arg(long, value_name = "TRUE|FALSE")]
    friend: Option<bool>,
    /// X-Request-Id; random by default
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// The header that authenticates Kakao
    #[arg(long, value_name = "NAME", default_value = "x-skill-key")]
    skill_header: String,
    /// A file with the header's value; else that of the running `khook dev` (without --url), else KAKAO_SKILL_KEY
    #[arg(long, value_name = "FILE")]
    skill_key_file: Option<PathBuf>,
    /// Send no such header
    #[arg(long, conflicts_with = "skill_key_file")]
    no_key: bool,
    #[command(flatten)]
    pub(super) target: SendTarget,
}

impl SendSkill {
    pub(super) async fn run(self) -> Result<ExitCode> {
        if self.callback {
            return self.converse().await;
        }
        code(deliver(&self.target, || self.request(None), |body| self.remark(body)).await?)
    }

    /// What `khook check` would object to in an answer to a message; [`print_fallback`] speaks of the fallback text.
    fn remark(&self, body: &str) -> Option<Judgement> {
        if self.check || self.validation || is_fallback(body) {
            return None;
        }
        let place = if self.room.is_some() { Place::Room } else { Place::Chat };
        Some(judge_body(body, place)).filter(|judgement| judgement.verdict != Verdict::Right)
    }

    /// The same of what the user saw of an exchange.
    fn remarks(&self, first: &Answer, exchange: &Exchange) -> Vec<Judgement> {
        let first = Some(&first.body).filter(|_| (200..300).contains(&first.status));
        let said =
            exchange.attempts.iter().filter(|attempt| attempt.is_said()).map(|attempt| attempt.body().to_string());
        first.cloned().into_iter().chain(said).filter_map(|body| self.remark(&body)).collect()
    }

    /// What a user of `--callback` would wonder about where the first answer is the only one.
    fn without_callback(&self) -> String {
        let why = if self.test {
            "in the bot test every answer comes at once"
        } else {
            "the answer came at once: of a rule, or of a service without an answerer (SkillAnswerer)"
        };
        let fault = if self.fault.is_empty() { "" } else { "; --fault was not used" };
        format!("{why}. Nothing comes to the callback URL{fault}")
    }

    pub(super) fn request(&self, callback_url: Option<String>) -> Result<Request> {
        if self.check {
            return Ok(registration_check());
        }
        let kakao = self.target.kakao();
        let key = || {
            let of_running = kakao.map(|kakao| kakao.skill_key);
            secret(self.skill_key_file.as_ref(), "KAKAO_SKILL_KEY", of_running, "--skill-key-file")
        };
        let key = if self.no_key { None } else { Some(key()?) };
        let proof = key.as_deref().map(|key| (self.skill_header.as_str(), key));
        let request_id = resource_id(self.request_id.as_ref())?;
        if self.validation {
            let (utterance, user_key) = (self.utterance.clone(), self.user_key.clone());
            return Ok(ParameterValidation { utterance, user_key, request_id }.request(proof));
        }
        Ok(self.message(callback_url, request_id)?.request(proof))
    }

    fn message(&self, callback_url: Option<String>, request_id: String) -> Result<SkillMessage> {
        let result = "the message counts for the bot's user only, as it would from Kakao";
        self.app_user.iter().for_each(|user| check_member_number(user, result));
        Ok(SkillMessage {
            bot_id: self.bot_id()?,
            user_key: self.user_key.clone(),
            plusfriend_user_key: self.plusfriend_user_key.clone(),
            app_user_id: self.app_user.clone(),
            is_friend: self.friend,
            utterance: self.utterance.clone(),
            request_id,
            callback_url,
            room: self.room.clone(),
            is_bot_test: self.test,
            ..SkillMessage::default()
        })
    }

    fn bot_id(&self) -> Result<String> {
        given(self.bot.clone(), self.target.kakao().map(|kakao| kakao.bot_id), "--bot")
    }

    const fn kind(&self) -> CallbackKind {
        match (self.test, self.room.is_some()) {
            (true, _) => CallbackKind::BotTest,
            (_, true) => CallbackKind::Room,
            _ => CallbackKind::Chat,
        }
    }

    /// The callback server: our own, or that of the running `khook dev`.
    async fn kakao_callback(&self) -> Result<KakaoCallback> {
        if self.target.url.is_some() {
            let own = KakaoCallback::start_on(self.callback_port.unwrap_or_default()).await?;
            let port = if self.callback_port.is_none() { " (--callback-port keeps the port)" } else { "" };
            output::say(format!("The callback server is {}: KAKAO_CALLBACK_URL of the service{port}", own.origin()));
            return Ok(own);
        }
        let url = Running::found("name the address with --url")?.kakao_callback_url;
        if url.is_empty() {
            return Err(Usage::error(
                "the running `khook dev` is of an older version, without callbacks: start it again",
            ));
        }
        Ok(KakaoCallback::at(url))
    }

    /// Sends the message and waits for what comes to its callback URL.
    async fn converse(&self) -> Result<ExitCode> {
        let base = self.target.base()?;
        let kakao = self.kakao_callback().await?;
        let callback = kakao.issue(&self.bot_id()?, self.kind(), &self.fault).await?;
        let request = self.request(Some(callback.url))?;
        let answer = request.send(&base).await?;
        let (is_right, is_announced) = (self.target.is_expected(&answer), announces_callback(&answer.body));
        if !self.target.json {
            self.target.print_answer(&request, &answer, is_right)?;
        }
        kakao.take_first_answer(&callback.token, &answer.body).await?;
        let exchange = if is_right && is_announced {
            self.follow(&kakao, &callback.token).await?
        } else {
            kakao.exchange(&callback.token).await?
        };
        let is_fallback = exchange.heard.iter().any(|words| words == FALLBACK_TEXT);
        let is_good = is_right && (!is_announced || exchange.is_answered()) && !self.target.fails_by(is_fallback);
        let remarks = self.remarks(&answer, &exchange);
        if self.target.json {
            Self::print_json(&request, &answer, (is_good, is_fallback), &exchange, &remarks)?;
        } else {
            if is_right && !is_announced {
                print_words("no callback", &Style::new().yellow(), &self.without_callback())?;
            }
            if is_fallback {
                print_fallback()?;
            }
            remarks.iter().try_for_each(print_remark)?;
        }
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What is to be expected of the faults that look like a defect of the service, or of khook.
    fn expected_of_faults(&self) -> impl Iterator<Item = (&str, String)> {
        let seconds = self.kind().lifetime().as_secs();
        self.fault.iter().filter_map(move |fault| match fault.as_str() {
            "token" | "test-token" | "bot-id" => Some((
                fault.as_str(),
                format!("final: the service gives up, and khook waits until the {seconds} s are over"),
            )),
            "lose-answer" => Some((
                fault.as_str(),
                "the user sees the reply; the service is not told, posts again and is refused, as it should be"
                    .to_owned(),
            )),
            _ => None,
        })
    }

    /// What is said until a reply is accepted or the URL is closed, each as it comes.
    async fn follow(&self, kakao: &KakaoCallback, token: &str) -> Result<Exchange> {
        let (mut said, mut shown) = (kakao.exchange(token).await?, 0);
        if let Some(text) = said.waiting_text.as_ref().filter(|_| !self.target.json) {
            print_words("waiting text", &Style::new().dim(), text)?;
            self.expected_of_faults().try_for_each(|(fault, note)| print_words(fault, &Style::new().dim(), &note))?;
        }
        loop {
            self.print_attempts(said.attempts.iter().skip(shown))?;
            shown = said.attempts.len();
            if !said.open {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
            said = kakao.exchange(token).await?;
        }
        if !said.is_answered() && !self.target.json {
            let time = self.kind().lifetime().as_secs();
            print_words("no reply", &Style::new().red(), &format!("within the {time} s of the callback URL"))?;
        }
        Ok(said)
    }

    fn print_attempts<'a>(&self, mut attempts: impl Iterator<Item = &'a Attempt>) -> Result<()> {
        if self.target.json {
            return Ok(());
        }
        attempts.try_for_each(|attempt| print_words(&attempt.label(), &attempt.style(), &attempt.words()))
    }

    fn print_json(
        request: &Request,
        answer: &Answer,
        (is_good, is_fallback): (bool, bool),
        exchange: &Exchange,
        remarks: &[Judgement],
    ) -> Result<()> {
        let mut report = report(request, answer, is_good, is_fallback, remarks);
        if let Value::Object(members) = &mut report {
            members.insert("waiting_text".to_owned(), json!(exchange.waiting_text));
            members.insert("callback".to_owned(), json!(exchange.attempts));
            members.insert("heard".to_owned(), json!(exchange.heard));
            members.insert("announced".to_owned(), json!(announces_callback(&answer.body)));
        }
        output::json(&report)
    }
}

/// Whether an answer is the service's words for a user who gets no answer of its answerer. A stack may have others.
pub(super) fn is_fallback(body: &str) -> bool {
    serde_json::from_str(body).is_ok_and(|body: Value| words_of(&body) == FALLBACK_TEXT)
}

/// Says what the fallback text means, and where its cause is.
pub(super) fn print_fallback() -> Result<()> {
    print_words("fallback text", &Style::new().red(), &format!("it is SkillFallbackText: {FALLBACK_CAUSE}"))
}

/// Says what Kakao may not take, or not show, of an answer.
pub(super) fn print_remark(Judgement { seen, fix, .. }: &Judgement) -> Result<()> {
    print_words("remark", &Style::new().yellow(), &format!("{}\nfix: {fix}", output::visible(seen)))
}

fn fault_names() -> PossibleValuesParser {
    PossibleValuesParser::new(CallbackFault::NAMES.map(|(name, _)| name))
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Whether a first answer says that the reply comes to the callback URL.
fn announces_callback(body: &str) -> bool {
    let body: Option<Value> = serde_json::from_str(body).ok();
    body.is_some_and(|body| body.get("useCallback") == Some(&Value::Bool(true)))
}

/// A label, and words from outside beside it.
fn print_words(label: &str, style: &Style, words: &str) -> Result<()> {
    const INDENT: usize = 18;
    let mut label = label.to_owned();
    for line in words.split('\n').flat_map(|line| wrap(line, output::columns().saturating_sub(INDENT))) {
        let gap = INDENT.saturating_sub(console::measure_text_width(&label)).max(1);
        let text = Text::default().styled(style.clone(), &label).and(" ".repeat(gap)).and(line);
        output::line(text)?;
        label.clear();
    }
    Ok(())
}
