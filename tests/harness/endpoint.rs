//! The service's endpoint: it verifies what it gets as the documentation says, by the library of Standard Webhooks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header::LOCATION},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use standardwebhooks::Webhook;

use crate::{
    faults::{Gate, Server},
    gateway,
};

/// So many seconds a receiver's clock may be off, by the standard.
const TOLERANCE: i64 = 5 * 60;

/// A request that it got.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
    /// What it was answered.
    pub status: StatusCode,
}

impl Posted {
    /// The body, read; null if it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether a service that holds this secret accepts it.
    #[must_use]
    pub fn is_signed(&self, secret: &str) -> bool {
        Webhook::new(secret).is_ok_and(|webhook| webhook.verify(self.body.as_bytes(), &self.headers).is_ok())
    }

    /// The same of a service with the functions' clock.
    #[must_use]
    pub fn is_signed_by_the_functions_clock(&self, secret: &str) -> bool {
        let Ok(seconds) = self.header("webhook-timestamp").parse::<i64>() else { return false };
        let sign = |webhook: Webhook| webhook.sign(self.header("webhook-id"), seconds, self.body.as_bytes()).ok();
        let signature = Webhook::new(secret).ok().and_then(sign).unwrap_or_default();
        let is_of_now = (gateway::now() / 1_000 - seconds).abs() < TOLERANCE;
        is_of_now && self.header("webhook-signature").split(' ').any(|one| one == signature)
    }
}

#[derive(Debug, Default)]
struct Inside {
    posted: Vec<Posted>,
    /// What it answers; 204 if nothing is set.
    status: Option<StatusCode>,
    /// What it answers with 200; else no log may hold it.
    says: Option<String>,
    /// Only what is signed with it is accepted, if it is set.
    secret: Option<String>,
}

/// The endpoint.
#[derive(Debug)]
pub struct Endpoint {
    server: Server,
    gate: Gate,
    inside: Arc<Mutex<Inside>>,
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Endpoint {
    /// One on a free port that accepts everything.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start() -> Result<Self> {
        let (gate, inside) = (Gate::default(), Arc::<Mutex<Inside>>::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&inside));
        Ok(Self { server: Server::start(router, gate.clone()).await?, gate, inside })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What is wrong with it. A request that meets a fault is not among those that it got.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// From now on it answers this; 500 if that is no status.
    pub fn answers(&self, status: u16) {
        lock(&self.inside).status = Some(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }

    /// From now on it answers 200 with this body.
    pub fn says(&self, body: &str) {
        let mut inside = lock(&self.inside);
        inside.status = Some(StatusCode::OK);
        inside.says = Some(body.to_owned());
    }

    /// From now on it answers 401 to what isn't signed with this secret.
    pub fn wants(&self, secret: &str) {
        lock(&self.inside).secret = Some(secret.to_owned());
    }

    /// All requests that it got, in order.
    #[must_use]
    pub fn posted(&self) -> Vec<Posted> {
        lock(&self.inside).posted.clone()
    }

    /// How many requests it got.
    #[must_use]
    pub fn posts(&self) -> usize {
        lock(&self.inside).posted.len()
    }
}

async fn take(
    State(inside): State<Arc<Mutex<Inside>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut inside = lock(&inside);
    let mut posted = Posted { method, uri, headers, body, status: StatusCode::UNAUTHORIZED };
    if inside.secret.as_ref().is_none_or(|secret| posted.is_signed(secret)) {
        posted.status = inside.status.unwrap_or(StatusCode::NO_CONTENT);
    }
    let status = posted.status;
    inside.posted.push(posted);
    let location = status.is_redirection().then_some((LOCATION, HeaderValue::from_static("/elsewhere")));
    // No log may hold what an endpoint answers.
    let body = match (status, &inside.says) {
        (StatusCode::NO_CONTENT, _) => String::new(),
        (StatusCode::OK, Some(says)) => says.clone(),
        _ => ANSWER.to_owned(),
    };
    (status, location.into_iter().collect::<HeaderMap>(), body).into_response()
}

/// What the endpoint answers beside its status.
pub const ANSWER: &str = "an answer with 31428579 in it";
