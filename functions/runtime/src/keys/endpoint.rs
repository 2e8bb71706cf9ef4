use std::{error::Error, iter, net::IpAddr, time::Duration};

use bytes::BytesMut;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{CACHE_CONTROL, USER_AGENT},
    uri::Scheme,
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::{FetchError, KeyDocument, KeySource};
use crate::http::{Body, CaBundle, Client, client};

/// Two keys are 1 KB; a larger document is not a key set.
const MAX_DOCUMENT: usize = 256 * 1024;
/// Far below the budget of an acknowledgement, with time left for the queue.
const TIMEOUT: Duration = Duration::from_millis(900);

/// The URL at which Kakao publishes its keys.
#[derive(Clone, Debug)]
pub struct KeyEndpoint {
    url: Uri,
    client: Client,
}

/// Why a URL can't be the key set's.
#[derive(Debug, thiserror::Error)]
pub enum KeyEndpointError {
    /// It is not a URL.
    #[error("it is not a URL")]
    Url,
    /// Keys over plain HTTP could be an attacker's.
    #[error("it must begin with https:// (http:// is allowed for the machine itself only)")]
    Insecure,
    /// The TLS library offers no protocol version that is safe: it was built wrongly.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl KeyEndpoint {
    /// The endpoint at a URL: HTTPS, or HTTP on the loopback interface. Mozilla's roots are trusted, compiled in
    /// (reading the system's costs tens of milliseconds per cold start), and those of the bundle.
    ///
    /// # Errors
    /// [`KeyEndpointError`].
    pub fn new(url: &str, bundle: &CaBundle) -> Result<Self, KeyEndpointError> {
        let url: Uri = url.parse().map_err(|_| KeyEndpointError::Url)?;
        let is = |scheme| url.scheme() == Some(&scheme);
        if !(is(Scheme::HTTPS) || is(Scheme::HTTP) && is_loopback(&url)) {
            return Err(KeyEndpointError::Insecure);
        }
        // Asked once an hour: a connection that is kept is a dead one.
        Ok(Self { url, client: client(bundle.with_the_webs(), 0)? })
    }

    async fn document(&self) -> Result<KeyDocument, FetchError> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.url.clone();
        let agent = HeaderValue::from_static(concat!("kakao-webhooks/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        let response = self.client.request(request).await.map_err(|error| fault(&error))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError(format!("the endpoint answered {}", response.status())));
        }
        let max_age = max_age(response.headers());
        let mut body = response.into_body();
        let mut document = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(|error| fault(&error))?.into_data() else { continue };
            if document.len() + chunk.len() > MAX_DOCUMENT {
                return Err(FetchError(format!("the document is over {MAX_DOCUMENT} bytes")));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(KeyDocument { text: document.freeze(), max_age })
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The client's own text says only at which step it failed.
fn fault(error: &(dyn Error + 'static)) -> FetchError {
    let chain = iter::successors(Some(error), |&error| error.source());
    FetchError(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

impl KeySource for KeyEndpoint {
    async fn fetch(&self) -> Result<KeyDocument, FetchError> {
        let fetched = timeout(TIMEOUT, self.document()).await;
        fetched.unwrap_or_else(|_| Err(FetchError("no answer in time".to_owned())))
    }
}

/// `max-age` of `Cache-Control`; what may not be stored or used again has none.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(CACHE_CONTROL)?.to_str().ok()?.to_ascii_lowercase();
    let mut directives = value.split(',').map(str::trim);
    if directives.clone().any(|directive| directive == "no-store" || directive == "no-cache") {
        return Some(Duration::ZERO);
    }
    let seconds = directives.find_map(|directive| directive.strip_prefix("max-age="))?;
    seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_max_age_decides_how_long_its_set_is_used() {
        for (value, expected) in [
            ("public, max-age=600", Some(600)),
            ("Max-Age=\"60\"", Some(60)),
            ("no-cache, max-age=600", Some(0)),
            ("max-age=x", None),
            ("public", None),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, value.parse().unwrap())]);
            assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        for url in [
            "https://kauth.kakao.com/.well-known/jwks.json",
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://[::1]:2/",
        ] {
            assert!(KeyEndpoint::new(url, &CaBundle::default()).is_ok(), "{url}");
        }
        for url in [
            "http://kauth.kakao.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1@kauth.kakao.com/",
            "//kauth.kakao.com/",
            "file:///x",
            "x",
            "",
        ] {
            assert!(KeyEndpoint::new(url, &CaBundle::default()).is_err(), "{url}");
        }
    }
}
