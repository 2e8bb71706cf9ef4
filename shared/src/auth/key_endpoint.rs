use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use http::{HeaderMap, header::CACHE_CONTROL};
use reqwest::{Client, Url, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use super::{FetchError, KeyDocument, KeySource};

/// Two keys are 1 KB; a larger document is not a key set.
const MAX_DOCUMENT: usize = 256 * 1024;
/// Well inside the budget of an acknowledgement, with time left for the queue.
const TIMEOUT: Duration = Duration::from_millis(900);

/// The URL at which Kakao publishes its keys.
#[derive(Clone, Debug)]
pub struct KeyEndpoint {
    url: Url,
    client: Client,
}

/// Why a URL can't be the key set's.
#[derive(Debug, thiserror::Error)]
pub enum KeyEndpointError {
    /// It is no URL.
    #[error("it is no URL")]
    Url,
    /// Keys over plain HTTP could be anybody's.
    #[error("it must begin with https:// (http:// is allowed for the machine itself only)")]
    Insecure,
    /// The HTTP client could not be made; the system lacks something.
    #[error("no HTTP client: {0}")]
    Client(String),
}

impl KeyEndpoint {
    /// The endpoint at a URL: HTTPS, or HTTP on the loopback interface.
    ///
    /// # Errors
    /// [`KeyEndpointError`].
    pub fn new(url: &str) -> Result<Self, KeyEndpointError> {
        let url: Url = url.parse().map_err(|_| KeyEndpointError::Url)?;
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !is_safe {
            return Err(KeyEndpointError::Insecure);
        }
        let client = client().map_err(|error| KeyEndpointError::Client(error.to_string()))?;
        Ok(Self { url, client })
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Trusts Mozilla's roots, compiled in: reading the system's costs tens of milliseconds per cold start.
fn client() -> Result<Client, Box<dyn std::error::Error>> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .user_agent(concat!("kakao-webhooks/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

impl KeySource for KeyEndpoint {
    async fn fetch(&self) -> Result<KeyDocument, FetchError> {
        let fault = |error: reqwest::Error| FetchError(error.without_url().to_string());
        let mut response = self.client.get(self.url.clone()).send().await.map_err(fault)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError(format!("the endpoint answered {}", response.status())));
        }
        let max_age = max_age(response.headers());
        let mut document = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if document.len() + chunk.len() > MAX_DOCUMENT {
                return Err(FetchError(format!("the document is over {MAX_DOCUMENT} bytes")));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(KeyDocument { text: document.freeze(), max_age })
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
    fn the_endpoint_says_how_long_its_set_may_be_used() {
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
            assert!(KeyEndpoint::new(url).is_ok(), "{url}");
        }
        for url in [
            "http://kauth.kakao.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "file:///x",
            "x",
            "",
        ] {
            assert!(KeyEndpoint::new(url).is_err(), "{url}");
        }
    }
}
