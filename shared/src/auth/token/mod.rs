//! Security Event Tokens (RFC 8417) as Kakao signs them. Three types, each made only from the one
//! before it: [`UnverifiedToken`] → [`SignedToken`] → [`VerifiedToken`]. The policy stands here; the
//! cryptography is the library's. Age never rejects: a token has no `exp` and is valid however late
//! it arrives. A token that Kakao signed is refused only if it is provably for another receiver: whatever
//! else is wrong with its claims is said with them, and its events are quarantined for that.

mod claims;
mod redaction;
mod subject;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Apps, KeyId, PublicKey, Unverified, Verified};
use crate::wire::{AppId, Personal, Unreadable, parse_strict_json};

pub use claims::{Claims, NamedEvent};

/// Kakao's authorization server.
pub(super) const ISSUER: &str = "https://kauth.kakao.com";

/// The media type of a pushed token (RFC 8935 §2.1).
const MEDIA_TYPE: &str = "application/secevent+jwt";

/// Header members by which a token would bring its own key, or change how it is to be read (RFC 8725
/// §3.10, RFC 7515 §4.1.11).
const FORBIDDEN_HEADERS: [&str; 5] = ["jku", "jwk", "x5u", "x5c", "crit"];

/// Why a token is refused. [`code`](Self::code) and [`description`](Self::description) are for the
/// sender; the variant is for our log. None shows the token or our configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// The content type is not that of a Security Event Token. Not from Kakao.
    #[error("content type")]
    ContentType,
    /// Not three base64url parts of which the first is a JSON object without repeated keys.
    #[error("malformed")]
    Malformed,
    /// Signed, or not, in another way than RS256 (RFC 8725 §3.1). Not from Kakao.
    #[error("algorithm")]
    Algorithm,
    /// Another kind of JWT, such as an ID token (RFC 8725 §3.11, RFC 8417 §2.3).
    #[error("type")]
    Type,
    /// A header member that would bring a key along.
    #[error("forbidden header")]
    ForbiddenHeader,
    /// No `kid`.
    #[error("no key id")]
    NoKeyId,
    /// No key of a fresh key set has this `kid`. Kakao rotated and signed with the old key, or it is
    /// forged.
    #[error("unknown key")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("signature")]
    Signature,
    /// Another issuer than Kakao.
    #[error("issuer")]
    Issuer,
    /// For none of our apps: forged for another receiver, or a REST API key is missing in
    /// `KAKAO_APPS`.
    #[error("audience")]
    Audience,
}

impl TokenRefusal {
    /// The registered error code (RFC 8935 §2.4).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownKey | Self::Signature => "invalid_key",
            Self::Issuer => "invalid_issuer",
            Self::Audience => "invalid_audience",
            _ => "invalid_request",
        }
    }

    /// The cause's stable short name, in logs and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ContentType => "token_content_type",
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::Type => "token_type",
            Self::ForbiddenHeader => "token_forbidden_header",
            Self::NoKeyId => "token_no_key_id",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
        }
    }

    /// The description in the answer: a fixed text.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::ContentType => "The content type must be application/secevent+jwt.",
            Self::Malformed => "The body is not a compact JWS of JSON objects.",
            Self::Algorithm => "The algorithm must be RS256.",
            Self::Type => "The type must be secevent+jwt.",
            Self::ForbiddenHeader => "The header has a member that is not allowed.",
            Self::NoKeyId => "The header has no kid.",
            Self::UnknownKey => "The key that the header names is not in the issuer's key set.",
            Self::Signature => "The signature is not valid.",
            Self::Issuer => "The issuer is not the expected one.",
            Self::Audience => "The audience is not this receiver.",
        }
    }
}

/// Whether a token must have a `typ`. A token with another `typ` is refused either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// It must: this distinguishes it from every other JWT that the issuer signs, such as an ID token.
    #[default]
    Required,
    /// It may say nothing.
    Optional,
}

/// A parsed token whose signature is not verified yet.
#[derive(Debug)]
pub struct UnverifiedToken {
    key_id: KeyId,
    signing_input: Personal<String>,
    claims: Personal<Vec<u8>>,
    signature: Vec<u8>,
}

impl UnverifiedToken {
    /// Takes the request's token apart and checks all that can be checked without a key.
    ///
    /// # Errors
    /// [`TokenRefusal`]: answer 400.
    pub fn parse(request: &Unverified, typing: Typing) -> Result<Self, TokenRefusal> {
        let content = request.content();
        if content.media_type != MEDIA_TYPE {
            return Err(TokenRefusal::ContentType);
        }
        let text = std::str::from_utf8(content.body.expose().trim_ascii()).map_err(|_| TokenRefusal::Malformed)?;
        let (signing_input, signature) = text.rsplit_once('.').ok_or(TokenRefusal::Malformed)?;
        let (header, claims) = signing_input.split_once('.').ok_or(TokenRefusal::Malformed)?;
        let header = parse_strict_json(&decode(header)?).map_err(|_| TokenRefusal::Malformed)?;
        Ok(Self {
            key_id: check_header(&header, typing)?,
            signing_input: Personal::new(signing_input.to_owned()),
            claims: Personal::new(decode(claims)?),
            signature: decode(signature)?,
        })
    }

    /// The key that the token says it is signed with.
    #[must_use]
    pub const fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`TokenRefusal::Signature`].
    pub fn verify(self, key: &PublicKey) -> Result<SignedToken, TokenRefusal> {
        if !key.verifies(self.signing_input.expose().as_bytes(), &self.signature) {
            return Err(TokenRefusal::Signature);
        }
        let Some(claims) = redaction::without_tokens(self.claims.expose()) else {
            return Ok(SignedToken { claims: self.claims, kept: None });
        };
        let (header, _) = self.signing_input.expose().split_once('.').unwrap_or_default();
        // Without the signature, which would be a proof of what stood there.
        let kept = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(&claims));
        Ok(SignedToken { claims: Personal::new(claims), kept: Some(Personal::new(kept.into())) })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenRefusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefusal::Malformed)
}

fn check_header(header: &Map<String, Value>, typing: Typing) -> Result<KeyId, TokenRefusal> {
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(TokenRefusal::Algorithm);
    }
    let is_typed = header.get("typ").map(|value| value.as_str().is_some_and(is_secevent));
    if !is_typed.unwrap_or(typing == Typing::Optional) {
        return Err(TokenRefusal::Type);
    }
    if FORBIDDEN_HEADERS.iter().any(|name| header.contains_key(*name)) {
        return Err(TokenRefusal::ForbiddenHeader);
    }
    header.get("kid").and_then(Value::as_str).and_then(KeyId::new).ok_or(TokenRefusal::NoKeyId)
}

/// With or without `application/`, in any case (RFC 7515 §4.1.9).
fn is_secevent(media_type: &str) -> bool {
    let media_type = media_type.to_ascii_lowercase();
    media_type.strip_prefix("application/").unwrap_or(&media_type) == "secevent+jwt"
}

/// A token that one of Kakao's keys signed. Kakao signs for others, too: it may not be for us.
#[derive(Debug)]
pub struct SignedToken {
    claims: Personal<Vec<u8>>,
    kept: Option<Personal<Bytes>>,
}

/// A token from Kakao that is not for another receiver.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    /// The app whose key `aud` names; none if the claims can't be read.
    pub app_id: Option<AppId>,
    /// Its claims, or why they cannot be read.
    pub claims: Result<Claims, Unreadable>,
    /// What may be kept of it, if that isn't all.
    kept: Option<Personal<Bytes>>,
}

impl SignedToken {
    /// Checks that the token is from Kakao's authorization server and for one of our apps.
    ///
    /// # Errors
    /// [`TokenRefusal::Issuer`] or [`TokenRefusal::Audience`]: answer 400.
    pub fn accept(self, apps: &Apps) -> Result<VerifiedToken, TokenRefusal> {
        let Self { claims, kept } = self;
        match parse_strict_json(claims.expose()) {
            Err(why) => Ok(VerifiedToken { app_id: None, claims: Err(why.into()), kept }),
            Ok(claims) => {
                let app_id = Some(addressee(&claims, apps)?);
                Ok(VerifiedToken { app_id, claims: Ok(Claims::read(claims)), kept })
            }
        }
    }
}

/// The app that a token of Kakao's is for.
fn addressee(claims: &Map<String, Value>, apps: &Apps) -> Result<AppId, TokenRefusal> {
    if claims.get("iss").and_then(Value::as_str) != Some(ISSUER) {
        return Err(TokenRefusal::Issuer);
    }
    let audience = match claims.get("aud") {
        Some(Value::Array(several)) => several.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let app = audience.iter().filter_map(Value::as_str).find_map(|audience| apps.by_audience(audience));
    app.map(|app| app.app_id.clone()).ok_or(TokenRefusal::Audience)
}

impl Unverified {
    /// The request as one whose token was verified. Of a token in an event it doesn't hold any more what it was.
    #[must_use]
    pub fn proven_by_token(self, mut token: VerifiedToken) -> Verified<VerifiedToken> {
        match token.kept.take() {
            Some(kept) => self.with_body(kept).verified(token),
            None => self.verified(token),
        }
    }
}

#[cfg(test)]
mod tests;
