//! The one path that all acknowledging functions share: route → authenticate → read → envelope → queue
//! (or inbox) → answer. What differs between webhooks is a [`Webhook`]; what is the same stands here.

mod account_status;
mod answer;
mod arrival;
mod asking;
pub mod gateway;
mod skill;
mod talk_channel;
mod talk_share;
mod unlink;
mod webhook;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::{
    FutureExt,
    future::{join_all, try_join},
};
use kakao_webhooks::{
    auth::{Sources, Unverified},
    envelope::{Envelope, Letter, Quarantine},
    wire::{AppId, Content, EventId, Unreadable},
};
use lambda_http::{Body, Error, Request, Response};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    clock::Clock,
    edges::{EdgeError, Inbox, Queue},
};

pub use account_status::AccountStatusWebhook;
pub use answer::{Answer, Refusal};
pub use arrival::Arrival;
pub use asking::{AnswerTexts, Asking};
pub use skill::SkillWebhook;
pub use talk_channel::TalkChannelWebhook;
pub use talk_share::TalkShareWebhook;
pub use unlink::UnlinkWebhook;
pub use webhook::{Reading, Webhook};

/// The longest body that is read. Kakao's are a few hundred bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// One webhook's acknowledging function.
#[derive(Debug)]
pub struct Ingest<W, Q, I> {
    webhook: W,
    queue: Q,
    inbox: I,
    sources: Sources,
    clock: Clock,
    has_answered: AtomicBool,
}

impl<W: Webhook, Q: Queue, I: Inbox> Ingest<W, Q, I> {
    /// A function that takes `webhook`'s requests into `queue`, or into `inbox` while that fails.
    pub fn new(webhook: W, queue: Q, inbox: I) -> Self {
        let (sources, clock) = (Sources::default(), Clock::default());
        Self { webhook, queue, inbox, sources, clock, has_answered: AtomicBool::new(false) }
    }

    /// The same, looking at the addresses that requests come from.
    #[must_use]
    pub fn with_sources(self, sources: Sources) -> Self {
        Self { sources, ..self }
    }

    /// The same with another clock than the machine's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Answers one request of the gateway, in time whatever hangs behind.
    ///
    /// # Errors
    /// None: every refusal is an answer. The type is what `lambda_http` asks for.
    pub async fn accept(&self, request: Request) -> Result<Response<Body>, Error> {
        let (path, request, arrival) = gateway::receive(request, self.clock.now(), W::BUDGET);
        let without_body = request.method() == http::Method::HEAD;
        let outcome = match timeout_at(arrival.deadline, self.take(&path, request, &arrival)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Refusal::Unavailable { retry_after: RETRY_AFTER }),
        };
        if let Err(refusal) = &outcome {
            refusal.log(W::KIND, &arrival);
        }
        let answer = outcome.unwrap_or_else(|refusal| refusal.answer(W::CHALLENGE));
        let took = arrival.handed_over.elapsed();
        tracing::info!(
            event = "answered",
            kind = W::KIND.name(),
            status = answer.status.as_u16(),
            request_id = arrival.request_id,
            cold_start = (!self.has_answered.swap(true, Ordering::Relaxed)).then_some(true),
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            pace = (took >= SLOW).then_some("slow"),
        );
        Ok(if without_body { answer.without_body() } else { answer }.into())
    }

    async fn take(&self, path: &str, request: Unverified, arrival: &Arrival) -> Result<Answer, Refusal> {
        let route = webhook::route_of::<W>(path).ok_or(Refusal::NotFound)?;
        if !route.methods.contains(&request.method().as_str()) {
            return Err(Refusal::Method { allow: route.methods });
        }
        if let Some(answer) = self.webhook.answer_unauthenticated(route, &request, arrival).await? {
            return Ok(answer);
        }
        let is_effectless = request.method() == http::Method::HEAD;
        let request = self.webhook.authenticate(request, arrival).await?;
        if request.content.body.expose().len() > MAX_BODY_BYTES {
            return Err(Refusal::TooLarge);
        }
        let admitted = self.sources.admit(arrival.source);
        if admitted != Ok(true) {
            // The address is no secret of a person: it is the gateway's word for who called it with our key.
            let (kind, address) = (W::KIND.name(), arrival.source.map(|address| address.to_string()));
            tracing::warn!(event = "source_unlisted", kind, address, request_id = arrival.request_id);
        }
        admitted?;
        if is_effectless {
            return Ok(Answer::empty(W::ACCEPTED));
        }
        let content = request.content.clone();
        let (readings, answer) = self.webhook.read(request, arrival);
        // One that cannot be stored does not stop the others.
        let keeping = join_all(readings.into_iter().map(|reading| self.keep(reading, &content, arrival)));
        let keeping = keeping.map(|kept| kept.into_iter().collect::<Result<(), _>>());
        try_join(keeping, answer.map(Ok)).await.map(|((), answer)| answer)
    }

    /// Stores an event durably: in the queue, or in the inbox if the queue fails.
    async fn keep(&self, reading: Reading, content: &Content, arrival: &Arrival) -> Result<(), Refusal> {
        let mut envelope = Envelope {
            id: reading.id,
            app_id: reading.app_id,
            received_at: arrival.received_at,
            request_id: Some(arrival.request_id.clone()),
            replayed_at: None,
            letter: reading.letter.unwrap_or_else(|why| quarantined::<W>(why, content)),
        };
        let text = encode::<W>(&mut envelope, content)?;
        let log = |destination| {
            tracing::info!(
                event = "kept",
                kind = W::KIND.name(),
                event_id = %envelope.id,
                app_id = envelope.app_id.as_ref().map(AppId::as_str),
                quarantined = matches!(envelope.letter, Letter::Quarantined { .. }).then_some(true),
                destination,
                request_id = arrival.request_id,
            );
        };
        // Most events are sent once: while there is time, both are tried again.
        let mut pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).without_max_times().build();
        loop {
            if let Some(destination) = self.put(&envelope.id, &text, arrival).await {
                log(destination);
                return Ok(());
            }
            let pause = pauses.next().unwrap_or(FIRST_PAUSE);
            if Instant::now() + pause + LAST_CHANCE > arrival.deadline {
                return Err(Refusal::Unavailable { retry_after: RETRY_AFTER });
            }
            sleep(pause).await;
        }
    }

    /// Offers an envelope to the queue and then to the inbox. Says who took it.
    async fn put(&self, id: &EventId, text: &str, arrival: &Arrival) -> Option<&'static str> {
        let (kind, request_id) = (W::KIND.name(), &arrival.request_id);
        let fault = match timeout_at(queue_until(arrival), self.queue.send(text)).await {
            Ok(Ok(())) => return Some("queue"),
            Ok(Err(error)) => error,
            Err(_) => EdgeError("no answer in time".to_owned()),
        };
        tracing::warn!(event = "queue_failed", kind, error = %fault, request_id);
        match self.inbox.put(id, text, arrival.left()).await {
            Ok(()) => Some("inbox"),
            Err(error) => {
                tracing::warn!(event = "inbox_failed", kind, %error, request_id);
                None
            }
        }
    }
}

/// An answer that took so long is counted as slow: just below the end of the time that an acknowledging function has.
const SLOW: Duration = Duration::from_millis(2_400);

/// How long the first pause is, where neither queue nor inbox took an event.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// With less time left than this, one more round would be for nothing.
const LAST_CHANCE: Duration = Duration::from_millis(300);

/// After how many seconds a sender that delivers again may do so.
const RETRY_AFTER: u64 = 30;

/// The queue's deadline, which leaves time for the inbox.
fn queue_until(arrival: &Arrival) -> Instant {
    arrival.deadline - arrival.left().mul_f32(0.4).min(Duration::from_secs(1))
}

fn quarantined<W: Webhook>(why: Unreadable, content: &Content) -> Letter {
    let why = content.explain(why);
    tracing::warn!(event = "unreadable", kind = W::KIND.name(), reason = why.code(), detail = %why);
    Letter::Quarantined { kind: W::KIND, quarantine: Quarantine::new(&why, content.payload()) }
}

/// The envelope's text. If it is too long for the queue, the request is quarantined instead.
fn encode<W: Webhook>(envelope: &mut Envelope, content: &Content) -> Result<String, Refusal> {
    envelope.encode().or_else(|_| {
        envelope.letter = quarantined::<W>(Unreadable::TooLong, content);
        envelope.encode().map_err(|_| Refusal::TooLarge)
    })
}

#[cfg(test)]
mod rotation;
#[cfg(test)]
mod tests;
