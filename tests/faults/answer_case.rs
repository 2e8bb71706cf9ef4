//! A chatbot's message that the service answers, while something fails: the user must hear something, and nothing twice.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use end_to_end::{
    answering::{ANSWER, Answering, BATCH, FALLBACK, Said, work},
    faults::Fault,
    patience::becomes,
    secrets::READER_KEYS_ARN,
};
use play_kakao::callback::{CallbackFail, CallbackFault, CallbackKind};
use serde_json::Value;
use tokio::time::sleep;

use crate::{delivery_case::words, request_case::Process, service::Measured};

/// What is wrong while a message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerFault {
    /// The service's answerer.
    Model(Fault),
    /// It answers something else than an answer.
    ModelSays(&'static str),
    /// Kakao's callback API, once.
    Callback(CallbackFail),
    /// The same, with something that no table names.
    CallbackUnknown,
    /// It answers with a page of HTML, once.
    CallbackHtml,
    /// It never answers, once.
    CallbackHangs,
    /// The connection is reset, once: before, or after the user saw the answer.
    CallbackResets { is_shown: bool },
    /// The queue of answers.
    Queue(Fault),
    /// The queue of answers, and there is no function `answerer`.
    QueueAndFunction,
    /// The table, with the claims.
    Table(Fault),
    /// Secrets Manager, and no secret is held.
    Secret(Fault),
    /// The secret that the answerer is to sign with does not exist.
    SecretMissing,
    /// The answerer is killed while the service's answerer works.
    Killed,
    /// The same, once the answer is posted.
    KilledBehindThePost,
    /// The queue brings the message twice.
    Twice,
    /// The same, in one batch.
    TwiceInABatch,
    /// The queue brings the message so many seconds after the gateway received it.
    Waits(i64),
    /// The only answerer works on another message for so long.
    Busy,
    /// Kakao takes the waiting message for so many seconds, and refuses the answer until then.
    FirstAnswerIsLate(u64),
}

/// One message while something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerCase {
    pub(crate) fault: AnswerFault,
}

/// What the user hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Answer,
    Fallback,
    WaitingTextOnly,
}

impl Heard {
    fn of(texts: &[String]) -> Result<Self> {
        match texts {
            [] => Ok(Self::WaitingTextOnly),
            [text] if text == ANSWER => Ok(Self::Answer),
            [text] if text == FALLBACK => Ok(Self::Fallback),
            _ => bail!("the user hears {texts:?}"),
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Answer => "the service's answer",
            Self::Fallback => "`SkillFallbackText`",
            Self::WaitingTextOnly => "nothing more; the log has `unanswered`",
        }
    }
}

/// Every case of the answers.
pub(crate) fn answer_cases() -> Vec<AnswerCase> {
    use AnswerFault::{
        Busy, Callback, CallbackHangs, CallbackHtml, CallbackResets, CallbackUnknown, FirstAnswerIsLate, Killed,
        KilledBehindThePost, Model, ModelSays, Queue, QueueAndFunction, Secret, SecretMissing, Table, Twice,
        TwiceInABatch, Waits,
    };
    const OF_AWS: [Fault; 3] = [Fault::Status(500), Fault::Throttled, Fault::Hangs];
    let mut faults = vec![Model(Fault::Hangs)];
    faults.extend([500, 404, 503].map(|status| Model(Fault::Status(status))));
    faults.extend([NO_JSON, BAD_REPLY, TOO_LONG].map(ModelSays));
    faults.extend(CallbackFail::ALL.iter().copied().map(Callback));
    faults.extend([CallbackUnknown, CallbackHtml, CallbackHangs, FirstAnswerIsLate(3)]);
    faults.extend([CallbackResets { is_shown: false }, CallbackResets { is_shown: true }]);
    faults.extend(OF_AWS.map(Queue));
    faults.push(QueueAndFunction);
    faults.extend(OF_AWS.map(Table));
    faults.extend([Secret(Fault::Status(500)), Secret(Fault::Hangs), SecretMissing]);
    faults.extend([Killed, KilledBehindThePost, Twice, TwiceInABatch, Waits(56), Waits(61), Busy]);
    faults.into_iter().map(|fault| AnswerCase { fault }).collect()
}

const NO_JSON: &str = "no JSON";
const BAD_REPLY: &str = r#"{"version":"2.0","template":{"outputs":[{"simpleText":{}}]}}"#;
/// Kakao takes so many bubbles: three.
const TOO_LONG: &str = r#"{"version":"2.0","template":{"outputs":[{"simpleText":{"text":"1"}},{"simpleText":{"text":"2"}},{"simpleText":{"text":"3"}},{"simpleText":{"text":"4"}}]}}"#;

/// How old a message is already that is waited for until its end.
const OLD: i64 = 48_000;

impl AnswerCase {
    pub(crate) const fn name() -> &'static str {
        "skill, answerer"
    }

    pub(crate) const fn process(&self) -> Process {
        match self.fault {
            AnswerFault::Secret(_) | AnswerFault::SecretMissing => Process::Cold,
            _ => Process::Warm,
        }
    }

    pub(crate) fn what_fails(&self) -> String {
        match self.fault {
            AnswerFault::Model(fault) => format!("your answerer: {}", words(fault)),
            AnswerFault::ModelSays(NO_JSON) => "your answerer: its answer is not JSON".to_owned(),
            AnswerFault::ModelSays(BAD_REPLY) => "your answerer: its answer lacks a text".to_owned(),
            AnswerFault::ModelSays(_) => "your answerer: its answer has four bubbles".to_owned(),
            AnswerFault::Callback(fail) => format!("callback: FAIL \"{}\", once", fail.message()),
            AnswerFault::CallbackUnknown => "callback: FAIL with an unknown message, once".to_owned(),
            AnswerFault::CallbackHtml => "callback: answers 503 with HTML, once".to_owned(),
            AnswerFault::CallbackHangs => "callback: hangs, once".to_owned(),
            AnswerFault::CallbackResets { is_shown: false } => "callback: resets the connection, once".to_owned(),
            AnswerFault::CallbackResets { is_shown: true } => {
                "callback: shows the answer and resets the connection".to_owned()
            }
            AnswerFault::Queue(fault) => format!("`AnswerQueue`: {}", words(fault)),
            AnswerFault::QueueAndFunction => "`AnswerQueue`: answers 500; the function can't be invoked".to_owned(),
            AnswerFault::Table(fault) => format!("table: {}", words(fault)),
            AnswerFault::Secret(fault) => format!("Secrets Manager: {}; no secret is held", words(fault)),
            AnswerFault::SecretMissing => "Secrets Manager: the secret does not exist".to_owned(),
            AnswerFault::Killed => "the answerer is killed while it waits for your answerer".to_owned(),
            AnswerFault::KilledBehindThePost => "the answerer is killed while Kakao has the answer".to_owned(),
            AnswerFault::Twice => "`AnswerQueue` delivers the message twice".to_owned(),
            AnswerFault::TwiceInABatch => "`AnswerQueue` delivers the message twice in one batch".to_owned(),
            AnswerFault::Waits(seconds) => format!("`AnswerQueue` delivers the message after {seconds} s"),
            AnswerFault::Busy => "all answerers are busy until the message is 56 s old".to_owned(),
            AnswerFault::FirstAnswerIsLate(seconds) => {
                format!("callback: the waiting message reaches Kakao after {seconds} s")
            }
        }
    }

    pub(crate) const fn expected(&self) -> Heard {
        match self.fault {
            AnswerFault::Model(_)
            | AnswerFault::ModelSays(_)
            | AnswerFault::Callback(CallbackFail::Json | CallbackFail::SkillJson)
            | AnswerFault::QueueAndFunction
            | AnswerFault::Secret(_)
            | AnswerFault::SecretMissing
            | AnswerFault::Killed
            | AnswerFault::Waits(..60)
            | AnswerFault::Busy => Heard::Fallback,
            AnswerFault::Callback(CallbackFail::TestToken | CallbackFail::Token | CallbackFail::BotId)
            | AnswerFault::CallbackUnknown
            | AnswerFault::Waits(60..) => Heard::WaitingTextOnly,
            _ => Heard::Answer,
        }
    }

    /// How it gets there.
    pub(crate) const fn way(&self) -> &'static str {
        match self.fault {
            AnswerFault::Queue(_) | AnswerFault::QueueAndFunction => "the skill's own answer",
            _ => "the callback",
        }
    }

    /// Half a minute at the most: what takes longer begins with an old message.
    pub(crate) const fn patience() -> Duration {
        Duration::from_secs(30)
    }

    /// Plays it. What it returns was heard once at the most; anything else is an error.
    pub(crate) async fn play(&self) -> Result<Measured<Heard, &'static str>> {
        let mut answering = Answering::start().await?;
        if self.process() == Process::Warm {
            let said = answering.say(CallbackKind::Chat, "안녕", 0).await?;
            ensure!(answering.work().await?.is_empty() && answering.heard(&said)? == [ANSWER], "warming up failed");
        }
        self.begin(&mut answering).await?;
        let (start, age) = (Instant::now(), if self.lasts() { OLD } else { 0 });
        let texts = match self.fault {
            AnswerFault::Queue(_) | AnswerFault::QueueAndFunction => heard_at_once(&mut answering).await?,
            AnswerFault::Killed => heard_after_a_kill(&mut answering, age, Fault::Hangs).await?,
            AnswerFault::KilledBehindThePost => heard_after_a_kill(&mut answering, age, Fault::None).await?,
            AnswerFault::Twice => heard_of_two(&mut answering).await?,
            AnswerFault::TwiceInABatch => heard_of_a_batch(&mut answering).await?,
            AnswerFault::Busy => heard_after_another(&mut answering).await?,
            AnswerFault::Waits(seconds) => heard_when_worked_on(&mut answering, seconds * 1_000).await?,
            _ => heard_when_worked_on(&mut answering, age).await?,
        };
        if texts.is_empty() {
            is_logged_as_unanswered(&answering).await?;
        }
        Ok(Measured { status: Heard::of(&texts)?, time: start.elapsed(), place: self.way() })
    }

    /// Whether it would take the whole minute.
    fn lasts(&self) -> bool {
        matches!(
            self.fault,
            AnswerFault::Model(Fault::Hangs | Fault::Status(503))
                | AnswerFault::Killed
                | AnswerFault::KilledBehindThePost
        )
    }

    async fn begin(&self, answering: &mut Answering) -> Result<()> {
        let callback = |fault| answering.callbacks.callbacks().script(1, fault);
        match self.fault {
            AnswerFault::Model(fault) => answering.model.gate().set(fault),
            AnswerFault::ModelSays(text) => answering.model.says(text),
            AnswerFault::Callback(fail) => callback(CallbackFault::Fail(fail)),
            AnswerFault::CallbackUnknown => callback(CallbackFault::Other("FAIL", "Something new")),
            AnswerFault::CallbackHtml => callback(CallbackFault::Html(503)),
            AnswerFault::CallbackHangs => callback(CallbackFault::Hang),
            AnswerFault::CallbackResets { is_shown: false } => callback(CallbackFault::Refuse),
            AnswerFault::CallbackResets { is_shown: true } => callback(CallbackFault::LoseAnswer),
            AnswerFault::Queue(fault) => answering.queue.gate().set_for("/answers", fault),
            AnswerFault::QueueAndFunction => {
                answering.queue.gate().set_for("/answers", Fault::Status(500));
                answering.kill_answerer().await;
            }
            AnswerFault::Table(fault) => answering.pipeline.table.gate().set_for("CALLBACK#", fault),
            AnswerFault::Secret(fault) => {
                answering.secrets.gate().set(fault);
                answering.restart_answerer(&[]).await?;
            }
            AnswerFault::SecretMissing => {
                answering.restart_answerer(&[("SKILL_ANSWERER_SECRET", READER_KEYS_ARN)]).await?;
            }
            AnswerFault::KilledBehindThePost => callback(CallbackFault::Slow(Duration::from_secs(2))),
            AnswerFault::FirstAnswerIsLate(seconds) => {
                answering.callbacks.callbacks().settings.first_answer_takes = Duration::from_secs(seconds);
            }
            AnswerFault::Killed
            | AnswerFault::Twice
            | AnswerFault::TwiceInABatch
            | AnswerFault::Waits(_)
            | AnswerFault::Busy => {}
        }
        Ok(())
    }
}

async fn heard_when_worked_on(answering: &mut Answering, age: i64) -> Result<Vec<String>> {
    let said = answering.say(CallbackKind::Chat, "무엇?", age).await?;
    ensure!(answering.work().await?.is_empty(), "the message comes again");
    answering.heard(&said)
}

/// A user who hears nothing more is an error in the log, on which an alarm looks.
async fn is_logged_as_unanswered(answering: &Answering) -> Result<()> {
    let answerer = answering.answerer().await;
    let line = answerer.as_ref().context("there is no answerer")?.line("event", "unanswered").await?;
    ensure!(line["level"] == "ERROR", "{line}");
    Ok(())
}

/// The message waits for the end of another's, until it is too old to be asked about.
async fn heard_after_another(answering: &mut Answering) -> Result<Vec<String>> {
    answering.model.gate().set_for("먼저", Fault::Slow(Duration::from_secs(4)));
    let first = answering.say(CallbackKind::Chat, "먼저", 0).await?;
    let batch = answering.queue.receive(BATCH);
    let said = answering.say(CallbackKind::Chat, "무엇?", 51_500).await?;
    let begun = Instant::now();
    let again = work(answering.answerer().await.as_mut().context("there is no answerer")?, batch).await?;
    ensure!(again.is_empty() && answering.heard(&first)? == [ANSWER], "the other message is not answered");
    ensure!(begun.elapsed() >= Duration::from_secs(4), "the answerer was not busy");
    ensure!(answering.work().await?.is_empty(), "the message comes again");
    answering.heard(&said)
}

/// What the skill itself answers.
async fn heard_at_once(answering: &mut Answering) -> Result<Vec<String>> {
    let said = answering.say(CallbackKind::Chat, "무엇?", 0).await?;
    ensure!(said.answer.status == 200, "{:?}", said.answer);
    let answer: Value = serde_json::from_str(&said.answer.body)?;
    ensure!(answering.queue.is_empty(), "the queue has the message");
    let text = answer["template"]["outputs"][0]["simpleText"]["text"].as_str().unwrap_or_default();
    Ok(vec![text.to_owned()])
}

/// The answerer is killed when the service, or with its answer Kakao, has been asked. The queue brings the message again.
async fn heard_after_a_kill(answering: &mut Answering, age: i64, model: Fault) -> Result<Vec<String>> {
    answering.model.gate().set(model);
    let said = answering.say(CallbackKind::Chat, "무엇?", age).await?;
    let messages = answering.queue.receive(1);
    let event = end_to_end::pipeline::batch_event(&messages);
    if let Some(answerer) = &*answering.answerer().await {
        answerer.begin(&event).await;
        match model {
            // It is claimed before that. The warm-up's message was the first.
            Fault::Hangs => becomes("the message is hidden", &true, async || answering.queue.hidden().len() > 1).await,
            _ => becomes("Kakao has it", &true, async || !attempts(answering, &said).is_empty()).await,
        }
    }
    answering.kill_answerer().await;
    answering.restart_answerer(&[]).await?;
    // For so long the queue hides it.
    let hidden = answering.queue.hidden();
    sleep(Duration::from_secs(hidden.last().map_or(0, |(_, seconds)| *seconds))).await;
    answering.queue.give_back(messages);
    ensure!(answering.work().await?.is_empty(), "the message comes again");
    answering.heard(&said)
}

fn attempts(answering: &Answering, said: &Said) -> Vec<String> {
    answering
        .exchange(said)
        .map(|exchange| exchange.attempts().iter().map(|it| it.body.clone()).collect())
        .unwrap_or_default()
}

/// Two answerers get the same message at once.
async fn heard_of_two(answering: &mut Answering) -> Result<Vec<String>> {
    answering.model.gate().set(Fault::Slow(Duration::from_secs(1)));
    let said = answering.say(CallbackKind::Chat, "무엇?", 0).await?;
    let messages = answering.queue.receive(1);
    let mut other = answering.start_answerer(&[]).await?;
    answering.queue.give_back(messages.clone());
    let (one, two) = tokio::join!(answering.work(), work(&mut other, messages));
    ensure!(one?.len() + two?.len() == 1, "one of the two gives it back");
    is_asked_once(answering)?;
    answering.heard(&said)
}

/// One answerer gets the same message twice at once, under two ids.
async fn heard_of_a_batch(answering: &mut Answering) -> Result<Vec<String>> {
    answering.model.gate().set(Fault::Slow(Duration::from_secs(1)));
    let said = answering.say(CallbackKind::Chat, "무엇?", 0).await?;
    answering.queue.put(answering.queue.bodies().last().context("the queue is empty")?);
    ensure!(answering.queue.len() == 2, "the batch has {} messages", answering.queue.len());
    ensure!(answering.work().await?.len() == 1, "one of the two comes again");
    is_asked_once(answering)?;
    answering.heard(&said)
}

fn is_asked_once(answering: &Answering) -> Result<()> {
    let asked = answering.model.posted().iter().filter(|posted| posted.body.contains("무엇?")).count();
    ensure!(asked == 1, "the service is asked {asked} times");
    Ok(())
}
