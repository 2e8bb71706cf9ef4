//! The timeline: all requests, the newest first, live.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderMap, Uri};
use kakao_webhooks::wire::Route;

use super::{Filter, Frame, Row, html, shown::zone};
use crate::console::{Shared, history::What, words::Words};

/// So many rows a page has at first, and gets each time that older ones are asked for.
const ROWS: usize = 100;
/// The most rows of an answer.
const MOST_ROWS: usize = 1_000;

#[derive(Template)]
#[template(path = "timeline.html")]
struct Timeline<'p> {
    frame: Frame,
    rows: Vec<Row>,
    filter: &'p Filter,
    count: usize,
    has_older: bool,
    base_url: &'p str,
    routes: [Route; 5],
    kinds: [&'static str; 5],
    outcomes: [What; 6],
}

#[derive(Template)]
#[template(path = "rows.html")]
struct Rows {
    words: &'static Words,
    rows: Vec<Row>,
}

const KINDS: [&str; 5] = ["unlink", "account-status", "talk-share", "talk-channel", "skill"];
const ROUTES: [Route; 5] = [Route::UNLINK, Route::ACCOUNT_STATUS, Route::TALK_SHARE, Route::TALK_CHANNEL, Route::SKILL];

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let filter = Filter::of_query(uri.query().unwrap_or_default());
    let mut rows = shared.history.newest(ROWS + 1, filter.before, |exchange| filter.row(exchange));
    let has_older = rows.len() > ROWS;
    rows.truncate(ROWS);
    html(&Timeline {
        frame: Frame::of(&headers, "/"),
        rows,
        filter: &filter,
        count: shared.history.len(),
        has_older,
        base_url: &shared.base_url,
        routes: ROUTES,
        kinds: KINDS,
        outcomes: What::ALL,
    })
}

/// Rows alone, for the page to put in: those that are named, or older ones.
pub(super) async fn rows(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let filter = Filter::of_query(uri.query().unwrap_or_default());
    let most = filter.limit.unwrap_or(ROWS).min(MOST_ROWS);
    let rows = shared.history.newest(most, filter.before, |exchange| filter.row(exchange));
    html(&Rows { words: Frame::of(&headers, "/").words, rows })
}
