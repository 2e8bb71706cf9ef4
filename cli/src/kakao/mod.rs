//! Simulates Kakao: each webhook in each shape that Kakao sends it in, over HTTP to any address, and the key
//! set that its tokens are checked against.

mod callback;
mod key_ring;
mod key_server;
mod requests;
mod rest_fix;
mod sender;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kakao_webhooks::wire::Kind;
use reqwest::{Client, Method, Url};

pub use callback::{Attempt, Exchange, IssuedCallback, KakaoCallback};
pub use key_ring::KeyRing;
pub use key_server::KeyServer;
pub use play_kakao::{Forgery, SigningKey, Token};
pub use requests::{
    AccountStatus, ParameterValidation, Shape, SkillMessage, TalkChannel, TalkShare, Unlink, registration_check,
    token_request,
};
pub use rest_fix::fix_of;
pub use sender::Kakao;

/// A request as Kakao sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The webhook.
    pub kind: Kind,
    /// GET or POST.
    pub method: Method,
    /// What follows the base address.
    pub path: &'static str,
    /// The query, percent-encoded; empty without one.
    pub query: String,
    /// The headers, the content type included.
    pub headers: Vec<(String, String)>,
    /// The body; empty without one.
    pub body: String,
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// From the first byte sent to the last one received.
    pub took: Duration,
    /// The body, as text.
    pub body: String,
}

/// Longer than any gateway waits.
const TIMEOUT: Duration = Duration::from_secs(35);

impl Request {
    /// Where it goes.
    #[must_use]
    pub fn url(&self, base: &str) -> String {
        let gap = if self.query.is_empty() { "" } else { "?" };
        format!("{}{}{gap}{}", base.trim_end_matches('/'), self.path, self.query)
    }

    /// The method and the shape in a word: `GET query`, `POST form`, `POST JSON`, `POST token`.
    #[must_use]
    pub fn shape(&self) -> String {
        let content_type =
            self.headers.iter().find(|(name, _)| name == "Content-Type").map(|(_, value)| value.as_str());
        let shape = match content_type.unwrap_or_default() {
            "" if self.query.is_empty() => "",
            "" => " query",
            text if text.contains("form") => " form",
            text if text.contains("secevent") => " token",
            _ => " JSON",
        };
        format!("{}{shape}", self.method)
    }

    /// The command that sends the same.
    #[must_use]
    pub fn curl(&self, base: &str) -> String {
        let mut command = format!("curl -i {}", quoted(&self.url(base)));
        for (name, value) in &self.headers {
            command.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
        }
        if !self.body.is_empty() {
            command.push_str(&format!(" \\\n  -d {}", quoted(&self.body)));
        }
        command
    }

    /// Sends it. Kakao follows no redirect, so neither does this.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn send(&self, base: &str) -> Result<Answer> {
        let url: Url =
            self.url(base).parse().with_context(|| format!("`{base}` is not a URL (https://host/prefix)"))?;
        let mut client = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")) {
            client = client.no_proxy();
        }
        let mut request = client.build()?.request(self.method.clone(), url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.body.is_empty() {
            request = request.body(self.body.clone());
        }
        let begun = Instant::now();
        let answer =
            request.send().await.with_context(|| format!("{base} doesn't answer. Is it the right address?"))?;
        let status = answer.status().as_u16();
        let body = answer.text().await.context("the answer broke off")?;
        Ok(Answer { status, took: begun.elapsed(), body })
    }
}

/// For a shell: in single quotes, in which nothing is special but themselves.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_curl_line_back_as_it_was() {
        let text = "it's {\"a\": \"$HOME `x` \\ 한글\"}";
        let output =
            std::process::Command::new("sh").args(["-c", &format!("printf %s {}", quoted(text))]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
    }

    #[test]
    fn a_base_address_may_have_a_prefix_and_a_slash_at_its_end() {
        assert_eq!(registration_check().url("https://a.example/stage/"), "https://a.example/stage/skill");
    }
}
