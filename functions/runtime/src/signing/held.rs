use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kakao_webhooks::wire::Time;
use tokio::time::{Instant, timeout_at};

use super::SigningSecrets;
use crate::edges::EdgeError;

/// Where a secret's text is.
pub trait SecretSource: Send + Sync {
    /// Reads it.
    ///
    /// # Errors
    /// It can't be read now. The error shows nothing of it.
    fn read(&self) -> impl Future<Output = Result<String, EdgeError>> + Send;
}

/// Secrets that were read are used without a look at their source for so long.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// So much lies between two reads because of a doubt, or after a failed one while older secrets are held.
const BETWEEN_READS: Duration = Duration::from_secs(30);

/// How long one read may take.
const LONGEST_READ: Duration = Duration::from_secs(3);

/// Secrets and their source. A read that fails leaves the older ones in use.
pub struct HeldSecrets<S> {
    /// The variable that names the source.
    variable: &'static str,
    source: S,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    secrets: Option<Arc<SigningSecrets>>,
    /// When the next look at the source is due.
    due: Option<Time>,
    /// When a doubt may lead to a read again.
    doubts_from: Option<Time>,
}

impl<S: SecretSource> HeldSecrets<S> {
    /// None are held yet.
    pub fn new(variable: &'static str, source: S) -> Self {
        Self { variable, source, held: Mutex::default() }
    }

    /// The secrets to sign with, read anew if that is due. `None`: none could ever be read.
    pub async fn current(&self, now: Time, deadline: Instant) -> Option<Arc<SigningSecrets>> {
        let held = self.held().secrets.clone();
        if held.is_none() || self.held().due.is_none_or(|due| now >= due) {
            self.renew(now, deadline).await;
        }
        self.held().secrets.clone()
    }

    /// The endpoint does not accept the signature: reads the secrets anew for the next request. However many doubt at
    /// once, there is one read in thirty seconds.
    pub async fn doubt(&self, now: Time, deadline: Instant) {
        let is_due = {
            let mut held = self.held();
            let is_due = held.doubts_from.is_none_or(|from| now >= from);
            if is_due {
                held.doubts_from = Some(after(now, BETWEEN_READS));
            }
            is_due
        };
        if is_due {
            self.renew(now, deadline).await;
        }
    }

    async fn renew(&self, now: Time, deadline: Instant) {
        let read = timeout_at(deadline.min(Instant::now() + LONGEST_READ), self.source.read()).await;
        let read = read.map_err(|_| "no answer in time".to_owned()).and_then(|read| read.map_err(|error| error.0));
        let secrets = read.and_then(|text| SigningSecrets::from_text(&text).map_err(|error| error.to_string()));
        let mut held = self.held();
        match secrets {
            Ok(secrets) => {
                held.secrets = Some(Arc::new(secrets));
                held.due = Some(after(now, FRESH));
            }
            Err(error) => {
                held.due = Some(after(now, BETWEEN_READS));
                self.log(held.secrets.is_some(), &error);
            }
        }
    }

    fn log(&self, are_held: bool, error: &str) {
        let variable = self.variable;
        if are_held {
            tracing::warn!(event = "secret_not_read", variable, error);
        } else {
            tracing::error!(event = "secret_not_read", variable, error);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> fmt::Debug for HeldSecrets<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSecrets").field("variable", &self.variable).finish_non_exhaustive()
    }
}

fn after(time: Time, pause: Duration) -> Time {
    Time::clamped(time.as_millis().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX)))
}
