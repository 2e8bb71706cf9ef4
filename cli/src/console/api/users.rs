//! Users as JSON.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, Uri};
use kakao_webhooks::state::Subject;
use serde_json::json;

use super::error;
use crate::console::{Shared, form::query_field, users};

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/users", get(list))
        .route("/api/users/{app}/{member}", get(member))
        .route("/api/users/{app}/{member}/shuffle", post(shuffle_member))
        .route("/api/users/{app}/open-id/{id}", get(open_id))
        .route("/api/users/{app}/open-id/{id}/shuffle", post(shuffle_open_id))
}

type Names = Path<(String, String)>;

async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    Json(json!({"users": users::seen(&shared.history, &query_field(&uri, "q"))})).into_response()
}

async fn member(State(shared): State<Arc<Shared>>, Path((app, user)): Names) -> Response {
    report(&shared, users::member(&app, &user)).await
}

async fn open_id(State(shared): State<Arc<Shared>>, Path((app, id)): Names) -> Response {
    report(&shared, users::open_id(&app, &id)).await
}

async fn shuffle_member(State(shared): State<Arc<Shared>>, Path((app, user)): Names) -> Response {
    shuffle(&shared, users::member(&app, &user)).await
}

async fn shuffle_open_id(State(shared): State<Arc<Shared>>, Path((app, id)): Names) -> Response {
    shuffle(&shared, users::open_id(&app, &id)).await
}

async fn report(shared: &Shared, subject: Option<Subject>) -> Response {
    let Some(subject) = subject else { return unknown() };
    match users::report(shared, &subject).await {
        Ok(Some(report)) => Json(report).into_response(),
        Ok(None) => unknown(),
        Err(why) => error(StatusCode::BAD_GATEWAY, &format!("{why:#}")),
    }
}

async fn shuffle(shared: &Shared, subject: Option<Subject>) -> Response {
    let Some(subject) = subject else { return unknown() };
    match users::shuffle(shared, &subject).await {
        Ok(shuffled) => Json(shuffled).into_response(),
        Err(why) => error(StatusCode::BAD_GATEWAY, &format!("{why:#}")),
    }
}

fn unknown() -> Response {
    error(StatusCode::NOT_FOUND, "nothing is known of such a user")
}
