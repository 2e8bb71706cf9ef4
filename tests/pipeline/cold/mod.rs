//! What a start prepares for the first request, and which certificates a function trusts.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use end_to_end::{
    Answer, Pipeline, Request,
    faults::{Fault, Gate, Server},
    lambda::{Lambda, Outcome},
    patience::{PATIENCE, WEBHOOK_LIMIT},
    tls::{AuthorityFile, Tls},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::kakao::{OAUTH, channel, channel_body, share, signed, skill, skill_body, token, unlink};

/// A service whose queue, table and key set are reached by TLS.
struct Secured {
    pipeline: Pipeline,
    queue: Tls,
    table: Tls,
    keys: Tls,
    authority: AuthorityFile,
}

impl Secured {
    /// `name` is the test's.
    async fn start(name: &str) -> Self {
        let (pipeline, authority) = (Pipeline::start().await.unwrap(), AuthorityFile::new(name).unwrap());
        let queue = Tls::before(&pipeline.queue.endpoint(), &authority).await.unwrap();
        let table = Tls::before(&pipeline.table.endpoint(), &authority).await.unwrap();
        let keys = Tls::before(&pipeline.keys.url(), &authority).await.unwrap();
        let pipeline = pipeline
            .with("AWS_ENDPOINT_URL_SQS", &queue.url())
            .with("AWS_ENDPOINT_URL_DYNAMODB", &table.url())
            .with("KAKAO_JWKS_URL", &format!("{}/jwks.json", keys.url()));
        Self { pipeline, queue, table, keys, authority }
    }

    /// A service and a function that finds the CA by the variable `trust`. The function has opened the connections that
    /// its first request needs, and no others.
    async fn ready(name: &str, function: &str, trust: &str) -> (Self, Lambda) {
        // The skill reads its rules once it has started.
        let to_the_table = usize::from(function == "skill");
        let start = async || {
            let secured = Self::start(name).await;
            let trusted = [(trust, secured.authority.file())];
            let running = secured.pipeline.start_function_with(function, &trusted).await.unwrap();
            running.started().await.unwrap();
            secured.table.has_shaken(to_the_table).await.unwrap();
            (secured, running)
        };
        let are_open = |secured: &Self| secured.handshakes() == (1, to_the_table) && secured.queue.connections() == 1;
        until_opened(start, are_open).await
    }

    fn handshakes(&self) -> (usize, usize) {
        (self.queue.handshakes(), self.table.handshakes())
    }
}

/// More than a machine under load disturbs.
const STARTS: usize = 5;

/// Starts services until the function of one has opened the expected connections. A start waits for the queue alone for
/// 250 ms and for all connections for 500 ms: on a machine under load it may open another one, or give up.
async fn until_opened(
    start: impl AsyncFn() -> (Secured, Lambda),
    are_open: impl Fn(&Secured) -> bool,
) -> (Secured, Lambda) {
    let mut seen = vec![];
    for _ in 0..STARTS {
        let (secured, function) = start().await;
        if are_open(&secured) {
            return (secured, function);
        }
        seen.push((secured.handshakes(), (secured.queue.connections(), secured.table.connections())));
    }
    panic!("handshakes and open connections, of the queue and of the table: {seen:?}");
}

async fn answer(function: &mut Lambda, request: Request) -> Answer {
    let begun = Instant::now();
    let Outcome::Response(response) = function.invoke(&request.received_now().event()).await.unwrap() else {
        panic!("no response: {:?}", function.lines());
    };
    assert!(begun.elapsed() < WEBHOOK_LIMIT, "{:?}", begun.elapsed());
    Answer::of_response(&response).unwrap()
}

fn linked(pipeline: &Pipeline) -> Request {
    signed(pipeline, &token("1", &format!("{OAUTH}user-linked"), 1, &json!({})))
}

/// The destination that the function logged for its `nth` event.
async fn destination(function: &Lambda, nth: usize) -> Value {
    let begun = Instant::now();
    loop {
        let kept = function.lines().into_iter().filter(|line| line["event"] == json!("kept")).nth(nth - 1);
        if let Some(kept) = kept {
            return kept["destination"].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{:?}", function.lines());
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn the_first_answer_costs_no_handshake() {
    for (name, status) in
        [("unlink", 200), ("account-status", 202), ("talk-share", 200), ("talk-channel", 200), ("skill", 200)]
    {
        let (secured, mut function) = Secured::ready(&format!("first-{name}"), name, "AWS_CA_BUNDLE").await;
        let opened = secured.handshakes();
        let request = match name {
            "unlink" => unlink("1"),
            "account-status" => linked(&secured.pipeline),
            "talk-share" => share("1", "r1"),
            "talk-channel" => channel(&channel_body("added", "1", "2025-03-01T00:00:00Z"), "r1"),
            _ => skill(&skill_body("u1", "안녕"), "r1"),
        };
        assert_eq!(answer(&mut function, request).await.status, status, "{name}: {:?}", function.lines());
        assert_eq!(destination(&function, 1).await, "queue", "{name}");
        assert_eq!(secured.handshakes(), opened, "{name}: to the queue, and to the table");
        assert_eq!(secured.keys.handshakes(), usize::from(name == "account-status"), "{name}: to the key set");
        assert_eq!(secured.pipeline.queue.take().len(), 1, "{name}: a warm-up request counted as a message");
        assert!(secured.pipeline.table.items().unwrap().is_empty(), "{name}: a warm-up request was stored");
    }
}

#[tokio::test]
async fn warm_up_requests_carry_no_credentials() {
    for (status, reaches_the_table) in [(StatusCode::OK, false), (StatusCode::SERVICE_UNAVAILABLE, true)] {
        let [(queue, of_queue), (table, of_table)] = [recorded(status).await, recorded(status).await];
        let pipeline = Pipeline::start().await.unwrap();
        let variables = [
            ("AWS_ENDPOINT_URL_SQS", &*queue.url()),
            ("AWS_ENDPOINT_URL_DYNAMODB", &*table.url()),
            ("AWS_SESSION_TOKEN", "s"),
        ];
        let begun = Instant::now();
        // On a machine under load a start may end before it has reached both, and may reach the table in any case.
        while of_queue.lock().unwrap().is_empty() || reaches_the_table && of_table.lock().unwrap().is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{status}: no warm-up request");
            let mut function = pipeline.start_function_with("unlink", &variables).await.unwrap();
            // A path that is not one of its routes, which it can answer by itself.
            let mut request = unlink("1");
            request.path = "/nothing".to_owned();
            assert_eq!(answer(&mut function, request).await.status, 404);
        }
        for (asked, headers) in of_queue.lock().unwrap().iter().chain(of_table.lock().unwrap().iter()) {
            assert_eq!(asked, "GET /ping");
            assert_eq!(headers.keys().collect::<Vec<_>>(), ["host"]);
        }
    }
}

type Recorded = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A server that answers with this status, and the requests that it gets.
async fn recorded(status: StatusCode) -> (Server, Recorded) {
    let requests = Recorded::default();
    let kept = Arc::clone(&requests);
    let router = Router::new().fallback(async move |request: axum::extract::Request| {
        let asked = format!("{} {}", request.method(), request.uri());
        kept.lock().unwrap().push((asked, request.headers().clone()));
        status
    });
    (Server::start(router, Gate::default()).await.unwrap(), requests)
}

#[tokio::test]
async fn the_way_to_the_inbox_is_open_where_the_queue_doesnt_answer_at_the_start() {
    let refused = ("AWS_ENDPOINT_URL_SQS", "https://127.0.0.1:1");
    let (busy, hangs) = (Fault::Status(503), Fault::Hangs);
    for (fault, variable) in [(busy, None), (busy, Some(refused)), (hangs, None)] {
        let start = async || {
            let secured = Secured::start("inbox").await;
            secured.pipeline.queue.gate().set(fault);
            let variables: Vec<_> = [("AWS_CA_BUNDLE", secured.authority.file())].into_iter().chain(variable).collect();
            let function = secured.pipeline.start_function_with("unlink", &variables).await.unwrap();
            function.started().await.unwrap();
            (secured, function)
        };
        let is_open = |secured: &Secured| (secured.table.handshakes(), secured.table.connections()) == (1, 1);
        let (secured, mut function) = until_opened(start, is_open).await;
        for nth in 1..=2 {
            assert_eq!(answer(&mut function, unlink("1")).await.status, 200);
            assert_eq!(destination(&function, nth).await, "inbox");
        }
        assert_eq!(secured.table.handshakes(), 1);
    }
}

#[tokio::test]
async fn who_needs_the_inbox_later_opens_the_way_once() {
    let (secured, mut function) = Secured::ready("later", "unlink", "AWS_CA_BUNDLE").await;
    secured.pipeline.queue.gate().set(Fault::Status(403));
    for nth in 1..=3 {
        assert_eq!(answer(&mut function, unlink("1")).await.status, 200);
        assert_eq!(destination(&function, nth).await, "inbox");
    }
    assert_eq!(secured.table.handshakes(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let (secured, mut function) = Secured::ready("closed", "unlink", "AWS_CA_BUNDLE").await;
    for nth in 1..=5 {
        assert_eq!(answer(&mut function, unlink("1")).await.status, 200, "{nth}");
        assert_eq!(destination(&function, nth).await, "queue", "{nth}: {:?}", function.lines());
        assert_eq!(secured.queue.handshakes(), nth, "{nth}");
        secured.queue.close_connections();
    }
    let failures = function.lines().into_iter().filter(|line| line["event"] == json!("queue_failed")).count();
    assert_eq!(failures, 0);
}

#[tokio::test]
async fn who_is_neither_amazon_nor_in_the_bundle_nor_in_the_system_is_not_trusted() {
    let secured = Secured::start("stranger").await;
    let other = AuthorityFile::new("other").unwrap();
    for bundle in [&[][..], &[("AWS_CA_BUNDLE", other.file())]] {
        let variables = [bundle, &[("SSL_CERT_FILE", other.file())]].concat();
        for (name, request) in [("unlink", unlink("1")), ("account-status", linked(&secured.pipeline))] {
            let mut function = secured.pipeline.start_function_with(name, &variables).await.unwrap();
            assert_eq!(answer(&mut function, request).await.status, 503, "{name}");
        }
    }
    assert_eq!((secured.handshakes(), secured.keys.handshakes()), ((0, 0), 0));
    assert_eq!((secured.pipeline.queue.take().len(), secured.pipeline.keys.fetches()), (0, 0));
}

#[tokio::test]
async fn the_systems_roots_are_read_once_when_amazons_dont_do() {
    let (secured, mut function) = Secured::ready("system", "unlink", "SSL_CERT_FILE").await;
    for nth in 1..=2 {
        assert_eq!(answer(&mut function, unlink("1")).await.status, 200);
        assert_eq!(destination(&function, nth).await, "queue");
    }
    assert_eq!(secured.handshakes(), (1, 0));
    let read = function.lines().into_iter().filter(|line| line["event"] == json!("system_roots_read")).count();
    assert_eq!(read, 1);
}

#[tokio::test]
async fn the_systems_roots_are_read_too_once_the_inbox_is_the_first_that_needs_them() {
    let secured = Secured::start("inbox-system").await;
    let queue = secured.pipeline.queue.endpoint();
    let variables = [("SSL_CERT_FILE", secured.authority.file()), ("AWS_ENDPOINT_URL_SQS", &queue)];
    let mut function = secured.pipeline.start_function_with("unlink", &variables).await.unwrap();
    for (nth, expected) in [(1, "queue"), (2, "inbox"), (3, "inbox")] {
        assert_eq!(answer(&mut function, unlink("1")).await.status, 200);
        assert_eq!(destination(&function, nth).await, expected);
        secured.pipeline.queue.gate().set(Fault::Status(403));
    }
    assert_eq!(secured.handshakes(), (0, 1));
}

#[tokio::test]
async fn the_systems_roots_prove_nobody_to_be_kakao() {
    let secured = Secured::start("keys-system").await;
    let system = [("SSL_CERT_FILE", secured.authority.file())];
    let mut function = secured.pipeline.start_function_with("account-status", &system).await.unwrap();
    assert_eq!(answer(&mut function, linked(&secured.pipeline)).await.status, 503);
    assert_eq!((secured.keys.handshakes(), secured.queue.handshakes()), (0, 1));
}

#[tokio::test]
async fn a_bundle_that_cant_be_used_is_named() {
    let empty = std::env::temp_dir().join(format!("empty-{}.pem", std::process::id()));
    std::fs::write(&empty, "").unwrap();
    let pipeline = Pipeline::start().await.unwrap().with("EVENT_BUS_NAME", "bus");
    for path in ["/nowhere/a-secret.pem", empty.to_str().unwrap()] {
        for name in ["unlink", "account-status", "processor", "janitor", "publisher"] {
            let function = pipeline.start_function_with(name, &[("AWS_CA_BUNDLE", path)]).await.unwrap();
            let (code, lines) = function.ended().await.unwrap();
            assert!(code.is_some_and(|code| code != 0), "{name} ended with {code:?}");
            let said = format!("{lines:?}");
            assert!(said.contains("AWS_CA_BUNDLE can't be used: the file"), "{name}: {said}");
            assert!(said.contains("Set it to the path of a file"), "{name}: {said}");
            assert!(!said.contains("a-secret"), "{name}: {said}");
        }
    }
    std::fs::remove_file(empty).unwrap();
}
