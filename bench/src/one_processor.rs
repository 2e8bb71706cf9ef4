//! Restricts contenders and servers to one processor, where they take turns. A function below 1,769 MB has at most one
//! (Lambda, "Configure memory"). Waking a process on another one costs up to half a request, with large variation.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::process;

/// Keeps this thread, and processes that it starts, on one processor until this is dropped.
pub(crate) struct OneProcessor {
    number: usize,
    before: CpuSet,
}

/// The kernel's unit in `/proc/stat`, the same on every architecture that Rust runs on.
const TICK_MILLIS: u64 = 10;

impl OneProcessor {
    /// Takes the last processor that this thread may use: the first handles most interrupts.
    pub(crate) fn take() -> Result<Self> {
        let before = sched_getaffinity(None)?;
        let number = (0..CpuSet::MAX_CPU).rev().find(|number| before.is_set(*number)).context("no processor")?;
        let mut one = CpuSet::new();
        one.set(number);
        sched_setaffinity(None, &one).context("the benchmark can't be kept on one processor")?;
        Ok(Self { number, before })
    }

    /// Its busy time since the machine's start, including other guests of the machine's host.
    pub(crate) fn busy(&self) -> Result<Duration> {
        let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
        busy_of(&text, self.number).with_context(|| format!("processor {} isn't in /proc/stat", self.number))
    }

    /// The processor time of this thread.
    pub(crate) fn own(&self) -> Result<Duration> {
        process::cpu_time_of_thread(Path::new("/proc/thread-self"))
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        // It was allowed before, so it cannot fail.
        let _ = sched_setaffinity(None, &self.before);
    }
}

/// `cpu1 user nice system idle iowait irq softirq steal …`
fn busy_of(stat: &str, number: usize) -> Option<Duration> {
    let name = format!("cpu{number}");
    let mut columns =
        stat.lines().map(str::split_whitespace).find_map(|mut line| (line.next() == Some(&name)).then_some(line))?;
    let ticks: Vec<u64> = columns.by_ref().take(8).map_while(|column| column.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal] = *ticks.as_slice() else { return None };
    Some(Duration::from_millis(TICK_MILLIS * (user + nice + system + irq + softirq + steal)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_time_excludes_idling_and_waiting_for_a_disk() {
        let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 400 500 6 7 8 0 0\ncpu11 0 0 0 0 0 0 0 1 0 0\nintr 5\n";
        assert_eq!(busy_of(stat, 1), Some(Duration::from_millis(270)));
        assert_eq!(busy_of(stat, 11), Some(Duration::from_millis(10)));
        assert_eq!(busy_of(stat, 2), None);
    }

    #[test]
    fn the_thread_stays_on_one_processor_until_it_is_released() {
        let before = sched_getaffinity(None).unwrap();
        let one = OneProcessor::take().unwrap();
        assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        let (busy, own) = (one.busy().unwrap(), one.own().unwrap());
        assert!(busy > Duration::ZERO && own > Duration::ZERO);
        drop(one);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
