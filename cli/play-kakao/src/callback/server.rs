//! The callback on a port of loopback.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::{
    Json, Router,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;

use super::{
    CallbackAnswer, CallbackFault, CallbackKind, CallbackReaction, CallbackRequest, Exchange, SimulatedCallbacks,
};
use crate::loopback::{Connection, Port, Serving, broken_off, lock};

/// Where another process plays a message. Kakao has no such paths.
///
/// `POST` with a form of `bot_id`, `kind` (`chat`, `room` or `test`) and any number of `fault`s (see
/// [`CallbackFault::NAMES`]) issues a URL: `{"token","url"}`. `POST` of the skill's own answer to
/// `<this path>/<token>` delivers it to Kakao. `GET` of the same is what was said since.
pub const EXCHANGES_PATH: &str = "/simulated/exchanges";

/// Serves [`SimulatedCallbacks`] until it is dropped.
#[derive(Debug)]
pub struct CallbackServer {
    shared: Arc<Shared>,
    _serving: Serving,
}

#[derive(Debug)]
struct Shared {
    url: String,
    callbacks: Mutex<SimulatedCallbacks>,
    /// By how much the clock was put forward.
    advanced: Mutex<Duration>,
}

impl Shared {
    fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(*lock(&self.advanced)).unwrap_or(Timestamp::MAX)
    }

    fn issue(&self, bot_id: &str, kind: CallbackKind) -> Option<Callback> {
        let mut random = [0; 24];
        SystemRandom::new().fill(&mut random).ok()?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let path = lock(&self.callbacks).issue(&token, bot_id, kind, self.now());
        Some(Callback { url: format!("{}{path}", self.url), token })
    }
}

/// A callback URL that was issued.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The value of `userRequest.callbackUrl`.
    pub url: String,
    /// The token in it.
    pub token: String,
}

impl CallbackServer {
    /// Serves it on a free port.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub async fn start(callbacks: SimulatedCallbacks) -> io::Result<Self> {
        Self::start_on(0, callbacks).await
    }

    /// Serves it on this port.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start_on(port: u16, callbacks: SimulatedCallbacks) -> io::Result<Self> {
        let port = Port::bind(port).await?;
        let url = port.url.clone();
        let shared = Arc::new(Shared { url, callbacks: Mutex::new(callbacks), advanced: Mutex::new(Duration::ZERO) });
        let router = Router::new()
            .route(EXCHANGES_PATH, post(issue))
            .route(&format!("{EXCHANGES_PATH}/{{token}}"), get(show).post(take_first_answer))
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        Ok(Self { shared, _serving: port.serve(router) })
    }

    /// Its origin (`KAKAO_CALLBACK_URL`), without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Issues a URL for a message to this bot.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn issue(&self, bot_id: &str, kind: CallbackKind) -> io::Result<Callback> {
        self.shared.issue(bot_id, kind).ok_or_else(|| io::Error::other("the system has no randomness"))
    }

    /// Takes the body of the skill's own answer, which has just been given.
    pub fn take_first_answer(&self, token: &str, body: &str) {
        let now = self.shared.now();
        self.callbacks().take_first_answer(token, body, now);
    }

    /// What was said on the URL with this token.
    #[must_use]
    pub fn exchange(&self, token: &str) -> Option<Exchange> {
        self.callbacks().exchange(token).cloned()
    }

    /// The simulation, to script faults and change settings, or to read what was said. No request is answered
    /// meanwhile.
    pub fn callbacks(&self) -> MutexGuard<'_, SimulatedCallbacks> {
        lock(&self.shared.callbacks)
    }

    /// Puts the server's clock forward.
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
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (path, content_type) = (uri.path().to_owned(), content_type.to_ascii_lowercase());
    let request = CallbackRequest { method: method.to_string(), path, content_type, body };
    let now = shared.now();
    let reaction = lock(&shared.callbacks).react(&request, now);
    match reaction {
        CallbackReaction::Answer(answer) => answer.into_response(),
        CallbackReaction::AnswerAfter(time, answer) => {
            tokio::time::sleep(time).await;
            answer.into_response()
        }
        CallbackReaction::Hang => std::future::pending().await,
        CallbackReaction::Reset => broken_off(&connection),
    }
}

/// Issues a URL for another process.
async fn issue(State(shared): State<Arc<Shared>>, form: String) -> Response {
    let field = |name: &str| form_urlencoded::parse(form.as_bytes()).find(|(found, _)| found == name).map(|it| it.1);
    let faults = form_urlencoded::parse(form.as_bytes()).filter(|(name, _)| name == "fault");
    let faults: Option<Vec<_>> = faults.map(|(_, name)| CallbackFault::named(&name)).collect();
    let kind = field("kind").and_then(|kind| CallbackKind::NAMES.into_iter().find(|(_, name)| *name == kind));
    let (Some(bot_id), Some((kind, _)), Some(faults)) = (field("bot_id"), kind, faults) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(Callback { url, token }) = shared.issue(&bot_id, kind) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut callbacks = lock(&shared.callbacks);
    faults.into_iter().for_each(|fault| callbacks.script_for(&token, fault));
    Json(json!({"url": url, "token": token})).into_response()
}

async fn take_first_answer(State(shared): State<Arc<Shared>>, Path(token): Path<String>, body: String) -> StatusCode {
    let now = shared.now();
    lock(&shared.callbacks).take_first_answer(&token, &body, now);
    StatusCode::NO_CONTENT
}

async fn show(State(shared): State<Arc<Shared>>, Path(token): Path<String>) -> Response {
    let now = shared.now();
    match lock(&shared.callbacks).exchange(&token) {
        Some(exchange) => Json(exchange.to_json(now)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

impl IntoResponse for CallbackAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = if self.body.starts_with('<') { "text/html" } else { "application/json;charset=UTF-8" };
        (status, [(CONTENT_TYPE, kind)], self.body).into_response()
    }
}
