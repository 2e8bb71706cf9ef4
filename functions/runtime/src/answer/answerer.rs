use std::{panic::AssertUnwindSafe, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use kakao_webhooks::{
    skill::{
        CallbackFailure, CallbackOrigin, DirectQuestion, DirectReply, InvalidAnswer, Job, Next, Note, Place,
        QuestionKind, SkillResponse, in_plain_words, judge, read_answer, read_status,
    },
    wire::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::{AskService, CallbackEdge, Claim, Claims, Lease, Question, record::Record};
use crate::{
    batch::{Batch, BatchResponse},
    edges::{CallError, Deletion, EdgeError, Visibility},
};

/// Asks the service, and sees to it that the user hears something.
#[derive(Debug)]
pub struct Answerer<S, C, L, V> {
    /// The service's own answerer.
    pub service: S,
    /// Kakao's callback API.
    pub callback: C,
    /// Who works on which job.
    pub claims: L,
    /// The queue that jobs come from.
    pub queue: V,
    /// Where callback URLs lead.
    pub origin: CallbackOrigin,
    /// The text for a user who gets no answer.
    pub fallback: String,
}

/// What the function is invoked with.
#[derive(Debug)]
pub enum Event {
    /// A question of the skill function, which waits for what is returned.
    Direct(DirectQuestion),
    /// Jobs of the queue.
    Jobs(Batch),
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        match DirectQuestion::decode(&event) {
            Some(ask) => Ok(Self::Direct(ask)),
            None => Batch::deserialize(event).map(Self::Jobs).map_err(serde::de::Error::custom),
        }
    }
}

/// What the function returns.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Response {
    /// To the skill function.
    Direct(DirectReply),
    /// To the queue.
    Jobs(BatchResponse),
}

/// Why there is no answer of the service's. The names stand in logs.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("no answer in time")]
    TimedOut,
    #[error("{0}")]
    Failed(CallError),
    #[error("{0}")]
    Invalid(#[from] InvalidAnswer),
}

impl NoAnswer {
    const fn cause(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::Failed(_) => "failed",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// Why a post was not shown, as far as is known.
enum NotShown {
    Refused(CallbackFailure),
    NoResponse(String),
}

impl NotShown {
    const fn cause(&self) -> &'static str {
        match self {
            Self::Refused(failure) => failure.name(),
            Self::NoResponse(_) => "no_response",
        }
    }

    const fn next(&self) -> Next {
        match self {
            Self::Refused(failure) => failure.next(),
            Self::NoResponse(_) => Next::Retry,
        }
    }

    /// A failure of Kakao's may come behind the showing.
    const fn may_be_shown(&self) -> bool {
        matches!(self, Self::NoResponse(_) | Self::Refused(CallbackFailure::Kakao))
    }

    /// So Kakao refuses what follows an answer that was shown, and what comes too late.
    const fn is_used_up(&self) -> bool {
        matches!(self, Self::Refused(CallbackFailure::Token))
    }
}

/// What is said, and why it is the fallback text if it is.
struct Words {
    json: String,
    fallback: Option<&'static str>,
}

/// One invocation: when it began, and when it has to end.
#[derive(Clone, Copy)]
struct Invocation<'i> {
    id: &'i str,
    now: Time,
    begun: Instant,
    deadline: Instant,
}

impl Invocation<'_> {
    fn now(&self) -> Time {
        let elapsed = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        Time::clamped(self.now.as_millis().saturating_add(elapsed))
    }

    /// That moment by tokio's clock, but not after the invocation's end.
    fn at(&self, time: Time) -> Instant {
        let left = u64::try_from(time.millis_since(self.now)).unwrap_or_default();
        self.deadline.min(self.begun + Duration::from_millis(left))
    }

    fn until(&self, time: Time) -> Duration {
        Duration::from_millis(u64::try_from(time.millis_since(self.now())).unwrap_or_default())
    }
}

/// The table is asked for so long who works on a job, with that much time left; then the job is worked on without.
fn longest_claim(left: Duration) -> Duration {
    (left / 10).clamp(Duration::from_secs(2), Duration::from_secs(5))
}

/// A lease that ends so soon is waited for: the queue would bring the message too late.
const SOON: Duration = Duration::from_secs(5);

/// How often a message is hidden that the queue does not hide.
const HIDE_ATTEMPTS: usize = 3;

/// So long Kakao may take for one post, and no longer than half of the time that is left: a second one has room.
const LONGEST_POST: Duration = Duration::from_secs(5);

/// In less time no post is repeated.
const SHORTEST_POST: Duration = Duration::from_millis(500);

/// So near its end Kakao's URL may be dead by Kakao's clock.
const CLOCKS: Duration = Duration::from_secs(1);

/// The pause before something is tried again for the first time. Then it doubles …
const PAUSE: Duration = Duration::from_secs(1);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// For as long as there is time.
fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(PAUSE).with_max_delay(LONGEST_PAUSE).without_max_times()
}

impl<S: AskService, C: CallbackEdge, L: Claims, V: Visibility + Deletion> Answerer<S, C, L, V> {
    /// Handles one invocation, by its id, which has to end before its deadline.
    pub async fn handle(&self, event: Event, id: &str, now: Time, deadline: Instant) -> Response {
        let invocation = Invocation { id, now, begun: Instant::now(), deadline };
        match event {
            Event::Direct(ask) => Response::Direct(self.answer_now(ask, invocation).await),
            Event::Jobs(batch) => {
                let records = batch.records();
                let jobs = records.iter().enumerate().map(|(index, record)| async move {
                    // A batch may hold a message twice, and each is another worker's.
                    let worker = format!("{id}#{index}");
                    self.work_alone(record, Invocation { id: &worker, ..invocation }).await
                });
                let jobs = join_all(jobs).await;
                Response::Jobs(BatchResponse::of_failed(jobs.into_iter().flatten()))
            }
        }
    }

    async fn answer_now(&self, ask: DirectQuestion, invocation: Invocation<'_>) -> DirectReply {
        let DirectQuestion { request_id, asked, deadline, payload } = ask;
        let answer = async {
            // The skill waits for it: one second attempt at most.
            let pauses = pauses().with_max_times(1);
            let answer = self.ask(Question::new(&request_id, payload, deadline), deadline, pauses, invocation).await?;
            Ok(match asked {
                QuestionKind::Message(place) => read(&answer, place, &request_id)?.into_json(),
                QuestionKind::Validation => read_status(&answer)?.json().to_owned(),
            })
        };
        match answer.await {
            Ok(answer) => DirectReply::Answer(answer),
            Err(why) => {
                log_no_answer(&why, &request_id);
                DirectReply::Failed(why.cause().to_owned())
            }
        }
    }

    /// The message's id, if it has to come again; without one, an empty text, by which Lambda brings the whole batch.
    async fn work_alone(&self, record: &Value, invocation: Invocation<'_>) -> Option<String> {
        let id = || record.get("messageId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let work = AssertUnwindSafe(self.work(record, invocation)).catch_unwind();
        // A last limit, so that nothing that hangs takes the other messages' report along.
        let is_done = match timeout_at(invocation.deadline, work).await {
            Ok(Ok(is_done)) => is_done,
            Ok(Err(_)) => {
                tracing::error!(event = "job_panicked");
                false
            }
            Err(_) => false,
        };
        (!is_done).then(id)
    }

    /// Works on a message. Whether it is done with.
    async fn work(&self, record: &Value, invocation: Invocation<'_>) -> bool {
        let Record { receipt, job, can_be_asked } = Record::read(record, &self.origin);
        let job = match job {
            Ok(job) => job,
            Err(why) => {
                // It will never be a job.
                tracing::error!(event = "unanswerable", %why);
                return true;
            }
        };
        let deadlines = job.deadlines();
        loop {
            let now = invocation.now();
            if now >= deadlines.end {
                log_unanswered("expired", &job);
                return true;
            }
            let lease = if now < deadlines.answer { deadlines.lease } else { deadlines.end };
            match self.claim(&job, now, lease, invocation).await {
                // Nothing could be said behind that worker.
                Claim::Held { until } if until >= deadlines.end => return true,
                Claim::Held { until } if invocation.until(until) > SOON => {
                    self.hide(receipt.as_deref(), &job, until, invocation).await;
                    return false;
                }
                Claim::Held { until } => sleep_until(invocation.at(until)).await,
                claim => {
                    // Should this worker be killed, the message comes again at the end of its lease.
                    let hide = self.hide(receipt.as_deref(), &job, lease, invocation);
                    let answer = async {
                        let words = self.words(&job, can_be_asked, claim, invocation).await;
                        self.say(&job, words, claim, invocation).await;
                    };
                    join(hide, answer).await;
                    self.delete(receipt.as_deref(), &job).await;
                    return true;
                }
            }
        }
    }

    async fn claim(&self, job: &Job, now: Time, until: Time, invocation: Invocation<'_>) -> Claim {
        let lease = Lease { request_id: &job.request_id, worker: invocation.id, now, until };
        let limit = longest_claim(invocation.until(job.deadlines().answer));
        let error = match timeout(limit, self.claims.claim(lease)).await {
            Ok(Ok(claim)) => return claim,
            Ok(Err(error)) => error.0,
            Err(_) => "no answer in time".to_owned(),
        };
        // Rather twice than never: Kakao shows the first answer only.
        tracing::warn!(event = "not_claimed", error, request_id = job.request_id);
        Claim::Unknown
    }

    /// What the user hears: the service is asked once, by the first worker.
    async fn words(&self, job: &Job, can_be_asked: bool, claim: Claim, invocation: Invocation<'_>) -> Words {
        let deadlines = job.deadlines();
        let no_answer = match claim {
            _ if !can_be_asked => "version",
            Claim::First | Claim::Unknown if invocation.now() < deadlines.answer => {
                let question = Question::new(&job.request_id, job.payload.clone(), deadlines.answer);
                let answer = self.ask(question, deadlines.answer, pauses(), invocation).await;
                match answer.and_then(|answer| Ok(read(&answer, job.place, &job.request_id)?)) {
                    Ok(response) => return Words { json: response.into_json(), fallback: None },
                    Err(why) => {
                        log_no_answer(&why, &job.request_id);
                        why.cause()
                    }
                }
            }
            Claim::First | Claim::Unknown => "late",
            Claim::Abandoned | Claim::Held { .. } => "abandoned",
        };
        self.fallback(no_answer)
    }

    fn fallback(&self, cause: &'static str) -> Words {
        Words { json: SkillResponse::plain(&self.fallback).into_json(), fallback: Some(cause) }
    }

    /// Asks the service; again only where it certainly has not begun, while there is time behind the pause.
    async fn ask(
        &self,
        question: Question,
        deadline: Time,
        pauses: ExponentialBuilder,
        invocation: Invocation<'_>,
    ) -> Result<String, NoAnswer> {
        let (until, mut pauses) = (invocation.at(deadline), pauses.build());
        loop {
            let error = match self.ask_once(question.clone(), invocation.now(), until).await {
                Err(error @ NoAnswer::Failed(CallError::NotBegun(_))) => error,
                answer => return answer,
            };
            match pauses.next() {
                Some(pause) if Instant::now() + pause < until => sleep(pause).await,
                _ => return Err(error),
            }
        }
    }

    async fn ask_once(&self, question: Question, now: Time, until: Instant) -> Result<String, NoAnswer> {
        let asking = AssertUnwindSafe(self.service.ask(question, now, until)).catch_unwind();
        match timeout_at(until, asking).await {
            Ok(Ok(answer)) => answer.map_err(NoAnswer::Failed),
            Ok(Err(_)) => Err(NoAnswer::Failed(CallError::Failed("a panic".to_owned()))),
            Err(_) => Err(NoAnswer::TimedOut),
        }
    }

    /// Posts an answer, and logs whether the user heard it.
    async fn say(&self, job: &Job, words: Words, claim: Claim, invocation: Invocation<'_>) {
        match self.post(job, words, invocation).await {
            Ok(words) => log_replied(&words, job, invocation),
            // Another worker has answered.
            Err(NotShown::Refused(CallbackFailure::Token)) if matches!(claim, Claim::Abandoned | Claim::Unknown) => {}
            Err(why) => log_unanswered(why.cause(), job),
        }
    }

    /// Posts an answer until Kakao takes it, or nothing more can be done, also behind the lease: Kakao shows the first
    /// that reaches it, so a post whose fate is unknown may be repeated. What was shown, or why probably nothing was.
    async fn post(&self, job: &Job, mut words: Words, invocation: Invocation<'_>) -> Result<Words, NotShown> {
        let deadlines = job.deadlines();
        let until = invocation.at(deadlines.end);
        let (mut may_be_shown, mut is_repeated, mut is_plain) = (false, false, false);
        let mut pauses = pauses().build();
        loop {
            let Err(why) = self.post_once(job, &words, until).await else { return Ok(words) };
            if why.is_used_up() && may_be_shown && invocation.until(deadlines.end) > CLOCKS {
                return Ok(words);
            }
            log_not_shown(&why, job);
            may_be_shown |= why.may_be_shown();
            let left = until.saturating_duration_since(Instant::now());
            match why.next() {
                Next::PlainText if !is_plain && words.fallback.is_none() => {
                    is_plain = true;
                    words = self.in_plain_words(&words);
                    continue;
                }
                // Kakao may not have the first answer yet.
                Next::OnceMore if left > PAUSE && (!is_repeated || invocation.now() < deadlines.announced) => {
                    is_repeated = true;
                    sleep(PAUSE).await;
                }
                Next::Retry if left > SHORTEST_POST => {
                    sleep(pauses.next().unwrap_or(PAUSE).min(left / 2)).await;
                }
                _ => return Err(why),
            }
        }
    }

    async fn post_once(&self, job: &Job, words: &Words, until: Instant) -> Result<(), NotShown> {
        let left = until.saturating_duration_since(Instant::now());
        match timeout(LONGEST_POST.min(left / 2), self.callback.post(&job.url, &words.json)).await {
            Ok(Ok(reply)) => judge(reply.status, &reply.body).map_err(NotShown::Refused),
            Ok(Err(EdgeError(error))) => Err(NotShown::NoResponse(error)),
            Err(_) => Err(NotShown::NoResponse("no answer in time".to_owned())),
        }
    }

    /// What else can be said where Kakao does not take an answer's form.
    fn in_plain_words(&self, words: &Words) -> Words {
        match in_plain_words(&words.json) {
            Some(plain) => Words { json: plain.into_json(), fallback: None },
            None => self.fallback("refused"),
        }
    }

    /// Nothing waits for it, but without it a killed worker's message comes too late: it is tried again.
    async fn hide(&self, receipt: Option<&str>, job: &Job, until: Time, invocation: Invocation<'_>) {
        let mut error = EdgeError("the record has no receiptHandle".to_owned());
        for attempt in 0..if receipt.is_some() { HIDE_ATTEMPTS } else { 0 } {
            if attempt > 0 {
                sleep(PAUSE).await;
            }
            let hide = self.queue.hide(receipt.unwrap_or_default(), invocation.until(until));
            match timeout_at(invocation.at(until), hide).await {
                Ok(Ok(())) => return,
                Ok(Err(failed)) => error = failed,
                Err(_) => error = EdgeError("no answer in time".to_owned()),
            }
        }
        tracing::warn!(event = "pause_not_set", %error, request_id = job.request_id);
    }

    /// At once, and not with its batch: that may last longer than the lease.
    async fn delete(&self, receipt: Option<&str>, job: &Job) {
        let Some(receipt) = receipt else { return };
        if let Err(error) = self.queue.delete(receipt).await {
            tracing::warn!(event = "job_not_deleted", %error, request_id = job.request_id);
        }
    }
}

/// Reads the answer to a message, and logs what of it has no effect, or none that this version knows.
fn read(answer: &str, place: Place, request_id: &str) -> Result<SkillResponse, InvalidAnswer> {
    let response = read_answer(answer, place)?;
    let remarks = response.remarks().iter().filter(|remark| matches!(remark.what, Note::Unknown { .. }));
    let fields: Vec<String> =
        remarks.take(MOST_FIELDS).map(|it| it.field.chars().take(LONGEST_FIELD).collect()).collect();
    if !fields.is_empty() {
        tracing::warn!(event = "answer_partly_unknown", fields = fields.join(", "), request_id);
    }
    Ok(response)
}

/// So many fields of an answer a log line names …
const MOST_FIELDS: usize = 5;
/// … and so much of each: the service may call them anything.
const LONGEST_FIELD: usize = 100;

fn log_no_answer(why: &NoAnswer, request_id: &str) {
    tracing::warn!(event = "not_answered", cause = why.cause(), %why, request_id);
}

fn log_not_shown(why: &NotShown, job: &Job) {
    let (cause, request_id) = (why.cause(), &job.request_id);
    match why {
        NotShown::Refused(failure @ (CallbackFailure::Bot | CallbackFailure::Unknown { .. })) => {
            tracing::error!(event = "callback_failed", cause, error = %failure, request_id);
        }
        NotShown::Refused(failure) => tracing::warn!(event = "callback_failed", cause, error = %failure, request_id),
        NotShown::NoResponse(error) => tracing::warn!(event = "callback_failed", cause, error, request_id),
    }
}

/// The user heard the waiting text only, surely or probably.
fn log_unanswered(cause: &'static str, job: &Job) {
    tracing::error!(event = "unanswered", cause, request_id = job.request_id);
}

fn log_replied(words: &Words, job: &Job, invocation: Invocation<'_>) {
    let ms = u64::try_from(invocation.now().millis_since(job.received_at)).unwrap_or_default();
    let (in_time, request_id, room) = (words.fallback.is_none(), &job.request_id, job.place == Place::Room);
    tracing::info!(event = "replied", via = "callback", in_time, ms, room = room.then_some(true), request_id);
    if let Some(cause) = words.fallback {
        tracing::warn!(event = "fallback", via = "callback", cause, request_id);
    }
}
