use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use kakao_webhooks::{
    auth::{KeyFault, TokenRefusal, Unlisted},
    wire::Kind,
};
use lambda_http::{Body, Response};
use serde_json::{Value, json};

use super::Arrival;

const JSON: &str = "application/json";

/// What a sender is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status: all that Kakao judges by.
    pub status: StatusCode,
    headers: Vec<(http::HeaderName, String)>,
    json: Option<String>,
}

impl Answer {
    /// A bare status.
    #[must_use]
    pub const fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), json: None }
    }

    /// A JSON text that is written already.
    #[must_use]
    pub const fn json_text(status: StatusCode, text: String) -> Self {
        Self { status, headers: Vec::new(), json: Some(text) }
    }

    /// A JSON value.
    #[must_use]
    pub fn json(status: StatusCode, value: &Value) -> Self {
        Self::json_text(status, value.to_string())
    }

    fn with_header(mut self, name: http::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// For HEAD: the headers are those of GET (RFC 9110 §9.3.2).
    pub(super) fn without_body(mut self) -> Self {
        match self.json.take() {
            Some(_) => self.with_header(CONTENT_TYPE, JSON),
            None => self,
        }
    }
}

impl From<Answer> for Response<Body> {
    fn from(answer: Answer) -> Self {
        let mut response = Self::new(answer.json.clone().map_or(Body::Empty, Body::Text));
        *response.status_mut() = answer.status;
        if answer.json.is_some() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        for (name, value) in answer.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// Why a request is not acknowledged. The answer is a fixed text; the log has more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This function has no such path.
    #[error("not found")]
    NotFound,
    /// The route does not have this method.
    #[error("method not allowed")]
    Method {
        /// Those that are.
        allow: &'static [&'static str],
    },
    /// The sender's key is not there or not ours.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The sender is authenticated but called from an unlisted address.
    #[error(transparent)]
    Source(#[from] Unlisted),
    /// The body is longer than anything that Kakao sends.
    #[error("payload too large")]
    TooLarge,
    /// The token isn't valid.
    #[error("token refused: {0}")]
    Token(#[from] TokenRefusal),
    /// The key set that is in use doesn't have the token's key, and no fresher one can be fetched now. The sender may
    /// try again. As a rule a stranger causes this, so no alarm counts it; a key set that gets too old has one of its
    /// own.
    #[error("unknown key, within the cooldown")]
    UnknownKeyCooldown {
        /// After how many seconds.
        retry_after: u64,
    },
    /// The event cannot be stored, or no token can be verified, now. The sender may try again.
    #[error("unavailable")]
    Unavailable {
        /// After how many seconds.
        retry_after: u64,
    },
}

impl Refusal {
    /// The answer; `challenge` names the scheme by which a sender could prove itself (RFC 9110 §11.6.1).
    pub(super) fn answer(self, challenge: Option<&'static str>) -> Answer {
        let error = |status, code| Answer::json(status, &json!({"error": code}));
        match self {
            Self::NotFound => error(StatusCode::NOT_FOUND, "not_found"),
            Self::Method { allow } => {
                error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").with_header(ALLOW, allow.join(", "))
            }
            Self::Key(_) => {
                let answer = error(StatusCode::UNAUTHORIZED, "unauthorized");
                match challenge {
                    Some(scheme) => answer.with_header(WWW_AUTHENTICATE, scheme),
                    None => answer,
                }
            }
            Self::Source(Unlisted) => error(StatusCode::FORBIDDEN, "forbidden"),
            Self::TooLarge => error(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::Token(refusal) => Answer::json(
                StatusCode::BAD_REQUEST,
                &json!({"err": refusal.code(), "description": refusal.description()}),
            )
            .with_header(CONTENT_LANGUAGE, "en"),
            Self::UnknownKeyCooldown { retry_after } | Self::Unavailable { retry_after } => {
                error(StatusCode::SERVICE_UNAVAILABLE, "unavailable").with_header(RETRY_AFTER, retry_after.to_string())
            }
        }
    }

    /// The reason's stable short name, in logs and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Method { .. } => "method",
            Self::Key(KeyFault::Missing) => "key_missing",
            Self::Key(KeyFault::Unknown) => "key_unknown",
            Self::Source(Unlisted) => "source_unlisted",
            Self::TooLarge => "too_large",
            Self::Token(refusal) => refusal.reason(),
            Self::UnknownKeyCooldown { .. } => "unknown_key_cooldown",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    pub(super) fn log(self, kind: Kind, arrival: &Arrival) {
        let (kind, request_id, reason) = (kind.name(), &arrival.request_id, self.reason());
        match self {
            Self::Unavailable { .. } => tracing::error!(event = "refused", kind, reason, request_id),
            // A key that was changed at Kakao, an app that is not configured, a new address: the operator must act.
            Self::Key(KeyFault::Unknown) | Self::Source(Unlisted) | Self::Token(TokenRefusal::Audience) => {
                tracing::warn!(event = "refused", kind, reason, request_id);
            }
            _ => tracing::info!(event = "refused", kind, reason, request_id),
        }
    }
}
