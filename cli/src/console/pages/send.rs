//! A form for each webhook: what Kakao sends, or a forger.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};

use super::{Frame, Row, html, not_found};
use crate::console::{
    Shared,
    sending::{Delivered, FORMS, Form, Input, MOST_TIMES, Order, Sent, example_members},
    words::Words,
};

#[derive(Template)]
#[template(path = "send.html")]
struct SendPage<'p> {
    frame: Frame,
    forms: &'static [Form],
    order: &'p Order,
    /// What was sent, the newest first.
    rows: Vec<Row>,
    /// The command that sends the same.
    command: Option<String>,
    problem: Option<String>,
}

/// The form that one comes to first.
pub(super) async fn first() -> Redirect {
    Redirect::to(&format!("/send/{}", FORMS.first().map_or("", |form| form.kind)))
}

pub(super) async fn page(Path(kind): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let Some(form) = Form::of(&kind) else { return not_found(headers).await };
    let mut given: Vec<(String, String)> = pairs(uri.query().unwrap_or_default().as_bytes());
    if given.iter().any(|(name, _)| name == "example") {
        given.retain(|(name, _)| name != "member");
    }
    let order = Order::at_first(form, given);
    html(&shown(&order, &headers, &uri))
}

pub(super) async fn send(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Response {
    let Some(form) = Form::of(&kind) else { return not_found(headers).await };
    let order = Order::at_first(form, []);
    let order = match Order::of_pairs(form, pairs(&body)) {
        Ok(order) => order.with_example_members(),
        Err(error) => return refused(&order, &headers, &uri, &error),
    };
    match order.send(&shared).await {
        Ok(Delivered { sent, problem }) => {
            let (rows, command) = (rows(&shared, &sent), order.command());
            html(&SendPage { rows, command, problem, ..shown(&order, &headers, &uri) })
        }
        Err(error) => refused(&order, &headers, &uri, &error),
    }
}

fn shown<'p>(order: &'p Order, headers: &HeaderMap, uri: &Uri) -> SendPage<'p> {
    let frame = Frame::of(headers, uri.path());
    SendPage { frame, forms: &FORMS, order, rows: vec![], command: None, problem: None }
}

fn refused(order: &Order, headers: &HeaderMap, uri: &Uri, error: &anyhow::Error) -> Response {
    let page = SendPage { problem: Some(format!("{error:#}")), ..shown(order, headers, uri) };
    (StatusCode::BAD_REQUEST, html(&page)).into_response()
}

fn rows(shared: &Shared, sent: &[Sent]) -> Vec<Row> {
    sent.iter().rev().filter_map(|sent| shared.history.get(sent.id)).map(|exchange| Row::of(&exchange)).collect()
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

/// What an option of a choice is called.
fn choice<'o>(words: &Words, option: &'o str) -> &'o str {
    match option {
        "query" => words.as_query,
        "form" => words.as_form,
        "json" => words.as_json,
        "" => words.not_given,
        option => option,
    }
}
