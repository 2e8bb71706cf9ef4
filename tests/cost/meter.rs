//! The calls to the table, in the units that DynamoDB bills, and for how many of them one after the other a caller waits.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use end_to_end::{
    faults::{Gate, Server},
    units::Units,
};
use serde_json::{Value, json};
use tokio::time::sleep;

/// What was called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) units: Units,
    /// The longest chain of calls, each of which was made after the one before was answered.
    pub(crate) round_trips: u32,
}

/// A server that forwards everything to the table.
pub(crate) struct Meter {
    server: Server,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Clone)]
struct Shared {
    client: reqwest::Client,
    table: String,
    /// Each call takes at least so long, so that calls that are made at once overlap.
    pause: Duration,
    calls: Arc<Mutex<Calls>>,
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    pub(crate) async fn before(table: &str, pause: Duration) -> Result<Self> {
        let calls = Arc::<Mutex<Calls>>::default();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let shared = Shared { client, table: table.to_owned(), pause, calls: Arc::clone(&calls) };
        let router = Router::new().fallback(hand_on).with_state(shared);
        Ok(Self { server: Server::start(router, Gate::default()).await?, calls })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The calls since the last call of this function.
    pub(crate) fn take(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn hand_on(State(shared): State<Shared>, mut headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    request["ReturnConsumedCapacity"] = json!("TOTAL");
    let round_trip = shared.calls().round_trips + 1;
    // The request has become longer.
    headers.remove(CONTENT_LENGTH);
    let sent = shared.client.post(&shared.table).headers(headers);
    let Ok(answer) = sent.body(request.to_string()).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    let Ok(answer) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let reported = status.is_success().then(|| serde_json::from_slice(&answer).unwrap_or_default());
    sleep(shared.pause).await;
    let mut calls = shared.calls();
    calls.units += Units::of(operation, &request, reported.as_ref());
    calls.round_trips = calls.round_trips.max(round_trip);
    drop(calls);
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], answer).into_response()
}
