//! What is asked of the table, in the units that DynamoDB bills.

use std::sync::{Arc, Mutex, PoisonError};

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
use end_to_end::faults::{Gate, Server};
use serde_json::{Value, json};

/// Units of the table's own kind. Half a unit is a read that may be a moment old.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) reads: f64,
    pub(crate) writes: f64,
}

/// A server that hands everything on to the table.
pub(crate) struct Meter {
    server: Server,
    units: Arc<Mutex<Units>>,
}

#[derive(Clone)]
struct Shared {
    client: reqwest::Client,
    table: String,
    units: Arc<Mutex<Units>>,
}

impl Meter {
    pub(crate) async fn before(table: &str) -> Result<Self> {
        let units = Arc::<Mutex<Units>>::default();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let shared = Shared { client, table: table.to_owned(), units: Arc::clone(&units) };
        let router = Router::new().fallback(hand_on).with_state(shared);
        Ok(Self { server: Server::start(router, Gate::default()).await?, units })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// What was asked since this was last called.
    pub(crate) fn take(&self) -> Units {
        std::mem::take(&mut *self.units.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn hand_on(State(shared): State<Shared>, mut headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let Ok(mut request) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    request["ReturnConsumedCapacity"] = json!("TOTAL");
    // The request has become longer.
    headers.remove(CONTENT_LENGTH);
    let sent = shared.client.post(&shared.table).headers(headers);
    let Ok(answer) = sent.body(request.to_string()).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let status = answer.status();
    let Ok(answer) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let told = serde_json::from_slice(&answer).unwrap_or_default();
    let units = if status.is_success() { told_units(&told) } else { refused_units(operation, &request) };
    let mut all = shared.units.lock().unwrap_or_else(PoisonError::into_inner);
    match operation {
        "GetItem" | "BatchGetItem" | "Query" | "Scan" => all.reads += units,
        _ => all.writes += units,
    }
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], answer).into_response()
}

/// One table's, or several tables'.
fn told_units(answer: &Value) -> f64 {
    let units = |one: &Value| one["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}

/// A write that its condition refuses is billed as if it had been done (all of ours are below 1 KB then).
fn refused_units(operation: &str, request: &Value) -> f64 {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => 1.0,
        "TransactWriteItems" => request["TransactItems"].as_array().map_or(0.0, |items| 2.0 * items.len() as f64),
        _ => 0.0,
    }
}
