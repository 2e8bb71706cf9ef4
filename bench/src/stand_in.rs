//! SQS, DynamoDB and Kakao's key endpoint in one server that answers at once and only counts messages. It checks the
//! requests as far as a contender could save work by sending something else.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use end_to_end::{authority::Authority, faults::Server};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tls::TlsListener;

/// The transport between a contender and the stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Transport {
    /// HTTP.
    Plain,
    /// HTTPS, as in AWS.
    Tls,
}

impl Transport {
    pub(crate) const ALL: [Self; 2] = [Self::Plain, Self::Tls];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain HTTP",
            Self::Tls => "TLS",
        }
    }
}

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    endpoint: String,
    sent: Arc<AtomicUsize>,
    _server: Server,
}

/// The path of the queue's URL.
const QUEUE: &str = "/000000000000/events";
/// The path of the key set's.
const KEY_SET: &str = "/.well-known/jwks.json";

impl StandIn {
    /// A server on a free port; with TLS, under a certificate of `authority`. `key_set` is Kakao's.
    pub(crate) async fn start(transport: Transport, authority: &Authority, key_set: String) -> Result<Self> {
        let sent = Arc::new(AtomicUsize::new(0));
        let router = Router::new()
            .route(KEY_SET, get(async move || ([(CONTENT_TYPE, "application/json")], key_set)))
            // Both services answer this, signed or not.
            .route("/ping", get(async || "healthy"))
            .fallback(post(answer))
            .with_state(Arc::clone(&sent));
        let (scheme, server) = match transport {
            Transport::Plain => ("http", Server::without_gate(router).await?),
            Transport::Tls => {
                let listener = TlsListener::bind(authority.acceptor()?).await?;
                let address = listener.address();
                ("https", Server::on(listener, address, router))
            }
        };
        Ok(Self { endpoint: format!("{scheme}://{}", server.address()), sent, _server: server })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn queue_url(&self) -> String {
        format!("{}{QUEUE}", self.endpoint)
    }

    pub(crate) fn key_set_url(&self) -> String {
        format!("{}{KEY_SET}", self.endpoint)
    }

    /// The number of messages sent to the queue so far.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    message_body: String,
}

async fn answer(State(sent): State<Arc<AtomicUsize>>, headers: HeaderMap, body: Bytes) -> Response {
    let is_signed =
        headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"AWS4-HMAC-SHA256 "));
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target {
        _ if !is_signed => refuse("MissingAuthenticationToken"),
        "AmazonSQS.SendMessage" => send(&sent, &body),
        // An empty table.
        _ if target.starts_with("DynamoDB_20120810.") => Json(json!({})).into_response(),
        _ => refuse("UnknownOperationException"),
    }
}

fn send(sent: &AtomicUsize, body: &[u8]) -> Response {
    let Ok(message) = serde_json::from_slice::<SendMessage>(body) else {
        return refuse("SerializationException");
    };
    let is_json = serde_json::from_str::<Value>(&message.message_body).is_ok_and(|envelope| envelope.is_object());
    if !message.queue_url.ends_with(QUEUE) || !is_json {
        return refuse("InvalidParameterValue");
    }
    let number = sent.fetch_add(1, Ordering::Relaxed);
    let digest = format!("{:x}", md5::compute(&message.message_body));
    Json(json!({"MessageId": format!("00000000-0000-4000-8000-{number:012}"), "MD5OfMessageBody": digest}))
        .into_response()
}

fn refuse(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"__type": kind, "message": kind}))).into_response()
}
