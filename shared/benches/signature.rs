//! Checking a token's signature compared with the crypto library's own call, alternating in one run: `cargo bench -p
//! kakao-webhooks --bench signature`. Fails if ours costs more than a tenth on top.
#![expect(clippy::unwrap_used, reason = "a benchmark that can't be set up has nothing to say")]
#![expect(clippy::print_stdout, reason = "what it found")]

use std::{
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

use aws_lc_rs::{rsa::PublicKeyComponents, signature::RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Method};
use kakao_webhooks::{
    auth::{KeyId, KeySet, Typing, Unverified, UnverifiedToken},
    wire::{Content, Personal},
};
use play_kakao::{SigningKey, Token};
use serde_json::json;

const ROUNDS: usize = 400;
const EACH: u32 = 20;
const MOST: f64 = 1.10;

fn main() -> ExitCode {
    let key = SigningKey::generate("k1").unwrap();
    let uri = "https://schemas.openid.net/secevent/oauth/event-type/user-linked";
    let text = Token::new("audience", "3142857218", "jti", 1_740_787_200, uri, &json!({})).sign(&key).unwrap();
    let (ours, bare) = by_turns(|| ours(&text, &key), || bare(&text, &key));
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!("a token's signature: {ours:?}; the library's own call: {bare:?}; {ratio:.3} times, at most {MOST}");
    if ratio > MOST { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The median of each, measured by turns: what disturbs the machine disturbs both.
fn by_turns<A: FnMut(), B: FnMut()>(ours: impl Fn() -> A, bare: impl Fn() -> B) -> (Duration, Duration) {
    let (mut a, mut b) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        a.push(timed(ours()));
        b.push(timed(bare()));
    }
    (median(a), median(b))
}

fn timed(mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed() / EACH
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// As a delivery's token is checked, once it is taken apart: the signature, and the claims as JSON.
fn ours(text: &str, key: &SigningKey) -> impl FnMut() {
    let set = KeySet::from_json(play_kakao::key_set([key]).to_string().as_bytes()).unwrap();
    let public = set.get(&KeyId::new("k1").unwrap()).unwrap().clone();
    let content = Content {
        method: Method::POST,
        query: Personal::default(),
        media_type: "application/secevent+jwt".to_owned(),
        body: Personal::new(Bytes::copy_from_slice(text.as_bytes())),
    };
    let request = Unverified::new(HeaderMap::new(), content);
    let mut tokens: Vec<_> = (0..EACH).map(|_| UnverifiedToken::parse(&request, Typing::Required).unwrap()).collect();
    move || {
        for token in tokens.drain(..) {
            assert!(black_box(token.verify(&public)).is_ok());
        }
    }
}

fn bare(text: &str, key: &SigningKey) -> impl FnMut() {
    let (message, signature) = text.rsplit_once('.').unwrap();
    let (message, signature) = (message.to_owned(), URL_SAFE_NO_PAD.decode(signature).unwrap());
    let set = play_kakao::key_set([key]);
    let part = |name: &str| {
        let text = set.pointer(&format!("/keys/0/{name}")).unwrap().as_str().unwrap();
        URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let components = PublicKeyComponents { n: part("n"), e: part("e") };
    move || {
        for _ in 0..EACH {
            let verified = components.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature);
            assert!(black_box(verified).is_ok());
        }
    }
}
