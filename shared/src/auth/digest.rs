use std::{fmt, str::FromStr};

use aws_lc_rs::{constant_time, digest};
use serde::Deserialize;

/// The SHA-256 of a secret that we compare but never hold: an admin key, a skill's header value.
/// Secrets of full entropy (an admin key has 128 bits) can't be found from it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest([u8; 32]);

/// A text that is not the digest of a secret. It is not shown, because it may be the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigest {
    /// It is no SHA-256 in hex.
    #[error("not a SHA-256 of 64 hex characters; `khook hash-key` makes one from a key")]
    Form,
    /// It is the digest of no bytes at all: of a key that was empty when it was hashed.
    #[error("the SHA-256 of an empty text; `khook hash-key` makes one from the key")]
    OfNothing,
}

impl Digest {
    /// The digest of a secret.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, secret).as_ref());
        Self(bytes)
    }

    /// Whether both are the same, in a time that doesn't depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        #[cfg(test)]
        tests::COMPARISONS.set(tests::COMPARISONS.get() + 1);
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        if text.len() != 64 {
            return Err(InvalidDigest::Form);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| InvalidDigest::Form)?;
            // `from_str_radix` would take a sign.
            if !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(InvalidDigest::Form);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidDigest::Form)?;
        }
        let digest = Self(bytes);
        if digest == Self::of(b"") { Err(InvalidDigest::OfNothing) } else { Ok(digest) }
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;
    use crate::{
        auth::{Apps, SkillAuth, Unverified},
        wire::{Content, Personal},
    };

    thread_local! {
        pub(super) static COMPARISONS: Cell<usize> = const { Cell::new(0) };
    }

    const KEYS: [&str; 4] = ["first", "second", "third", "of no app"];

    fn comparisons_of<T>(act: impl FnOnce() -> T) -> (usize, T) {
        let before = COMPARISONS.get();
        let result = act();
        (COMPARISONS.get() - before, result)
    }

    fn from_sender_with(key: &str) -> Unverified {
        let headers = HeaderMap::from_iter([("x-key".parse().unwrap(), HeaderValue::from_str(key).unwrap())]);
        let content = Content {
            method: Method::POST,
            query: Personal::default(),
            media_type: String::new(),
            body: Personal::new(Bytes::new()),
        };
        Unverified::new(headers, content)
    }

    #[test]
    fn every_configured_digest_is_compared_whichever_matches() {
        let [first, second, third, _] = KEYS.map(|key| Digest::of(key.as_bytes()));
        let apps = Apps::from_json(&format!(
            r#"[{{"app_id":"1","admin_key_sha256":["{first}","{second}"]}},
                {{"app_id":"2","admin_key_sha256":["{third}"]}}]"#
        ))
        .unwrap();
        let skill = SkillAuth::from_json(&format!(r#"{{"header":"x-key","sha256":["{first}","{second}","{third}"]}}"#))
            .unwrap();
        for (key, app) in KEYS.into_iter().zip([Some("1"), Some("1"), Some("2"), None]) {
            let (comparisons, found) = comparisons_of(|| apps.by_admin_key(&Digest::of(key.as_bytes())));
            assert_eq!((comparisons, found.map(|app| app.app_id.as_str())), (3, app), "{key}");
            let (comparisons, proof) = comparisons_of(|| from_sender_with(key).prove_by_skill_auth(&skill));
            assert_eq!((comparisons, proof.is_ok()), (3, app.is_some()), "{key}");
        }
    }

    #[test]
    fn reads_back_what_it_writes_in_either_case() {
        let digest = Digest::of(b"key");
        assert!(digest.to_string().parse::<Digest>().unwrap().matches(&digest));
        assert!(digest.to_string().to_uppercase().parse::<Digest>().unwrap().matches(&digest));
        assert!(!digest.matches(&Digest::of(b"kez")));
    }

    #[test]
    fn the_digest_of_an_empty_key_proves_nothing_and_is_refused_wherever_it_stands() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string().parse::<Digest>(), Err(InvalidDigest::OfNothing));
        assert_eq!(digest.to_string().to_uppercase().parse::<Digest>(), Err(InvalidDigest::OfNothing));
        let apps = Apps::from_json(&format!(r#"[{{"app_id":"1","admin_key_sha256":["{digest}"]}}]"#));
        assert!(apps.unwrap_err().to_string().contains("entry 1, is the SHA-256 of an empty text"));
        let key = Digest::of(b"key");
        let skill = SkillAuth::from_json(&format!(r#"{{"header":"x-key","sha256":["{key}","{digest}"]}}"#));
        assert!(skill.unwrap_err().to_string().contains("entry 2, is the SHA-256 of an empty text"));
    }

    #[test]
    fn a_bare_key_is_no_digest_and_is_not_shown() {
        for text in ["", "0123456789abcdef0123456789abcdef", &"+1".repeat(32), &"한".repeat(21), &"é".repeat(32)] {
            let error = text.parse::<Digest>().unwrap_err().to_string();
            assert!(text.is_empty() || !error.contains(text));
        }
    }
}
