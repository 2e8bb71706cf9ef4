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

/// Secrets and their source. A read that fails leaves the older ones in use. There is one read at a time, and only who
/// has no secrets waits for another's.
pub struct HeldSecrets<S> {
    /// The variable that names the source.
    variable: &'static str,
    source: S,
    held: Mutex<Held>,
    /// Held by who reads.
    reading: tokio::sync::Mutex<()>,
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
        Self { variable, source, held: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// The secrets to sign with, read anew if that is due. `None`: none could ever be read.
    pub async fn current(&self, now: Time, deadline: Instant) -> Option<Arc<SigningSecrets>> {
        if self.held().secrets.is_none() {
            let due = self.held().due;
            let reading = timeout_at(deadline, self.reading.lock()).await;
            // Who waited for a read takes what it brought, be that nothing.
            if reading.is_ok() && self.held().due == due {
                self.renew(now, deadline).await;
            }
        } else if self.held().due.is_none_or(|due| now >= due)
            && let Ok(_reading) = self.reading.try_lock()
        {
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
        if is_due && let Ok(_reading) = timeout_at(deadline, self.reading.lock()).await {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    /// Takes a second for each read, of which it counts how many there were.
    #[derive(Default)]
    struct Slow(AtomicUsize);

    impl SecretSource for &Slow {
        async fn read(&self) -> Result<String, EdgeError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_secs(1)).await;
            Ok("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3".to_owned())
        }
    }

    async fn many(secrets: &HeldSecrets<&Slow>, now: Time) -> Vec<Duration> {
        let begun = Instant::now();
        let one = || async {
            assert!(secrets.current(now, begun + Duration::from_secs(10)).await.is_some());
            begun.elapsed()
        };
        join_all((0..100).map(|_| one())).await
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_share_a_read_and_wait_for_none_while_older_secrets_are_held() {
        let source = Slow::default();
        let secrets = HeldSecrets::new("SECRET", &source);
        let waits = many(&secrets, Time::clamped(0)).await;
        assert!(waits.iter().all(|wait| wait.as_secs() == 1) && source.0.load(Ordering::Relaxed) == 1);
        let waits = many(&secrets, after(Time::clamped(0), FRESH)).await;
        assert_eq!(waits.iter().filter(|wait| !wait.is_zero()).count(), 1);
        assert_eq!(source.0.load(Ordering::Relaxed), 2);
    }
}
