use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::join_all};
use http::StatusCode;
use kakao_webhooks::wire::Time;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    Endpoint, SignedRequest,
    message::{Change, Message},
    pauses,
};
use crate::{
    batch::{Batch, BatchResponse},
    edges::{Acknowledgements, EdgeError, Visibility, whole_seconds},
    signing::{HeldSecrets, SecretSource, SigningSecrets},
};

/// Delivers the messages of a queue to an endpoint.
#[derive(Debug)]
pub struct Deliverer<E, V, S, A> {
    endpoint: E,
    queue: V,
    secrets: HeldSecrets<S>,
    /// None: nowhere.
    acknowledgements: Option<A>,
}

/// So long an endpoint may take, from the start of the request to the beginning of the response.
const LONGEST_POST: Duration = Duration::from_secs(10);

/// Kept before the deadline, to set the pauses; of a shorter time, half.
const FOR_PAUSES: Duration = Duration::from_secs(2);

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the endpoint answered {0}")]
    Status(StatusCode),
    #[error("no response in time")]
    TimedOut,
    #[error("{0}")]
    Connection(String),
    #[error("there is no secret to sign with")]
    NoSecret,
    /// The endpoint accepted it. It is delivered again, so that the proof of a departure has no hole.
    #[error("it was accepted, which could not be noted: {0}")]
    NotNoted(String),
}

/// One invocation: when it began, and when it has to end.
#[derive(Clone, Copy)]
struct Invocation {
    now: Time,
    begun: Instant,
    deadline: Instant,
}

impl Invocation {
    /// Until when an endpoint may take, so that the pauses can still be set.
    fn end_of_posts(&self) -> Instant {
        let left = self.deadline.saturating_duration_since(self.begun);
        self.begun + left.saturating_sub(FOR_PAUSES.min(left / 2))
    }

    /// Until when a note may take, so that the pauses can still be set.
    fn end_of_notes(&self) -> Instant {
        self.deadline - self.deadline.saturating_duration_since(self.end_of_posts()) / 2
    }

    /// How long ago a change was written.
    fn millis_since(&self, change: &Change) -> u64 {
        u64::try_from(self.now().millis_since(change.written_at)).unwrap_or_default()
    }

    fn now(&self) -> Time {
        let elapsed = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        Time::clamped(self.now.as_millis().saturating_add(elapsed))
    }
}

impl<E: Endpoint, V: Visibility, S: SecretSource, A: Acknowledgements> Deliverer<E, V, S, A> {
    /// Delivers to `endpoint`, lets messages wait in `queue`, and notes in `acknowledgements` which departures the endpoint
    /// knows of.
    pub const fn new(endpoint: E, queue: V, secrets: HeldSecrets<S>, acknowledgements: Option<A>) -> Self {
        Self { endpoint, queue, secrets, acknowledgements }
    }

    /// Reads the secrets before the first message comes.
    pub async fn prepare(&self, now: Time) {
        // A read has its own, shorter limit.
        self.secrets.current(now, Instant::now() + LONGEST_POST).await;
    }

    /// Posts all messages of a batch at once, and names those that were not delivered. `random` is from 0 up to 1.
    pub async fn deliver<R>(&self, batch: Batch, now: Time, deadline: Instant, random: R) -> BatchResponse
    where
        R: Fn() -> f64,
    {
        let invocation = Invocation { now, begun: Instant::now(), deadline };
        let secrets = self.secrets.current(now, invocation.end_of_posts()).await;
        let records = batch.records();
        let deliveries = records.iter().map(|record| self.deliver_alone(record, secrets.clone(), invocation, random()));
        BatchResponse::of_failed(join_all(deliveries).await.into_iter().flatten())
    }

    /// The message's id, if it has to come again; without one, an empty text, by which Lambda brings the whole batch. A
    /// message with which the function panics comes again after the queue's own visibility timeout.
    async fn deliver_alone(
        &self,
        record: &Value,
        secrets: Option<Arc<SigningSecrets>>,
        invocation: Invocation,
        random: f64,
    ) -> Option<String> {
        let id = || record.get("messageId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let delivery = AssertUnwindSafe(self.deliver_one(record, secrets, invocation, random)).catch_unwind();
        // A last limit, so that nothing that hangs takes the other messages' report along.
        let delivered = timeout_at(invocation.deadline, delivery).await;
        let is_delivered = delivered.is_ok_and(|delivered| {
            delivered.unwrap_or_else(|_| {
                tracing::error!(event = "undeliverable", why = "a panic");
                false
            })
        });
        (!is_delivered).then(id)
    }

    async fn deliver_one(
        &self,
        record: &Value,
        secrets: Option<Arc<SigningSecrets>>,
        invocation: Invocation,
        random: f64,
    ) -> bool {
        let message = Message::read(record);
        let change = match &message.change {
            Ok(change) => change,
            Err(why) => {
                tracing::error!(event = "undeliverable", attempt = message.attempt, %why);
                self.hide(&message, pauses::UNREADABLE, invocation).await;
                return false;
            }
        };
        let Err(failure) = self.attempt(change, message.attempt, secrets, invocation).await else { return true };
        let pause = pauses::after(message.attempt, random);
        failure.log(change.version, message.attempt, invocation.millis_since(change), pause);
        self.hide(&message, pause, invocation).await;
        if matches!(failure, Failure::Status(StatusCode::UNAUTHORIZED)) {
            self.secrets.doubt(invocation.now(), invocation.deadline).await;
        }
        false
    }

    async fn attempt(
        &self,
        change: &Change,
        attempt: u32,
        secrets: Option<Arc<SigningSecrets>>,
        invocation: Invocation,
    ) -> Result<(), Failure> {
        let (now, until) = (invocation.now(), invocation.end_of_posts().min(Instant::now() + LONGEST_POST));
        if until <= Instant::now() {
            return Err(Failure::TimedOut);
        }
        let signature = secrets.and_then(|secrets| secrets.signature(&change.id, now, &change.body));
        let signature = signature.ok_or(Failure::NoSecret)?;
        let (id, body) = (change.id.clone(), change.body.clone());
        let request = SignedRequest { id, timestamp: now.as_seconds(), signature, body };
        let reply = timeout_at(until, self.endpoint.post(request)).await.map_err(|_| Failure::TimedOut)?;
        let reply = reply.map_err(|error| Failure::Connection(error.0))?;
        if !reply.status.is_success() {
            reply.rest.await;
            return Err(Failure::Status(reply.status));
        }
        let ms = invocation.millis_since(change);
        tracing::info!(event = "delivered", version = change.version, attempt, ms, status = reply.status.as_u16());
        let noted = self.note(change, invocation).await;
        reply.rest.await;
        noted
    }

    /// Notes that the endpoint knows of the departure that the change reports, if it does.
    async fn note(&self, change: &Change, invocation: Invocation) -> Result<(), Failure> {
        let (Some(acknowledgements), Some(departure)) = (&self.acknowledgements, &change.departure) else {
            return Ok(());
        };
        let noted = timeout_at(invocation.end_of_notes(), acknowledgements.note(departure, invocation.now())).await;
        noted
            .unwrap_or_else(|_| Err(EdgeError("no answer in time".to_owned())))
            .map_err(|error| Failure::NotNoted(error.0))
    }

    async fn hide(&self, message: &Message, pause: Duration, invocation: Invocation) {
        let hidden = match &message.receipt {
            Some(receipt) => timeout_at(invocation.deadline, self.queue.hide(receipt, pause)).await,
            None => Ok(Err(EdgeError("the record has no receiptHandle".to_owned()))),
        };
        let error = match hidden {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.0,
            Err(_) => "no answer in time".to_owned(),
        };
        let version = message.change.as_ref().ok().and_then(|change| change.version);
        tracing::warn!(event = "pause_not_set", version, attempt = message.attempt, error);
    }
}

impl Failure {
    fn log(&self, version: Option<u64>, attempt: u32, ms: u64, pause: Duration) {
        let next_in_s = whole_seconds(pause);
        match self {
            Self::Status(status) => {
                if *status == StatusCode::GONE {
                    let fix = "set DeliveryUrl to an endpoint that exists, or make this one accept deliveries again";
                    tracing::error!(event = "gone", version, attempt, fix);
                }
                tracing::warn!(event = "not_delivered", version, attempt, status = status.as_u16(), ms, next_in_s);
            }
            cause => tracing::warn!(event = "not_delivered", version, attempt, %cause, ms, next_in_s),
        }
    }
}
