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
use end_to_end::{
    faults::Server,
    reconciling::{READER_KEY, reader_keys},
    secrets::READER_KEYS_ARN,
    service::APP_ID,
};
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
    sent: AtomicUsize,
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

    /// The messages that were sent to a queue.
    pub(super) fn sent(&self) -> usize {
        self.counts.sent.load(Ordering::Relaxed)
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
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    match target {
        "AWSEvents.PutEvents" => put_events(&counts, &request),
        "AmazonSQS.SendMessageBatch" => send(&counts, &request),
        "secretsmanager.GetSecretValue" => Json(json!({
            "ARN": "secret", "Name": "secret", "VersionId": "00000000-0000-4000-8000-000000000001",
            "VersionStages": ["AWSCURRENT"], "SecretString": secret(&request),
        }))
        .into_response(),
        _ if target.starts_with("AmazonSQS.") => Json(json!({})).into_response(),
        _ => (StatusCode::BAD_REQUEST, Json(json!({"__type": "UnknownOperationException"}))).into_response(),
    }
}

fn secret(request: &Value) -> String {
    let is_of_reader = request.get("SecretId").and_then(Value::as_str) == Some(READER_KEYS_ARN);
    if is_of_reader { reader_keys(&[(APP_ID, READER_KEY)]) } else { SECRET.to_owned() }
}

fn send(counts: &Counts, request: &Value) -> Response {
    let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let taken = |entry: &Value| {
        let digest = format!("{:x}", md5::compute(text(entry, "MessageBody")));
        json!({"Id": text(entry, "Id"), "MessageId": "00000000-0000-4000-8000-000000000001", "MD5OfMessageBody": digest})
    };
    let taken: Vec<_> = request.get("Entries").and_then(Value::as_array).into_iter().flatten().map(taken).collect();
    counts.sent.fetch_add(taken.len(), Ordering::Relaxed);
    Json(json!({"Successful": taken, "Failed": []})).into_response()
}

fn put_events(counts: &Counts, request: &Value) -> Response {
    let entries = request.get("Entries").and_then(Value::as_array).map_or(0, Vec::len);
    counts.puts.fetch_add(1, Ordering::Relaxed);
    counts.entries.fetch_add(entries, Ordering::Relaxed);
    let taken = (0..entries).map(|number| json!({"EventId": format!("00000000-0000-4000-8000-{number:012}")}));
    Json(json!({"FailedEntryCount": 0, "Entries": taken.collect::<Vec<_>>()})).into_response()
}
