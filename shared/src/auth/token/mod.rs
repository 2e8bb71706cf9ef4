//! Security Event Tokens (RFC 8417) as Kakao signs them. Three types, each made only from the one
//! before it: [`UnverifiedToken`] → [`SignedToken`] → [`VerifiedToken`]. The policy stands here; the
//! cryptography is the library's. Age never rejects: a token has no `exp` and is valid however late
//! it arrives.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Apps, KeyId, PublicKey, Unverified, Verified};
use crate::wire::{AppId, Content, Personal, Time, Unreadable, UserId, parse_strict_json};

/// Kakao's authorization server.
pub(super) const ISSUER: &str = "https://kauth.kakao.com";

/// The media type of a pushed token (RFC 8935 §2.1).
const MEDIA_TYPE: &str = "application/secevent+jwt";

/// How far Kakao's clock may be ahead of ours, in milliseconds.
const CLOCK_SKEW_MILLIS: i64 = 300_000;

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
    /// Not three base64url parts of which the first two are JSON objects without repeated keys.
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
    /// A claim that every token has is missing or of a wrong type.
    #[error("claim")]
    Claim,
    /// Issued in the future, or before what it reports.
    #[error("time")]
    Time,
    /// Its members don't agree on whom it concerns.
    #[error("subject")]
    Subject,
}

impl TokenRefusal {
    /// The registered error code (RFC 8935 §2.4).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownKey => "invalid_key",
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
            Self::Claim => "token_claim",
            Self::Time => "token_time",
            Self::Subject => "token_subject",
        }
    }

    /// What the sender is told beside the code: a fixed text.
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
            Self::Claim => "A required claim is missing or malformed.",
            Self::Time => "The times of the token contradict each other or the clock.",
            Self::Subject => "The subject is not consistent.",
        }
    }
}

/// Whether a token must say what it is (`typ`). A token that says something else is refused either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// It must: that tells it from every other JWT that the issuer signs, such as an ID token.
    #[default]
    Required,
    /// It may say nothing.
    Optional,
}

/// A token that could be taken apart: nobody knows yet who made it.
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
    /// [`TokenRefusal::Signature`], or [`TokenRefusal::Malformed`] for signed claims that are no JSON
    /// object.
    pub fn verify(self, key: &PublicKey) -> Result<SignedToken, TokenRefusal> {
        if !key.verifies(self.signing_input.expose().as_bytes(), &self.signature) {
            return Err(TokenRefusal::Signature);
        }
        let claims = parse_strict_json(self.claims.expose()).map_err(|_| TokenRefusal::Malformed)?;
        Ok(SignedToken(Personal::new(claims)))
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
pub struct SignedToken(Personal<Map<String, Value>>);

/// A member of `events`: its URI and its object.
pub type NamedEvent = (String, Map<String, Value>);

/// The claims of a verified token.
#[derive(Clone)]
pub struct Claims {
    /// `sub`, or what the first event names as its subject.
    pub subject: Option<Personal<Value>>,
    /// `iat`.
    issued: Time,
    /// `toe`, or `iat` where there is none: when it happened.
    pub at: Time,
    /// `jti`: the same for every delivery of the token.
    pub token_id: String,
    /// `app_id`, where it is there.
    pub app_id: Option<Value>,
    /// `events`: at least one, by URI.
    pub events: Vec<NamedEvent>,
}

/// Claims are personal: nothing of them is shown.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[claims]")
    }
}

/// A token from Kakao for one of our apps.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    /// The app whose key `aud` names.
    pub app_id: AppId,
    /// What it says.
    pub claims: Claims,
}

impl SignedToken {
    /// Checks that the token is from Kakao's authorization server, for one of our apps, and is
    /// consistent. `now` is the time of receipt.
    ///
    /// # Errors
    /// [`TokenRefusal`]: answer 400.
    pub fn accept(self, apps: &Apps, now: Time) -> Result<VerifiedToken, TokenRefusal> {
        let all = self.0.expose();
        if all.get("iss").and_then(Value::as_str) != Some(ISSUER) {
            return Err(TokenRefusal::Issuer);
        }
        let audience = audiences(all)?;
        let app = audience.iter().find_map(|audience| apps.by_audience(audience)).ok_or(TokenRefusal::Audience)?;
        let claims = Claims::read(all)?;
        if claims.issued.millis_since(now) > CLOCK_SKEW_MILLIS {
            return Err(TokenRefusal::Time);
        }
        Ok(VerifiedToken { app_id: app.app_id.clone(), claims })
    }
}

impl Claims {
    fn read(all: &Map<String, Value>) -> Result<Self, TokenRefusal> {
        let token_id = all.get("jti").and_then(Value::as_str).filter(|id| !id.is_empty()).ok_or(TokenRefusal::Claim)?;
        let (issued, at) = times(all)?;
        let events = events(all)?;
        Ok(Self {
            subject: subject(all, &events)?,
            issued,
            at,
            token_id: token_id.to_owned(),
            app_id: all.get("app_id").cloned(),
            events,
        })
    }

    /// The claims of a token that was verified when it came and has been in our keeping since: a replay out
    /// of the quarantine. Its key may long be gone, so nothing is verified here.
    ///
    /// # Errors
    /// If it is no token any more.
    pub(crate) fn of_kept_token(content: &Content) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(content.body.expose().trim_ascii()).map_err(|_| Unreadable::Encoding)?;
        let claims = text.split('.').nth(1).and_then(|part| decode(part).ok()).ok_or(Unreadable::Encoding)?;
        Self::read(&parse_strict_json(&claims)?).map_err(|_| Unreadable::Shape("claims"))
    }
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, TokenRefusal> {
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => {
            several.iter().map(|audience| audience.as_str().ok_or(TokenRefusal::Audience)).collect()
        }
        _ => Err(TokenRefusal::Audience),
    }
}

/// When it was issued, and when what it reports happened.
fn times(claims: &Map<String, Value>) -> Result<(Time, Time), TokenRefusal> {
    let date = |name: &str| claims.get(name).filter(|value| !value.is_null());
    let issued = date("iat").and_then(numeric_date).ok_or(TokenRefusal::Claim)?;
    let at = date("toe").map_or(Some(issued), numeric_date).ok_or(TokenRefusal::Claim)?;
    if at > issued { Err(TokenRefusal::Time) } else { Ok((issued, at)) }
}

/// Seconds since 1970, with or without a fraction (RFC 7519 §2).
fn numeric_date(value: &Value) -> Option<Time> {
    if let Some(seconds) = value.as_i64() {
        return Time::from_seconds(seconds);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and the range is checked next")]
    value.as_f64().and_then(|seconds| Time::from_millis((seconds * 1_000.0).floor() as i64))
}

fn events(claims: &Map<String, Value>) -> Result<Vec<NamedEvent>, TokenRefusal> {
    let events = claims.get("events").and_then(Value::as_object).filter(|events| !events.is_empty());
    let members = |event: &Value| if event.is_null() { Some(Map::new()) } else { event.as_object().cloned() };
    let each = |(uri, event): (&String, &Value)| Some((uri.clone(), members(event)?));
    events.ok_or(TokenRefusal::Claim)?.iter().map(|event| each(event).ok_or(TokenRefusal::Claim)).collect()
}

/// The one subject that all parts of the token agree on (RFC 8417 §2.2; RFC 9493 §3.2.3 and its drafts'
/// `subject_type`).
fn subject(claims: &Map<String, Value>, events: &[NamedEvent]) -> Result<Option<Personal<Value>>, TokenRefusal> {
    let mut subject = claims.get("sub");
    let in_events = events.iter().flat_map(|(_, event)| [event.get("subject"), event.get("sub_id")]);
    for named in in_events.chain([claims.get("sub_id")]).flatten() {
        if named.get("iss").is_some_and(|issuer| issuer.as_str() != Some(ISSUER)) {
            return Err(TokenRefusal::Subject);
        }
        let Some(theirs) = named.get("sub") else { continue };
        if !is_same_subject(subject.get_or_insert(theirs), theirs) {
            return Err(TokenRefusal::Subject);
        }
    }
    Ok(subject.cloned().map(Personal::new))
}

/// A member number is the same as text and as integer.
fn is_same_subject(one: &Value, other: &Value) -> bool {
    one == other || UserId::try_from(one).is_ok_and(|one| UserId::try_from(other) == Ok(one))
}

impl Unverified {
    /// The request as one whose token was verified.
    #[must_use]
    pub fn proven_by_token(self, token: VerifiedToken) -> Verified<VerifiedToken> {
        self.verified(token)
    }
}

#[cfg(test)]
mod tests;
