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
    /// No server can listen there.
    #[error("its port must be at most 65535")]
    Port,
}

/// The URL, if it is HTTPS, or HTTP on the loopback interface.
///
/// # Errors
/// [`UrlError`].
pub(crate) fn secure(url: &str) -> Result<Uri, UrlError> {
    let url: Uri = url.parse().map_err(|_| UrlError::Malformed)?;
    if !has_a_valid_port(&url) {
        return Err(UrlError::Port);
    }
    let is = |scheme| url.scheme() == Some(&scheme);
    if is(Scheme::HTTPS) || is(Scheme::HTTP) && is_loopback(&url) { Ok(url) } else { Err(UrlError::Insecure) }
}

/// The parser takes any digits for a port, and none.
fn has_a_valid_port(url: &Uri) -> bool {
    let after_host = url.authority().and_then(|authority| authority.as_str().rsplit_once(':'));
    let port = after_host.map(|(_, port)| port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    port.is_none_or(|port| port.is_empty() || port.parse::<u16>().is_ok())
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
        for (port, is_valid) in
            [("", true), (":", true), (":1", true), (":65535", true), (":65536", false), (":99999999999", false)]
        {
            for host in ["https://example.com", "http://127.0.0.1", "http://[::1]"] {
                let found = secure(&format!("{host}{port}/kakao")).map(drop);
                assert_eq!(found, if is_valid { Ok(()) } else { Err(UrlError::Port) }, "{host}{port}");
            }
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
