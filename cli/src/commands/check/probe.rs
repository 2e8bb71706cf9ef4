//! Asks as Kakao does: straight, over whatever the public authorities vouch for, and without following a redirect.

use std::{
    error::Error,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use reqwest::{
    Client, Method, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT},
    redirect,
};
use serde_json::Value;

use super::{
    certificate::{CertificateFault, RecordingVerifier},
    finding::Judgement,
};

/// Twice what Kakao waits for a chatbot: then it is known how slow something is.
const PATIENCE: Duration = Duration::from_secs(10);
/// Far more than any right answer has.
const MAX_ANSWER: usize = 256 * 1024;
const EXCERPT: usize = 60;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
}

impl Probe {
    pub(super) fn new(method: Method, url: &Url) -> Self {
        let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static("khook-check"))]);
        Self { method, url: url.clone(), headers, body: None }
    }

    pub(super) fn header(mut self, name: HeaderName, value: &HeaderValue) -> Self {
        self.headers.insert(name, value.clone());
        self
    }

    pub(super) fn body(mut self, media_type: &'static str, body: impl Into<String>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = Some(body.into());
        self
    }
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) took: Duration,
}

impl Response {
    /// The beginning of a header as text; empty if it isn't there.
    pub(super) fn header(&self, name: &HeaderName) -> String {
        let value = self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        cut(&value.unwrap_or_default(), 2 * EXCERPT)
    }

    /// The content type without its parameters.
    pub(super) fn media_type(&self) -> String {
        let value = self.header(&CONTENT_TYPE);
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// The beginning of the body.
    pub(super) fn excerpt(&self) -> String {
        excerpt(&self.body)
    }
}

/// The beginning of a body.
pub(super) fn excerpt(body: &str) -> String {
    if body.is_empty() { "an empty body".to_owned() } else { cut(body, EXCERPT) }
}

fn cut(text: &str, most: usize) -> String {
    let beginning: String = text.chars().take(most).collect();
    if text.chars().nth(most).is_some() { beginning + "…" } else { beginning }
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The name has no address.
    Name,
    /// No server accepts the connection.
    Refused,
    /// The connection or the answer takes too long.
    Slow,
    /// The certificate.
    Certificate(CertificateFault),
    /// What answers speaks no TLS that we know.
    Tls(String),
    /// It broke off.
    BrokenOff,
}

impl NoAnswer {
    pub(super) fn judgement(&self) -> Judgement {
        match self {
            Self::Name => Judgement::unknown(
                "the name has no address",
                "is it spelt right? A new DNS record may take a while; behind a VPN only Kakao can't see it",
            ),
            Self::Refused => Judgement::unknown(
                "no server accepts the connection",
                "is the service running, and its port open to the internet, from which Kakao calls?",
            ),
            Self::Slow => Judgement::mistake(
                format!("no answer within {} s", PATIENCE.as_secs()),
                "answer first and work later: Kakao waits 3 s for a webhook and 5 s for a chatbot",
            ),
            Self::Certificate(fault) => fault.judgement(),
            Self::Tls(what) => Judgement::mistake(
                format!("no TLS connection: {what}"),
                "serve HTTPS on this port, with TLS 1.2 or 1.3 and a certificate of a public authority",
            ),
            Self::BrokenOff => {
                Judgement::mistake("the answer broke off", "look into the log of whatever answers there")
            }
        }
    }
}

/// The HTTP client of `khook check`.
pub(super) struct Prober {
    client: Client,
    verifier: Arc<RecordingVerifier>,
}

impl Prober {
    /// # Errors
    /// If there can be no client on this machine.
    pub(super) fn new() -> Result<Self> {
        let (verifier, tls) = RecordingVerifier::new()?;
        let client = Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            // A proxy's view isn't Kakao's.
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .build()?;
        Ok(Self { client, verifier })
    }

    pub(super) async fn send(&self, probe: Probe) -> Result<Response, NoAnswer> {
        let mut request = self.client.request(probe.method, probe.url).headers(probe.headers);
        if let Some(body) = probe.body {
            request = request.body(body);
        }
        let begun = Instant::now();
        let mut response = request.send().await.map_err(|error| self.no_answer(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.no_answer(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                break;
            }
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body,
            took: begun.elapsed(),
        })
    }

    fn no_answer(&self, error: &reqwest::Error) -> NoAnswer {
        if let Some(fault) = self.verifier.take() {
            return NoAnswer::Certificate(fault);
        }
        if error.is_timeout() {
            return NoAnswer::Slow;
        }
        if let Some(error) = tls_error(error) {
            return NoAnswer::Tls(error.to_string());
        }
        match (error.is_connect(), is_of_dns(error)) {
            (_, true) => NoAnswer::Name,
            (true, _) => NoAnswer::Refused,
            _ => NoAnswer::BrokenOff,
        }
    }
}

/// An error and what led to it. An `io::Error` hides what it wraps.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())
}

/// The resolver's error has no type of its own that could be asked for.
fn is_of_dns(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().contains("dns error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_is_cut() {
        assert_eq!(cut("{\"a\": '한'}", 60), "{\"a\": '한'}");
        assert_eq!(cut("한글라이언", 3), "한글라…");
    }
}
