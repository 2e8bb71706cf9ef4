//! Secrets Manager: one secret, and how often it was read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::{
    faults::{Gate, Server},
    hygiene::Log,
};

/// The ARN of the deliverer's secret (`DELIVERY_SECRET`).
pub const DELIVERY_ARN: &str = "arn:aws:secretsmanager:ap-northeast-2:000000000000:secret:delivery-0a1B2c";
/// The ARN of the answerer's (`SKILL_ANSWERER_SECRET`).
pub const ANSWERER_ARN: &str = "arn:aws:secretsmanager:ap-northeast-2:000000000000:secret:answerer-0a1B2c";
/// The ARN of the reconciler's (`KAKAO_READER_KEYS`).
pub const READER_KEYS_ARN: &str = "arn:aws:secretsmanager:ap-northeast-2:000000000000:secret:reader-keys-0a1B2c";

#[derive(Debug)]
struct Held {
    arn: &'static str,
    text: String,
    reads: usize,
}

/// A server with one secret.
#[derive(Debug)]
pub struct Secrets {
    server: Server,
    gate: Gate,
    held: Arc<Mutex<Held>>,
    log: Log,
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Secrets {
    /// A server on a free port whose secret has this ARN and this text. From now on no line of `log` may hold a part of
    /// it.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start(arn: &'static str, text: &str, log: &Log) -> Result<Self> {
        let (gate, held) = (Gate::default(), Arc::new(Mutex::new(Held { arn, text: String::new(), reads: 0 })));
        let router = Router::new().route("/", post(call)).with_state(Arc::clone(&held));
        let secrets = Self { server: Server::start(router, gate.clone()).await?, gate, held, log: log.clone() };
        secrets.set(text);
        Ok(secrets)
    }

    /// Another text.
    pub fn set(&self, text: &str) {
        text.split_whitespace().for_each(|part| self.log.keep_out(part));
        text.clone_into(&mut lock(&self.held).text);
    }

    /// Where the protocol is spoken (`AWS_ENDPOINT_URL_SECRETS_MANAGER`).
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// How often the secret was read.
    #[must_use]
    pub fn reads(&self) -> usize {
        lock(&self.held).reads
    }
}

async fn call(State(held): State<Arc<Mutex<Held>>>, headers: HeaderMap, request: String) -> Response {
    let request: Value = serde_json::from_str(&request).unwrap_or_default();
    let refuse = |kind: &str| (StatusCode::BAD_REQUEST, Json(json!({"__type": kind, "Message": kind}))).into_response();
    if headers.get("x-amz-target").is_none_or(|target| target != "secretsmanager.GetSecretValue") {
        return refuse("InvalidRequestException");
    }
    let mut held = lock(&held);
    if request.get("SecretId").is_none_or(|id| id != held.arn) {
        return refuse("ResourceNotFoundException");
    }
    held.reads += 1;
    let version = "00000000-0000-4000-8000-000000000001";
    Json(json!({
        "ARN": held.arn, "Name": "secret", "VersionId": version, "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1_740_799_800.123, "SecretString": held.text,
    }))
    .into_response()
}
