use std::net::IpAddr;

use http::{Uri, uri::Scheme};

/// Why a URL can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL.
    #[error("it is no URL")]
    Malformed,
    /// What comes or goes over plain HTTP could be anybody's.
    #[error("it must begin with https:// (http:// is allowed for the machine itself only)")]
    Insecure,
}

/// The URL, if it is HTTPS, or HTTP on the loopback interface.
///
/// # Errors
/// [`UrlError`].
pub(crate) fn secure(url: &str) -> Result<Uri, UrlError> {
    let url: Uri = url.parse().map_err(|_| UrlError::Malformed)?;
    let is = |scheme| url.scheme() == Some(&scheme);
    if is(Scheme::HTTPS) || is(Scheme::HTTP) && is_loopback(&url) { Ok(url) } else { Err(UrlError::Insecure) }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for url in [
            "https://kauth.kakao.com/.well-known/jwks.json",
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://[::1]:2/",
        ] {
            assert!(secure(url).is_ok(), "{url}");
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
            assert!(secure(url).is_err(), "{url}");
        }
    }
}
