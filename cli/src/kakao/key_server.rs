use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use axum::{Json, Router, extract::State, routing::get};
use play_kakao::{SigningKey, key_set};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// Publishes a key set on loopback until it is dropped.
#[derive(Debug)]
pub struct KeyServer {
    url: String,
    set: Arc<Mutex<Value>>,
    task: JoinHandle<()>,
}

const PATH: &str = "/.well-known/jwks.json";

impl KeyServer {
    /// Serves the public halves of these keys on a free port.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub async fn start<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<Self> {
        Self::start_on(0, keys).await
    }

    /// Serves them on this port.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start_on<'k>(port: u16, keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<Self> {
        let set = Arc::new(Mutex::new(key_set(keys)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.with_context(|| match port {
            0 => "127.0.0.1 has no free port".to_owned(),
            port => format!("port {port} of 127.0.0.1 is taken"),
        })?;
        let url = format!("http://{}{PATH}", listener.local_addr()?);
        let app = Router::new().route(PATH, get(answer)).with_state(Arc::clone(&set));
        let task = tokio::spawn(async move {
            // It ends by being aborted only.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, set, task })
    }

    /// From now on these are the keys.
    pub fn publish<'k>(&self, keys: impl IntoIterator<Item = &'k SigningKey>) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = key_set(keys);
    }

    /// Where the key set is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn answer(State(set): State<Arc<Mutex<Value>>>) -> Json<Value> {
    Json(set.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
