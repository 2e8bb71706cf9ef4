//! EventBridge, SQS, Secrets Manager, the service's endpoint and its answerer in one server, which answers at once (the
//! answerer: after the model's time) and counts. It checks the requests as far as a program could save work by sending
//! something else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use end_to_end::faults::Server;
use serde_json::{Value, json};
use tokio::time::sleep;

/// The secret that signs.
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The requests so far that were as they should be.
#[derive(Debug, Default)]
struct Counts {
    puts: AtomicUsize,
    entries: AtomicUsize,
    posts: AtomicUsize,
    questions: AtomicUsize,
}

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Neighbours {
    server: Server,
    counts: Arc<Counts>,
}

impl Neighbours {
    /// A server on a free port. The model takes so long.
    pub(super) async fn start(model: Duration) -> Result<Self> {
        let counts = Arc::<Counts>::default();
        let answer = async move |State(counts): State<Arc<Counts>>, headers: HeaderMap| {
            sleep(model).await;
            count(&counts.questions, &headers, Json(json!({"text": "모델의 답입니다"})).into_response())
        };
        let router = Router::new()
            .route("/", post(aws))
            .route("/kakao", post(take))
            .route("/answer", post(answer))
            .with_state(Arc::clone(&counts));
        Ok(Self { server: Server::without_gate(router).await?, counts })
    }

    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// The calls of `PutEvents`.
    pub(super) fn puts(&self) -> usize {
        self.counts.puts.load(Ordering::Relaxed)
    }

    /// Their entries.
    pub(super) fn entries(&self) -> usize {
        self.counts.entries.load(Ordering::Relaxed)
    }

    /// The deliveries to the service.
    pub(super) fn posts(&self) -> usize {
        self.counts.posts.load(Ordering::Relaxed)
    }

    /// The questions to the service's answerer.
    pub(super) fn questions(&self) -> usize {
        self.counts.questions.load(Ordering::Relaxed)
    }
}

async fn take(State(counts): State<Arc<Counts>>, headers: HeaderMap, _: Bytes) -> Response {
    count(&counts.posts, &headers, StatusCode::NO_CONTENT.into_response())
}

/// The answer to what is signed.
fn count(counter: &AtomicUsize, headers: &HeaderMap, answer: Response) -> Response {
    const LENGTH: usize = "v1,".len() + 44;
    let is_signed = headers.get("webhook-signature").is_some_and(|value| value.len() == LENGTH);
    if !is_signed {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    counter.fetch_add(1, Ordering::Relaxed);
    answer
}

async fn aws(State(counts): State<Arc<Counts>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target {
        "AWSEvents.PutEvents" => put_events(&counts, &body),
        "secretsmanager.GetSecretValue" => Json(json!({
            "ARN": "secret", "Name": "secret", "VersionId": "00000000-0000-4000-8000-000000000001",
            "VersionStages": ["AWSCURRENT"], "SecretString": SECRET,
        }))
        .into_response(),
        _ if target.starts_with("AmazonSQS.") => Json(json!({})).into_response(),
        _ => (StatusCode::BAD_REQUEST, Json(json!({"__type": "UnknownOperationException"}))).into_response(),
    }
}

fn put_events(counts: &Counts, body: &[u8]) -> Response {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let entries = request.get("Entries").and_then(Value::as_array).map_or(0, Vec::len);
    counts.puts.fetch_add(1, Ordering::Relaxed);
    counts.entries.fetch_add(entries, Ordering::Relaxed);
    let taken = (0..entries).map(|number| json!({"EventId": format!("00000000-0000-4000-8000-{number:012}")}));
    Json(json!({"FailedEntryCount": 0, "Entries": taken.collect::<Vec<_>>()})).into_response()
}
