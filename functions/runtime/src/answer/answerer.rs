use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use kakao_webhooks::{
    skill::{
        Ask, AskReply, Asked, CallbackFailure, CallbackOrigin, Deadlines, InvalidAnswer, Job, Next, Place,
        SkillResponse, in_plain_words, judge, read_answer, read_status,
    },
    wire::Time,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::{AskService, CallbackEdge, Claim, Claims, Lease, Question, record::Record};
use crate::{
    batch::{Batch, BatchResponse},
    edges::{Deletion, EdgeError, Visibility},
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
    /// What a user is told who gets no answer.
    pub fallback: String,
}

/// What the function is invoked with.
#[derive(Debug)]
pub enum Event {
    /// A question of the skill function, which waits for what is returned.
    Ask(Ask),
    /// Jobs of the queue.
    Jobs(Batch),
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        match Ask::decode(&event) {
            Some(ask) => Ok(Self::Ask(ask)),
            None => Batch::deserialize(event).map(Self::Jobs).map_err(serde::de::Error::custom),
        }
    }
}

/// What the function returns.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Response {
    /// To the skill function.
    Ask(AskReply),
    /// To the queue.
    Jobs(BatchResponse),
}

/// Why there is no answer of the service's. The names stand in logs.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("no answer in time")]
    TimedOut,
    #[error("{0}")]
    Failed(EdgeError),
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

/// The table is asked for so long who works on a job; then the job is worked on without.
const LONGEST_CLAIM: Duration = Duration::from_secs(2);

/// A lease that ends so soon is waited for: the queue would bring the message too late.
const SOON: Duration = Duration::from_secs(5);

/// So long Kakao may take for one post.
const LONGEST_POST: Duration = Duration::from_secs(5);

/// The pause before a post is repeated for the first time, and for the last ones. In between it doubles …
const PAUSE: Duration = Duration::from_secs(1);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl<S: AskService, C: CallbackEdge, L: Claims, V: Visibility + Deletion> Answerer<S, C, L, V> {
    /// Handles one invocation, by its id, which has to end before its deadline.
    pub async fn handle(&self, event: Event, id: &str, now: Time, deadline: Instant) -> Response {
        let invocation = Invocation { id, now, begun: Instant::now(), deadline };
        match event {
            Event::Ask(ask) => Response::Ask(self.answer_now(ask, invocation).await),
            Event::Jobs(batch) => {
                let records = batch.records();
                let jobs = join_all(records.iter().map(|record| self.work_alone(record, invocation))).await;
                Response::Jobs(BatchResponse::of_failed(jobs.into_iter().flatten()))
            }
        }
    }

    async fn answer_now(&self, ask: Ask, invocation: Invocation<'_>) -> AskReply {
        let Ask { request_id, asked, deadline, payload } = ask;
        let answer = async {
            let answer = self.ask(&request_id, payload, deadline, invocation).await?;
            Ok(match asked {
                Asked::Message(place) => read_answer(&answer, place)?.into_json(),
                Asked::Validation => read_status(&answer)?.json().to_owned(),
            })
        };
        match answer.await {
            Ok(answer) => AskReply::Answer(answer),
            Err(why) => {
                log_no_answer(&why, &request_id);
                AskReply::Failed(why.cause().to_owned())
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
                tracing::error!(event = "unanswerable", why = "a panic");
                false
            }
            Err(_) => false,
        };
        (!is_done).then(id)
    }

    /// Works on a message. Whether it is done with.
    async fn work(&self, record: &Value, invocation: Invocation<'_>) -> bool {
        let Record { receipt, job } = Record::read(record, &self.origin);
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
                tracing::error!(
                    event = "unanswered",
                    why = "the callback URL has expired",
                    request_id = job.request_id
                );
                return true;
            }
            let lease = if now < deadlines.answer { deadlines.lease } else { deadlines.end };
            match self.claim(&job, now, lease, invocation).await {
                Claim::Held { until } if invocation.until(until) > SOON => {
                    self.hide(receipt.as_deref(), &job, until, invocation).await;
                    return false;
                }
                Claim::Held { until } => sleep_until(invocation.at(until)).await,
                claim => {
                    // Should this worker be killed, the message comes again at the end of its lease.
                    let hide = self.hide(receipt.as_deref(), &job, lease, invocation);
                    let answer = async {
                        let words = self.words(&job, claim, deadlines, invocation).await;
                        self.post(&job, words, invocation.at(lease), invocation).await;
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
        let error = match timeout(LONGEST_CLAIM, self.claims.claim(lease)).await {
            Ok(Ok(claim)) => return claim,
            Ok(Err(error)) => error.0,
            Err(_) => "no answer in time".to_owned(),
        };
        // Rather twice than never: Kakao shows the first answer only.
        tracing::warn!(event = "not_claimed", error, request_id = job.request_id);
        Claim::First
    }

    /// What the user is told: the service is asked once, by the first worker.
    async fn words(&self, job: &Job, claim: Claim, deadlines: Deadlines, invocation: Invocation<'_>) -> Words {
        let no_answer = match claim {
            Claim::First if invocation.now() < deadlines.answer => {
                let answer = self.ask(&job.request_id, job.payload.clone(), deadlines.answer, invocation).await;
                match answer.and_then(|answer| Ok(read_answer(&answer, job.place)?)) {
                    Ok(response) => return Words { json: response.into_json(), fallback: None },
                    Err(why) => {
                        log_no_answer(&why, &job.request_id);
                        why.cause()
                    }
                }
            }
            Claim::First => "late",
            _ => "abandoned",
        };
        self.fallback(no_answer)
    }

    fn fallback(&self, cause: &'static str) -> Words {
        Words { json: SkillResponse::plain(&self.fallback).into_json(), fallback: Some(cause) }
    }

    async fn ask(
        &self,
        request_id: &str,
        payload: Map<String, Value>,
        deadline: Time,
        invocation: Invocation<'_>,
    ) -> Result<String, NoAnswer> {
        let (question, until) = (Question::new(request_id, payload, deadline), invocation.at(deadline));
        let asking = AssertUnwindSafe(self.service.ask(question, until)).catch_unwind();
        match timeout_at(until, asking).await {
            Ok(Ok(answer)) => answer.map_err(NoAnswer::Failed),
            Ok(Err(_)) => Err(NoAnswer::Failed(EdgeError("a panic".to_owned()))),
            Err(_) => Err(NoAnswer::TimedOut),
        }
    }

    /// Posts an answer until Kakao takes it, or nothing more can be done. Kakao shows the first that reaches it, so a
    /// post whose fate is unknown may be repeated.
    async fn post(&self, job: &Job, mut words: Words, until: Instant, invocation: Invocation<'_>) {
        let (mut may_be_shown, mut is_repeated, mut is_plain) = (false, false, false);
        let mut pause = PAUSE;
        loop {
            let limit = until.min(Instant::now() + LONGEST_POST);
            let next = match timeout_at(limit, self.callback.post(&job.url, &words.json)).await {
                Ok(Ok(reply)) => match judge(reply.status, &reply.body) {
                    Ok(()) => return log_replied(&words, job, invocation),
                    // An earlier post used it up.
                    Err(CallbackFailure::Token) if may_be_shown => return log_replied(&words, job, invocation),
                    Err(failure) => {
                        log_callback_failed(&failure, job);
                        failure.next()
                    }
                },
                Ok(Err(EdgeError(error))) => {
                    log_no_response(&error, job);
                    may_be_shown = true;
                    Next::Retry
                }
                Err(_) => {
                    log_no_response("no answer in time", job);
                    may_be_shown = true;
                    Next::Retry
                }
            };
            match next {
                Next::Retry => {}
                Next::OnceMore if !is_repeated => is_repeated = true,
                Next::PlainText if !is_plain && words.fallback.is_none() => {
                    is_plain = true;
                    words = self.in_plain_words(&words);
                }
                Next::GiveUp | Next::OnceMore | Next::PlainText => return,
            }
            if next == Next::PlainText {
                continue;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left <= PAUSE {
                return;
            }
            sleep(if pause < left { pause } else { PAUSE }).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// What else can be said where Kakao does not take an answer's form.
    fn in_plain_words(&self, words: &Words) -> Words {
        match in_plain_words(&words.json) {
            Some(plain) => Words { json: plain.into_json(), fallback: None },
            None => self.fallback("refused"),
        }
    }

    async fn hide(&self, receipt: Option<&str>, job: &Job, until: Time, invocation: Invocation<'_>) {
        let hidden = match receipt {
            Some(receipt) => {
                let pause = invocation.until(until);
                timeout_at(invocation.at(until), self.queue.hide(receipt, pause)).await
            }
            None => Ok(Err(EdgeError("the record has no receiptHandle".to_owned()))),
        };
        let error = match hidden {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.0,
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(event = "pause_not_set", error, request_id = job.request_id);
    }

    /// At once, and not with its batch: that may last longer than the lease.
    async fn delete(&self, receipt: Option<&str>, job: &Job) {
        let Some(receipt) = receipt else { return };
        if let Err(error) = self.queue.delete(receipt).await {
            tracing::warn!(event = "job_not_deleted", %error, request_id = job.request_id);
        }
    }
}

fn log_no_answer(why: &NoAnswer, request_id: &str) {
    tracing::warn!(event = "not_answered", cause = why.cause(), %why, request_id);
}

fn log_callback_failed(failure: &CallbackFailure, job: &Job) {
    let (cause, request_id) = (failure.name(), &job.request_id);
    match failure {
        CallbackFailure::Bot | CallbackFailure::Unknown { .. } => {
            tracing::error!(event = "callback_failed", cause, error = %failure, request_id);
        }
        _ => tracing::warn!(event = "callback_failed", cause, error = %failure, request_id),
    }
}

fn log_no_response(error: &str, job: &Job) {
    tracing::warn!(event = "callback_failed", cause = "no_response", error, request_id = job.request_id);
}

fn log_replied(words: &Words, job: &Job, invocation: Invocation<'_>) {
    let ms = u64::try_from(invocation.now().millis_since(job.received_at)).unwrap_or_default();
    let (in_time, request_id, room) = (words.fallback.is_none(), &job.request_id, job.place == Place::Room);
    tracing::info!(event = "replied", via = "callback", in_time, ms, room = room.then_some(true), request_id);
    if let Some(cause) = words.fallback {
        tracing::warn!(event = "fallback", via = "callback", cause, request_id);
    }
}
