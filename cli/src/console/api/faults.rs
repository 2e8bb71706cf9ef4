//! The faults as JSON.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{error, read};
use crate::console::{
    Shared,
    pages::{FaultRow, set_fault},
};

/// Each fault, and how much longer it lasts.
pub(super) async fn all(State(shared): State<Arc<Shared>>) -> Response {
    Json(json!({"faults": FaultRow::all(&shared.faults)})).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    seconds: u64,
}

/// Begins a fault.
pub(super) async fn begin(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: Bytes) -> Response {
    let Begin { seconds } = match read(&body) {
        Ok(begin) => begin,
        Err(why) => return error(StatusCode::BAD_REQUEST, &why),
    };
    switched(&shared, &name, seconds)
}

/// Ends a fault.
pub(super) async fn end(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    switched(&shared, &name, 0)
}

fn switched(shared: &Shared, name: &str, seconds: u64) -> Response {
    match set_fault(&shared.faults, name, Some(seconds)) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => error(StatusCode::BAD_REQUEST, &why),
    }
}
