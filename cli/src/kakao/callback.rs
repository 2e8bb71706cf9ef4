//! Kakao's chatbot callback, simulated: here, or by a running `khook dev`.

use std::time::Duration;

use anyhow::{Context, Result};
use console::Style;
use play_kakao::callback::{CallbackKind, CallbackServer, EXCHANGES_PATH, SimulatedCallbacks, words_of};
use reqwest::{Client, RequestBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A callback server, our own or another process's.
#[derive(Debug)]
pub struct KakaoCallback {
    origin: String,
    _own: Option<CallbackServer>,
}

/// A URL that it issued.
#[derive(Debug, Deserialize)]
pub struct IssuedCallback {
    /// The value of `userRequest.callbackUrl`.
    pub url: String,
    /// What it is known by.
    pub token: String,
}

/// What was said since on such a URL.
#[derive(Debug, Deserialize)]
pub struct Exchange {
    /// Whether the URL can still be used.
    pub open: bool,
    /// For how many milliseconds it can be used, unless something is said before; of an older version 0.
    #[serde(default)]
    pub left_ms: i64,
    /// What stands in the chat meanwhile.
    pub waiting_text: Option<String>,
    /// What the user saw.
    pub heard: Vec<String>,
    /// What came to the URL.
    pub attempts: Vec<Attempt>,
}

impl Exchange {
    /// Whether the user saw an answer.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        !self.heard.is_empty()
    }
}

/// A request to a callback URL.
#[derive(Debug, Deserialize, Serialize)]
pub struct Attempt {
    ms: i64,
    status: String,
    message: Option<String>,
    body: Value,
}

impl Attempt {
    /// When it came, in milliseconds since the URL was issued.
    #[must_use]
    pub const fn ms(&self) -> i64 {
        self.ms
    }

    /// Whether the user saw it.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.status == "SUCCESS"
    }

    /// Why the user did not see it: Kakao's words, if it gave any.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// What came.
    #[must_use]
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// When it came, and Kakao's verdict.
    #[must_use]
    pub fn label(&self) -> String {
        let tenths = self.ms / 100;
        format!("{:>3}.{} s  {}", tenths / 10, tenths % 10, self.status)
    }

    /// How the label looks.
    #[must_use]
    pub fn style(&self) -> Style {
        if self.is_said() { Style::new().green() } else { Style::new().red() }
    }

    /// What the user saw, or why not.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.status.as_str(), &self.message) {
            ("SUCCESS", _) => words_of(&self.body),
            (_, Some(message)) => message.clone(),
            (_, None) => "it got no answer of Kakao's, as --fault says".to_owned(),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(3);

impl KakaoCallback {
    /// Our own, on this port; 0 is a free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start_on(port: u16) -> Result<Self> {
        let own = CallbackServer::start_on(port, SimulatedCallbacks::default()).await;
        let own = own.with_context(|| format!("port {port} of 127.0.0.1 is taken"))?;
        Ok(Self { origin: own.url().to_owned(), _own: Some(own) })
    }

    /// That of another process.
    #[must_use]
    pub const fn at(origin: String) -> Self {
        Self { origin, _own: None }
    }

    /// Where it is (`KAKAO_CALLBACK_URL`).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A URL for a message to this bot. The requests to it meet these faults first.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn issue(&self, bot_id: &str, kind: CallbackKind, faults: &[String]) -> Result<IssuedCallback> {
        let kind = CallbackKind::NAMES.iter().find(|(known, _)| *known == kind).map_or("chat", |(_, name)| name);
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("bot_id", bot_id), ("kind", kind)])
            .extend_pairs(faults.iter().map(|fault| ("fault", fault)))
            .finish();
        read(client()?.post(format!("{}{EXCHANGES_PATH}", self.origin)).body(form)).await
    }

    /// Gives Kakao the skill's first answer.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn take_first_answer(&self, token: &str, body: &str) -> Result<()> {
        let taken = client()?.post(self.exchange_url(token)).body(body.to_owned()).send().await;
        taken.and_then(reqwest::Response::error_for_status).context(SILENT)?;
        Ok(())
    }

    /// What was said so far.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn exchange(&self, token: &str) -> Result<Exchange> {
        read(client()?.get(self.exchange_url(token))).await
    }

    fn exchange_url(&self, token: &str) -> String {
        format!("{}{EXCHANGES_PATH}/{token}", self.origin)
    }
}

const SILENT: &str = "the simulated callback server of Kakao does not answer";

fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().timeout(PATIENCE).build()?)
}

async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T> {
    let answer = request.send().await.and_then(reqwest::Response::error_for_status).context(SILENT)?;
    serde_json::from_str(&answer.text().await.context(SILENT)?).context(SILENT)
}
