//! Random names and keys.

use anyhow::{Context, Result};
use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_STANDARD};

/// `BYTES` random bytes as lower-case hex.
///
/// # Errors
/// If the system has no randomness.
pub fn hex<const BYTES: usize>() -> Result<String> {
    Ok(bytes::<BYTES>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Standard Webhooks asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A new secret for signatures (Standard Webhooks, "Signature scheme").
///
/// # Errors
/// If the system has no randomness.
pub fn signing_secret() -> Result<String> {
    Ok(format!("whsec_{}", BASE64_STANDARD.encode(bytes::<SECRET_BYTES>()?)))
}

fn bytes<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).ok().context("the system has no randomness")?;
    Ok(bytes)
}
