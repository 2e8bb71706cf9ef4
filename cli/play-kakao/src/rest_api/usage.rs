//! How often the API is called.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::ApiCall;

const MINUTE: Duration = Duration::from_secs(60);

/// The calls of the last minute.
#[derive(Clone, Debug, Default)]
pub(super) struct LastMinute(VecDeque<Duration>);

impl LastMinute {
    /// How many there are at this time.
    pub(super) fn count(&mut self, now: Duration) -> usize {
        while self.0.front().is_some_and(|at| now.saturating_sub(*at) >= MINUTE) {
            self.0.pop_front();
        }
        self.0.len()
    }

    /// Adds one.
    pub(super) fn add(&mut self, now: Duration) {
        self.0.push_back(now);
    }
}

/// The calls so far, refused ones and those that met a fault included.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    calls: BTreeMap<ApiCall, u64>,
    apps: BTreeMap<String, AppUsage>,
}

#[derive(Clone, Debug, Default)]
struct AppUsage {
    calls: BTreeMap<ApiCall, u64>,
    last_minute: LastMinute,
    busiest_minute: usize,
}

impl Usage {
    /// How often this was called, with whichever key.
    #[must_use]
    pub fn calls(&self, call: ApiCall) -> u64 {
        self.calls.get(&call).copied().unwrap_or_default()
    }

    /// How often this was called with a key of this app.
    #[must_use]
    pub fn calls_of(&self, app: &str, call: ApiCall) -> u64 {
        self.apps.get(app).and_then(|usage| usage.calls.get(&call)).copied().unwrap_or_default()
    }

    /// The greatest number of calls with an app's keys in any sixty seconds, of all kinds.
    #[must_use]
    pub fn busiest_minute(&self, app: &str) -> usize {
        self.apps.get(app).map_or(0, |usage| usage.busiest_minute)
    }

    pub(super) fn record(&mut self, call: ApiCall, app: Option<&str>, now: Duration) {
        *self.calls.entry(call).or_default() += 1;
        let Some(app) = app else { return };
        let usage = self.apps.entry(app.to_owned()).or_default();
        *usage.calls.entry(call).or_default() += 1;
        usage.last_minute.add(now);
        usage.busiest_minute = usage.busiest_minute.max(usage.last_minute.count(now));
    }
}
