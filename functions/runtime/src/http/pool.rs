use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use http::uri::{PathAndQuery, Uri};
use http_body_util::BodyExt;
use rustls::RootCertStore;

use super::{
    CaBundle,
    client::{Client, NEAR, Settings, client, send},
};

/// What AWS's endpoints answer to anyone who asks, without a signature and free of charge.
const PING: &str = "/ping";

/// A function's connections, the same for all clients. The SDK's own would be a pool, and a list of roots parsed
/// anew, for each value that a connect timeout ever has.
#[derive(Clone, Debug)]
pub struct Pool(SharedHttpConnector);

#[derive(Clone, Debug)]
struct Connections(Client);

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
        Self::with(Settings { connect_timeout: FAR, ..Self::settings_of(roots) })
    }

    fn settings_for_one_attempt(bundle: &CaBundle) -> Settings {
        Self::settings_of(bundle.with_amazons().into())
    }

    const fn settings_of(roots: Arc<RootCertStore>) -> Settings {
        Settings { roots, trusts_system: true, most_idle: MOST_IDLE, longest_idle: SHORT, connect_timeout: NEAR }
    }

    fn with(settings: Settings) -> Result<Self, rustls::Error> {
        Ok(Self(SharedHttpConnector::new(Connections(client(settings)?))))
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
        let Self(client) = self.clone();
        HttpConnectorFuture::new(async move { send(&client, request).await })
    }
}

#[cfg(test)]
mod tests {
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
        let pool = Pool::with(Settings { longest_idle, ..Pool::settings_of(roots) }).unwrap();
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
