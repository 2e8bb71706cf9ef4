//! What a run found.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{contender::Role, processor::Measured, stand_in::Transport};

/// A figure measured many times: its median, and between which values four of five lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// A tenth is below.
    pub p10: f64,
    /// A tenth is above.
    pub p90: f64,
}

impl Spread {
    /// The spread of these values.
    ///
    /// # Errors
    /// If there are none.
    pub fn of(mut values: Vec<f64>) -> Result<Self> {
        values.sort_by(f64::total_cmp);
        Ok(Self { median: rank(&values, 50)?, p10: rank(&values, 10)?, p90: rank(&values, 90)? })
    }
}

/// The nearest rank: the least of the sorted values that `percent` of them do not exceed.
///
/// # Errors
/// If there are no values.
pub fn rank(sorted: &[f64], percent: usize) -> Result<f64> {
    let place = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(place - 1).copied().context("nothing was measured")
}

/// What was found of one contender by one transport. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// From the process's start until it asks for its first event.
    pub ready: Spread,
    /// From the process's start until its first answer.
    pub first_answer: Spread,
    /// Processor time from the process's start until its first answer.
    pub start_cpu: Spread,
    /// The first request alone, from its hand-over to its answer.
    pub first_request: Spread,
    /// A later request, from its hand-over to its answer.
    pub warm: Spread,
    /// The slowest of a hundred of these.
    pub warm_p99: f64,
    /// Processor time of a later request.
    pub cpu: Spread,
    /// Peak memory, in bytes.
    pub memory: Spread,
}

/// What was found of one contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it stands for.
    pub role: Role,
    /// Over plain HTTP.
    pub plain: Figures,
    /// Over TLS.
    pub tls: Figures,
    /// The bytes of its own files, unpacked, where they can be told from the runtime's.
    pub size: Option<u64>,
    /// The bytes of the archive for arm64, where it was built.
    pub zip: Option<u64>,
}

impl Row {
    /// By one transport.
    #[must_use]
    pub const fn by(&self, transport: Transport) -> &Figures {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }
}

/// How often is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// So many starts of each contender by each transport.
    pub starts: usize,
    /// So many processes of each are asked more than once.
    pub processes: usize,
    /// So many requests before it counts.
    pub warm_ups: usize,
    /// So many requests that count.
    pub requests: usize,
}

impl Plan {
    /// What is published.
    pub const FULL: Self = Self { starts: 25, processes: 5, warm_ups: 20, requests: 300 };
    /// Enough to see whether it works.
    pub const QUICK: Self = Self { starts: 5, processes: 1, warm_ups: 20, requests: 100 };
}

/// What it was measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// The kernel.
    pub kernel: String,
    /// What built and ran the contenders.
    pub versions: Vec<String>,
    /// The day.
    pub date: String,
}

/// All that a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// How often.
    pub plan: Plan,
    /// Who took part.
    pub rows: Vec<Row>,
    /// What others had of the processor for each second of these.
    pub others: f64,
    /// What was found of the processor, if it took part.
    pub processor: Option<Measured>,
    /// Who didn't, and why.
    pub left_out: Vec<String>,
}

/// Beyond this, times say more of what else the machine did.
const DISTURBED: f64 = 0.15;

impl Results {
    /// What others had of the processor, if that makes times doubtful.
    #[must_use]
    pub fn disturbed(&self) -> Option<f64> {
        Some(self.others).filter(|others| *others > DISTURBED)
    }

    /// The one in this role, if it took part.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Row> {
        self.rows.iter().find(|row| row.role == role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn a_spread_names_values_that_were_measured() {
        let values = (1..=15).rev().map(f64::from).collect();
        assert_eq!(Spread::of(values).unwrap(), Spread { median: 8.0, p10: 2.0, p90: 14.0 });
        assert_eq!(Spread::of(vec![3.0]).unwrap(), Spread { median: 3.0, p10: 3.0, p90: 3.0 });
        assert!(Spread::of(vec![]).is_err());
    }

    #[test]
    fn the_slowest_of_a_hundred_is_the_last_but_one_percent() {
        let values: Vec<f64> = (1..=300).map(f64::from).collect();
        assert_eq!(rank(&values, 99).unwrap(), 297.0);
    }

    #[test]
    fn a_machine_with_other_work_is_told() {
        let mut results = example::results();
        assert_eq!(results.disturbed(), None);
        results.others = 0.5;
        assert_eq!(results.disturbed(), Some(0.5));
    }
}
