use std::{
    error::Error,
    io, iter,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{CertificateError, ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs};
use tokio::net::TcpStream;
use tower_service::Service;

use super::roots::with_the_systems;

type Https = HttpsConnector<HttpConnector>;
type Outcome = Result<MaybeHttpsStream<TokioIo<TcpStream>>, Box<dyn Error + Send + Sync>>;

/// For AWS's services, the key set's, an endpoint of the service: a function calls two or three. A host takes eight of
/// the table's places.
const SESSIONS: usize = 4 * 8;

/// Opens connections, over TLS where the URL says so.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    usual: Https,
    system: Option<Arc<System>>,
}

/// Connections that trust the system's roots, too.
#[derive(Debug)]
struct System {
    /// The usual roots.
    roots: Arc<RootCertStore>,
    connect_timeout: Duration,
    /// There once the usual roots didn't do: reading the system's costs tens of milliseconds.
    connector: OnceLock<Https>,
}

impl Connector {
    /// Trusts these roots, and the system's, too, once these don't do, if it may.
    ///
    /// # Errors
    /// If the TLS library offers no protocol version that is safe: it was built wrongly.
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        trusts_system: bool,
        connect_timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        let usual = https(Arc::clone(&roots), connect_timeout)?;
        let system = System { roots, connect_timeout, connector: OnceLock::new() };
        Ok(Self { usual, system: trusts_system.then(|| Arc::new(system)) })
    }
}

fn https(roots: Arc<RootCertStore>, connect_timeout: Duration) -> Result<Https, rustls::Error> {
    let mut tls = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // The default is a table for hundreds of hosts.
    tls.resumption = Resumption::in_memory_sessions(SESSIONS);
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp))
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.usual.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(system) = self.system.clone() else { return self.usual.call(uri) };
        if let Some(connector) = system.connector.get() {
            return connector.clone().call(uri);
        }
        let usual = self.usual.call(uri.clone());
        Box::pin(async move {
            match usual.await {
                Err(error) if is_unknown_issuer(&*error) => match system.connector() {
                    Ok(connector) => connector.clone().call(uri).await,
                    Err(_) => Err(error),
                },
                outcome => outcome,
            }
        })
    }
}

impl System {
    fn connector(&self) -> Result<&Https, rustls::Error> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector);
        }
        let fix = "put the root of its certificate into a file and name that in AWS_CA_BUNDLE: starts are faster";
        tracing::warn!(event = "system_roots_read", fix);
        let connector = https(with_the_systems(&self.roots).into(), self.connect_timeout)?;
        Ok(self.connector.get_or_init(|| connector))
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
