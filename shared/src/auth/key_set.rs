use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::wire::from_json;

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

/// An RSA public key of 2048 to 8192 bits. What it takes to compute with it is computed once, not for each signature: a
/// tenth of what checking one costs.
#[derive(Clone)]
pub struct PublicKey(Arc<ParsedPublicKey>);

impl PublicKey {
    /// The key of a modulus and an exponent, or `None` if they are not those of a key.
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
    /// It is not a JSON object with a list `keys`.
    #[error("it is not a JSON Web Key Set")]
    Json,
    /// No key in it can be used. An endpoint without keys is broken, not empty.
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
        let document: Document = from_json(document).map_err(|_| KeySetError::Json)?;
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
    let (modulus, exponent) = (unsigned_integer(&jwk.n)?, unsigned_integer(&jwk.e)?);
    Some((KeyId::new(&jwk.kid)?, PublicKey::new(&modulus, &exponent)?))
}

/// The bytes of a Base64urlUInt (RFC 7518 §2). Padding, the standard alphabet and leading zeros, none of which it may
/// have, don't make it another number.
fn unsigned_integer(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use play_kakao::{Algorithm, SigningKey};
    use serde_json::json;

    use super::*;

    /// The key with its numbers in other writings, one a set.
    fn written_otherwise(jwk: &Value) -> Vec<Value> {
        let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let with = |write: &dyn Fn(&[u8]) -> String| {
            let mut other = jwk.clone();
            for name in ["n", "e"] {
                other[name] = json!(write(&number(name)));
            }
            other
        };
        vec![
            with(&|bytes| URL_SAFE.encode(bytes)),
            with(&|bytes| STANDARD.encode(bytes)),
            with(&|bytes| STANDARD_NO_PAD.encode(bytes)),
            with(&|bytes| URL_SAFE.encode([&[0], bytes].concat())),
            with(&|bytes| STANDARD.encode([&[0, 0, 0], bytes].concat())),
        ]
    }

    #[test]
    fn a_key_is_the_same_in_every_writing_of_its_numbers() {
        // Some keys have no character in which the alphabets differ.
        let key = std::iter::repeat_with(|| SigningKey::generate("k").unwrap())
            .find(|key| key.public_jwk()["n"].as_str().unwrap().contains(['-', '_']))
            .unwrap();
        let strict = KeySet::from_json(json!({"keys": [key.public_jwk()]}).to_string().as_bytes()).unwrap();
        let signed = key.compact(Algorithm::Rs256, "{}", "{}").unwrap();
        let (message, signature) = signed.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for other in written_otherwise(&key.public_jwk()) {
            let set = KeySet::from_json(json!({"keys": [other]}).to_string().as_bytes()).unwrap();
            assert_eq!(set, strict, "{other}");
            assert!(set.get(&KeyId::new("k").unwrap()).unwrap().verifies(message.as_bytes(), &signature));
        }
    }

    #[test]
    fn a_key_that_cannot_be_read_or_an_odd_neighbour_costs_no_good_key() {
        let good = SigningKey::generate("good").unwrap().public_jwk();
        let mut bad = good.clone();
        (bad["kid"], bad["n"]) = (json!("bad"), json!("=A=="));
        let set = format!(r#"{{"keys":[{bad},{{"x":1e400}},{good}],"\ud83c":"\udf0a"}}"#);
        let set = KeySet::from_json(set.as_bytes()).unwrap();
        assert!(set.get(&KeyId::new("good").unwrap()).is_some() && set.get(&KeyId::new("bad").unwrap()).is_none());
    }
}
