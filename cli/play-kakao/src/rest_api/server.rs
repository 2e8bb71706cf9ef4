//! The API on a port of loopback.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method, StatusCode, Uri, header::AUTHORIZATION, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;

use super::{ApiAnswer, ApiRequest, Reaction, SimulatedApi, Usage};
use crate::loopback::{Connection, Port, Serving, broken_off, lock};

/// Where another process sets what is true at Kakao: a form with `app_id`, `user_id` and `linked`
/// (`true` or `false`). Kakao has no such path.
pub const MEMBERS_PATH: &str = "/simulated/members";

/// Serves a [`SimulatedApi`] until it is dropped.
#[derive(Debug)]
pub struct ApiServer {
    url: String,
    shared: Arc<Shared>,
    _serving: Serving,
}

#[derive(Debug)]
struct Shared {
    api: Mutex<SimulatedApi>,
    started: Instant,
    /// By how much the clock was put forward.
    advanced: Mutex<Duration>,
}

impl Shared {
    fn react(&self, request: &ApiRequest) -> Reaction {
        let now = self.started.elapsed() + *lock(&self.advanced);
        lock(&self.api).react(request, now)
    }
}

impl ApiServer {
    /// Serves it on a free port.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub async fn start(api: SimulatedApi) -> io::Result<Self> {
        Self::start_on(0, api).await
    }

    /// Serves it on this port.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start_on(port: u16, api: SimulatedApi) -> io::Result<Self> {
        let port = Port::bind(port).await?;
        let url = port.url.clone();
        let shared =
            Arc::new(Shared { api: Mutex::new(api), started: Instant::now(), advanced: Mutex::new(Duration::ZERO) });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Ok(Self { url, shared, _serving: port.serve(router) })
    }

    /// Its URL (`KAKAO_API_URL`), without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The API, to change members, keys, faults and settings, or to read them. No call is answered meanwhile.
    pub fn api(&self) -> MutexGuard<'_, SimulatedApi> {
        lock(&self.shared.api)
    }

    /// The calls so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.api().usage().clone()
    }

    /// Puts the server's clock forward: what it counts by the minute forgets this much.
    pub fn advance(&self, time: Duration) {
        *lock(&self.shared.advanced) += time;
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    if uri.path() == MEMBERS_PATH {
        return set_member(&shared, &body).into_response();
    }
    let parameters = if method == Method::POST { body } else { uri.query().unwrap_or_default().to_owned() };
    let request = ApiRequest {
        method: method.to_string(),
        path: uri.path().to_owned(),
        parameters,
        authorization: headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned),
        caller: connection.caller.ip(),
    };
    match shared.react(&request) {
        Reaction::Answer(answer) => answer.into_response(),
        Reaction::AnswerAfter(time, answer) => {
            tokio::time::sleep(time).await;
            answer.into_response()
        }
        Reaction::Hang => std::future::pending().await,
        Reaction::Reset => broken_off(&connection),
    }
}

/// Links or unlinks a member, at the second `at` if it is given. 208: the member is so already.
fn set_member(shared: &Shared, form: &str) -> StatusCode {
    let field = |name: &str| form_urlencoded::parse(form.as_bytes()).find(|(found, _)| found == name).map(|it| it.1);
    let (Some(app), Some(user), Some(linked)) = (field("app_id"), field("user_id"), field("linked")) else {
        return StatusCode::BAD_REQUEST;
    };
    let Ok(user) = user.parse() else { return StatusCode::BAD_REQUEST };
    let Ok(at) = field("at").map(|at| at.parse::<i64>()).transpose() else { return StatusCode::BAD_REQUEST };
    let members = &mut lock(&shared.api).members;
    let connected_at = members.connected_at(&app, user);
    match &*linked {
        "true" => members.link(&app, user, at.unwrap_or_else(|| jiff::Timestamp::now().as_second())),
        // The end of an earlier link says nothing about the present one.
        "false" if at.zip(connected_at).is_some_and(|(at, connected_at)| at < connected_at) => {}
        "false" => _ = members.unlink(&app, user),
        _ => return StatusCode::BAD_REQUEST,
    }
    let is_news = members.connected_at(&app, user) != connected_at;
    if is_news { StatusCode::NO_CONTENT } else { StatusCode::ALREADY_REPORTED }
}

impl IntoResponse for ApiAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = if self.body.starts_with('<') { "text/html" } else { "application/json;charset=UTF-8" };
        (status, [(CONTENT_TYPE, kind)], self.body).into_response()
    }
}
