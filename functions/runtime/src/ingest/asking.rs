use std::time::Duration;

use kakao_webhooks::{
    skill::{
        CallbackOrigin, CallbackUrl, DirectQuestion, DirectReply, Job, Place, QuestionKind, SkillResponse,
        ValidationStatus, read_status, waiting_answer,
    },
    wire::{BotId, Kind, Time},
};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout_at};

use super::Arrival;
use crate::edges::{CallError, EdgeError, Function, Queue};

/// How the service is asked what to answer: by a queue where Kakao lets the answer come later, else by the function
/// `answerer` while Kakao waits.
#[derive(Debug)]
pub struct Asking<Q, F> {
    /// Where what is answered by callback waits.
    pub queue: Q,
    /// The function `answerer`.
    pub function: F,
    /// Where callback URLs lead.
    pub origin: CallbackOrigin,
    /// The texts for a user without an answer.
    pub texts: AnswerTexts,
}

/// The texts for a user who has no answer yet, or gets none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerTexts {
    /// While the answer is worked out.
    pub wait: String,
    /// Where there is none.
    pub fallback: String,
}

/// A message of a proven sender that the service is asked about.
pub(super) struct Question {
    pub(super) bot_id: BotId,
    pub(super) place: Place,
    pub(super) callback: Option<CallbackUrl>,
    pub(super) payload: Map<String, Value>,
}

/// How long the queue may take: the other way needs the rest.
const LONGEST_SEND: Duration = Duration::from_millis(1_200);

/// The longest wait for the function `answerer`.
const LONGEST_ASK: Duration = Duration::from_millis(3_500);

/// Before the function is invoked a second time.
const PAUSE: Duration = Duration::from_millis(500);

/// Kept of that wait, for the way there and back.
const WAY: Duration = Duration::from_millis(250);

impl<Q: Queue, F: Function> Asking<Q, F> {
    /// The answer to a message, as JSON: the waiting answer, the service's, or the fallback text.
    pub(super) async fn answer(&self, question: Question, arrival: &Arrival, until: Instant) -> String {
        let Question { bot_id, place, callback, payload } = question;
        if let Some(url) = callback {
            let (request_id, received_at) = (arrival.request_id.clone(), arrival.received_at);
            let job = Job { request_id, bot_id, received_at, place, url, payload };
            if self.enqueue(&job, until).await {
                return waiting_answer(&self.texts.wait);
            }
            return self.ask_now(job.payload, place, arrival, until).await;
        }
        self.ask_now(payload, place, arrival, until).await
    }

    /// The verdict on a parameter's value, if the service gives one.
    pub(super) async fn validate(
        &self,
        payload: Map<String, Value>,
        arrival: &Arrival,
        until: Instant,
    ) -> Option<ValidationStatus> {
        let answer = self.ask(payload, QuestionKind::Validation, arrival, until).await;
        answer.and_then(|answer| read_status(&answer).map_err(|_| "invalid".to_owned())).ok()
    }

    /// Whether the queue took a job. One that it took in spite of an error has the service asked twice, and the user answered
    /// once: Kakao refuses its callback, since the first answer announced none.
    async fn enqueue(&self, job: &Job, until: Instant) -> bool {
        let send = async {
            let text = job.encode().map_err(|error| EdgeError(error.to_string()))?;
            self.queue.send(&text).await
        };
        let sent = timeout_at(until.min(Instant::now() + LONGEST_SEND), send).await;
        let error = match sent {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.0,
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(event = "answer_queue_failed", kind = Kind::Skill.name(), error, request_id = job.request_id);
        false
    }

    /// The answer, which the function `answerer` has checked, or the fallback text.
    async fn ask_now(&self, payload: Map<String, Value>, place: Place, arrival: &Arrival, until: Instant) -> String {
        let answer = self.ask(payload, QuestionKind::Message(place), arrival, until).await;
        let ms = u64::try_from(arrival.age().as_millis()).unwrap_or(u64::MAX);
        let (kind, request_id, in_time) = (Kind::Skill.name(), &arrival.request_id, answer.is_ok());
        tracing::info!(event = "replied", kind, via = "direct", in_time, ms, request_id);
        answer.unwrap_or_else(|cause| self.fallback(&cause, arrival).into_json())
    }

    /// The fallback text, with the cause's short name for the log.
    pub(super) fn fallback(&self, cause: &str, arrival: &Arrival) -> SkillResponse {
        let kind = Kind::Skill.name();
        tracing::warn!(event = "fallback", kind, via = "direct", cause, request_id = arrival.request_id);
        SkillResponse::plain(&self.texts.fallback)
    }

    /// What the function `answerer` returns, or the cause's short name.
    async fn ask(
        &self,
        payload: Map<String, Value>,
        asked: QuestionKind,
        arrival: &Arrival,
        until: Instant,
    ) -> Result<String, String> {
        let until = until.min(Instant::now() + LONGEST_ASK);
        let deadline = deadline(arrival, until);
        let ask = DirectQuestion { request_id: arrival.request_id.clone(), asked, deadline, payload };
        let error = match timeout_at(until, self.invoke(&ask)).await {
            Ok(Ok(reply)) => match serde_json::from_str(&reply) {
                Ok(DirectReply::Answer(answer)) => return Ok(answer),
                Ok(DirectReply::Failed(cause)) => return Err(cause),
                Err(_) => "it returned no reply that is known".to_owned(),
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => return Err("timed_out".to_owned()),
        };
        tracing::warn!(event = "not_asked", kind = Kind::Skill.name(), error, request_id = arrival.request_id);
        Err("not_asked".to_owned())
    }

    /// Invokes the function; once more where it certainly did not run.
    async fn invoke(&self, ask: &DirectQuestion) -> Result<String, CallError> {
        let event = ask.encode().map_err(|error| CallError::Failed(error.to_string()))?;
        match self.function.invoke(event.clone()).await {
            Err(CallError::NotBegun(_)) => {
                sleep(PAUSE).await;
                self.function.invoke(event).await
            }
            invoked => invoked,
        }
    }
}

/// A moment by the clock that both functions have.
fn deadline(arrival: &Arrival, until: Instant) -> Time {
    let left = until.saturating_duration_since(arrival.handed_over).saturating_sub(WAY);
    Time::clamped(arrival.now.as_millis().saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX)))
}
