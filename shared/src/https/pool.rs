use std::{
    error::Error,
    io, iter,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use rustls::CertificateError;

use super::{CaBundle, roots::AMAZON};

/// For TCP and TLS. What an attempt may take in all is for each client to say.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// The connections to AWS, the same for all clients. The SDK's own would be a pool, and a list of roots parsed
/// anew, for each value that a connect timeout ever has.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    bundle: CaBundle,
    amazon: SharedHttpConnector,
    /// Trusts the system's roots too; there once Amazon's didn't do.
    system: OnceLock<SharedHttpConnector>,
}

impl Pool {
    /// An empty pool. It trusts Amazon's roots and the bundle; the system's once those don't do (a partition or an
    /// endpoint under other roots): reading them costs tens of milliseconds.
    #[must_use]
    pub fn new(bundle: CaBundle) -> Self {
        let amazon = connector(TrustStore::empty(), &bundle);
        Self(Arc::new(Inside { bundle, amazon, system: OnceLock::new() }))
    }

    fn system(&self) -> &SharedHttpConnector {
        self.0.system.get_or_init(|| {
            let mend = "put the root of its certificate into a file and name that in AWS_CA_BUNDLE: starts are faster";
            tracing::warn!(event = "system_roots_read", mend);
            connector(TrustStore::default(), &self.0.bundle)
        })
    }
}

fn connector(trusted: TrustStore, bundle: &CaBundle) -> SharedHttpConnector {
    let trusted = trusted.with_pem_certificate(AMAZON).with_pem_certificate(bundle.pem());
    // There is nothing in a context that could be wrong; its builder is fallible for what may come.
    let context = TlsContext::builder().with_trust_store(trusted).build().unwrap_or_default();
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build();
    SharedHttpConnector::new(connector)
}

impl HttpClient for Pool {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Pool {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pool = self.clone();
        HttpConnectorFuture::new(async move {
            if let Some(system) = pool.0.system.get() {
                return system.call(request).await;
            }
            let again = request.try_clone();
            match (pool.0.amazon.call(request).await, again) {
                // Nothing was sent: the handshake comes first.
                (Err(error), Some(again)) if is_unknown_issuer(&error) => pool.system().call(again).await,
                (outcome, _) => outcome,
            }
        })
    }
}

fn is_unknown_issuer(error: &(dyn Error + 'static)) -> bool {
    // The source of an I/O error is its payload's source: the payload itself has to be asked for.
    let chain = iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|payload| payload as &(dyn Error + 'static)),
        None => error.source(),
    });
    let unknown = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    chain.filter_map(<dyn Error>::downcast_ref).any(|error: &rustls::Error| *error == unknown)
}
