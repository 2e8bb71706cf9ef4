//! The calls to the table, in the units that DynamoDB bills.

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
use end_to_end::{
    faults::{Gate, Server},
    units::Units,
};
use serde_json::{Value, json};

/// A server that forwards everything to the table.
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

    /// The calls since the last call of this function.
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
    let reported = status.is_success().then(|| serde_json::from_slice(&answer).unwrap_or_default());
    *shared.units.lock().unwrap_or_else(PoisonError::into_inner) += Units::of(operation, &request, reported.as_ref());
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], answer).into_response()
}
