//! The results of a run.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{contender::Role, processor::Measured, stand_in::Transport, workers};

/// A figure that was measured many times: its mean, its median, and the range of the middle four fifths.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// The mean of that range. Contenders start in turn, so two means compare better than medians: both have the machine's
    /// pace of the same moments in them.
    pub(crate) mean: f64,
    pub(crate) median: f64,
    /// A tenth of the values is below.
    pub(crate) p10: f64,
    /// A tenth of the values is above.
    pub(crate) p90: f64,
}

impl Spread {
    /// The spread of these values.
    pub(crate) fn of(mut values: Vec<f64>) -> Result<Self> {
        values.sort_by(f64::total_cmp);
        let (median, p10, p90) = (rank(&values, 50)?, rank(&values, 10)?, rank(&values, 90)?);
        let (sum, number) = values.iter().filter(|value| (p10..=p90).contains(value)).fold((0.0, 0.0), add);
        Ok(Self { mean: sum / number, median, p10, p90 })
    }

    /// A figure without a range.
    pub(crate) const fn point(value: f64) -> Self {
        Self { mean: value, median: value, p10: value, p90: value }
    }
}

fn add((sum, number): (f64, f64), value: &f64) -> (f64, f64) {
    (sum + value, number + 1.0)
}

/// The nearest rank: the least of the sorted values that `percent` of them do not exceed.
pub(crate) fn rank(sorted: &[f64], percent: usize) -> Result<f64> {
    let place = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(place - 1).copied().context("nothing was measured")
}

/// The figures of one contender by one transport. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// From the process's start until it asks for its first event.
    pub(crate) ready: Spread,
    /// From the process's start until its first answer.
    pub(crate) first_answer: Spread,
    /// Processor time from the process's start until its first answer.
    pub(crate) start_cpu: Spread,
    /// The first request, from its delivery to its answer.
    pub(crate) first_request: Spread,
    /// A later request, from its delivery to its answer.
    pub(crate) warm: Spread,
    /// The 99th percentile of `warm`.
    pub(crate) warm_p99: f64,
    /// Processor time of a later request: that of all, by their number. A mean for the reason that [`Spread::mean`] is
    /// one: contenders are asked in turn, too. Nothing is left out, since single requests are not measured.
    pub(crate) cpu: f64,
    /// Peak memory, in bytes.
    pub(crate) memory: Spread,
}

/// The figures of one contender.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) plain: Figures,
    pub(crate) tls: Figures,
    /// The size of its own files in bytes, unpacked, if they are separate from the runtime's.
    pub(crate) size: Option<u64>,
    /// The size of the archive for arm64 in bytes, if it was built.
    pub(crate) zip: Option<u64>,
}

impl Row {
    /// The figures by one transport.
    pub(crate) const fn by(&self, transport: Transport) -> &Figures {
        match transport {
            Transport::Plain => &self.plain,
            Transport::Tls => &self.tls,
        }
    }
}

/// The numbers of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Starts of each contender by each transport.
    pub starts: usize,
    /// Processes of each that handle many requests.
    pub processes: usize,
    /// Requests of such a process that do not count.
    pub warm_ups: usize,
    /// Requests that count.
    pub requests: usize,
}

impl Plan {
    /// For the page.
    pub(crate) const FULL: Self = Self { starts: 50, processes: 15, warm_ups: 20, requests: 200 };
    /// For `--quick`: the fewest starts of which a mean leaves one out.
    pub(crate) const QUICK: Self = Self { starts: 10, processes: 1, warm_ups: 20, requests: 100 };
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// The number of processors.
    pub processors: usize,
    /// The kernel.
    pub kernel: String,
    /// The versions of the compilers and interpreters.
    pub versions: Vec<String>,
    /// The day.
    pub date: String,
}

/// The results of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The machine.
    pub machine: Machine,
    /// The numbers of measurements.
    pub plan: Plan,
    /// The contenders.
    pub rows: Vec<Row>,
    /// The processor time of other programs for each second of the contenders and servers.
    pub others: f64,
    /// The figures of the processor, if it took part.
    pub processor: Option<Measured>,
    /// The figures of publisher, deliverer, answerer and reconciler, if they took part.
    pub workers: Option<workers::Measured>,
    /// The contenders left out, each with the reason.
    pub left_out: Vec<String>,
}

/// Above this, other load distorts the times.
const DISTURBED: f64 = 0.15;

impl Results {
    /// `others`, if it makes the times doubtful.
    pub(crate) fn disturbed(&self) -> Option<f64> {
        Some(self.others).filter(|others| !self.rows.is_empty() && *others > DISTURBED)
    }

    /// The contender in this role, if it took part.
    pub(crate) fn of(&self, role: Role) -> Option<&Row> {
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
        assert_eq!(Spread::of(values).unwrap(), Spread { mean: 8.0, median: 8.0, p10: 2.0, p90: 14.0 });
        assert_eq!(Spread::of(vec![3.0]).unwrap(), Spread { mean: 3.0, median: 3.0, p10: 3.0, p90: 3.0 });
        assert!(Spread::of(vec![]).is_err());
    }

    #[test]
    fn the_mean_leaves_out_the_outer_fifth() {
        let values = (1..=13).map(f64::from).chain([17.0, 9e6]).collect();
        assert_eq!(Spread::of(values).unwrap().mean, 107.0 / 13.0);
    }

    #[test]
    fn the_99th_percentile_is_the_nearest_rank() {
        let values: Vec<f64> = (1..=300).map(f64::from).collect();
        assert_eq!(rank(&values, 99).unwrap(), 297.0);
    }

    #[test]
    fn other_load_makes_the_times_doubtful() {
        let mut results = example::results();
        assert_eq!(results.disturbed(), None);
        results.others = 0.5;
        assert_eq!(results.disturbed(), Some(0.5));
        results.rows.clear();
        assert_eq!(results.disturbed(), None);
    }
}
