//! `khook hash-key`: the digest of a key, without the key ever standing on a command line.

use std::process::ExitCode;

use anyhow::{Result, bail};
use kakao_webhooks::auth::Digest;

use crate::ui::{ask, count::counted, output};

/// Options of `khook hash-key`.
#[derive(Debug, clap::Args)]
pub struct HashKey {
    /// Accept any text, for example a chatbot skill's key, and not only the form of Kakao's admin keys
    #[arg(long)]
    any: bool,
}

/// A key file is a line; whatever is longer is no key.
const MAX_BYTES: u64 = 64 * 1024;

impl HashKey {
    /// Runs it.
    ///
    /// # Errors
    /// If there is no key to read.
    pub async fn run(&self) -> Result<ExitCode> {
        let text = ask::secret("Key (it isn't shown):", MAX_BYTES).await?;
        let key = text.trim();
        if key.is_empty() {
            bail!("no key was given. Paste it at the prompt, or pipe it in: `khook hash-key < key.txt`");
        }
        if !self.any && !is_admin_key(key) {
            // A wrong key's digest looks as good as a right one's, and would refuse every webhook.
            bail!(
                "Kakao's admin keys are 32 hex characters, and this is something else ({}). Is it the REST API \
                 key, or a digest already? If it is meant to be (a chatbot's header value), say --any",
                counted(key.chars().count(), "character")
            );
        }
        output::line(Digest::of(key.as_bytes()).to_string())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn is_admin_key(key: &str) -> bool {
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_key_is_32_hex_characters() {
        assert!(is_admin_key("0123456789abcdefABCDEF0123456789"));
        for key in ["", "0123456789abcdef", "g123456789abcdef0123456789abcdef"] {
            assert!(!is_admin_key(key), "{key}");
        }
    }
}
