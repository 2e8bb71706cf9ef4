//! Figures for tests, each exactly at its budget.

use super::figures::{Answered, Many, Measured, Reconciled, Worked};
use crate::figures::Spread;

const fn spread(median: f64) -> Spread {
    Spread { mean: median, median, p10: median, p90: median }
}

/// Figures that just keep their budgets.
pub(crate) fn measured() -> Measured {
    let worked = |name: &str, cpu, requests| Worked {
        name: name.to_owned(),
        per_second: spread(2_000.0),
        cpu: spread(cpu),
        requests,
        memory: 10e6,
    };
    let run = |members, memory| Reconciled { members, per_second: 100.0 * 10_000.0 / 60.0, cpu: 10.0, memory };
    Measured {
        publisher: worked("publisher", 0.1, 1.0),
        deliverer: worked("deliverer", 0.2, 10.0),
        bare: worked("a loop that signs and posts", 0.2, 10.0),
        many: Many { changes: 10_000, early: 10e6, late: 11e6 },
        answerer: Answered { own: spread(5.0), cpu: spread(1.0), memory: 10e6 },
        reconciler: [run(10_000, 10e6), run(1_000_000, 12e6)],
    }
}
