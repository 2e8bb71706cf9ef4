//! Tokens, signed with a key that exists in this process only.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, Method};
use kakao_webhooks::{
    auth::{KeyId, KeySet, PublicKey, Unverified},
    wire::{Content, Personal},
};
use play_kakao::{Algorithm, SigningKey};

/// The id of the one key.
pub const KEY_ID: &str = "k1";

/// The media type of a pushed token.
pub const MEDIA_TYPE: &str = "application/secevent+jwt";

/// The key that simulates Kakao's.
pub static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(KEY_ID).unwrap());

/// The key set that has it.
pub static KEY_SET: LazyLock<String> = LazyLock::new(|| play_kakao::key_set([&*KEY]).to_string());

/// Its public half.
pub static PUBLIC_KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let set = KeySet::from_json(KEY_SET.as_bytes()).unwrap();
    set.get(&KeyId::new(KEY_ID).unwrap()).unwrap().clone()
});

/// Signs a line with the header and what follows it, the claims, whatever they are.
#[must_use]
pub fn sign(text: &[u8]) -> Option<String> {
    let (header, claims) = std::str::from_utf8(text).ok()?.split_once('\n')?;
    KEY.compact(Algorithm::Rs256, header, claims).ok()
}

/// A delivery of a token.
#[must_use]
pub fn delivery(body: &[u8]) -> Unverified {
    let content = Content {
        method: Method::POST,
        query: Personal::default(),
        media_type: MEDIA_TYPE.to_owned(),
        body: Personal::new(Bytes::copy_from_slice(body)),
    };
    Unverified::new(HeaderMap::new(), content)
}
