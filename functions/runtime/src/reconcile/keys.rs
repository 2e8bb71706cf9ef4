use std::{collections::BTreeMap, fmt};

use kakao_webhooks::wire::{AppId, Time, sha256_hex};
use serde_json::Value;

use crate::{edges::EdgeError, signing::SecretSource};

/// An admin key by which users are read. It is shown to Kakao only.
#[derive(Clone, PartialEq, Eq)]
pub struct ReaderKey(String);

impl ReaderKey {
    /// The key, if it can stand in a header.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// For the request's header.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// To tell it from another one.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_hex(self.0.as_bytes())
    }
}

impl fmt::Debug for ReaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

/// The keys by app, as the secret has them: `{"<app_id>": "<admin key>"}`.
pub type ReaderKeys = BTreeMap<AppId, ReaderKey>;

/// Why a secret's text is no [`ReaderKeys`]. It never shows a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderKeysError {
    /// No JSON object, or an empty one.
    #[error("it is not a JSON object such as {{\"<app id>\": \"<admin key>\"}}")]
    NotAnObject,
    /// A member's name is no app id, or its value no key: which, counted from one.
    #[error("member {0} is not an app id (digits) with an admin key (text)")]
    Member(usize),
    /// Another app has the same key.
    #[error("app {0} has the key of another app: each app needs its own")]
    Shared(AppId),
    /// The secret can't be read.
    #[error("the secret can't be read: {0}")]
    Unread(String),
}

/// Reads the secret's text: the keys, and what is wrong with members of it. A wrong member costs its own app only. A key
/// that two apps have is neither's: it would compare one of them with the other's members.
///
/// # Errors
/// It is no JSON object, or an empty one.
pub fn reader_keys(text: &str) -> Result<(ReaderKeys, Vec<ReaderKeysError>), ReaderKeysError> {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else { return Err(ReaderKeysError::NotAnObject) };
    if members.is_empty() {
        return Err(ReaderKeysError::NotAnObject);
    }
    let (mut keys, mut wrong) = (ReaderKeys::new(), vec![]);
    for (index, (app, key)) in members.into_iter().enumerate() {
        match app.parse().ok().zip(key.as_str().and_then(ReaderKey::from_text)) {
            Some((app, key)) => _ = keys.insert(app, key),
            None => wrong.push(ReaderKeysError::Member(index + 1)),
        }
    }
    let is_shared = |key: &ReaderKey| keys.values().filter(|other| *other == key).count() > 1;
    let shared: Vec<AppId> = keys.iter().filter(|(_, key)| is_shared(key)).map(|(app, _)| app.clone()).collect();
    for app in shared {
        keys.remove(&app);
        wrong.push(ReaderKeysError::Shared(app));
    }
    Ok((keys, wrong))
}

/// The same, if nothing of it is wrong.
///
/// # Errors
/// The first thing that is: [`ReaderKeysError`].
pub fn all_reader_keys(text: &str) -> Result<ReaderKeys, ReaderKeysError> {
    let (keys, wrong) = reader_keys(text)?;
    wrong.into_iter().next().map_or(Ok(keys), Err)
}

/// The keys, read from their secret and held for a while.
pub struct HeldReaderKeys<S> {
    source: S,
    held: tokio::sync::Mutex<Option<(Time, ReaderKeys)>>,
}

/// Keys are used without a look at the secret for so long: a read each minute would cost more than the comparison does.
const FRESH_MILLIS: i64 = 30 * 60 * 1_000;

impl<S: SecretSource> HeldReaderKeys<S> {
    /// None are held yet.
    pub fn new(source: S) -> Self {
        Self { source, held: tokio::sync::Mutex::default() }
    }

    /// The keys, read anew if they are old. A read that fails leaves the older ones in use.
    ///
    /// # Errors
    /// There are none: [`ReaderKeysError`].
    pub async fn current(&self, now: Time) -> Result<ReaderKeys, ReaderKeysError> {
        let mut held = self.held.lock().await;
        if let Some((_, keys)) = held.as_ref().filter(|(read_at, _)| now.millis_since(*read_at) < FRESH_MILLIS) {
            return Ok(keys.clone());
        }
        match (self.read().await, held.as_ref()) {
            (Ok((keys, is_right)), _) => {
                // What is wrong is repaired soon.
                let read_at = if is_right { now } else { Time::clamped(0) };
                *held = Some((read_at, keys.clone()));
                Ok(keys)
            }
            (Err(error), Some((_, keys))) => {
                tracing::warn!(event = "reader_keys_unusable", %error);
                Ok(keys.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The keys, and whether nothing of the secret is wrong.
    async fn read(&self) -> Result<(ReaderKeys, bool), ReaderKeysError> {
        let text = self.source.read().await.map_err(|EdgeError(error)| ReaderKeysError::Unread(error))?;
        let (keys, mut wrong) = reader_keys(&text)?;
        if keys.is_empty() {
            return Err(wrong.pop().unwrap_or(ReaderKeysError::NotAnObject));
        }
        for error in &wrong {
            tracing::error!(event = "reader_keys_unusable", %error);
        }
        Ok((keys, wrong.is_empty()))
    }

    /// Kakao does not accept one of them: the next look is at the secret.
    pub async fn doubt(&self) {
        *self.held.lock().await = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_read_and_what_is_wrong_with_it_is_said_without_showing_it() {
        let (keys, wrong) = reader_keys(r#"{" 7":"x","123":" 0123456789abcdef0123456789abcdef\n"}"#).unwrap();
        assert_eq!(wrong, [ReaderKeysError::Member(1)]);
        assert_eq!(keys.values().next().unwrap().expose(), "0123456789abcdef0123456789abcdef");
        assert_eq!(format!("{keys:?}"), r#"{AppId("123"): [key]}"#);
        for text in ["", "0123456789abcdef0123456789abcdef", "[]", "{}", "null"] {
            assert_eq!(reader_keys(text).unwrap_err(), ReaderKeysError::NotAnObject, "{text}");
        }
        for text in [r#"{"x":"k"}"#, r#"{"1":7}"#, r#"{"1":""}"#, r#"{"1":"a b"}"#, r#"{"1":"a\nb"}"#] {
            let (keys, wrong) = reader_keys(text).unwrap();
            assert!(keys.is_empty(), "{text}");
            assert_eq!(wrong, [ReaderKeysError::Member(1)], "{text}");
            assert!(!wrong[0].to_string().contains("a b"));
        }
    }

    #[test]
    fn a_key_that_two_apps_have_is_neithers() {
        let (keys, wrong) = reader_keys(r#"{"1":"a","2":"b","3":"a"}"#).unwrap();
        assert_eq!(keys.into_keys().collect::<Vec<_>>(), ["2".parse().unwrap()]);
        assert_eq!(wrong, ["1", "3"].map(|app| ReaderKeysError::Shared(app.parse().unwrap())));
    }
}
