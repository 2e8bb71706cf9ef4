//! Figures for tests, each exactly at its budget.

use end_to_end::units::Units;

use super::{
    events::Kind,
    figures::{Beside, Cost, Grown, Measured, PerEvent, Rate, Waited, Whose},
};
use crate::figures::Spread;

fn spread(median: f64) -> Spread {
    Spread { mean: median, median, p10: median * 0.9, p90: median * 1.2 }
}

fn asked(requests: f64, reads: f64, writes: f64) -> PerEvent {
    PerEvent { requests, units: Units { reads, writes } }
}

fn cost(kind: Kind) -> Cost {
    let state = [asked(3.0, 1.0, 2.0), asked(3.0, 1.0, 2.0), asked(2.0, 1.0, 1.0)];
    let cases = match kind {
        Kind::Share => [asked(2.0, 0.5, 4.0), asked(2.0, 0.5, 4.0), asked(2.0, 0.5, 4.0)],
        Kind::Message => [asked(5.0, 2.0, 3.0), asked(5.0, 2.0, 3.0), asked(3.0, 2.0, 1.0)],
        Kind::Erased => [asked(6.0, 3.0, 3.0), asked(6.0, 3.0, 3.0), asked(3.0, 2.0, 1.0)],
        _ => state,
    };
    Cost::of(kind, cases)
}

/// Figures that just keep their budgets.
pub(crate) fn measured() -> Measured {
    let rate = |batch, whose| Rate {
        batch,
        whose,
        per_second: spread(3_000.0),
        per_cpu_second: spread(6_000.0),
        requests: 3.0,
    };
    let waited = |users, median| Waited { users, took: spread(median), at_once: users };
    let grown = |size, median| Grown { size, time: spread(median), asked: asked(3.0, 1.0, 2.0) };
    Measured {
        rates: [1, 10, 100]
            .into_iter()
            .flat_map(|batch| [Whose::One, Whose::Different].map(|whose| rate(batch, whose)))
            .collect(),
        costs: Kind::ALL.map(cost).into(),
        latency: 5.0,
        waited: vec![waited(1, 18.0), waited(10, 27.0), waited(100, 130.0)],
        beside: Beside { wait: 200.0, without: spread(10.0), with: spread(12.0) },
        users: vec![grown(100, 1.0), grown(1_000, 1.1), grown(10_000, 1.25)],
        history: vec![grown(10, 1.0), grown(1_000, 1.6)],
    }
}
