use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

/// The id of a signing key (`kid`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// An id, or `None` if the text is empty or longer than any key's id.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (1..=256).contains(&text.len()).then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[key id of {} bytes]", self.0.len())
    }
}

/// An RSA public key of 2048 to 8192 bits. What it takes to compute with it is computed once, not for each signature: a tenth
/// of what checking one costs.
#[derive(Clone)]
pub struct PublicKey(Arc<ParsedPublicKey>);

impl PublicKey {
    /// The key of a modulus and an exponent, or `None` if they are none.
    fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
        if !(2048..=8192).contains(&bits) || !(1..=8).contains(&exponent.len()) {
            return None;
        }
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        Some(Self(Arc::new(components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?)))
    }

    /// Whether `signature` is this key's RS256 signature of `message` (RFC 7518 §3.3).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().as_ref() == other.0.as_ref().as_ref()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[RSA key]")
    }
}

/// Kakao's signing keys by their ids: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(BTreeMap<KeyId, PublicKey>);

/// Why a document is no key set. The old set stays in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is no JSON object with a list `keys`.
    #[error("it is no JSON Web Key Set")]
    Json,
    /// No key in it can be used. An endpoint that says "no keys" is broken, not empty.
    #[error("it has no usable RSA signing key")]
    Empty,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// More keys than any issuer has.
const MAX_KEYS: usize = 64;

impl KeySet {
    /// Reads a JSON Web Key Set (RFC 7517 §5). Keys that aren't RSA signing keys, or can't be read, are
    /// skipped one by one; of two with one id the first counts.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn from_json(document: &[u8]) -> Result<Self, KeySetError> {
        let document: Document = serde_json::from_slice(document).map_err(|_| KeySetError::Json)?;
        let mut keys = BTreeMap::new();
        for (id, key) in document.keys.iter().take(MAX_KEYS).filter_map(rsa_signing_key) {
            keys.entry(id).or_insert(key);
        }
        if keys.is_empty() { Err(KeySetError::Empty) } else { Ok(Self(keys)) }
    }

    /// The key with this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&PublicKey> {
        self.0.get(id)
    }
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    n: String,
    e: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
}

fn rsa_signing_key(value: &Value) -> Option<(KeyId, PublicKey)> {
    let jwk = Jwk::deserialize(value).ok()?;
    let is_signing = jwk.usage.is_none_or(|usage| usage == "sig")
        && jwk.alg.is_none_or(|alg| alg == "RS256")
        && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    if jwk.kty != "RSA" || !is_signing {
        return None;
    }
    let modulus = without_leading_zeros(URL_SAFE_NO_PAD.decode(jwk.n).ok()?);
    let exponent = without_leading_zeros(URL_SAFE_NO_PAD.decode(jwk.e).ok()?);
    Some((KeyId::new(&jwk.kid)?, PublicKey::new(&modulus, &exponent)?))
}

fn without_leading_zeros(bytes: Vec<u8>) -> Vec<u8> {
    bytes.into_iter().skip_while(|byte| *byte == 0).collect()
}
