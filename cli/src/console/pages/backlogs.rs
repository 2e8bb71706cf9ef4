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
        backlogs::{BacklogKind, Replayed, Waiting},
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
    done: Option<Done>,
    fault: Option<String>,
}

/// What the replay has done that led here.
struct Done {
    sent: usize,
    kept: usize,
    missing: usize,
}

impl Done {
    fn of(replayed: &Replayed) -> Self {
        Self { sent: replayed.sent, kept: replayed.kept, missing: replayed.missing.len() }
    }

    /// That of a query; none if it names none.
    fn of_query(uri: &Uri) -> Option<Self> {
        let [sent, kept, missing] = ["sent", "kept", "missing"].map(|name| query_field(uri, name).parse().ok());
        Some(Self { sent: sent?, kept: kept?, missing: missing.unwrap_or_default() })
    }

    fn path(&self, kind: BacklogKind) -> String {
        let Self { sent, kept, missing } = self;
        format!("/backlogs?sent={sent}&kept={kept}&missing={missing}#{}", kind.name())
    }
}

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap, uri: Uri) -> Response {
    shown(&shared, &headers, Done::of_query(&uri), None).await
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
    let replayed = backlogs.replay(kind, wanted).await;
    shared.polled.forget().await;
    let (done, why) = match replayed {
        Ok(replayed) => (Some(Done::of(&replayed)), replayed.problem),
        Err(why) => (None, Some(format!("{why:#}"))),
    };
    match (done, why) {
        (Some(done), None) => Redirect::to(&done.path(kind)).into_response(),
        (done, why) => (StatusCode::BAD_GATEWAY, shown(&shared, &headers, done, why).await).into_response(),
    }
}

async fn shown(shared: &Shared, headers: &HeaderMap, done: Option<Done>, fault: Option<String>) -> Response {
    let places = match &shared.backlogs {
        Some(backlogs) => {
            join_all(backlogs.kinds().map(async |kind| {
                let waiting = backlogs.list(kind).await.map_err(|error| format!("{error:#}"));
                Place { kind, waiting }
            }))
            .await
        }
        None => vec![],
    };
    html(&BacklogsPage { frame: Frame::of(headers, "/backlogs"), places, done, fault })
}
