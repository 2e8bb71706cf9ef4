//! Kakao's REST API, simulated for a local cloud, and the key with which the reconciler reads it.

use std::{fmt, sync::MutexGuard};

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use play_kakao::{
    KakaoMembers,
    rest_api::{AdminKey, ApiServer, SimulatedApi},
};
use serde_json::json;

use super::{
    delivery::store_secret,
    faults::Faults,
    gate::{Behind, Gate},
};
use crate::random;

/// A simulated REST API with the members of one app. It answers until it is dropped.
pub struct Reading {
    app_id: String,
    key: String,
    server: ApiServer,
    /// The reconciler reads it through this one.
    gate: Gate,
    _lying: ApiServer,
}

/// Without the key.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl Reading {
    /// An app without members yet. During the fault `api-lies` the reconciler reads another API, in which it never has any.
    ///
    /// # Errors
    /// If 127.0.0.1 has no free port.
    pub async fn start(app_id: &str, faults: &Faults) -> Result<Self> {
        let (app_id, key) = (app_id.to_owned(), random::hex::<16>()?);
        let mut api = SimulatedApi::new(KakaoMembers::default());
        api.add_key(&key, AdminKey::reader(&app_id));
        let lying = ApiServer::start(api.clone()).await.context("127.0.0.1 has no free port")?;
        let server = ApiServer::start(api).await.context("127.0.0.1 has no free port")?;
        let behind = Behind::Api { lying: lying.url().to_owned() };
        let gate = Gate::before(server.url(), behind, faults).await?;
        Ok(Self { app_id, key, server, gate, _lying: lying })
    }

    /// The app.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The key with which the app's members are read.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The API, to change what is true at Kakao.
    pub fn api(&self) -> MutexGuard<'_, SimulatedApi> {
        self.server.api()
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Stores the key in the local cloud. Returns the template's parameters.
    pub(super) async fn parameters(&self, aws: &SdkConfig) -> Result<Vec<(String, String)>> {
        let text = json!({&self.app_id: self.key}).to_string();
        let arn = store_secret(aws, "kakao-reader-keys", &text).await?;
        let url = self.gate.url().to_owned();
        Ok(vec![("KakaoReaderKeys".to_owned(), arn), ("KakaoApiUrl".to_owned(), url)])
    }
}
