//! One request: what it was checked for, where its event went, and how to send it again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::{HeaderMap, Uri};
use serde_json::Value;

use super::{
    Frame, Row, html, not_found,
    shown::{clock, iso, pretty, zone},
};
use crate::{
    commands::backlog::letter::plain,
    console::{
        Shared, command,
        form::shows_keys,
        history::{Exchange, RecordedAnswer, RecordedLine, RecordedRequest},
    },
};

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage {
    frame: Frame,
    row: Row,
    decoded: String,
    request_text: String,
    answer_text: String,
    header_lines: String,
    curl: String,
    khook: Option<String>,
    changes: Vec<ShownChange>,
    show_keys: bool,
    exchange: Exchange,
}

/// A published change, as the page shows it.
struct ShownChange {
    changed: String,
    text: String,
}

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let Some(exchange) = id.parse().ok().and_then(|id| shared.history.get(id)) else {
        return not_found(headers).await;
    };
    let show_keys = shows_keys(&uri);
    let shown = |text: String| if show_keys { shared.masks.fill(&text) } else { text };
    html(&RequestPage {
        frame: Frame::of(&headers, uri.path()),
        row: Row::of(&exchange),
        decoded: shown(pretty(&exchange.explanation.decoded)),
        request_text: shown(request_text(&exchange.request)),
        answer_text: exchange.answer.as_ref().map(answer_text).unwrap_or_default(),
        header_lines: header_lines(&exchange.request.headers),
        curl: shown(command::curl(&exchange.request, &shared.base_url)),
        khook: command::khook(&exchange),
        changes: exchange.changes.iter().map(ShownChange::of).collect(),
        show_keys,
        exchange,
    })
}

impl ShownChange {
    fn of(change: &Value) -> Self {
        let names = change.get("changed").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
        Self { changed: names.join(", "), text: pretty(change) }
    }
}

fn header_lines(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn request_text(request: &RecordedRequest) -> String {
    let gap = if request.query.is_empty() { "" } else { "?" };
    let RecordedRequest { method, path, query, headers, body } = request;
    message(&format!("{method} {path}{gap}{query}"), headers, body.shown())
}

fn answer_text(answer: &RecordedAnswer) -> String {
    message(&answer.status.to_string(), &answer.headers, answer.body.shown())
}

/// As HTTP writes it; without blank lines at the end where there is no body.
fn message(start: &str, headers: &[(String, String)], body: &str) -> String {
    let headers = header_lines(headers);
    let gap = if body.is_empty() { "" } else { "\n" };
    format!("{start}\n{headers}{gap}{body}")
}

/// The fields of a log line on one line.
fn fields(line: &RecordedLine) -> String {
    let event = line.fields.get("event").map(plain).unwrap_or_default();
    let others = line.fields.iter().filter(|(name, _)| !["event", "timestamp", "request_id"].contains(&name.as_str()));
    others.fold(event, |text, (name, value)| format!("{text} {name}={}", plain(value)))
}
