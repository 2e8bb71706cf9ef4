//! A gate in front of what the functions call: it passes requests on as they came, unless a fault is on.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::{
    HeaderMap, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};

use super::faults::{Fault, Faults};

/// How much later a slow table answers: a webhook that has to go to the inbox is still acknowledged in time.
const SLOW: Duration = Duration::from_secs(1);
/// The servers behind close idle connections after some five seconds.
const IDLE: Duration = Duration::from_secs(2);

/// What stands behind a gate.
#[derive(Clone, Debug)]
pub(crate) enum Behind {
    /// AWS's APIs.
    Aws,
    /// Kakao's signing keys.
    Keys,
    /// The service's endpoint for changes.
    Receiver,
    /// Kakao's REST API; and the origin of one that knows no member.
    Api { lying: String },
}

/// A gate, until it is dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    url: String,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Inside {
    behind: Behind,
    /// Where requests are passed on to, without a path.
    origin: String,
    faults: Faults,
    client: Client<HttpConnector, Body>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Passage {
    To(String),
    Later(Duration),
    Answer(StatusCode, &'static str),
}

impl Gate {
    /// One in front of this `http://` URL, on a free port.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub(crate) async fn before(url: &str, behind: Behind, faults: &Faults) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("127.0.0.1 has no free port")?;
        let (origin, path) = split(url);
        let own = format!("http://{}{path}", listener.local_addr()?);
        faults.allow(behind.faults());
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build_http();
        let inside = Arc::new(Inside { behind, origin: origin.to_owned(), faults: faults.clone(), client });
        let app = Router::new().fallback(pass).with_state(inside);
        let task = tokio::spawn(async move {
            // It ends by being aborted only.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url: own, task })
    }

    /// Its own URL: the one behind it, with another origin.
    #[must_use]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The origin of a URL, and the rest.
fn split(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url.get(authority..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |end| authority + end);
    url.split_at(end)
}

impl Behind {
    const fn faults(&self) -> &'static [Fault] {
        match self {
            Self::Aws => &[Fault::QueueDown, Fault::TableSlow],
            Self::Keys => &[Fault::KeysGone],
            Self::Receiver => &[Fault::DeliveryFails],
            Self::Api { .. } => &[Fault::ApiLies],
        }
    }
}

impl Inside {
    fn passage(&self, headers: &HeaderMap) -> Passage {
        let is = |fault| self.faults.is(fault);
        let unavailable = |body| Passage::Answer(StatusCode::SERVICE_UNAVAILABLE, body);
        match &self.behind {
            Behind::Aws => match aws_service(headers) {
                Some("sqs") if is(Fault::QueueDown) => unavailable(r#"{"__type":"ServiceUnavailable"}"#),
                Some("dynamodb") if is(Fault::TableSlow) => Passage::Later(SLOW),
                _ => Passage::To(self.origin.clone()),
            },
            Behind::Keys if is(Fault::KeysGone) => unavailable("{}"),
            Behind::Receiver if is(Fault::DeliveryFails) => Passage::Answer(StatusCode::INTERNAL_SERVER_ERROR, "{}"),
            Behind::Api { lying } if is(Fault::ApiLies) => Passage::To(lying.clone()),
            _ => Passage::To(self.origin.clone()),
        }
    }
}

/// The service that a request is signed for (`Credential=<key>/<day>/<region>/<service>/aws4_request`).
fn aws_service(headers: &HeaderMap) -> Option<&str> {
    let (_, scope) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once("Credential=")?;
    scope.split(',').next()?.split('/').nth(3)
}

async fn pass(State(inside): State<Arc<Inside>>, request: Request<Body>) -> Response {
    let origin = match inside.passage(request.headers()) {
        Passage::Answer(status, body) => return (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Passage::Later(time) => {
            sleep(time).await;
            inside.origin.clone()
        }
        Passage::To(origin) => origin,
    };
    forward(&inside.client, &origin, request).await.unwrap_or_else(broken_off)
}

/// Passes a request on. None: what stands behind does not answer.
async fn forward(client: &Client<HttpConnector, Body>, origin: &str, mut request: Request<Body>) -> Option<Response> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    *request.uri_mut() = format!("{origin}{target}").parse::<Uri>().ok()?;
    request.headers_mut().remove(HOST);
    Some(client.request(request).await.ok()?.map(Body::new))
}

/// No answer: the connection ends before its first byte.
fn broken_off() -> Response {
    let failure = io::Error::from(io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(failure)])))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing::any;
    use reqwest::Client;

    use super::*;

    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base?x=1", listener.local_addr().unwrap());
        let echo = move |uri: Uri, headers: HeaderMap, body: String| async move {
            format!("{answer} {uri} {} {body}", headers["x-odd"].to_str().unwrap())
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(echo))).await.unwrap() });
        url
    }

    async fn ask(url: &str, service: &str) -> (u16, String) {
        let client = Client::builder().no_proxy().build().unwrap();
        let signed =
            format!("AWS4-HMAC-SHA256 Credential=k/20260101/ap-northeast-2/{service}/aws4_request, Signature=s");
        let answer = client.post(url).header("authorization", signed).header("x-odd", "7").body("body").send();
        let answer = answer.await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    #[tokio::test]
    async fn requests_pass_as_they_came_while_no_fault_is_on() {
        let (url, faults) = (server("true").await, Faults::default());
        let gate = Gate::before(&url, Behind::Aws, &faults).await.unwrap();
        assert!(gate.url().ends_with("/base?x=1") && gate.url() != url);
        assert_eq!(ask(gate.url(), "sqs").await, (200, "true /base?x=1 7 body".to_owned()));
        assert!(faults.is_possible(Fault::QueueDown) && !faults.is_possible(Fault::ApiLies));
    }

    #[tokio::test]
    async fn each_fault_meets_what_it_is_of_and_ends() {
        let (url, lying, faults) = (server("true").await, server("lying").await, Faults::default());
        let lying = Behind::Api { lying: split(&lying).0.to_owned() };
        let long = Duration::from_secs(600);
        for (behind, fault, service, wanted) in [
            (Behind::Aws, Fault::QueueDown, "sqs", (503, r#"{"__type":"ServiceUnavailable"}"#)),
            (Behind::Aws, Fault::QueueDown, "dynamodb", (200, "true /base?x=1 7 body")),
            (Behind::Keys, Fault::KeysGone, "-", (503, "{}")),
            (Behind::Receiver, Fault::DeliveryFails, "-", (500, "{}")),
            (lying, Fault::ApiLies, "-", (200, "lying /base?x=1 7 body")),
        ] {
            let gate = Gate::before(&url, behind, &faults).await.unwrap();
            faults.begin(fault, long);
            let (status, body) = ask(gate.url(), service).await;
            assert_eq!((status, body.as_str()), wanted, "{fault:?}");
            faults.end(fault);
            assert_eq!(ask(gate.url(), service).await, (200, "true /base?x=1 7 body".to_owned()), "{fault:?}");
        }
    }

    #[tokio::test]
    async fn a_slow_table_answers_later_and_the_queue_beside_it_at_once() {
        let (url, faults) = (server("true").await, Faults::default());
        let gate = Gate::before(&url, Behind::Aws, &faults).await.unwrap();
        faults.begin(Fault::TableSlow, Duration::from_secs(600));
        let begun = Instant::now();
        ask(gate.url(), "sqs").await;
        assert!(begun.elapsed() < SLOW);
        assert_eq!(ask(gate.url(), "dynamodb").await.0, 200);
        assert!(begun.elapsed() >= SLOW);
    }

    #[tokio::test]
    async fn what_does_not_answer_behind_the_gate_does_not_answer_before_it() {
        let gate = Gate::before("http://127.0.0.1:1/x", Behind::Receiver, &Faults::default()).await.unwrap();
        assert!(Client::builder().no_proxy().build().unwrap().get(gate.url()).send().await.is_err());
    }
}
