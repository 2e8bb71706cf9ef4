//! Where a local cloud delivers changes, and the secret that signs them.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use runtime::signing::SigningSecrets;

use super::project::Project;
use crate::random;

/// A receiver of changes.
#[derive(Clone)]
pub struct Delivery {
    /// The template's `DeliveryUrl`.
    pub url: String,
    /// The secret's text: one `whsec_…`, or two.
    pub secret: String,
}

/// Without the secret, and without the URL, whose query may be one.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

impl Delivery {
    /// Stores the secret in the local cloud. Returns the template's parameters.
    pub(super) async fn parameters(&self, aws: &SdkConfig) -> Result<Vec<(String, String)>> {
        let arn = store_secret(aws, "delivery", &self.secret).await?;
        Ok(vec![("DeliveryUrl".to_owned(), self.url.clone()), ("DeliverySecret".to_owned(), arn)])
    }
}

/// Stores a secret in the local cloud. Returns its ARN.
pub(super) async fn store_secret(aws: &SdkConfig, name: &str, text: &str) -> Result<String> {
    let made = Client::new(aws).create_secret().name(name).secret_string(text).send().await;
    let arn = made.with_context(|| format!("the local cloud does not store the secret `{name}`"))?.arn;
    arn.with_context(|| format!("the local cloud has stored the secret `{name}` without an ARN"))
}

/// A file with a secret of `khook dev`. It stays, so that a receiver needs it only once.
#[derive(Clone, Debug)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// That of a receiver of changes.
    ///
    /// # Errors
    /// If `.local` can't be made.
    pub fn of_delivery(project: &Project) -> Result<Self> {
        Ok(Self(project.make_local("")?.join("delivery-secret.txt")))
    }

    /// That of an answerer.
    ///
    /// # Errors
    /// If `.local` can't be made.
    pub fn of_answerer(project: &Project) -> Result<Self> {
        Ok(Self(project.make_local("")?.join("answerer-secret.txt")))
    }

    /// Where it is.
    #[must_use]
    pub const fn path(&self) -> &PathBuf {
        &self.0
    }

    /// Its secret. A new one is written where the file is missing or holds none.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn secret(&self) -> Result<String> {
        let stored = fs::read_to_string(&self.0).ok().map(|text| text.trim().to_owned());
        if let Some(secret) = stored.filter(|text| SigningSecrets::from_text(text).is_ok()) {
            return Ok(secret);
        }
        let secret = random::signing_secret()?;
        // The mode counts only for a file that is made.
        let _ = fs::remove_file(&self.0);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.0);
        file.and_then(|mut file| writeln!(file, "{secret}"))
            .with_context(|| format!("{} can't be written", self.0.display()))?;
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_only_and_kept() {
        let path = std::env::temp_dir().join(format!("khook-delivery-{}", random::hex::<8>().unwrap()));
        let file = SecretFile(path.clone());
        let secret = file.secret().unwrap();
        assert!(SigningSecrets::from_text(&secret).is_ok());
        assert_eq!(file.secret().unwrap(), secret);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "not a secret").unwrap();
        assert_ne!(file.secret().unwrap(), secret);
        fs::remove_file(path).unwrap();
    }
}
