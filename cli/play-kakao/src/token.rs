use aws_lc_rs::{error::Unspecified, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::SigningKey;

/// A Security Event Token to be signed: a header and claims that are Kakao's unless changed.
#[derive(Clone, Debug)]
pub struct Token {
    /// The JOSE header, but for `kid`, which the key gives.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// What can be wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// One bit of the signature is another.
    Signature,
    /// `alg` = `none`, and no signature.
    AlgNone,
    /// Signed with HMAC, the public key being the secret.
    Hs256,
    /// Another issuer.
    Issuer,
    /// Another receiver's audience.
    Audience,
    /// A key id that no key set has.
    Kid,
    /// The type of an ID token.
    Typ,
    /// An event whose subject is somebody else.
    Subject,
    /// A claim that stands twice.
    DuplicateKey,
}

impl Forgery {
    /// Each, with its name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("signature", Self::Signature),
        ("alg-none", Self::AlgNone),
        ("hs256", Self::Hs256),
        ("issuer", Self::Issuer),
        ("audience", Self::Audience),
        ("kid", Self::Kid),
        ("typ", Self::Typ),
        ("subject", Self::Subject),
        ("duplicate-key", Self::DuplicateKey),
    ];

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, forgery)| *forgery)
    }
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
        let input = signing_input(&self.header_with(key), &Value::Object(self.claims.clone()).to_string());
        let signature = key.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The compact form with one thing wrong.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn forge(&self, key: &SigningKey, forgery: Forgery) -> Result<String, Unspecified> {
        let mut token = self.clone();
        match forgery {
            Forgery::Signature => return self.sign(key).map(|token| with_another_signature(&token)),
            Forgery::AlgNone => return Ok(format!("{}.", token.unsigned(key, "none"))),
            Forgery::Hs256 => {
                let input = token.unsigned(key, "HS256");
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_der());
                return Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&secret, input.as_bytes()))));
            }
            Forgery::DuplicateKey => {
                let claims = Value::Object(token.claims.clone()).to_string().replacen('{', "{\"sub\":\"1\",", 1);
                let input = signing_input(&token.header_with(key), &claims);
                let signature = key.sign(input.as_bytes())?;
                return Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)));
            }
            Forgery::Issuer => token.claim("iss", json!("https://kauth.kakao.com.example")),
            Forgery::Audience => token.claim("aud", json!("another-receiver")),
            Forgery::Kid => token.header("kid", json!("no-such-key")),
            Forgery::Typ => token.header("typ", json!("JWT")),
            Forgery::Subject => token.claim("sub", json!("1")),
        }
        token.sign(key)
    }

    fn claim(&mut self, name: &str, value: Value) {
        self.claims.insert(name.to_owned(), value);
    }

    fn header(&mut self, name: &str, value: Value) {
        self.header.insert(name.to_owned(), value);
    }

    fn header_with(&self, key: &SigningKey) -> Value {
        let mut header = self.header.clone();
        header.entry("kid").or_insert_with(|| json!(key.id()));
        Value::Object(header)
    }

    fn unsigned(&mut self, key: &SigningKey, algorithm: &str) -> String {
        self.header("alg", json!(algorithm));
        signing_input(&self.header_with(key), &Value::Object(self.claims.clone()).to_string())
    }
}

fn signing_input(header: &Value, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims))
}

/// The first character of the signature becomes another.
fn with_another_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{first}{}", signature.chars().skip(1).collect::<String>())
}
