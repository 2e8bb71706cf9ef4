//! The backlogs: what waits, and its replay.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, StatusCode, Uri};

use super::{Frame, html};
use crate::{
    commands::backlog::Wanted,
    console::{
        Shared,
        backlogs::{BacklogKind, Waiting},
        form::{field, query_field},
    },
};

struct Place {
    kind: BacklogKind,
    waiting: Result<Waiting, String>,
}

#[derive(Template)]
#[template(path = "backlogs.html")]
struct BacklogsPage {
    frame: Frame,
    places: Vec<Place>,
    /// How many were sent again, and how many stay.
    done: Option<(usize, usize)>,
    fault: Option<String>,
}

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    let number = |name| query_field(&uri, name).parse().ok();
    let done = number("sent").zip(number("kept"));
    shown(&shared, &headers, done, None).await
}

/// Sends one item, or all of a place, again.
pub(super) async fn replay(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let [all, id, kind] = ["all", "id", "kind"].map(|name| field(&body, name));
    let wanted = match (all.is_empty(), id.is_empty()) {
        (false, true) => Some(Wanted::All),
        (true, false) => Some(Wanted::These([id].into())),
        _ => None,
    };
    let kind = BacklogKind::named(&kind);
    let (Some(backlogs), Some(kind), Some(wanted)) = (&shared.backlogs, kind, wanted) else {
        let why = "name a `kind`, and `id` or `all`".to_owned();
        return (StatusCode::BAD_REQUEST, shown(&shared, &headers, None, Some(why)).await).into_response();
    };
    match backlogs.replay(kind, wanted).await {
        Ok(done) => {
            Redirect::to(&format!("/backlogs?sent={}&kept={}#{}", done.sent, done.kept, kind.name())).into_response()
        }
        Err(why) => {
            let page = shown(&shared, &headers, None, Some(format!("{why:#}"))).await;
            (StatusCode::BAD_GATEWAY, page).into_response()
        }
    }
}

async fn shown(shared: &Shared, headers: &HeaderMap, done: Option<(usize, usize)>, fault: Option<String>) -> Response {
    let backlogs = shared.backlogs.iter();
    let kinds = backlogs.flat_map(|backlogs| BacklogKind::ALL.into_iter().filter(|kind| backlogs.has(*kind)));
    let places = join_all(kinds.map(async |kind| {
        let waiting = match &shared.backlogs {
            Some(backlogs) => backlogs.list(kind).await.map_err(|error| format!("{error:#}")),
            None => Ok(Waiting::default()),
        };
        Place { kind, waiting }
    }));
    html(&BacklogsPage { frame: Frame::of(headers, "/backlogs"), places: places.await, done, fault })
}
