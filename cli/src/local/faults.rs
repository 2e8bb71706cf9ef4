//! What can go wrong around a local cloud, for a while: the one switch for it. Gates ask it at every request, so a fault
//! ends by itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SQS answers 503 to the functions.
    QueueDown,
    /// `DynamoDB` answers the functions a second later.
    TableSlow,
    /// The endpoint of Kakao's signing keys answers 503.
    KeysGone,
    /// The service's endpoint answers 500 to changes.
    DeliveryFails,
    /// Kakao's REST API knows no member.
    ApiLies,
}

impl Fault {
    /// Each, in the order of the page.
    pub const ALL: [Self; 5] = [Self::QueueDown, Self::TableSlow, Self::KeysGone, Self::DeliveryFails, Self::ApiLies];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueDown => "queue-down",
            Self::TableSlow => "table-slow",
            Self::KeysGone => "keys-gone",
            Self::DeliveryFails => "delivery-fails",
            Self::ApiLies => "api-lies",
        }
    }

    /// The fault with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

/// The faults of one local cloud.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Switches>>);

#[derive(Debug, Default)]
struct Switches {
    /// Those that a gate stands for.
    possible: BTreeSet<Fault>,
    /// When those that are on end.
    ends: BTreeMap<Fault, Instant>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Switches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that there is a gate for these.
    pub(crate) fn allow(&self, faults: &[Fault]) {
        self.lock().possible.extend(faults);
    }

    /// Whether a fault has any effect here.
    #[must_use]
    pub fn is_possible(&self, fault: Fault) -> bool {
        self.lock().possible.contains(&fault)
    }

    /// Begins a fault, or sets how much longer it lasts.
    pub fn begin(&self, fault: Fault, time: Duration) {
        self.lock().ends.insert(fault, Instant::now() + time);
    }

    /// Ends a fault.
    pub fn end(&self, fault: Fault) {
        self.lock().ends.remove(&fault);
    }

    /// How much longer a fault lasts; none of one that is off.
    #[must_use]
    pub fn left(&self, fault: Fault) -> Option<Duration> {
        let end = self.lock().ends.get(&fault).copied()?;
        end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Whether a fault is on.
    #[must_use]
    pub fn is(&self, fault: Fault) -> bool {
        self.left(fault).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fault_ends_by_itself_or_when_it_is_ended() {
        let faults = Faults::default();
        assert_eq!(faults.left(Fault::QueueDown), None);
        faults.begin(Fault::QueueDown, Duration::from_secs(10));
        faults.begin(Fault::TableSlow, Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(faults.left(Fault::QueueDown), Some(Duration::from_secs(6)));
        faults.end(Fault::TableSlow);
        assert!(!faults.is(Fault::TableSlow));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(!faults.is(Fault::QueueDown));
    }
}
