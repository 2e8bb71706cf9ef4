//! What can be wrong with a server that the functions depend on, to be switched on while they run.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// What a server does instead of its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it works.
    #[default]
    None,
    /// It answers with this status and an empty body.
    Status(u16),
    /// It says that there is too much to do, in the way of AWS's JSON protocols.
    Throttled,
    /// It takes the request and never answers.
    Hangs,
    /// It takes a request whose body has this text, and never answers it. It does the rest of its work.
    HangsAt(&'static str),
    /// It does its work after this time.
    Slow(Duration),
}

/// The switch before a server.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<Fault>>);

impl Gate {
    /// From now on the server behaves like this.
    pub fn set(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn get(&self) -> Fault {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.get() {
        Fault::None => next.run(request).await,
        Fault::Status(code) => StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
        Fault::Throttled => (
            StatusCode::BAD_REQUEST,
            [(CONTENT_TYPE, "application/x-amz-json-1.0")],
            r#"{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}"#,
        )
            .into_response(),
        Fault::Hangs => std::future::pending().await,
        Fault::HangsAt(text) => {
            let (head, body) = request.into_parts();
            let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
            if body.windows(text.len()).any(|window| window == text.as_bytes()) {
                return std::future::pending().await;
            }
            next.run(Request::from_parts(head, body.into())).await
        }
        Fault::Slow(time) => {
            tokio::time::sleep(time).await;
            next.run(request).await
        }
    }
}

/// A server on loopback with a gate before it; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `router` behind `gate` on a free port.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start(router: Router, gate: Gate) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = router.layer(from_fn_with_state(gate, pass));
        let task = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
