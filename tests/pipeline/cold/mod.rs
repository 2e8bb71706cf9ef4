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
    tls::{AuthorityFile, Tls},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::kakao::{OAUTH, channel, channel_body, share, signed, skill, skill_body, token, unlink};

/// By its contract a function may take 2.5 s; the rest is for a machine under load.
const LIMIT: Duration = Duration::from_secs(5);

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

    /// A function that trusts the CA and has opened its connections, before any request.
    async fn ready(&self, function: &str) -> Lambda {
        let bundle = [("AWS_CA_BUNDLE", self.authority.file())];
        let running = self.pipeline.start_function_with(function, &bundle).await.unwrap();
        self.queue.has_shaken(1).await.unwrap();
        running
    }

    fn handshakes(&self) -> (usize, usize) {
        (self.queue.handshakes(), self.table.handshakes())
    }
}

async fn answer(function: &mut Lambda, request: Request) -> Answer {
    let begun = Instant::now();
    let Outcome::Response(response) = function.invoke(&request.received_now().event()).await.unwrap() else {
        panic!("no response: {:?}", function.lines());
    };
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
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
        assert!(begun.elapsed() < LIMIT, "{:?}", function.lines());
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn the_first_answer_costs_no_handshake() {
    for (name, status) in
        [("unlink", 200), ("account-status", 202), ("talk-share", 200), ("talk-channel", 200), ("skill", 200)]
    {
        let secured = Secured::start(&format!("first-{name}")).await;
        let mut function = secured.ready(name).await;
        let request = match name {
            "unlink" => unlink("1"),
            "account-status" => linked(&secured.pipeline),
            "talk-share" => share("1", "r1"),
            "talk-channel" => channel(&channel_body("added", "1", "2025-03-01T00:00:00Z"), "r1"),
            _ => skill(&skill_body("u1", "안녕"), "r1"),
        };
        assert_eq!(answer(&mut function, request).await.status, status, "{name}: {:?}", function.lines());
        assert_eq!(destination(&function, 1).await, "queue", "{name}");
        // The skill reads its rules while it starts.
        let to_the_table = usize::from(name == "skill");
        assert_eq!(secured.handshakes(), (1, to_the_table), "{name}: to the queue, and to the table");
        assert_eq!(secured.keys.handshakes(), usize::from(name == "account-status"), "{name}: to the key set");
        assert_eq!(secured.pipeline.queue.take().len(), 1, "{name}: a warm-up request counted as a message");
        assert!(secured.pipeline.table.items().unwrap().is_empty(), "{name}: a warm-up request was stored");
    }
}

#[tokio::test]
async fn warm_up_requests_carry_no_credentials() {
    for (status, services) in [(StatusCode::OK, 1), (StatusCode::SERVICE_UNAVAILABLE, 2)] {
        let knocks = Arc::<Mutex<Vec<(String, HeaderMap)>>>::default();
        let kept = Arc::clone(&knocks);
        let router = Router::new().fallback(async move |request: axum::extract::Request| {
            let asked = format!("{} {}", request.method(), request.uri());
            kept.lock().unwrap().push((asked, request.headers().clone()));
            status
        });
        let server = Server::start(router, Gate::default()).await.unwrap();
        let pipeline = Pipeline::start().await.unwrap();
        let url = server.url();
        let variables =
            [("AWS_ENDPOINT_URL_SQS", url.as_str()), ("AWS_ENDPOINT_URL_DYNAMODB", &url), ("AWS_SESSION_TOKEN", "s")];
        let mut function = pipeline.start_function_with("unlink", &variables).await.unwrap();
        // A path that is not one of its routes, which it can answer by itself.
        let mut request = unlink("1");
        request.path = "/nothing".to_owned();
        assert_eq!(answer(&mut function, request).await.status, 404);
        let knocks = knocks.lock().unwrap();
        assert_eq!(knocks.len(), services, "{status}");
        for (asked, headers) in knocks.iter() {
            assert_eq!(asked, "GET /ping");
            assert_eq!(headers.keys().collect::<Vec<_>>(), ["host"]);
        }
    }
}

#[tokio::test]
async fn the_way_to_the_inbox_is_open_where_the_queue_doesnt_answer_at_the_start() {
    let secured = Secured::start("inbox").await;
    let bundle = [("AWS_CA_BUNDLE", secured.authority.file())];
    let refused = [bundle[0], ("AWS_ENDPOINT_URL_SQS", "https://127.0.0.1:1")];
    let (busy, hangs) = (Fault::Status(503), Fault::Hangs);
    for (handshakes, fault, variables) in [(1, busy, &bundle[..]), (2, busy, &refused), (3, hangs, &bundle)] {
        secured.pipeline.queue.gate().set(fault);
        let mut function = secured.pipeline.start_function_with("unlink", variables).await.unwrap();
        secured.table.has_shaken(handshakes).await.unwrap();
        for nth in 1..=2 {
            assert_eq!(answer(&mut function, unlink("1")).await.status, 200);
            assert_eq!(destination(&function, nth).await, "inbox");
        }
        assert_eq!(secured.table.handshakes(), handshakes);
    }
}

#[tokio::test]
async fn who_needs_the_inbox_later_opens_the_way_once() {
    let secured = Secured::start("later").await;
    let mut function = secured.ready("unlink").await;
    secured.pipeline.queue.gate().set(Fault::Status(403));
    for nth in 1..=3 {
        assert_eq!(answer(&mut function, unlink("1")).await.status, 200);
        assert_eq!(destination(&function, nth).await, "inbox");
    }
    assert_eq!(secured.table.handshakes(), 1);
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let secured = Secured::start("closed").await;
    let mut function = secured.ready("unlink").await;
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
    let secured = Secured::start("system").await;
    let system = [("SSL_CERT_FILE", secured.authority.file())];
    let mut function = secured.pipeline.start_function_with("unlink", &system).await.unwrap();
    secured.queue.has_shaken(1).await.unwrap();
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
