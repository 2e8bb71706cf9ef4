use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http::{
    Request, Uri,
    header::{CACHE_CONTROL, CONNECTION, USER_AGENT},
};
use tokio::time::timeout;

use super::{FetchError, KeyDocument, KeySource};
use crate::http::{AGENT, Body, Pool, UrlError, in_full, read_at_most, secure};

/// Two keys are 1 KB; a larger document is not a key set.
const MAX_DOCUMENT: usize = 256 * 1024;
/// Far below the budget of an acknowledgement, with time left for the queue.
const TIMEOUT: Duration = Duration::from_millis(900);

/// The URL at which Kakao publishes its keys: HTTPS, or HTTP on the loopback interface.
#[derive(Clone, Debug)]
pub struct KeySetUrl(Uri);

impl KeySetUrl {
    /// Reads it.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn from_text(text: &str) -> Result<Self, UrlError> {
        secure(text).map(Self)
    }
}

/// The endpoint at which Kakao publishes its keys.
#[derive(Clone, Debug)]
pub struct KeyEndpoint {
    url: KeySetUrl,
    pool: Pool,
}

impl KeyEndpoint {
    /// The endpoint at this URL.
    #[must_use]
    pub const fn new(url: KeySetUrl, pool: Pool) -> Self {
        Self { url, pool }
    }

    async fn document(&self) -> Result<KeyDocument, FetchError> {
        let request = http_request(&self.url).map_err(|error| FetchError(error.to_string()))?;
        let response = self.pool.send(request).await.map_err(|error| FetchError(in_full(&error)))?;
        if response.status().as_u16() != 200 {
            return Err(FetchError(format!("the endpoint answered {}", response.status())));
        }
        let max_age = response.headers().get(CACHE_CONTROL).and_then(max_age);
        let text = read_at_most(MAX_DOCUMENT, response.into_body()).await.map_err(FetchError)?;
        Ok(KeyDocument { text, max_age })
    }
}

fn http_request(KeySetUrl(url): &KeySetUrl) -> Result<HttpRequest, Box<dyn std::error::Error + Send + Sync>> {
    // Asked once an hour: a connection that is kept is a dead one.
    let request = Request::builder().uri(url.clone()).header(USER_AGENT, AGENT).header(CONNECTION, "close");
    Ok(HttpRequest::try_from(request.body(Body::empty())?)?)
}

impl KeySource for KeyEndpoint {
    async fn fetch(&self) -> Result<KeyDocument, FetchError> {
        let fetched = timeout(TIMEOUT, self.document()).await;
        fetched.unwrap_or_else(|_| Err(FetchError("no answer in time".to_owned())))
    }
}

/// `max-age` of `Cache-Control`; what may not be stored or used again has none.
fn max_age(cache_control: &str) -> Option<Duration> {
    let value = cache_control.to_ascii_lowercase();
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
            assert_eq!(max_age(value), expected.map(Duration::from_secs), "{value}");
        }
    }
}
