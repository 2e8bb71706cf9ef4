use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::Applier;
use crate::store::Store;
use kakao_webhooks::wire::{Kind, Time};

/// A note names the hour: the alarm counts in days, and a write for each batch would cost as much as a state.
/// Not "at most every hour", which would depend on the order of the events.
const HOUR: i64 = 60 * 60 * 1_000;

/// How long storing an arrival time may take. It matters less than the batch that it would delay.
const PATIENCE: Duration = Duration::from_secs(1);

/// What this process noted of each kind.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<Kind, Time>>);

impl Seen {
    /// The hours that are worth a note.
    fn worth_noting(&self, received: impl Iterator<Item = (Kind, Time)>) -> BTreeMap<Kind, Time> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = BTreeMap::new();
        // What the service or the reconciler says is no webhook.
        for (kind, at) in received.filter(|(kind, _)| !matches!(kind, Kind::Service | Kind::Reconciler)) {
            let hour = Time::from_millis(at.as_millis() / HOUR * HOUR).unwrap_or(at);
            if noted.get(&kind).is_none_or(|noted| *noted < hour) {
                let latest = latest.entry(kind).or_insert(hour);
                *latest = hour.max(*latest);
            }
        }
        latest
    }

    fn noted(&self, kind: Kind, at: Time) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, at);
    }
}

impl<S: Store> Applier<S> {
    /// Notes when each kind was last received. No record fails for it.
    pub(super) async fn note_seen(&self, received: impl Iterator<Item = (Kind, Time)>, deadline: Instant) {
        let Some(seen) = &self.seen else { return };
        let until = deadline.min(Instant::now() + PATIENCE);
        join_all(seen.worth_noting(received).into_iter().map(async |(kind, at)| {
            match timeout_at(until, self.store.note_seen(kind, at)).await {
                Ok(Ok(())) => seen.noted(kind, at),
                Ok(Err(error)) => tracing::warn!(event = "seen_not_noted", kind = kind.name(), %error),
                Err(_) => tracing::warn!(event = "seen_not_noted", kind = kind.name(), error = "no answer in time"),
            }
        }))
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Time {
        Time::from_seconds(1_700_002_800 + minutes * 60).unwrap()
    }

    #[test]
    fn each_kind_is_noted_once_an_hour_and_never_by_an_earlier_one() {
        let seen = Seen::default();
        let received = [(Kind::Unlink, at(59)), (Kind::Skill, at(61)), (Kind::Unlink, at(-1))];
        let first = seen.worth_noting(received.into_iter());
        assert_eq!(first, BTreeMap::from([(Kind::Unlink, at(0)), (Kind::Skill, at(60))]));
        seen.noted(Kind::Unlink, at(0));
        assert!(seen.worth_noting([(Kind::Unlink, at(30)), (Kind::Unlink, at(-99))].into_iter()).is_empty());
        let later = seen.worth_noting([(Kind::Unlink, at(60))].into_iter());
        assert_eq!(later, BTreeMap::from([(Kind::Unlink, at(60))]));
    }

    #[test]
    fn what_could_not_be_noted_is_tried_with_the_next_batch() {
        let seen = Seen::default();
        for _ in 0..2 {
            assert_eq!(seen.worth_noting([(Kind::Unlink, at(0))].into_iter()).len(), 1);
        }
    }
}
