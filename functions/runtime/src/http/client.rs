use std::{error::Error, sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
pub(crate) use aws_smithy_types::body::SdkBody as Body;
use hyper_util::{
    client::legacy::{
        self,
        connect::{CaptureConnection, capture_connection},
    },
    rt::TokioExecutor,
};
use rustls::RootCertStore;

use super::{connector::Connector, sources};

/// The one kind of HTTP client that a function has: HTTP/1.1, over TLS where the URL says so. Its body is the SDK's,
/// for which most requests are made; a second kind would be the whole client once more in every function.
pub(crate) type Client = legacy::Client<Connector, Body>;

/// What differs between clients.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whose certificates are trusted.
    pub(crate) roots: Arc<RootCertStore>,
    /// Whether the system's are, too, once those don't do.
    pub(crate) trusts_system: bool,
    /// How many idle connections to a host are kept …
    pub(crate) most_idle: usize,
    /// … and for how long.
    pub(crate) longest_idle: Duration,
    /// For TCP, whatever a user's own configuration says of it; a name's addresses share it. What an attempt may take
    /// in all, TLS included, is for each user to say.
    pub(crate) connect_timeout: Duration,
}

/// For hosts that are near: AWS's of this region, and Kakao's.
pub(crate) const NEAR: Duration = Duration::from_millis(500);

/// A client with these settings.
///
/// # Errors
/// If the TLS library offers no protocol version that is safe: it was built wrongly.
pub(crate) fn client(settings: Settings) -> Result<Client, rustls::Error> {
    let Settings { roots, trusts_system, most_idle, longest_idle, connect_timeout } = settings;
    let mut client = legacy::Client::builder(TokioExecutor::new());
    client.pool_max_idle_per_host(most_idle).pool_idle_timeout(longest_idle);
    Ok(client.build(Connector::new(roots, trusts_system, connect_timeout)?))
}

/// Sends a request of the SDK's. Whatever goes wrong, it is unknown whether the service has done what was asked; it is
/// worth another attempt, since all that we ask for may be asked twice.
pub(super) async fn send(client: &Client, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let mut request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let captured = capture_connection(&mut request);
    if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
        capture.set_connection_retriever(move || metadata(&captured));
    }
    let response = client.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
    HttpResponse::try_from(response.map(Body::from_body_1_x)).map_err(|error| ConnectorError::other(error.into(), None))
}

/// Whether no byte of a request was sent: no connection could be opened for it.
pub(crate) fn is_unsent(error: &(dyn Error + 'static)) -> bool {
    sources(error).filter_map(<dyn Error>::downcast_ref).any(legacy::Error::is_connect)
}

/// By this the SDK leaves a connection whose host answered that it is out of order. One that hangs goes with its
/// attempt.
fn metadata(captured: &CaptureConnection) -> Option<ConnectionMetadata> {
    captured.connection_metadata().as_ref()?;
    let captured = captured.clone();
    let poison = move || {
        if let Some(connected) = captured.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}
