//! A token as it came, proven or not, and where its verification ends.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kakao_webhooks::auth::{Apps, KeySet, TokenRefusal, Typing, Unverified, UnverifiedToken, VerifiedToken};
use serde_json::{Value, json};

use super::{
    CheckName,
    check::{Check, checks},
};
use crate::console::masks::Masks;

const ISSUER: &str = "https://kauth.kakao.com";
const MEDIA_TYPE: &str = "application/secevent+jwt";
const FORBIDDEN_HEADERS: [&str; 5] = ["jku", "jwk", "x5u", "x5c", "crit"];

/// The verification as the function `account-status` makes it, with a key set that is at hand.
pub(super) fn verify(request: &Unverified, apps: &Apps, keys: &KeySet) -> Result<VerifiedToken, TokenRefusal> {
    let token = UnverifiedToken::parse(request, Typing::Required)?;
    let key = keys.get(token.key_id()).cloned().ok_or(TokenRefusal::UnknownKey)?;
    token.verify(&key)?.accept(apps)
}

/// The parts of a token that can be read, whether they are true or not.
pub(super) struct Parts {
    count: usize,
    header: Option<Value>,
    claims: Option<Value>,
}

impl Parts {
    pub(super) fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body.trim_ascii()).into_owned();
        let parts: Vec<&str> = text.split('.').collect();
        let json = |index: usize| {
            let bytes = URL_SAFE_NO_PAD.decode(parts.get(index)?).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        Self { count: parts.len(), header: json(0).filter(Value::is_object), claims: json(1) }
    }

    pub(super) fn decoded(&self) -> Value {
        json!({"header": self.header, "claims": self.claims})
    }

    /// The checks of the token, of which the one that `refusal` names failed.
    pub(super) fn checks(
        &self,
        failed: Option<CheckName>,
        content_type: &str,
        keys: &KeyNames,
        masks: &Masks,
    ) -> Vec<Check> {
        checks(&CheckName::OF_TOKEN, failed, |name| {
            let (found, wanted) = self.values(name, content_type, keys);
            (found.map(|text| masks.hide(&text)), wanted)
        })
    }

    fn values(&self, name: CheckName, content_type: &str, keys: &KeyNames) -> (Option<String>, Option<String>) {
        let text = |text: &str| Some(text.to_owned());
        let of = |part: &Option<Value>, member: &str| part.as_ref().and_then(|part| part.get(member)).map(plain);
        let header = |member: &str| of(&self.header, member);
        match name {
            CheckName::ContentType => (text(content_type), text(MEDIA_TYPE)),
            CheckName::Form => (Some(self.count.to_string()), text("3")),
            CheckName::Algorithm => (header("alg"), text("RS256")),
            CheckName::Type => (header("typ"), text("secevent+jwt")),
            CheckName::ForbiddenHeader => {
                let found: Vec<_> = FORBIDDEN_HEADERS.into_iter().filter(|name| header(name).is_some()).collect();
                ((!found.is_empty()).then(|| found.join(", ")), None)
            }
            CheckName::KeyId => (header("kid"), None),
            CheckName::KnownKey => (header("kid"), text(&keys.key_id)),
            CheckName::Issuer => (of(&self.claims, "iss"), text(ISSUER)),
            CheckName::Audience => (of(&self.claims, "aud"), text(keys.audience)),
            _ => (None, None),
        }
    }

    /// The check in which a verification ended.
    pub(super) fn failed(&self, refusal: TokenRefusal) -> CheckName {
        match refusal {
            TokenRefusal::ContentType => CheckName::ContentType,
            // The header is read first; the other parts after all that it says.
            TokenRefusal::Malformed if self.count == 3 && self.header.is_some() => CheckName::Encoding,
            TokenRefusal::Malformed => CheckName::Form,
            TokenRefusal::Algorithm => CheckName::Algorithm,
            TokenRefusal::Type => CheckName::Type,
            TokenRefusal::ForbiddenHeader => CheckName::ForbiddenHeader,
            TokenRefusal::NoKeyId => CheckName::KeyId,
            TokenRefusal::UnknownKey => CheckName::KnownKey,
            TokenRefusal::Signature => CheckName::Signature,
            TokenRefusal::Issuer => CheckName::Issuer,
            TokenRefusal::Audience => CheckName::Audience,
        }
    }
}

/// What would be right where a value of this run is: not the keys themselves.
pub(super) struct KeyNames {
    pub(super) key_id: String,
    pub(super) audience: &'static str,
}

/// A value for a person: a text without its quotes, and not endless.
pub(super) fn plain(value: &Value) -> String {
    const MOST: usize = 200;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() > MOST { text.chars().take(MOST).chain(['…']).collect() } else { text }
}
