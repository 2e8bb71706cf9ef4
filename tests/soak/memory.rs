//! How much memory the long-lived processes hold, and whether that grows.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard},
};

const KIB: u64 = 1_024;
/// How much a process may grow from the second quarter of its life to the last: the greater of the two.
const PERCENT: u64 = 25;
const BYTES: u64 = 8 * 1_024 * KIB;

#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Life>>);

/// A process, and what it held at each look.
#[derive(Default)]
struct Life {
    pid: u32,
    held: Vec<u64>,
}

impl Memory {
    fn lives(&self) -> MutexGuard<'_, BTreeMap<String, Life>> {
        self.0.lock().unwrap()
    }

    /// From now on this process is looked at.
    pub(crate) fn watch(&self, name: &str, pid: u32) {
        let name = format!("{name} ({pid})");
        self.lives().insert(name, Life { pid, held: vec![] });
    }

    /// One look at all.
    pub(crate) fn look(&self) {
        for life in self.lives().values_mut() {
            life.held.extend(resident(life.pid));
        }
    }

    /// Asserts that none has grown.
    pub(crate) fn check(&self) {
        if !cfg!(target_os = "linux") {
            return;
        }
        for (name, life) in &*self.lives() {
            assert!(life.held.len() >= 8, "{name} was looked at {} times only", life.held.len());
            let (early, late) = (life.quarter(1), life.quarter(3));
            let most = (early + early * PERCENT / 100).max(early + BYTES);
            assert!(late <= most, "{name} grew from {early} to {late} bytes");
        }
    }
}

impl Life {
    /// The median of a quarter.
    fn quarter(&self, quarter: usize) -> u64 {
        let mut looks = self.held[self.held.len() * quarter / 4..self.held.len() * (quarter + 1) / 4].to_vec();
        looks.sort_unstable();
        looks[looks.len() / 2]
    }
}

/// What a process holds, in bytes; nothing if there is none, or no `/proc`.
fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(held.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * KIB)
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, life) in self.lives().iter().filter(|(_, life)| life.held.len() >= 8) {
            let [early, late] = [1, 3].map(|quarter| life.quarter(quarter) / KIB);
            writeln!(f, "{name:<28} {early:>8} KiB, then {late:>8} KiB")?;
        }
        Ok(())
    }
}
