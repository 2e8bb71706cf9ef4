//! The backlogs as JSON.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, json};

use super::{error, read};
use crate::{
    commands::backlog::Wanted,
    console::{
        Shared,
        backlogs::{BacklogKind, Backlogs},
    },
};

/// How many wait in each place; null where that is unknown. Where a count ended at its limit, `at_least` names the place.
pub(super) async fn counts(State(shared): State<Arc<Shared>>) -> Response {
    let counts = match &shared.backlogs {
        Some(backlogs) => backlogs.counts().await,
        None => vec![],
    };
    let at_least = counts.iter().filter(|(_, count)| count.is_some_and(|count| count.is_at_least));
    let at_least: Vec<_> = at_least.map(|(kind, _)| kind.name()).collect();
    let numbers = counts.iter().map(|(kind, count)| (kind.name().to_owned(), json!(count.map(|count| count.number))));
    Json(json!({"backlogs": numbers.collect::<Map<_, _>>(), "at_least": at_least})).into_response()
}

fn place<'s>(shared: &'s Shared, name: &str) -> Option<(&'s Backlogs, BacklogKind)> {
    let backlogs = shared.backlogs.as_ref()?;
    BacklogKind::named(name).filter(|kind| backlogs.has(*kind)).map(|kind| (backlogs, kind))
}

fn none() -> Response {
    error(StatusCode::NOT_FOUND, "there is no such backlog here")
}

/// What waits in a place.
pub(super) async fn list(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let Some((backlogs, kind)) = place(&shared, &name) else { return none() };
    match backlogs.list(kind).await {
        Ok(waiting) => Json(waiting).into_response(),
        Err(why) => error(StatusCode::BAD_GATEWAY, &format!("{why:#}")),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    ids: Vec<String>,
}

/// Sends the named items again; all of the place without a body.
pub(super) async fn replay(State(shared): State<Arc<Shared>>, Path(name): Path<String>, body: Bytes) -> Response {
    let Some((backlogs, kind)) = place(&shared, &name) else { return none() };
    let wanted = if body.is_empty() {
        Wanted::All
    } else {
        match read(&body) {
            Ok(Ids { ids }) => Wanted::These(ids.into_iter().collect()),
            Err(why) => return error(StatusCode::BAD_REQUEST, &why),
        }
    };
    let replayed = backlogs.replay(kind, wanted).await;
    shared.polled.forget().await;
    match replayed {
        Ok(replayed) if replayed.is_nothing() => (StatusCode::NOT_FOUND, Json(replayed)).into_response(),
        Ok(replayed) => Json(replayed).into_response(),
        Err(why) => error(StatusCode::BAD_GATEWAY, &format!("{why:#}")),
    }
}
