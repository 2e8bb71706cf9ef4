//! The one processor on which contenders and servers run by turns, as a function does with Lambda's own part: one of less
//! than 1,769 MB has no more than one (Lambda, "Configure memory"). To wake somebody on another one costs up to half a
//! request, differently on each machine and from minute to minute.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::process;

/// Keeps this thread, and processes that it starts, on one processor; until it is dropped.
pub struct OneProcessor {
    number: usize,
    before: CpuSet,
}

/// The kernel's unit in `/proc/stat`, the same on every architecture that Rust runs on.
const TICK_MILLIS: u64 = 10;

impl OneProcessor {
    /// The last that this thread may use: the first has most of the interrupts.
    ///
    /// # Errors
    /// If the kernel doesn't allow it.
    pub fn take() -> Result<Self> {
        let before = sched_getaffinity(None)?;
        let number = (0..CpuSet::MAX_CPU).rev().find(|number| before.is_set(*number)).context("no processor")?;
        let mut one = CpuSet::new();
        one.set(number);
        sched_setaffinity(None, &one).context("the benchmark can't be kept on one processor")?;
        Ok(Self { number, before })
    }

    /// For how long it has been busy since the machine's start, other guests of the machine's host included.
    ///
    /// # Errors
    /// If the kernel doesn't say.
    pub fn busy(&self) -> Result<Duration> {
        let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
        busy_of(&text, self.number).with_context(|| format!("processor {} isn't in /proc/stat", self.number))
    }

    /// For how long this thread has.
    ///
    /// # Errors
    /// If the kernel doesn't say.
    pub fn own(&self) -> Result<Duration> {
        process::cpu_time_of_thread(Path::new("/proc/thread-self"))
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        // It was allowed before.
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
    fn what_is_neither_idle_nor_waits_for_a_disk_is_busy() {
        let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 400 500 6 7 8 0 0\ncpu11 0 0 0 0 0 0 0 1 0 0\nintr 5\n";
        assert_eq!(busy_of(stat, 1), Some(Duration::from_millis(270)));
        assert_eq!(busy_of(stat, 11), Some(Duration::from_millis(10)));
        assert_eq!(busy_of(stat, 2), None);
    }

    #[test]
    fn this_thread_is_kept_there_and_let_go_again() {
        let before = sched_getaffinity(None).unwrap();
        let one = OneProcessor::take().unwrap();
        assert_eq!(sched_getaffinity(None).unwrap().count(), 1);
        let (busy, own) = (one.busy().unwrap(), one.own().unwrap());
        assert!(busy > Duration::ZERO && own > Duration::ZERO);
        drop(one);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }
}
