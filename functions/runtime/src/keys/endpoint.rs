use std::time::Duration;

use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{CACHE_CONTROL, USER_AGENT},
};
use tokio::time::timeout;

use super::{FetchError, KeyDocument, KeySource};
use crate::http::{AGENT, Body, CaBundle, Client, NEAR, Settings, UrlError, client, in_full, read_at_most, secure};

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
    /// It is not a URL, or one over plain HTTP.
    #[error(transparent)]
    Url(#[from] UrlError),
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
        let url = secure(url)?;
        // Asked once an hour: a connection that is kept is a dead one.
        let (roots, longest_idle) = (bundle.with_the_webs().into(), Duration::ZERO);
        let settings = Settings { roots, trusts_system: false, most_idle: 0, longest_idle, connect_timeout: NEAR };
        Ok(Self { url, client: client(settings)? })
    }

    async fn document(&self) -> Result<KeyDocument, FetchError> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let response = self.client.request(request).await.map_err(|error| FetchError(in_full(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError(format!("the endpoint answered {}", response.status())));
        }
        let max_age = max_age(response.headers());
        let text = read_at_most(MAX_DOCUMENT, response.into_body()).await.map_err(FetchError)?;
        Ok(KeyDocument { text, max_age })
    }
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
}
