//! A row, and its constructors.

use end_to_end::{Answer, Request};
use play_kakao::{Algorithm, SigningKey, Token};
use serde_json::{Value, json};

use crate::kakao::{OAUTH, pushed, token};

/// The result of a request: the answer, and for each queued envelope whether it is an event or why not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RowResult {
    status: u16,
    body: String,
    queued: Vec<String>,
}

const EVENT: &str = "event";

impl RowResult {
    pub(super) fn of(answer: &Answer, queued: &[Value]) -> Self {
        let letter = |envelope: &Value| envelope["quarantine"]["reason"].as_str().unwrap_or(EVENT).to_owned();
        let mut queued: Vec<_> = queued.iter().map(letter).collect();
        queued.sort();
        Self { status: answer.status, body: answer.body.clone(), queued }
    }
}

/// What a row expects.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExpectedResult {
    /// 202, and so many events queued.
    Taken(usize),
    /// 202, this many events queued, and one quarantined for this reason.
    Quarantined(usize, &'static str),
    /// 202, and this many events quarantined for this reason.
    AllQuarantined(usize, &'static str),
    /// 400 with this code and description.
    Refused(&'static str, &'static str),
    /// Another status, with this error.
    Answered(u16, &'static str),
}

impl ExpectedResult {
    fn outcome(self) -> RowResult {
        let accepted = |queued| RowResult { status: 202, body: String::new(), queued };
        let refused = |status, body: Value| RowResult { status, body: body.to_string(), queued: vec![] };
        match self {
            Self::Taken(events) => accepted(vec![EVENT.to_owned(); events]),
            Self::Quarantined(events, reason) => {
                let mut queued = vec![EVENT.to_owned(); events];
                queued.push(reason.to_owned());
                queued.sort();
                accepted(queued)
            }
            Self::AllQuarantined(events, reason) => accepted(vec![reason.to_owned(); events]),
            Self::Refused(code, text) => refused(400, json!({"err": code, "description": text})),
            Self::Answered(status, "") => RowResult { status, body: String::new(), queued: vec![] },
            Self::Answered(status, error) => refused(status, json!({"error": error})),
        }
    }
}

pub(super) const fn taken(events: usize) -> ExpectedResult {
    ExpectedResult::Taken(events)
}

pub(super) const fn quarantined(reason: &'static str) -> ExpectedResult {
    ExpectedResult::Quarantined(0, reason)
}

const fn invalid(description: &'static str) -> ExpectedResult {
    ExpectedResult::Refused("invalid_request", description)
}

pub(super) const METHOD: ExpectedResult = ExpectedResult::Answered(405, "method_not_allowed");
pub(super) const TOO_LARGE: ExpectedResult = ExpectedResult::Answered(413, "payload_too_large");
pub(super) const LATER: ExpectedResult = ExpectedResult::Answered(503, "unavailable");
pub(super) const CONTENT_TYPE: ExpectedResult = invalid("The content type must be application/secevent+jwt.");
pub(super) const MALFORMED: ExpectedResult = invalid("The body is not a compact JWS of JSON objects.");
pub(super) const ALGORITHM: ExpectedResult = invalid("The algorithm must be RS256.");
pub(super) const WRONG_TYPE: ExpectedResult = invalid("The type must be secevent+jwt.");
pub(super) const FORBIDDEN: ExpectedResult = invalid("The header has a member that is not allowed.");
pub(super) const NO_KID: ExpectedResult = invalid("The header has no kid.");
pub(super) const SIGNATURE: ExpectedResult = ExpectedResult::Refused("invalid_key", "The signature is not valid.");
pub(super) const MISSING: ExpectedResult = quarantined("missing_field");
pub(super) const SHAPE: ExpectedResult = quarantined("field_shape");
pub(super) const OTHER_SUBJECT: ExpectedResult = quarantined("other_subject");
pub(super) const NO_SUBJECT: ExpectedResult = quarantined("no_subject");
pub(super) const ISSUER: ExpectedResult =
    ExpectedResult::Refused("invalid_issuer", "The issuer is not the expected one.");
pub(super) const AUDIENCE: ExpectedResult =
    ExpectedResult::Refused("invalid_audience", "The audience is not this receiver.");

/// One request and the expected result.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) expected: RowResult,
}

/// Makes rows with tokens that this key signs.
pub(super) struct Make<'k> {
    pub(super) key: &'k SigningKey,
    pub(super) token: Token,
}

impl<'k> Make<'k> {
    pub(super) fn with(key: &'k SigningKey) -> Self {
        Self { key, token: token("3142859300", &format!("{OAUTH}user-linked"), 1, &json!({})) }
    }

    pub(super) fn genuine(&self) -> String {
        self.token.sign(self.key).unwrap()
    }

    pub(super) fn row(&self, name: &str, request: Request, expected: ExpectedResult) -> Row {
        Row { name: name.to_owned(), request, expected: expected.outcome() }
    }

    /// Of this body, whatever it is.
    pub(super) fn body(&self, name: &str, body: impl Into<Vec<u8>>, expected: ExpectedResult) -> Row {
        let mut request = pushed(String::new());
        request.body = Some(body.into());
        self.row(name, request, expected)
    }

    /// Of a token whose header has another value here, or the member not at all.
    pub(super) fn header(&self, name: &str, member: &str, value: Option<Value>, expected: ExpectedResult) -> Row {
        let mut token = self.token.clone();
        token.header.insert("kid".to_owned(), json!(self.key.id()));
        token.header.remove(member);
        let name = format!("{name} {}", brief(value.as_ref()));
        token.header.extend(value.map(|value| (member.to_owned(), value)));
        let header = Value::Object(token.header.clone()).to_string();
        self.texts(&name, &header, &token.claims_text(), expected)
    }

    /// Of a token with other claims.
    pub(super) fn claims(&self, name: &str, change: impl FnOnce(&mut Value), expected: ExpectedResult) -> Row {
        let mut claims = Value::Object(self.token.claims.clone());
        change(&mut claims);
        self.texts(name, &self.token.header_text(self.key.id()), &claims.to_string(), expected)
    }

    /// Of a token with another value of a claim, or none.
    pub(super) fn claim(&self, claim: &str, value: Option<Value>, expected: ExpectedResult) -> Row {
        let name = format!("{claim} {}", brief(value.as_ref()));
        let change = |claims: &mut Value| {
            let claims = claims.as_object_mut().unwrap();
            claims.remove(claim);
            claims.extend(value.map(|value| (claim.to_owned(), value)));
        };
        self.claims(&name, change, expected)
    }

    /// Of these texts as header and claims, signed.
    pub(super) fn texts(&self, name: &str, header: &str, claims: &str, expected: ExpectedResult) -> Row {
        self.row(name, pushed(self.key.compact(Algorithm::Rs256, header, claims).unwrap()), expected)
    }
}

fn brief(value: Option<&Value>) -> String {
    value.map_or_else(|| "(absent)".to_owned(), |value| value.to_string().chars().take(60).collect())
}
