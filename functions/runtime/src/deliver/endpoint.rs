use std::{fmt, future::Future, time::Duration};

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use futures_util::{FutureExt, future::BoxFuture};
use http::{
    HeaderName, Method, Request, StatusCode, Uri,
    header::{CONTENT_TYPE, USER_AGENT},
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::{
    edges::{CallError, EdgeError},
    http::{AGENT, Body, Pool, UrlError, in_full, is_unsent, secure},
};

/// A request to the service, with its signature (Standard Webhooks).
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`, in Unix seconds.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
    /// JSON.
    pub body: String,
}

/// What the service answered.
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Reads the rest of the response, so that its connection can be used again. It may take for ever.
    pub rest: BoxFuture<'static, ()>,
}

/// Where requests go.
pub trait Endpoint: Send + Sync {
    /// Posts a request, and waits for the beginning of the response.
    ///
    /// # Errors
    /// There is none. The error is for our log.
    fn post(&self, request: SignedRequest) -> impl Future<Output = Result<Reply, EdgeError>> + Send;
}

/// The URL to which changes are delivered: HTTPS, or HTTP on the loopback interface.
#[derive(Clone, PartialEq, Eq)]
pub struct DeliveryUrl(Uri);

/// Why a URL can't be delivered to. It never shows the URL, whose query may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryUrlError {
    /// It is no URL, or one over plain HTTP.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A name or a password stands before the host. Nothing would send them.
    #[error("it must not have a user name or a password")]
    UserInfo,
    /// A fragment is never sent.
    #[error("it must not have a fragment (#…)")]
    Fragment,
}

impl DeliveryUrl {
    /// Reads it.
    ///
    /// # Errors
    /// [`DeliveryUrlError`].
    pub fn from_text(text: &str) -> Result<Self, DeliveryUrlError> {
        let text = text.trim();
        // The parser drops it.
        if text.contains('#') {
            return Err(DeliveryUrlError::Fragment);
        }
        let url = secure(text)?;
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(DeliveryUrlError::UserInfo);
        }
        Ok(Self(url))
    }
}

/// Only the host.
impl fmt::Debug for DeliveryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeliveryUrl").field(&self.0.host().unwrap_or_default()).finish()
    }
}

/// The service's endpoint.
#[derive(Clone, Debug)]
pub struct HttpEndpoint {
    url: DeliveryUrl,
    pool: Pool,
}

impl HttpEndpoint {
    /// The endpoint at this URL.
    #[must_use]
    pub const fn new(url: DeliveryUrl, pool: Pool) -> Self {
        Self { url, pool }
    }

    /// Posts a request, and returns the beginning of the response.
    ///
    /// # Errors
    /// There is none.
    pub(crate) async fn send(&self, request: SignedRequest) -> Result<HttpResponse, CallError> {
        let request = http_request(&self.url.0, request).map_err(|error| CallError::Failed(error.to_string()))?;
        self.pool.send(request).await.map_err(|error| {
            let kind = if is_unsent(&error) { CallError::NotBegun } else { CallError::Failed };
            kind(in_full(&error))
        })
    }
}

impl Endpoint for HttpEndpoint {
    async fn post(&self, request: SignedRequest) -> Result<Reply, EdgeError> {
        let response = self.send(request).await.map_err(|error| EdgeError(error.to_string()))?;
        let status = StatusCode::from_u16(response.status().as_u16()).map_err(|error| EdgeError(error.to_string()))?;
        Ok(Reply { status, rest: read_out(response.into_body()).boxed() })
    }
}

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

fn http_request(url: &Uri, request: SignedRequest) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
    let SignedRequest { id, timestamp, signature, body } = request;
    let request = Request::builder()
        .method(Method::POST)
        .uri(url.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, AGENT)
        .header(ID, id)
        .header(TIMESTAMP, timestamp)
        .header(SIGNATURE, signature)
        .body(Body::from(body))?;
    Ok(HttpRequest::try_from(request)?)
}

/// More than a response to a delivery has to say. A longer one costs its connection.
const MOST_READ: usize = 16 * 1024;

/// So long one is worth waiting for.
const READING: Duration = Duration::from_millis(250);

async fn read_out(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, bytes::Bytes::len);
            if read > MOST_READ {
                return;
            }
        }
    };
    let _ = timeout(READING, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_be_anything_over_https_and_loopback_over_http() {
        for url in ["https://example.com", "https://example.com:8443/a/b?key=1", "http://127.0.0.1:1/", " https://x/ "]
        {
            assert!(DeliveryUrl::from_text(url).is_ok(), "{url}");
        }
        for (url, expected) in [
            ("", DeliveryUrlError::Url(UrlError::Malformed)),
            ("example.com", DeliveryUrlError::Url(UrlError::Insecure)),
            ("http://example.com/", DeliveryUrlError::Url(UrlError::Insecure)),
            ("http://127.0.0.1@example.com/", DeliveryUrlError::Url(UrlError::Insecure)),
            ("https://name:word@example.com/", DeliveryUrlError::UserInfo),
            ("https://@example.com/", DeliveryUrlError::UserInfo),
            ("https://example.com/#part", DeliveryUrlError::Fragment),
            ("https://example.com#", DeliveryUrlError::Fragment),
        ] {
            assert_eq!(DeliveryUrl::from_text(url).unwrap_err(), expected, "{url}");
        }
    }

    #[test]
    fn a_url_shows_only_its_host() {
        let url = DeliveryUrl::from_text("https://example.com/a-path?key=a-secret").unwrap();
        assert_eq!(format!("{url:?}"), r#"DeliveryUrl("example.com")"#);
    }
}
