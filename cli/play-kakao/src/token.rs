use aws_lc_rs::error::Unspecified;
use serde_json::{Map, Value, json};

use crate::{Algorithm, SigningKey, signing_input};

/// A Security Event Token to be signed: a header and claims that are Kakao's unless changed.
#[derive(Clone, Debug)]
pub struct Token {
    /// The JOSE header, except `kid`, which the key gives.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

const ISSUER: &str = "https://kauth.kakao.com";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

impl Token {
    /// A token of one event, as Kakao makes it: `at` in seconds is when it happened and was issued.
    #[must_use]
    pub fn new(audience: &str, user_id: &str, token_id: &str, at: i64, event_uri: &str, members: &Value) -> Self {
        let mut event = object(json!({
            "subject": {"subject_type": "iss-sub", "iss": ISSUER, "sub": user_id},
        }));
        event.extend(members.as_object().cloned().unwrap_or_default());
        Self {
            header: object(json!({"typ": "secevent+jwt", "alg": "RS256"})),
            claims: object(json!({
                "iss": ISSUER, "aud": audience, "sub": user_id, "iat": at, "toe": at, "jti": token_id,
                "events": {event_uri: event},
            })),
        }
    }

    /// The compact form (RFC 7515 §7.1), signed.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn sign(&self, key: &SigningKey) -> Result<String, Unspecified> {
        key.compact(Algorithm::Rs256, &self.header_text(key.id()), &self.claims_text())
    }

    /// The header as JSON, with this `kid` unless it has one of its own.
    #[must_use]
    pub fn header_text(&self, key_id: &str) -> String {
        let mut header = self.header.clone();
        header.entry("kid").or_insert_with(|| json!(key_id));
        Value::Object(header).to_string()
    }

    /// The claims as JSON.
    #[must_use]
    pub fn claims_text(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    pub(crate) fn signing_input(&self, key_id: &str) -> String {
        signing_input(&self.header_text(key_id), &self.claims_text())
    }
}
