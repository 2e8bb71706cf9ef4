use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use play_kakao::SigningKey;
use serde::{Deserialize, Serialize};

use crate::random;

/// A simulated Kakao's signing keys in a file, newest first: the first one signs. Never real keys.
#[derive(Clone, Serialize, Deserialize)]
pub struct KeyRing {
    keys: Vec<StoredKey>,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    /// As `SigningKey::to_base64` writes it.
    private_key: String,
}

impl StoredKey {
    fn generate() -> Result<Self> {
        let kid = random::hex::<15>()?;
        let key = SigningKey::generate(&kid).ok().context("no signing key can be made")?;
        Ok(Self { private_key: key.to_base64().ok().context("the signing key can't be written")?, kid })
    }

    fn read(&self) -> Result<SigningKey> {
        let key = SigningKey::from_base64(&self.kid, &self.private_key);
        key.with_context(|| format!("the private key {} can't be read", self.kid))
    }
}

impl KeyRing {
    /// With one new key.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate() -> Result<Self> {
        Ok(Self { keys: vec![StoredKey::generate()?] })
    }

    /// From its file.
    ///
    /// # Errors
    /// If it can't be read, or has no key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
        let ring: Self = serde_json::from_slice(&text)
            .ok()
            .with_context(|| format!("{} is not a key file. `khook keys new` makes one", path.display()))?;
        ensure!(!ring.keys.is_empty(), "{} has no key. `khook keys new` makes a file with one", path.display());
        Ok(ring)
    }

    /// Into its file, which only its owner may read. A concurrent reader sees the old text or the new one.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let half_made = path.with_extension("new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half_made);
        let text = serde_json::to_string_pretty(self)?;
        let written = file.and_then(|mut file| writeln!(file, "{text}")).and_then(|()| fs::rename(&half_made, path));
        written.with_context(|| format!("{} can't be written", path.display()))
    }

    /// The ids of the keys that are published: the newest and the last `keep_old` before it.
    #[must_use]
    pub fn published_ids(&self, keep_old: usize) -> Vec<&str> {
        self.keys.iter().take(keep_old.saturating_add(1)).map(|key| key.kid.as_str()).collect()
    }

    /// These keys.
    ///
    /// # Errors
    /// If one of them is none.
    pub fn published(&self, keep_old: usize) -> Result<Vec<SigningKey>> {
        self.keys.iter().take(keep_old.saturating_add(1)).map(StoredKey::read).collect()
    }

    /// The key with this id, or else the newest.
    ///
    /// # Errors
    /// If there is none.
    pub fn signing_key(&self, kid: Option<&str>) -> Result<SigningKey> {
        let found = self.keys.iter().find(|key| kid.is_none_or(|kid| key.kid == kid));
        found.with_context(|| format!("the key file has only {}", self.published_ids(usize::MAX).join(" ")))?.read()
    }

    /// A new key comes first. One key more than is published stays in the file: to sign what shall be refused.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn rotate(&mut self, keep_old: usize) -> Result<()> {
        self.keys.insert(0, StoredKey::generate()?);
        self.keys.truncate(keep_old.saturating_add(2));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_rotation_publishes_a_new_key_and_lets_the_oldest_go_but_keeps_it_to_sign_with() {
        let mut ring = KeyRing::generate().unwrap();
        let first = ring.published_ids(0)[0].to_owned();
        ring.rotate(1).unwrap();
        assert_eq!(ring.published_ids(1).len(), 2);
        assert_eq!(ring.published_ids(1)[1], first);
        ring.rotate(1).unwrap();
        let published: Vec<_> = ring.published(1).unwrap().iter().map(|key| key.id().to_owned()).collect();
        assert_eq!(published, ring.published_ids(1));
        assert!(!published.contains(&first));
        assert_eq!(ring.signing_key(None).unwrap().id(), published[0]);
        assert_eq!(ring.signing_key(Some(&first)).unwrap().id(), first);
        ring.rotate(1).unwrap();
        let error = ring.signing_key(Some(&first)).map(|key| key.id().to_owned()).unwrap_err();
        assert!(error.to_string().contains(&published[1]), "{error}");
    }

    #[test]
    fn a_key_file_is_for_its_owner_only_and_reads_back_whole() {
        let path = std::env::temp_dir().join(format!("khook-keys-{}.json", std::process::id()));
        let ring = KeyRing::generate().unwrap();
        ring.write(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        let again = KeyRing::read(&path).unwrap();
        fs::write(&path, r#"{"keys":[]}"#).unwrap();
        let empty = KeyRing::read(&path).map(drop).unwrap_err().to_string();
        fs::remove_file(&path).unwrap();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(again.published_ids(0), ring.published_ids(0));
        assert!(empty.contains("khook keys new"), "{empty}");
    }
}
