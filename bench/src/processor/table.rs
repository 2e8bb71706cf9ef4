//! The functions' table: the DynamoDB engine of the tests, behind a server that counts requests and billed units.
//!
//! The server calls the engine directly. The engine's own server would add a hop to each measured request.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use dynoxide::{Database, DynoxideError};
use end_to_end::{faults::Server, table, units::Units};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::sleep_until;

/// The requests to a table, and what they are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub(crate) requests: usize,
    pub(crate) units: Units,
    /// The most requests that were being answered at the same time.
    pub(crate) at_once: usize,
}

/// How the table answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// From each request to its answer, if the engine itself takes no longer.
    pub latency: Duration,
    /// Whether requests wait for each other: a planted regression.
    pub one_at_a_time: bool,
}

impl Pace {
    /// About DynamoDB's own.
    pub const USUAL: Self = Self { latency: Duration::from_millis(5), one_at_a_time: false };
}

/// A user whose requests wait longer than all others'.
#[derive(Clone, Debug)]
pub(crate) struct Slow {
    /// What their requests have in them.
    pub(crate) text: String,
    /// From each request to its answer, if the engine itself takes no longer.
    pub(crate) latency: Duration,
}

#[derive(Default)]
struct Metered {
    usage: Usage,
    pace: Pace,
    slow: Option<Slow>,
    /// When the last request about another user was answered.
    others_done: Option<Instant>,
    has_quarantined: bool,
}

/// Answers a request (operation, body) in the engine's place, or leaves it to the engine.
type Computed = Box<dyn Fn(&str, &Value) -> Option<Value> + Send + Sync>;

struct Shared {
    database: Database,
    computed: Computed,
    metered: Mutex<Metered>,
    queue: tokio::sync::Mutex<()>,
    /// Each request that is being answered has a clone, also one that the processor gives up meanwhile.
    answering: Arc<()>,
}

impl Shared {
    fn metered(&self) -> MutexGuard<'_, Metered> {
        self.metered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A table behind a server on a free port. The server ends when this is dropped.
pub(crate) struct Table {
    server: Server,
    shared: Arc<Shared>,
}

impl Table {
    /// Starts an empty one.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(|_, _| None).await
    }

    /// Starts one with items that are computed. Requests for them are neither counted nor held up.
    pub(crate) async fn start_with(
        computed: impl Fn(&str, &Value) -> Option<Value> + Send + Sync + 'static,
    ) -> Result<Self> {
        let (database, computed) = (table::database()?, Box::new(computed));
        let (metered, queue, answering) = (Mutex::default(), tokio::sync::Mutex::default(), Arc::default());
        let shared = Arc::new(Shared { database, computed, metered, queue, answering });
        let router = Router::new().fallback(post(answer)).with_state(Arc::clone(&shared));
        Ok(Self { server: Server::without_gate(router).await?, shared })
    }

    /// The endpoint for `AWS_ENDPOINT_URL_DYNAMODB`.
    pub(crate) fn endpoint(&self) -> String {
        self.server.url()
    }

    /// Sets the pace of all later answers.
    pub(crate) fn set_pace(&self, pace: Pace) {
        self.shared.metered().pace = pace;
    }

    /// Lets the requests of one user wait, from now on.
    pub(crate) fn set_slow(&self, slow: Slow) {
        self.shared.metered().slow = Some(slow);
    }

    /// When the last request about another user than the slow one was answered.
    pub(crate) fn others_done(&self) -> Option<Instant> {
        self.shared.metered().others_done
    }

    /// The usage since the last call.
    pub(crate) fn take(&self) -> Usage {
        std::mem::take(&mut self.shared.metered().usage)
    }

    /// An item in DynamoDB's own JSON; null if it is not there.
    pub(crate) fn item(&self, partition: &str, sort: &str) -> Result<Value> {
        let key = json!({"pk": {"S": partition}, "sk": {"S": sort}});
        let mut answer = call(&self.shared.database, "GetItem", json!({"TableName": table::NAME, "Key": key}))?;
        Ok(answer.get_mut("Item").map(Value::take).unwrap_or_default())
    }

    /// The processor acknowledges an unusable event after quarantining it, which would be measured as if it were applied.
    pub(crate) fn ensure_nothing_is_quarantined(&self) -> Result<()> {
        ensure!(!self.shared.metered().has_quarantined, "the processor quarantined events of the benchmark");
        Ok(())
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let (pace, slow) = {
        let metered = shared.metered();
        (metered.pace, metered.slow.clone().filter(|slow| body.contains(&slow.text)))
    };
    // Held while the request waits, so that a slow user's request holds up all others.
    let _turn = if pace.one_at_a_time { Some(shared.queue.lock().await) } else { None };
    // The engine's own time is a part of it: DynamoDB does its work on other machines.
    let answered = Instant::now() + pace.latency + slow.as_ref().map_or(Duration::ZERO, |slow| slow.latency);
    let answering = Arc::clone(&shared.answering);
    {
        let usage = &mut shared.metered().usage;
        usage.at_once = usage.at_once.max(Arc::strong_count(&answering) - 1);
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let Ok(Value::Object(mut request)) = serde_json::from_str(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    request.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
    let request = Value::Object(request);
    if let Some(answer) = (shared.computed)(operation, &request) {
        wait_until(answered).await;
        return Json(answer).into_response();
    }
    let answer = call(&shared.database, operation, request.clone());
    wait_until(answered).await;
    let mut metered = shared.metered();
    if slow.is_none() && body.contains("USER#") {
        metered.others_done = Some(Instant::now());
    }
    metered.usage.requests += 1;
    metered.usage.units += Units::of(operation, &request, answer.as_ref().ok());
    metered.has_quarantined |= body.contains("\"QUARANTINE#");
    match answer {
        Ok(mut answer) => {
            // The processor gets what it asked for, and no more.
            answer.as_object_mut().and_then(|members| members.remove("ConsumedCapacity"));
            Json(answer).into_response()
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error.to_json()).into_response()
        }
    }
}

async fn wait_until(time: Instant) {
    if time > Instant::now() {
        sleep_until(time.into()).await;
    }
}

/// The operations that the functions use.
fn call(database: &Database, operation: &str, request: Value) -> Result<Value, DynoxideError> {
    match operation {
        "GetItem" => run(request, |request| database.get_item(request)),
        "PutItem" => run(request, |request| database.put_item(request)),
        "UpdateItem" => run(request, |request| database.update_item(request)),
        "DeleteItem" => run(request, |request| database.delete_item(request)),
        "TransactWriteItems" => run(request, |request| database.transact_write_items(request)),
        "Query" => run(request, |request| database.query(request)),
        _ => {
            Err(DynoxideError::ValidationException(format!("bench/src/processor/table.rs does not serve {operation}")))
        }
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    request: Value,
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<Value, DynoxideError> {
    let invalid = |error: serde_json::Error| DynoxideError::ValidationException(error.to_string());
    serde_json::to_value(operation(serde_json::from_value(request).map_err(invalid)?)?).map_err(invalid)
}
