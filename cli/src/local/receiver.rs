//! A service's endpoint on loopback, as the documentation describes one: it accepts what is signed with its secret.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, task::JoinHandle};

/// Receives changes until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    received: Arc<Mutex<Received>>,
    task: JoinHandle<()>,
}

/// What came.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// The changes whose signatures are right, in the order of their arrival.
    pub changes: Vec<Value>,
    /// How many requests had a wrong signature.
    pub refused: usize,
}

struct Inside {
    secret: Webhook,
    received: Arc<Mutex<Received>>,
}

const PATH: &str = "/kakao";

impl Receiver {
    /// One that holds this secret, on a free port.
    ///
    /// # Errors
    /// If the secret is malformed, or 127.0.0.1 has no free port.
    pub async fn start(secret: &str) -> Result<Self> {
        let received = Arc::<Mutex<Received>>::default();
        let secret = Webhook::new(secret).context("the secret can't be used")?;
        let inside = Arc::new(Inside { secret, received: Arc::clone(&received) });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("127.0.0.1 has no free port")?;
        let url = format!("http://{}{PATH}", listener.local_addr()?);
        let app = Router::new().route(PATH, post(receive)).with_state(inside);
        let task = tokio::spawn(async move {
            // It ends by being aborted only.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, received, task })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What came so far.
    #[must_use]
    pub fn received(&self) -> Received {
        lock(&self.received).clone()
    }
}

async fn receive(State(inside): State<Arc<Inside>>, headers: HeaderMap, body: String) -> StatusCode {
    let mut received = lock(&inside.received);
    if inside.secret.verify(body.as_bytes(), &headers).is_err() {
        received.refused += 1;
        return StatusCode::UNAUTHORIZED;
    }
    let mut payload: Value = serde_json::from_str(&body).unwrap_or_default();
    if payload.get("type").and_then(Value::as_str) == Some("user.changed") {
        received.changes.extend(payload.get_mut("data").map(Value::take));
    }
    StatusCode::NO_CONTENT
}

fn lock(received: &Mutex<Received>) -> MutexGuard<'_, Received> {
    received.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}
