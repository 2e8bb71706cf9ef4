//! The table behind its protocol, with a clock before it and a counter behind it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

use super::{Done, Items, Units};

/// The table's name.
pub(in crate::processor) const NAME: &str = "bench";

/// What was asked of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Round trips.
    pub requests: usize,
    /// What they are billed.
    pub units: Units,
}

/// How the table answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// After so long.
    pub latency: Duration,
    /// One request after the other, as if the processor had asked so: a planted regression.
    pub one_at_a_time: bool,
}

impl Pace {
    /// About DynamoDB's own.
    pub const USUAL: Self = Self { latency: Duration::from_millis(5), one_at_a_time: false };
}

/// A request as it came, and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was asked for.
    pub operation: String,
    /// How.
    pub request: Value,
    /// What was answered.
    pub answer: Value,
    /// What that is billed.
    pub units: Units,
}

#[derive(Debug, Default)]
struct Held {
    items: Items,
    asked: Asked,
    pace: Pace,
    /// Where somebody wants to know.
    tape: Option<Vec<Exchange>>,
}

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<Held>,
    turn: tokio::sync::Mutex<()>,
}

/// A table on a free port; it ends when this is dropped.
#[derive(Debug)]
pub struct Table {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// An empty one.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start() -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // Without it some answers would wait for an acknowledgement; it works on any connection.
            let _ = stream.set_nodelay(true);
        });
        let router = Router::new().fallback(post(answer)).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, shared, task })
    }

    /// Where the protocol is spoken.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers like this.
    pub fn set_pace(&self, pace: Pace) {
        self.shared.held().pace = pace;
    }

    /// What was asked since this was last called.
    #[must_use]
    pub fn take(&self) -> Asked {
        std::mem::take(&mut self.shared.held().asked)
    }

    /// An event that can't be used is no failure of its batch, and would be measured as if it were one.
    ///
    /// # Errors
    /// If one came.
    pub fn ensure_nothing_is_quarantined(&self) -> Result<()> {
        let held = self.shared.held();
        let quarantined = held.items.0.iter().find(|(partition, _)| partition.starts_with("QUARANTINE#"));
        ensure!(quarantined.is_none(), "the benchmark's events are quarantined: {quarantined:?}");
        Ok(())
    }

    /// From now on every request is kept.
    pub fn record(&self) {
        self.shared.held().tape = Some(vec![]);
    }

    /// What was kept.
    #[must_use]
    pub fn tape(&self) -> Vec<Exchange> {
        self.shared.held().tape.take().unwrap_or_default()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or(target);
    let request = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let pace = shared.held().pace;
    if pace.one_at_a_time {
        let _turn = shared.turn.lock().await;
        sleep(pace.latency).await;
    } else if !pace.latency.is_zero() {
        sleep(pace.latency).await;
    }
    let mut held = shared.held();
    let Done { outcome, units } = held.items.operate(operation, &request);
    held.asked.requests += 1;
    held.asked.units += units;
    let (status, answer) = match outcome {
        Ok(answer) => (StatusCode::OK, answer),
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal.body()),
    };
    let text = answer.to_string();
    if let Some(tape) = &mut held.tape {
        tape.push(Exchange { operation: operation.to_owned(), request, answer, units });
    }
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], text).into_response()
}
