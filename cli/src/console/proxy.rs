//! Passes requests on to the service as they came, and records them with their answers.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri,
    header::{
        CONNECTION, CONTENT_TYPE, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::{Instant, timeout};

use super::{
    Shared,
    explain::{Explanation, Received},
    guard,
    history::{Exchange, Outcome, Place, RecordedAnswer, RecordedBody, RecordedRequest, What},
};

/// An HTTP API takes no longer body.
pub(super) const MAX_BYTES: usize = 10 * 1024 * 1024;

/// Longer than any gateway waits.
const TIMEOUT: Duration = Duration::from_secs(35);

/// The headers that concern one connection only (RFC 9110 §7.6.1).
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// The gateway's id of a request, in its answer.
const REQUEST_ID: &str = "apigw-requestid";

/// The paths of the service, as routes.
pub(super) const PATHS: [&str; 5] = ["/webhooks/{*rest}", "/skill", "/skill/", "/health", "/health/"];

/// Whether a path is one of the service's.
pub(super) fn is_of_service(path: &str) -> bool {
    path.strip_prefix("/webhooks/").is_some_and(|rest| !rest.is_empty()) || PATHS.contains(&path)
}

/// Where requests are passed on to.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, Body>,
    base_url: String,
}

impl Upstream {
    /// The service at this address.
    #[must_use]
    pub(super) fn at(base_url: &str) -> Self {
        // On a connection of its own each: a server may close an idle one just when a request is sent, and that request
        // would have no answer. It can't be sent again, since the service may have it.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { client, base_url: base_url.trim_end_matches('/').to_owned() }
    }

    async fn ask(&self, received: &Received) -> Option<Answer> {
        let query = received.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let uri: Uri = format!("{}{}{query}", self.base_url, received.path).parse().ok()?;
        let mut request = Request::new(Body::from(received.body.clone()));
        *request.method_mut() = received.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = end_to_end(received.headers.clone());
        request.headers_mut().remove(HOST);
        let answer = async {
            let (parts, body) = self.client.request(request).await.ok()?.into_parts();
            let body = to_bytes(Body::new(body), MAX_BYTES).await.ok()?;
            Some(Answer { status: parts.status, headers: end_to_end(parts.headers), body })
        };
        timeout(TIMEOUT, answer).await.ok().flatten()
    }
}

/// What the service answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let named: Vec<_> = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).collect();
    let named: Vec<HeaderName> = named.join(",").split(',').filter_map(|name| name.trim().parse().ok()).collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
    headers
}

/// One of the service's paths: passed on and recorded.
pub(super) async fn forward(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    guard::take_out_own_cookie(&mut headers);
    let received = Received {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers,
        body: Bytes::new(),
        at: runtime::clock::now(),
    };
    match to_bytes(body, MAX_BYTES).await {
        Ok(body) => pass(&shared, Received { body, ..received }).await.1,
        Err(_) => too_long().into_response(),
    }
}

/// What an HTTP API answers to a body that is too long for it.
fn too_long() -> Answer {
    plain(StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Too Long"}"#)
}

/// What an HTTP API answers to a path that it does not have.
pub(super) fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#).into_response()
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Answer { status, headers, body: Bytes::from_static(body.as_bytes()) }
}

/// Passes a request on and records it. Returns its number and the answer.
pub(super) async fn pass(shared: &Shared, received: Received) -> (u64, Response) {
    let begun = Instant::now();
    let answer = shared.upstream.ask(&received).await;
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let id = shared.history.add(exchange(shared, &received, answer.as_ref(), ms));
    let none = || plain(StatusCode::BAD_GATEWAY, r#"{"message":"the local cloud does not answer"}"#);
    (id, answer.unwrap_or_else(none).into_response())
}

fn exchange(shared: &Shared, received: &Received, answer: Option<&Answer>, ms: u64) -> Exchange {
    let masks = &shared.masks;
    let body = |bytes: &Bytes| {
        let mut body = RecordedBody::of(bytes);
        body.text = body.text.map(|text| masks.hide(&text));
        body
    };
    let headers = |headers: &HeaderMap| {
        let each = headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())));
        each.map(|(name, value)| (name.to_owned(), masks.hide_header(name, &value))).collect()
    };
    let explanation = shared.judge.explain(received);
    let at = received.at.as_millis();
    let mut exchange = Exchange {
        id: 0,
        at,
        request: RecordedRequest {
            method: received.method.to_string(),
            path: masks.hide(&received.path),
            query: masks.hide(received.query.as_deref().unwrap_or_default()),
            headers: headers(&received.headers),
            body: body(&received.body),
        },
        answer: answer.map(|answer| RecordedAnswer {
            status: answer.status.as_u16(),
            headers: headers(&answer.headers),
            body: body(&answer.body),
        }),
        ms,
        request_id: answer.and_then(|answer| Some(answer.headers.get(REQUEST_ID)?.to_str().ok()?.to_owned())),
        outcome: first_outcome(answer.map(|answer| answer.status), &received.method, &explanation),
        explanation,
        steps: vec![],
        lines: vec![],
        changes: vec![],
    };
    exchange.reach(Place::Gateway, at, String::new());
    exchange
}

/// What became of a request as far as its answer says so. The logs know more.
fn first_outcome(status: Option<StatusCode>, method: &Method, explanation: &Explanation) -> Outcome {
    let of = |what, reason| Outcome { what, reason };
    match status {
        Some(status) if status.is_success() => {
            if method == Method::HEAD {
                return of(What::Answered, None);
            }
            let (unreadable, readable): (Vec<_>, Vec<_>) = explanation
                .events
                .iter()
                .filter(|event| !event.is_claimed)
                .partition(|event| event.unreadable.is_some());
            match (readable.first(), unreadable.first()) {
                (Some(_), _) => of(What::Taken, None),
                (None, Some(event)) => of(What::Quarantined, event.unreadable.clone()),
                (None, None) => of(What::Answered, None),
            }
        }
        Some(StatusCode::SERVICE_UNAVAILABLE) => of(What::Refused, Some("unavailable".to_owned())),
        Some(status) if status.is_client_error() => of(What::Refused, explanation.refusal.clone()),
        _ => of(What::Failed, None),
    }
}
