//! Random names and keys.

use anyhow::{Context, Result};
use aws_lc_rs::rand;

/// `BYTES` random bytes as lower-case hex.
///
/// # Errors
/// If the system has no randomness.
pub fn hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).ok().context("the system has no randomness")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
