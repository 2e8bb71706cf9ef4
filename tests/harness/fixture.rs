//! A fixture: what Kakao sends for one webhook or event type, the source of that fact, and the expected result.

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use play_kakao::{SigningKey, Token};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Request, binaries, service};

/// One file of `tests/fixtures`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// The document and section that the facts are from, and how sure they are: A (stated by Kakao or a standard),
    /// B (several implementers agree), C (one source).
    pub source: String,
    /// What this is an example of.
    pub stands_for: String,
    /// The request, if it is a webhook's.
    #[serde(default)]
    pub request: Option<FixtureRequest>,
    /// The message, where the service itself sends it to the queue.
    #[serde(default)]
    pub message: Option<Value>,
    /// What shall come of it.
    pub expected: FixtureExpectation,
}

/// A request as a fixture describes it: at most one of `text`, `json`, `token`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureRequest {
    method: String,
    path: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    json: Option<Value>,
    #[serde(default)]
    token: Option<FixtureToken>,
}

/// A token to be signed when it is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureToken {
    event: String,
    sub: String,
    jti: String,
    toe: Timestamp,
    #[serde(default)]
    members: Value,
    #[serde(default)]
    more_claims: Map<String, Value>,
}

/// The expected result of a delivery.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureExpectation {
    /// The status that the sender is answered.
    #[serde(default)]
    pub status: Option<u16>,
    /// The body that the sender is answered; by default none.
    #[serde(default)]
    pub body: Option<Value>,
    /// Whom it concerns: a partition of the table.
    #[serde(default)]
    pub of: Option<String>,
    /// The state in the contract's form, shares joined in; absent: there is none.
    #[serde(default)]
    pub state: Option<Value>,
    /// The history, as `kind event`.
    #[serde(default)]
    pub history: Vec<String>,
}

impl Fixture {
    /// The fixture with this path below `tests/fixtures`, without `.json`.
    ///
    /// # Errors
    /// If there is none, or it is not a fixture.
    pub fn load(name: &str) -> Result<Self> {
        let path = binaries::workspace().join("tests/fixtures").join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        serde_json::from_str(&text).with_context(|| name.to_owned())
    }

    /// The names of all fixtures.
    ///
    /// # Errors
    /// If they can't be listed.
    pub fn names() -> Result<Vec<String>> {
        let mut names = vec![];
        for folder in std::fs::read_dir(binaries::workspace().join("tests/fixtures"))? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for file in std::fs::read_dir(folder.path())? {
                let (folder, file) = (folder.file_name(), file?.file_name());
                let file = file.to_string_lossy();
                let stem = file.strip_suffix(".json").with_context(|| format!("{file} is no fixture"))?;
                names.push(format!("{}/{stem}", folder.to_string_lossy()));
            }
        }
        names.sort();
        Ok(names)
    }

    /// The request, a token in it signed with `key`.
    ///
    /// # Errors
    /// If there is no request, or the key can't sign.
    pub fn request(&self, key: &SigningKey) -> Result<Request> {
        let described = self.request.as_ref().context("the fixture has no request")?;
        let mut request = Request::new(&described.method, &described.path);
        for (name, value) in &described.headers {
            request = request.header(name, value.as_str().context("a header that is no text")?);
        }
        request.body = match (&described.text, &described.json, &described.token) {
            (None, None, None) => None,
            (Some(text), None, None) => Some(text.clone().into_bytes()),
            (None, Some(json), None) => Some(json.to_string().into_bytes()),
            (None, None, Some(token)) => Some(token.unsigned().sign(key)?.into_bytes()),
            _ => bail!("a request has one body"),
        };
        Ok(request)
    }

    /// The URI of the event in its token, if it has one.
    #[must_use]
    pub fn event_uri(&self) -> Option<&str> {
        Some(self.request.as_ref()?.token.as_ref()?.event.as_str())
    }

    /// The token, to be changed and signed.
    ///
    /// # Errors
    /// If there is none.
    pub fn token(&self) -> Result<Token> {
        let token = self.request.as_ref().and_then(|request| request.token.as_ref());
        Ok(token.context("the fixture has no token")?.unsigned())
    }
}

impl FixtureToken {
    fn unsigned(&self) -> Token {
        let at = self.toe.as_second();
        let mut token = Token::new(service::REST_API_KEY, &self.sub, &self.jti, at, &self.event, &self.members);
        token.claims.extend(self.more_claims.clone());
        token
    }
}
