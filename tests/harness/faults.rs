//! What can be wrong with a server that the functions depend on, to be switched on while they run.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    serve::{Listener, ListenerExt},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::calls;

/// What a server does instead of its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it works.
    #[default]
    None,
    /// It answers with this status and an empty body.
    Status(u16),
    /// It throttles, in the form of AWS's JSON protocols.
    Throttled,
    /// It takes the request and never answers.
    Hangs,
    /// It does its work after this time.
    Slow(Duration),
}

/// The switch before a server.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<Setting>>);

#[derive(Clone, Debug, Default)]
struct Setting {
    fault: Fault,
    /// Only requests whose body holds this text meet the fault.
    only: Option<String>,
}

impl Gate {
    /// From now on the server behaves like this.
    pub fn set(&self, fault: Fault) {
        self.put(Setting { fault, only: None });
    }

    /// The same, but only towards requests whose body holds this text.
    pub fn set_for(&self, text: &str, fault: Fault) {
        self.put(Setting { fault, only: Some(text.to_owned()) });
    }

    fn put(&self, setting: Setting) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = setting;
    }

    /// What a request with this body meets.
    fn fault_for(&self, body: &[u8]) -> Fault {
        let Setting { fault, only } = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_meant = only.is_none_or(|text| String::from_utf8_lossy(body).contains(&text));
        if is_meant { fault } else { Fault::None }
    }
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    calls::record(&parts.headers, &body);
    let fault = gate.fault_for(&body);
    let request = Request::from_parts(parts, Body::from(body));
    match fault {
        Fault::None => next.run(request).await,
        Fault::Status(code) => StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
        Fault::Throttled => (
            StatusCode::BAD_REQUEST,
            [(CONTENT_TYPE, "application/x-amz-json-1.0")],
            r#"{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}"#,
        )
            .into_response(),
        Fault::Hangs => std::future::pending().await,
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
        Self::without_gate(router.layer(from_fn_with_state(gate, pass))).await
    }

    /// Serves `router` on a free port.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn without_gate(router: Router) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // Otherwise some answers wait for an acknowledgement. If it fails, the connection is only slower.
            let _ = stream.set_nodelay(true);
        });
        Ok(Self::on(listener, address, router))
    }

    /// Serves `router` on another kind of listener, for example one with TLS.
    #[must_use]
    pub fn on<L: Listener>(listener: L, address: SocketAddr, router: Router) -> Self
    where
        L::Addr: std::fmt::Debug,
    {
        let task = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Self { address, task }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
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
