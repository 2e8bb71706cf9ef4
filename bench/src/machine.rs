//! Describes the machine of a run.

use std::{fs, thread::available_parallelism};

use crate::figures::Machine;

impl Machine {
    /// This machine.
    pub fn this(versions: Vec<String>) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease");
        Self {
            processor: model(&read("/proc/cpuinfo")),
            processors: available_parallelism().map_or(1, usize::from),
            kernel: format!("Linux {}", kernel.split(['-', '+', '\n']).next().unwrap_or_default()),
            versions,
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        }
    }
}

fn model(cpuinfo: &str) -> String {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_by_its_model_or_its_architecture() {
        assert_eq!(model("processor\t: 0\nmodel name\t: A Processor\n"), "A Processor");
        assert_eq!(model("CPU implementer\t: 0x41\n"), std::env::consts::ARCH);
    }
}
