//! The weather: what goes wrong around the service for a while, and what waits because of it.

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
    local::{Fault, Weather},
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
#[template(path = "weather.html")]
struct WeatherPage {
    frame: Frame,
    faults: Vec<FaultRow>,
    /// How many wait in each place; unknown if it can't be read now.
    counts: Vec<(BacklogKind, Option<Count>)>,
    fault: Option<String>,
}

impl FaultRow {
    /// Each fault in this weather.
    pub(in crate::console) fn all(weather: &Weather) -> Vec<Self> {
        let row = |fault| Self {
            fault,
            left_ms: weather.left(fault).map_or(0, |left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX)),
            is_possible: weather.is_possible(fault),
        };
        Fault::ALL.into_iter().map(row).collect()
    }
}

pub(super) async fn page(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shown(&shared, &headers, None).await
}

/// Begins a fault for some seconds, or ends it at 0.
pub(super) async fn switch(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    match set(&shared.weather, &field(&body, "fault"), field(&body, "seconds").parse().ok()) {
        Ok(()) => Redirect::to("/weather").into_response(),
        Err(why) => (StatusCode::BAD_REQUEST, shown(&shared, &headers, Some(why)).await).into_response(),
    }
}

/// Begins the fault of this name for some seconds, or ends it at 0.
///
/// # Errors
/// What is wrong with the name or the number.
pub(in crate::console) fn set(weather: &Weather, name: &str, seconds: Option<u64>) -> Result<(), String> {
    let fault = Fault::named(name).ok_or_else(|| format!("`{name}` is not a fault"))?;
    match seconds {
        Some(0) => weather.end(fault),
        Some(seconds) if seconds <= MOST_SECONDS => {
            if !weather.is_possible(fault) {
                return Err(format!(
                    "`{name}` has no effect here: start with --deliver-to http://… to deliver changes"
                ));
            }
            weather.begin(fault, Duration::from_secs(seconds));
        }
        _ => return Err(format!("`seconds` is not a number from 0 to {MOST_SECONDS}")),
    }
    Ok(())
}

async fn shown(shared: &Shared, headers: &HeaderMap, fault: Option<String>) -> Response {
    let counts = match &shared.backlogs {
        Some(backlogs) => shared.polled.of(backlogs).await,
        None => vec![],
    };
    let faults = FaultRow::all(&shared.weather);
    html(&WeatherPage { frame: Frame::of(headers, "/weather"), faults, counts, fault })
}
