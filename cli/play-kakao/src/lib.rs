//! Simulates Kakao: signs Security Event Tokens with its own keys, publishes the matching key set, and answers
//! as Kakao's REST API and its chatbot callback do. For `khook` and for tests; no function links it.

pub mod callback;
mod forgery;
#[cfg(feature = "server")]
mod loopback;
mod members;
pub mod rest_api;
mod token;

use aws_lc_rs::{
    encoding::AsDer,
    error::Unspecified,
    rand::SystemRandom,
    signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub use aws_lc_rs::rsa::KeySize;
pub use forgery::Forgery;
pub use members::KakaoMembers;
pub use token::Token;

/// An RSA key pair with an id, such as Kakao signs with.
pub struct SigningKey {
    id: String,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// A new key of 2048 bits.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate(id: impl Into<String>) -> Result<Self, Unspecified> {
        Self::generate_sized(id, KeySize::Rsa2048)
    }

    /// A new key of another size.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate_sized(id: impl Into<String>, size: KeySize) -> Result<Self, Unspecified> {
        Ok(Self { id: id.into(), pair: RsaKeyPair::generate(size)? })
    }

    /// The key from its PKCS#8 document in base64, as [`Self::to_base64`] wrote it.
    #[must_use]
    pub fn from_base64(id: impl Into<String>, text: &str) -> Option<Self> {
        let document = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        Some(Self { id: id.into(), pair: RsaKeyPair::from_pkcs8(&document).ok()? })
    }

    /// The private key, to keep a played Kakao's key over a restart. Never a real one's.
    ///
    /// # Errors
    /// If it can't be encoded.
    pub fn to_base64(&self) -> Result<String, Unspecified> {
        Ok(URL_SAFE_NO_PAD.encode(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&self.pair)?.as_ref()))
    }

    /// The key's id (`kid`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half as a JSON Web Key, in the members that Kakao's has.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let public = self.pair.public_key();
        json!({
            "kid": self.id,
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    pub(crate) fn public_der(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The compact form (RFC 7515 §7.1) of these two texts, whatever they are, signed.
    ///
    /// # Errors
    /// If the key can't sign.
    pub fn compact(&self, algorithm: Algorithm, header: &str, claims: &str) -> Result<String, Unspecified> {
        let input = signing_input(header, claims);
        let padding = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        };
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(padding, &SystemRandom::new(), input.as_bytes(), &mut signature)?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// How a token is signed, whatever its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// As Kakao does.
    Rs256,
    /// With the same key, but in another way.
    Rs512,
}

fn signing_input(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// A JSON Web Key Set (RFC 7517 §5) of these keys.
#[must_use]
pub fn key_set<'k>(keys: impl IntoIterator<Item = &'k SigningKey>) -> Value {
    json!({"keys": keys.into_iter().map(SigningKey::public_jwk).collect::<Vec<_>>()})
}
