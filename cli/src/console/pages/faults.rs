//! The faults: what goes wrong around the service for a while, and what waits because of it.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::{
    Frame, html,
    shown::{until, whole_seconds},
};
use crate::{
    console::{
        Shared,
        backlogs::{BacklogKind, Count},
        form::field,
    },
    local::{Fault, Faults},
};

/// The longest time of a fault, in seconds.
pub(in crate::console) const MOST_SECONDS: u64 = 600;

/// A fault, as the page and the API show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::console) struct FaultRow {
    #[serde(rename = "name", serialize_with = "by_name")]
    pub(in crate::console) fault: Fault,
    /// 0 if it is off.
    pub(in crate::console) left_ms: i64,
    pub(in crate::console) is_possible: bool,
}

fn by_name<S: serde::Serializer>(fault: &Fault, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(fault.name())
}

#[derive(Template)]
#[template(path = "faults.html")]
struct FaultsPage {
    frame: Frame,
    faults: Vec<FaultRow>,
    /// How many wait in each place; unknown if it can't be read now.
    counts: Vec<(BacklogKind, Option<Count>)>,
    problem: Option<String>,
}

impl FaultRow {
    /// Each fault.
    pub(in crate::console) fn all(faults: &Faults) -> Vec<Self> {
        let row = |fault| Self {
            fault,
            left_ms: faults.left(fault).map_or(0, |left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX)),
            is_possible: faults.is_possible(fault),
        };
        Fault::ALL.into_iter().map(row).collect()
    }
}

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shown(&shared, &headers, None).await
}

/// Begins a fault for some seconds, or ends it at 0.
pub(super) async fn switch(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    match set(&shared.faults, &field(&body, "fault"), field(&body, "seconds").parse().ok()) {
        Ok(()) => Redirect::to("/faults").into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, shown(&shared, &headers, Some(why)).await).into_response(),
    }
}

/// Begins the fault of this name for some seconds, or ends it at 0.
///
/// # Errors
/// What is wrong with the name or the number.
pub(in crate::console) fn set(faults: &Faults, name: &str, seconds: Option<u64>) -> Result<(), String> {
    let fault = Fault::named(name).ok_or_else(|| format!("`{name}` is not a fault"))?;
    match seconds {
        Some(0) => faults.end(fault),
        Some(seconds) if seconds <= MOST_SECONDS => {
            if !faults.is_possible(fault) {
                return Err(format!(
                    "`{name}` has no effect here: start with --deliver-to http://… to deliver changes"
                ));
            }
            faults.begin(fault, Duration::from_secs(seconds));
        }
        _ => return Err(format!("`seconds` is not a number from 0 to {MOST_SECONDS}")),
    }
    Ok(())
}

async fn shown(shared: &Shared, headers: &HeaderMap, problem: Option<String>) -> Response {
    let counts = match &shared.backlogs {
        Some(backlogs) => shared.polled.of(backlogs).await,
        None => vec![],
    };
    let faults = FaultRow::all(&shared.faults);
    html(&FaultsPage { frame: Frame::of(headers, "/faults"), faults, counts, problem })
}
