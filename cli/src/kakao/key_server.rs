use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use axum::{Json, Router, routing::get};
use play_kakao::{SigningKey, key_set};
use tokio::{net::TcpListener, task::JoinHandle};

/// Publishes a key set on loopback until it is dropped.
#[derive(Debug)]
pub struct KeyServer {
    url: String,
    task: JoinHandle<()>,
}

const PATH: &str = "/.well-known/jwks.json";

impl KeyServer {
    /// Serves the public halves of these keys.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub async fn start<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Result<Self> {
        let set = key_set(keys);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("127.0.0.1 has no free port")?;
        let url = format!("http://{}{PATH}", listener.local_addr()?);
        let app = Router::new().route(PATH, get(move || std::future::ready(Json(set.clone()))));
        let task = tokio::spawn(async move {
            // It ends by being aborted only.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { url, task })
    }

    /// Where the key set is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
