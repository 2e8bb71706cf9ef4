//! The console's API: what its pages show, as JSON. docs/console.md documents it.

mod backlogs;
mod chatbot;
mod faults;
mod users;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post, put},
};
use bytes::Bytes;
use futures_util::{Stream, stream::unfold};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header::ACCEPT};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    Shared, command,
    explain::Received,
    form::shows_keys,
    history::{RecordedRequest, Update},
    pages::Filter,
    proxy,
    sending::Order,
};

/// What `/api/…` answers.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/events", get(events).delete(clear))
        .route("/api/events/{id}", get(event))
        .route("/api/events/{id}/curl", get(curl))
        .route("/api/events/{id}/send", post(send_again))
        .route("/api/send", post(send))
        .merge(users::routes())
        .route("/api/faults", get(faults::all))
        .route("/api/faults/{name}", put(faults::begin).delete(faults::end))
        .route("/api/backlogs", get(backlogs::counts))
        .route("/api/backlogs/{name}", get(backlogs::list))
        .route("/api/backlogs/{name}/replay", post(backlogs::replay))
        .route("/api/chatbot", get(chatbot::messages).post(chatbot::say))
}

const LISTED: usize = 100;
const MOST_LISTED: usize = 10_000;

/// The newest requests; with `Accept: text/event-stream` those that come or change from now on.
async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let filter = Filter::of_query(uri.query().unwrap_or_default());
    if accept.contains("text/event-stream") {
        let stream = live(Arc::clone(&shared), shared.history.watch(), filter);
        return Sse::new(stream).keep_alive(KeepAlive::default()).into_response();
    }
    let most = filter.limit.unwrap_or(LISTED).min(MOST_LISTED);
    let rows = shared.history.newest(most, filter.before, |exchange| filter.row(exchange));
    Json(json!({"events": rows, "recorded": shared.history.len()})).into_response()
}

/// `request` with a row; `cleared`; `missed`, where the reader was too slow and should ask for the list again.
fn live(
    shared: Arc<Shared>,
    updates: Receiver<Update>,
    filter: Filter,
) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    unfold((shared, updates, filter), |(shared, mut updates, filter)| async move {
        let event = loop {
            match updates.recv().await {
                Ok(Update::Changed(id)) => {
                    let row = shared.history.get(id).and_then(|exchange| filter.row(&exchange));
                    if let Some(event) = row.and_then(|row| Event::default().event("request").json_data(row).ok()) {
                        break event;
                    }
                }
                Ok(Update::Cleared) => break Event::default().event("cleared").data("{}"),
                Err(RecvError::Lagged(_)) => break Event::default().event("missed").data("{}"),
                Err(RecvError::Closed) => return None,
            }
        };
        Some((Ok(event), (shared, updates, filter)))
    })
}

async fn clear(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.history.clear();
    StatusCode::NO_CONTENT
}

/// The body of a request, as JSON; else why it can't be read.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|why| format!("the body is not as it should be: {why}"))
}

async fn event(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    match id.parse().ok().and_then(|id| shared.history.get(id)) {
        Some(exchange) => Json(exchange).into_response(),
        None => missing(),
    }
}

async fn curl(State(shared): State<Arc<Shared>>, Path(id): Path<String>, uri: Uri) -> Response {
    let Some(exchange) = id.parse().ok().and_then(|id| shared.history.get(id)) else { return missing() };
    let command = command::curl(&exchange.request, &shared.base_url);
    if shows_keys(&uri) { shared.masks.fill(&command).into_response() } else { command.into_response() }
}

fn missing() -> Response {
    error(StatusCode::NOT_FOUND, "there is no such request, or it is forgotten")
}

fn error(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

/// Sends webhooks as the form does.
async fn send(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let sent = async { Order::of_json(&body)?.send(&shared).await };
    match sent.await {
        Ok(delivered) => Json(delivered).into_response(),
        Err(why) => error(StatusCode::BAD_REQUEST, &format!("{why:#}")),
    }
}

/// What is to be other in a request that is sent again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
    headers: Option<Vec<(String, String)>>,
    body: Option<String>,
}

/// Sends a recorded request again, changed or as it was. Names of keys are replaced by the keys of this run.
async fn send_again(State(shared): State<Arc<Shared>>, Path(id): Path<String>, body: Bytes) -> Response {
    let Some(exchange) = id.parse().ok().and_then(|id| shared.history.get(id)) else { return missing() };
    let changed: Changed = match read(if body.is_empty() { b"{}" } else { &body }) {
        Ok(changed) => changed,
        Err(why) => return error(StatusCode::BAD_REQUEST, &why),
    };
    if changed.body.is_none() && !exchange.request.body.is_whole() {
        return error(StatusCode::CONFLICT, "only the beginning of its body is kept");
    }
    match received(&shared, exchange.request, changed) {
        Ok(received) => {
            let (id, response) = proxy::pass(&shared, received).await;
            Json(json!({"id": id, "status": response.status().as_u16()})).into_response()
        }
        Err(why) => error(StatusCode::BAD_REQUEST, why),
    }
}

/// The request as it is to be sent.
fn received(shared: &Shared, recorded: RecordedRequest, changed: Changed) -> Result<Received, &'static str> {
    let fill = |text: &str| shared.masks.fill(text);
    let path = fill(changed.path.as_deref().unwrap_or(&recorded.path));
    if !proxy::is_of_service(&path) {
        return Err("the path is none of the service's");
    }
    let method = changed.method.unwrap_or(recorded.method);
    let mut headers = HeaderMap::new();
    for (name, value) in changed.headers.unwrap_or(recorded.headers) {
        let name = name.trim().parse::<HeaderName>().map_err(|_| "a header's name is not a name")?;
        let value = HeaderValue::try_from(fill(value.trim())).map_err(|_| "a header's value can't be sent")?;
        if !["host", "content-length"].contains(&name.as_str()) {
            headers.append(name, value);
        }
    }
    let body = match changed.body {
        Some(text) => Bytes::from(fill(&text)),
        None if recorded.body.text.is_some() => Bytes::from(fill(recorded.body.shown())),
        None => Bytes::from(recorded.body.bytes()),
    };
    Ok(Received {
        method: Method::from_bytes(method.trim().as_bytes()).map_err(|_| "the method is none")?,
        path,
        query: Some(fill(changed.query.as_deref().unwrap_or(&recorded.query))).filter(|query| !query.is_empty()),
        headers,
        body,
        at: runtime::clock::now(),
    })
}
