use std::{future::Future, time::Duration};

use kakao_webhooks::wire::Time;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    deliver::{HttpEndpoint, SignedRequest},
    edges::{CallError, Function},
    http::read_at_most,
    invoke::LambdaFunction,
    signing::{HeldSecrets, SecretSource},
};

/// What the service is asked: Kakao's payload, and until when it may think.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The gateway's id of the request.
    pub id: String,
    /// JSON.
    pub body: String,
}

impl Question {
    /// The question about what Kakao sent.
    #[must_use]
    pub fn new(id: &str, mut payload: Map<String, Value>, deadline: Time) -> Self {
        payload.insert("deadline_ms".to_owned(), deadline.as_millis().into());
        Self { id: id.to_owned(), body: Value::Object(payload).to_string() }
    }
}

/// The service's own answerer.
pub trait AskService: Send + Sync {
    /// Its answer, as it came, to what it is asked at this time. It may take for ever: the caller ends it.
    ///
    /// # Errors
    /// There is none. The error shows nothing of question and answer.
    fn ask(
        &self,
        question: Question,
        now: Time,
        until: Instant,
    ) -> impl Future<Output = Result<String, CallError>> + Send;
}

/// An answerer at a URL, which gets its requests signed as deliveries are.
#[derive(Debug)]
pub struct HttpsService<S> {
    endpoint: HttpEndpoint,
    secrets: HeldSecrets<S>,
}

/// Longer answers are none that Kakao takes.
const MOST_READ: usize = 64 * 1024;

impl<S: SecretSource> HttpsService<S> {
    /// The answerer at this endpoint.
    pub const fn new(endpoint: HttpEndpoint, secrets: HeldSecrets<S>) -> Self {
        Self { endpoint, secrets }
    }
}

/// By these a server, or what stands before it, declines a request without working on it …
const NOT_BEGUN: [u16; 2] = [429, 503];
/// … if they come at once. Later, a proxy may have given up a server that still works on it.
const AT_ONCE: Duration = Duration::from_secs(2);

impl<S: SecretSource> AskService for HttpsService<S> {
    async fn ask(&self, question: Question, now: Time, until: Instant) -> Result<String, CallError> {
        let secrets = self.secrets.current(now, until).await;
        let signature = secrets.and_then(|secrets| secrets.signature(&question.id, now, &question.body));
        let signature = signature.ok_or_else(|| CallError::Failed("there is no secret to sign with".to_owned()))?;
        let Question { id, body } = question;
        let sent_at = Instant::now();
        let response = self.endpoint.send(SignedRequest { id, timestamp: now.as_seconds(), signature, body }).await?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            if status == 401 {
                self.secrets.doubt(now, until).await;
            }
            let is_declined = NOT_BEGUN.contains(&status) && sent_at.elapsed() < AT_ONCE;
            let kind = if is_declined { CallError::NotBegun } else { CallError::Failed };
            return Err(kind(format!("the answerer answered {status}")));
        }
        let body = read_at_most(MOST_READ, response.into_body()).await.map_err(CallError::Failed)?;
        String::from_utf8(body.into()).map_err(|_| CallError::Failed("the answer is no text".to_owned()))
    }
}

/// The answerer that is configured.
#[derive(Debug)]
pub enum Service<S> {
    /// A Lambda function, which gets the question as its event.
    Lambda(LambdaFunction),
    /// A URL.
    Https(HttpsService<S>),
}

impl<S: SecretSource> Service<S> {
    /// Makes ready what the first question would wait for.
    pub async fn prepare(&self, now: Time, deadline: Instant) {
        if let Self::Https(service) = self {
            service.secrets.current(now, deadline).await;
        }
    }
}

impl<S: SecretSource> AskService for Service<S> {
    async fn ask(&self, question: Question, now: Time, until: Instant) -> Result<String, CallError> {
        match self {
            Self::Lambda(function) => function.invoke(question.body).await,
            Self::Https(service) => service.ask(question, now, until).await,
        }
    }
}
