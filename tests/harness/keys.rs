//! A simulated key endpoint of Kakao: it serves a key set and counts the requests.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use play_kakao::SigningKey;

use crate::faults::{Gate, Server};

#[derive(Debug, Default)]
struct ServedKeySet {
    fetches: AtomicUsize,
    document: Mutex<String>,
}

/// The endpoint, and the key that signs.
pub struct KeyEndpoint {
    server: Server,
    gate: Gate,
    served: Arc<ServedKeySet>,
    key: Arc<SigningKey>,
}

/// One key for the whole process: making one takes as long as a test.
fn signing_key() -> Result<Arc<SigningKey>> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(Arc::clone(key));
    }
    let key = Arc::new(SigningKey::generate("8d1f0a4c6e2b9375d0c1e8f7a6b5c4")?);
    Ok(Arc::clone(KEY.get_or_init(|| key)))
}

impl KeyEndpoint {
    /// An endpoint on a free port with one key.
    ///
    /// # Errors
    /// If loopback has no free port, or the system no randomness.
    pub async fn start() -> Result<Self> {
        let key = signing_key()?;
        let (gate, served) = (Gate::default(), Arc::<ServedKeySet>::default());
        let router = Router::new().route("/jwks.json", get(answer)).with_state(Arc::clone(&served));
        let endpoint = Self { server: Server::start(router, gate.clone()).await?, gate, served, key };
        endpoint.serve(play_kakao::key_set([&*endpoint.key]).to_string());
        Ok(endpoint)
    }

    /// The key set's URL (`KAKAO_JWKS_URL`).
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/jwks.json", self.server.url())
    }

    /// The key that Kakao signs with.
    #[must_use]
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// From now on this is the document.
    pub fn serve(&self, document: String) {
        *self.served.document.lock().unwrap_or_else(PoisonError::into_inner) = document;
    }

    /// What is wrong with it. A fetch that it turned away isn't counted.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// How often the document was fetched.
    #[must_use]
    pub fn fetches(&self) -> usize {
        self.served.fetches.load(Ordering::SeqCst)
    }
}

async fn answer(State(served): State<Arc<ServedKeySet>>) -> impl IntoResponse {
    served.fetches.fetch_add(1, Ordering::SeqCst);
    let document = served.document.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ([(CONTENT_TYPE, "application/json")], document)
}
