use std::{
    error::Error,
    io, iter,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use http::uri::{PathAndQuery, Uri};
use http_body_util::BodyExt;
use rustls::CertificateError;

use super::{
    CaBundle,
    client::{Client, NEAR, Settings, client, send},
    roots::with_the_systems,
};

/// What AWS's endpoints answer to anyone who asks, without a signature and free of charge.
const PING: &str = "/ping";

/// A function's connections, the same for all clients. The SDK's own would be a pool, and a list of roots parsed
/// anew, for each value that a connect timeout ever has.
#[derive(Clone, Debug)]
pub struct Pool(SharedHttpConnector);

#[derive(Clone, Debug)]
struct Connections(Arc<TrustedClients>);

#[derive(Debug)]
struct TrustedClients {
    settings: Settings,
    usual: Client,
    /// Trusts the system's roots too; there once the usual ones didn't do.
    system: OnceLock<Client>,
}

impl Pool {
    /// An empty pool for AWS's hosts. It trusts Amazon's roots and the bundle; the system's once those don't do (a
    /// partition or an endpoint under other roots): reading them costs tens of milliseconds.
    ///
    /// # Errors
    /// If the TLS library offers no protocol version that is safe: it was built wrongly.
    pub fn new(bundle: &CaBundle) -> Result<Self, rustls::Error> {
        Self::with(Settings { longest_idle: LONG, ..Self::settings_for_one_attempt(bundle) })
    }

    /// An empty pool for those of AWS's hosts to which a request is sent once only.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn for_one_attempt(bundle: &CaBundle) -> Result<Self, rustls::Error> {
        Self::with(Self::settings_for_one_attempt(bundle))
    }

    /// An empty pool for hosts anywhere, AWS's too. It trusts Mozilla's roots in the place of Amazon's.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_the_web(bundle: &CaBundle) -> Result<Self, rustls::Error> {
        let roots = bundle.with_the_webs().into();
        Self::with(Settings { roots, most_idle: MOST_IDLE, longest_idle: SHORT, connect_timeout: FAR })
    }

    fn settings_for_one_attempt(bundle: &CaBundle) -> Settings {
        let roots = bundle.with_amazons().into();
        Settings { roots, most_idle: MOST_IDLE, longest_idle: SHORT, connect_timeout: NEAR }
    }

    fn with(settings: Settings) -> Result<Self, rustls::Error> {
        let usual = client(settings.clone())?;
        let inside = TrustedClients { settings, usual, system: OnceLock::new() };
        Ok(Self(SharedHttpConnector::new(Connections(Arc::new(inside)))))
    }

    /// Sends one request. A redirect is a response like any other.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.0.call(request).await
    }

    /// Opens a connection to where this URI leads, and leaves it for the next call there. Says whether a server
    /// answers there, and doesn't say that the service is out of order. Whatever else goes wrong shows when something is sent.
    pub(crate) async fn open(&self, endpoint: &Uri) -> bool {
        let mut parts = endpoint.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(PING));
        let mut request = HttpRequest::empty();
        if !Uri::from_parts(parts).is_ok_and(|uri| request.set_uri(uri).is_ok()) {
            return false;
        }
        let Ok(response) = self.send(request).await else { return false };
        let is_out_of_order = response.status().is_server_error();
        // One that is dropped before its end takes the connection along.
        response.into_body().collect().await.is_ok() && !is_out_of_order
    }
}

/// As many as a function may use at once.
const MOST_IDLE: usize = usize::MAX;

/// For clients that make a second attempt: a connection that died while the function was frozen costs them the first.
const LONG: Duration = Duration::from_secs(90);

/// For requests that must not be repeated. Common servers close a connection that was idle for five seconds, and a
/// function that was frozen may not learn of it.
const SHORT: Duration = Duration::from_secs(4);

/// For TCP to a host on another continent, with a packet lost once.
const FAR: Duration = Duration::from_secs(4);

impl HttpClient for Pool {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self(inside) = self.clone();
        HttpConnectorFuture::new(async move {
            if let Some(system) = inside.system.get() {
                return send(system, request).await;
            }
            let again = request.try_clone();
            match (send(&inside.usual, request).await, again) {
                // Nothing was sent: the handshake comes first.
                (Err(error), Some(again)) if is_unknown_issuer(&error) => match inside.system() {
                    Ok(system) => send(system, again).await,
                    Err(_) => Err(error),
                },
                (outcome, _) => outcome,
            }
        })
    }
}

impl TrustedClients {
    fn system(&self) -> Result<&Client, rustls::Error> {
        if let Some(system) = self.system.get() {
            return Ok(system);
        }
        let fix = "put the root of its certificate into a file and name that in AWS_CA_BUNDLE: starts are faster";
        tracing::warn!(event = "system_roots_read", fix);
        let roots = with_the_systems(&self.settings.roots).into();
        let system = client(Settings { roots, ..self.settings.clone() })?;
        Ok(self.system.get_or_init(|| system))
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

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::sleep,
    };

    use super::*;

    /// Answers the first request of a connection, and takes the second for no request of a connection that it knows.
    async fn serve(mut stream: TcpStream) {
        let mut read = [0; 4096];
        if stream.read(&mut read).await.is_ok_and(|read| read > 0) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            let _ = stream.read(&mut read).await;
        }
    }

    /// Whether the second of two requests is answered.
    async fn is_answered_twice(longest_idle: Duration) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: Uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        });
        let roots = RootCertStore::empty().into();
        let pool = Pool::with(Settings { roots, most_idle: MOST_IDLE, longest_idle, connect_timeout: FAR }).unwrap();
        assert!(pool.open(&uri).await);
        sleep(Duration::from_millis(50)).await;
        pool.open(&uri).await
    }

    #[tokio::test]
    async fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
        assert!(is_answered_twice(Duration::from_millis(10)).await);
        assert!(!is_answered_twice(LONG).await);
    }
}
