//! The service's endpoint: it verifies what it gets as the documentation says, by the library of Standard Webhooks.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header::LOCATION},
    response::{IntoResponse, Response},
};
use end_to_end::faults::{Gate, Server};
use serde_json::Value;
use standardwebhooks::Webhook;

/// A request that it got.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Posted {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// Whether a service that holds this secret accepts it.
    pub(crate) fn is_signed(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(self.body.as_bytes(), &self.headers).is_ok()
    }
}

#[derive(Debug, Default)]
struct Inside {
    posted: Vec<Posted>,
    /// What it answers; 204 if nothing is set.
    status: Option<u16>,
    /// Only what is signed with it is accepted, if it is set.
    secret: Option<String>,
}

pub(crate) struct Endpoint {
    server: Server,
    gate: Gate,
    inside: Arc<Mutex<Inside>>,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        let (gate, inside) = (Gate::default(), Arc::<Mutex<Inside>>::default());
        let router = Router::new().fallback(take).with_state(Arc::clone(&inside));
        Self { server: Server::start(router, gate.clone()).await.unwrap(), gate, inside }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn answers(&self, status: u16) {
        self.inside.lock().unwrap().status = Some(status);
    }

    /// From now on it answers 401 to what isn't signed with this secret.
    pub(crate) fn wants(&self, secret: &str) {
        self.inside.lock().unwrap().secret = Some(secret.to_owned());
    }

    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.inside.lock().unwrap().posted.clone()
    }
}

async fn take(
    State(inside): State<Arc<Mutex<Inside>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut inside = inside.lock().unwrap();
    let posted = Posted { method, uri, headers, body };
    let is_accepted = inside.secret.as_ref().is_none_or(|secret| posted.is_signed(secret));
    inside.posted.push(posted);
    let status = if is_accepted { inside.status.unwrap_or(204) } else { 401 };
    let status = StatusCode::from_u16(status).unwrap();
    let location = status.is_redirection().then_some((LOCATION, HeaderValue::from_static("/elsewhere")));
    // No log may hold what an endpoint answers.
    let body = if status == StatusCode::NO_CONTENT { "" } else { ANSWER };
    (status, location.into_iter().collect::<HeaderMap>(), body).into_response()
}

/// What the endpoint answers beside its status.
pub(crate) const ANSWER: &str = "an answer with 31428579 in it";
