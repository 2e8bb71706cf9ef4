//! Lambda's Runtime API for one process, with the times of each exchange. The same for all contenders.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use end_to_end::faults::Server;
use serde_json::Value;
use tokio::sync::{
    Mutex,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    watch,
};

/// A finished invocation.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// When the process was given the event.
    pub(crate) handed_over: Instant,
    /// When its answer had arrived completely.
    pub(crate) answered: Instant,
    /// The status that API Gateway would return.
    pub(crate) status: u16,
    pub(crate) answer: Value,
}

impl Outcome {
    /// Whether no record of a batch has to come again.
    pub(crate) fn is_whole(&self) -> bool {
        self.answer.get("batchItemFailures").and_then(Value::as_array).is_some_and(Vec::is_empty)
    }
}

struct Shared {
    ready: OnceLock<Instant>,
    events: Mutex<UnboundedReceiver<String>>,
    handed_over: Mutex<Option<Instant>>,
    outcomes: UnboundedSender<Result<Outcome>>,
    /// Whether the process waits for an event.
    waits: watch::Sender<bool>,
}

/// The Runtime API of one process. It ends when this is dropped.
pub(crate) struct Host {
    server: Server,
    shared: Arc<Shared>,
    events: UnboundedSender<String>,
    outcomes: UnboundedReceiver<Result<Outcome>>,
}

impl Host {
    /// A Runtime API on a free port.
    pub(crate) async fn start() -> Result<Self> {
        let (events, to_hand_over) = mpsc::unbounded_channel();
        let (answered, outcomes) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            ready: OnceLock::new(),
            events: Mutex::new(to_hand_over),
            handed_over: Mutex::new(None),
            outcomes: answered,
            waits: watch::Sender::new(false),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failure))
            .route("/2018-06-01/runtime/init/error", post(failure))
            .with_state(Arc::clone(&shared));
        Ok(Self { server: Server::without_gate(router).await?, shared, events, outcomes })
    }

    /// The variables that Lambda sets.
    pub(crate) fn environment(&self) -> [(&'static str, String); 7] {
        [
            ("AWS_LAMBDA_RUNTIME_API", self.server.address().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "contender".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/contender".to_owned()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "contender".to_owned()),
        ]
    }

    /// Gives the process an event as soon as it asks for one.
    pub(crate) fn hand_over(&self, event: &Value) {
        // The router holds the other end as long as this lives.
        let _ = self.events.send(event.to_string());
    }

    /// The next outcome.
    pub(crate) async fn outcome(&mut self) -> Result<Outcome> {
        self.outcomes.recv().await.context("the Runtime API has ended")?
    }

    /// Waits until the process waits for an event, done with all before.
    pub(crate) async fn idle(&self) -> Result<()> {
        self.shared.waits.subscribe().wait_for(|waits| *waits).await?;
        Ok(())
    }

    /// When the process asked for its first event.
    pub(crate) fn ready(&self) -> Option<Instant> {
        self.shared.ready.get().copied()
    }
}

/// Beyond the end of any run, so that no contender gives up early.
const DEADLINE: &str = "4102444800000";

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    let _ = shared.ready.set(Instant::now());
    shared.waits.send_replace(true);
    let Some(event) = shared.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    shared.waits.send_replace(false);
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", "6f1c2f0e-8a52-4b0e-9b1c-0d7f3e5a9c41"),
        ("lambda-runtime-deadline-ms", DEADLINE),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:ap-northeast-2:000000000000:function:contender"),
        ("lambda-runtime-trace-id", "Root=1-67c27ef8-0123456789abcdef01234567;Sampled=0"),
    ];
    *shared.handed_over.lock().await = Some(Instant::now());
    (headers, event).into_response()
}

async fn response(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let answered = Instant::now();
    let handed_over = shared.handed_over.lock().await.take();
    // The receiver may have ended with the host.
    let _ = shared.outcomes.send(outcome(handed_over, answered, &body));
    StatusCode::ACCEPTED
}

fn outcome(handed_over: Option<Instant>, answered: Instant, body: &[u8]) -> Result<Outcome> {
    let handed_over = handed_over.context("an answer to no event")?;
    let answer: Value = serde_json::from_slice(body).context("an answer that is not JSON")?;
    // API Gateway's default.
    let status = answer.get("statusCode").and_then(Value::as_u64).unwrap_or(200);
    Ok(Outcome { handed_over, answered, status: u16::try_from(status)?, answer })
}

async fn failure(State(shared): State<Arc<Shared>>, body: String) -> StatusCode {
    let _ = shared.outcomes.send(Err(anyhow!("it reported {body}")));
    StatusCode::ACCEPTED
}
