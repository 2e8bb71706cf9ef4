//! API Gateway's HTTP API: from a request to the event that a function gets (payload 2.0), and from the
//! function's response to the answer that the sender gets.

use std::{collections::BTreeMap, sync::LazyLock};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// When a request is received, unless it says otherwise: always the same, so that what is stored can be compared as
/// a whole. An hour before the functions' clock, so that none counts its time for the answer from it.
pub const RECEIVED_AT: i64 = 1_740_799_800_000; // 2025-03-01T03:30:00Z

/// How far the functions' clock is ahead of the machine's (behind, as a rule), in milliseconds: for this process it
/// was an hour after [`RECEIVED_AT`] when first asked for.
#[must_use]
pub fn clock_ahead() -> i64 {
    static AHEAD: LazyLock<i64> = LazyLock::new(|| RECEIVED_AT + 3_600_000 - machine_now());
    *AHEAD
}

fn machine_now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What the functions' clock says, in milliseconds.
#[must_use]
pub fn now() -> i64 {
    machine_now() + clock_ahead()
}

/// A request to the service.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path as the gateway passes it on: decoded.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// The headers, in any case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// When the gateway receives it, in milliseconds.
    pub received_at: i64,
    /// The gateway's id of it.
    pub id: String,
    /// The address that it comes from.
    pub source: String,
    /// The stage, if it isn't `$default`: then the path begins with it.
    pub stage: Option<String>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: vec![],
            body: None,
            received_at: RECEIVED_AT,
            id: "JKJaXmPLvHcESHA=".to_owned(),
            source: "203.0.113.7".to_owned(),
            stage: None,
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same from this address.
    #[must_use]
    pub fn sent_by(mut self, address: &str) -> Self {
        address.clone_into(&mut self.source);
        self
    }

    /// The same with a body of this type.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", content_type)
    }

    /// The same, received at this time.
    #[must_use]
    pub const fn received_at(mut self, millis: i64) -> Self {
        self.received_at = millis;
        self
    }

    /// The same, received now: it has to be answered in time.
    #[must_use]
    pub fn received_now(self) -> Self {
        self.received_at(now())
    }

    /// The same under another id of the gateway: another delivery.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// The same through a stage with a name.
    #[must_use]
    pub fn stage(mut self, stage: &str) -> Self {
        self.path = format!("/{stage}{}", self.path);
        self.stage = Some(stage.to_owned());
        self
    }

    /// Sends it over HTTP to the gateway at this address.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn send_to(&self, http: &reqwest::Client, base_url: &str) -> Result<reqwest::Response> {
        let gap = if self.query.is_empty() { "" } else { "?" };
        let mut sent = http.request(self.method.parse()?, format!("{base_url}{}{gap}{}", self.path, self.query));
        for (name, value) in &self.headers {
            sent = sent.header(name, value);
        }
        Ok(sent.body(self.body.clone().unwrap_or_default()).send().await?)
    }

    /// The event that the gateway makes of it.
    #[must_use]
    pub fn event(&self) -> Value {
        let headers = self.joined_headers();
        let stage = self.stage.as_deref().unwrap_or("$default");
        let route = format!("ANY {}", self.path.trim_end_matches('/'));
        let agent = headers.get("user-agent").cloned().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": route,
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": headers,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "a1b2c3d4e5",
                "domainName": "a1b2c3d4e5.execute-api.ap-northeast-2.amazonaws.com",
                "domainPrefix": "a1b2c3d4e5",
                "http": {"method": self.method, "path": self.path, "protocol": "HTTP/1.1",
                    "sourceIp": self.source, "userAgent": agent},
                "requestId": self.id,
                "routeKey": route,
                "stage": stage,
                "time": "01/Mar/2025:03:30:00 +0000",
                "timeEpoch": self.received_at,
            },
            "isBase64Encoded": false,
        });
        if let Some(members) = event.as_object_mut() {
            if !self.query.is_empty() {
                members.insert("queryStringParameters".to_owned(), self.query_parameters());
            }
            members.extend(self.event_body(headers.get("content-type").map_or("", String::as_str)));
        }
        event
    }

    /// Names in lower case; values of one name joined by a comma.
    fn joined_headers(&self) -> BTreeMap<String, String> {
        let mut joined = BTreeMap::from(
            [
                ("host", "a1b2c3d4e5.execute-api.ap-northeast-2.amazonaws.com"),
                ("x-amzn-trace-id", "Root=1-67c27ef8-0123456789abcdef01234567"),
                ("x-forwarded-for", "203.0.113.7"),
                ("x-forwarded-port", "443"),
                ("x-forwarded-proto", "https"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let length = self.body.as_ref().map_or(0, Vec::len);
        joined.insert("content-length".to_owned(), length.to_string());
        for (name, value) in &self.headers {
            joined
                .entry(name.to_ascii_lowercase())
                .and_modify(|known| *known = format!("{known},{value}"))
                .or_insert_with(|| value.clone());
        }
        joined
    }

    /// Decoded; values of one name joined by a comma.
    fn query_parameters(&self) -> Value {
        let mut joined = Map::new();
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            let value = match joined.get(name.as_ref()).and_then(Value::as_str) {
                Some(known) => format!("{known},{value}"),
                None => value.into_owned(),
            };
            joined.insert(name.into_owned(), Value::String(value));
        }
        Value::Object(joined)
    }

    /// The gateway passes a body on as text only if its content type is a text type.
    fn event_body(&self, content_type: &str) -> Vec<(String, Value)> {
        let Some(body) = &self.body else { return vec![] };
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let says_text = media_type.starts_with("text/")
            || ["application/json", "application/javascript", "application/xml"].contains(&media_type.as_str());
        let text = std::str::from_utf8(body).ok().filter(|_| says_text);
        vec![
            ("body".to_owned(), text.map_or_else(|| json!(STANDARD.encode(body)), |text| json!(text))),
            ("isBase64Encoded".to_owned(), json!(text.is_none())),
        ]
    }
}

/// What the sender is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// What the gateway makes of a function's response.
    ///
    /// # Errors
    /// If it is none that the gateway understands.
    pub fn of_response(response: &Value) -> Result<Self> {
        let status = response.get("statusCode").and_then(Value::as_u64).context("no status")?;
        let mut headers = BTreeMap::new();
        for (name, value) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
            headers.insert(name.to_ascii_lowercase(), value.as_str().context("a header that is no text")?.to_owned());
        }
        let body = response.get("body").and_then(Value::as_str).unwrap_or_default();
        let is_encoded = response.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
        let body = if is_encoded { String::from_utf8(STANDARD.decode(body)?)? } else { body.to_owned() };
        Ok(Self { status: u16::try_from(status)?, headers, body })
    }

    /// What the gateway answers if the function failed.
    #[must_use]
    pub fn of_failure() -> Self {
        Self { status: 500, headers: BTreeMap::new(), body: r#"{"message":"Internal Server Error"}"#.to_owned() }
    }
}
