use aws_lc_rs::{error::Unspecified, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{Algorithm, SigningKey, Token};

/// Declares what can be wrong with a token: each with its name, the registered error code (RFC 8935 §2.4)
/// that it is refused with, and what it is. None: it is authentic, and must be acknowledged.
macro_rules! forgeries {
    ($($variant:ident = $name:literal / $code:expr, $what:literal);+ $(;)?) => {
        /// What can be wrong with a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Forgery {
            $(#[doc = $what] $variant,)+
        }

        impl Forgery {
            /// Each.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The registered error code that it is refused with; none for what Kakao's key signed for the receiver,
            /// which must be acknowledged.
            #[must_use]
            pub const fn code(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// What it is.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$variant => $what,)+
                }
            }
        }
    };
}

forgeries! {
    Signature = "signature" / Some("invalid_key"), "One bit of the signature is another.";
    OtherKey = "other-key" / Some("invalid_key"), "Another key signed it under the right key id.";
    AlgNone = "alg-none" / Some("invalid_request"), "`alg` is `none`, and there is no signature.";
    Hs256 = "hs256" / Some("invalid_request"), "Signed with HMAC, the public key being the secret.";
    Rs512 = "rs512" / Some("invalid_request"), "Signed well, but with RS512.";
    JwkHeader = "jwk-header" / Some("invalid_request"), "The header brings the key that signed it.";
    Crit = "crit" / Some("invalid_request"), "The header names an extension that must be understood.";
    Kid = "kid" / Some("invalid_key"), "A key id that no key set has (503 where the set can't be asked again yet).";
    NoKid = "no-kid" / Some("invalid_request"), "No key id.";
    Typ = "typ" / Some("invalid_request"), "The type of an ID token.";
    Issuer = "issuer" / Some("invalid_issuer"), "Another issuer.";
    Audience = "audience" / Some("invalid_audience"), "Another receiver's audience.";
    Subject = "subject" / None, "An event whose subject is another user.";
    FutureIat = "future-iat" / None, "Issued a hundred years after it happened.";
    ToeAfterIat = "toe-after-iat" / None, "It happened an hour after it was issued.";
    NoJti = "no-jti" / None, "No id of its own.";
    NoEvents = "no-events" / None, "Nothing in `events`.";
    DuplicateKey = "duplicate-key" / None, "A claim that stands twice.";
    TrailingData = "trailing-data" / None, "A second document after the claims.";
}

const AN_HOUR: i64 = 3_600;
const A_HUNDRED_YEARS: i64 = 3_155_760_000;

impl Forgery {
    /// Each that must be refused.
    pub fn refused() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|forgery| forgery.code().is_some())
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|forgery| forgery.name() == name).copied()
    }
}

impl Token {
    /// The compact form with one thing wrong.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn forge(&self, key: &SigningKey, forgery: Forgery) -> Result<String, Unspecified> {
        let mut token = self.clone();
        let issued = token.claims.get("iat").and_then(Value::as_i64).unwrap_or_default();
        match forgery {
            Forgery::Signature => return self.sign(key).map(|token| with_another_signature(&token)),
            Forgery::OtherKey => return token.sign(&SigningKey::generate(key.id())?),
            Forgery::AlgNone => {
                token.header("alg", json!("none"));
                return Ok(format!("{}.", token.signing_input(key.id())));
            }
            Forgery::Hs256 => {
                token.header("alg", json!("HS256"));
                let input = token.signing_input(key.id());
                let secret = hmac::Key::new(hmac::HMAC_SHA256, key.public_der());
                return Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&secret, input.as_bytes()))));
            }
            Forgery::Rs512 => {
                token.header("alg", json!("RS512"));
                return key.compact(Algorithm::Rs512, &token.header_text(key.id()), &token.claims_text());
            }
            Forgery::JwkHeader => {
                let brought = SigningKey::generate(key.id())?;
                token.header("jwk", brought.public_jwk());
                return token.sign(&brought);
            }
            Forgery::NoKid => {
                let header = Value::Object(token.header.clone()).to_string();
                return key.compact(Algorithm::Rs256, &header, &token.claims_text());
            }
            Forgery::DuplicateKey => {
                let claims = token.claims_text().replacen('{', "{\"sub\":\"1\",", 1);
                return key.compact(Algorithm::Rs256, &token.header_text(key.id()), &claims);
            }
            Forgery::TrailingData => {
                let claims = token.claims_text() + "{}";
                return key.compact(Algorithm::Rs256, &token.header_text(key.id()), &claims);
            }
            Forgery::Crit => {
                token.header("crit", json!(["x-extension"]));
                token.header("x-extension", json!(true));
            }
            Forgery::Kid => token.header("kid", json!("no-such-key")),
            Forgery::Typ => token.header("typ", json!("JWT")),
            Forgery::Issuer => token.claim("iss", json!("https://kauth.kakao.com.example")),
            Forgery::Audience => token.claim("aud", json!("another-receiver")),
            Forgery::Subject => token.claim("sub", json!("1")),
            Forgery::FutureIat => token.claim("iat", json!(issued.saturating_add(A_HUNDRED_YEARS))),
            Forgery::ToeAfterIat => token.claim("toe", json!(issued.saturating_add(AN_HOUR))),
            Forgery::NoJti => drop(token.claims.remove("jti")),
            Forgery::NoEvents => token.claim("events", json!({})),
        }
        token.sign(key)
    }

    fn claim(&mut self, name: &str, value: Value) {
        self.claims.insert(name.to_owned(), value);
    }

    fn header(&mut self, name: &str, value: Value) {
        self.header.insert(name.to_owned(), value);
    }
}

/// The first character of the signature becomes another.
fn with_another_signature(token: &str) -> String {
    let (input, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{first}{}", signature.chars().skip(1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forgery_has_a_name_of_its_own_and_differs_from_the_genuine_token() {
        let key = SigningKey::generate("k").unwrap();
        let token = Token::new("a", "7", "j", 1_800_000_000, "https://example.com/event", &json!({}));
        let mut made = vec![token.sign(&key).unwrap()];
        for forgery in Forgery::ALL {
            assert_eq!(Forgery::named(forgery.name()), Some(*forgery));
            let forged = token.forge(&key, *forgery).unwrap();
            assert!(!made.contains(&forged), "{forgery:?}");
            made.push(forged);
        }
        assert_eq!(Forgery::named("genuine"), None);
    }
}
