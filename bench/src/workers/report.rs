//! The figures of the publisher, the deliverer and the answerer as a table.

use super::figures::{Measured, Worked};
use crate::{
    report::{Section, spread},
    units::digits,
};

pub(crate) fn section(measured: &Measured) -> Section {
    let Measured { publisher, deliverer, bare, answerer, .. } = measured;
    let mut rows: Vec<_> = [publisher, deliverer, bare].into_iter().map(worked).collect();
    rows.push(vec![
        "answerer".to_owned(),
        digits(1_000.0 / answerer.own.median),
        spread(&answerer.cpu),
        "–".to_owned(),
        digits(answerer.memory / 1e6),
    ]);
    Section::new(
        "The publisher, the deliverer and the answerer",
        "Over plain HTTP, in batches of ten, the answerer one message at a time; everything around them answers at once. An \
         item is a change or an answer. The answerer's rate leaves out the time of the service's own answerer. Median (p10–p90).",
        &["", "items a second", "processor time an item, ms", "requests a batch", "peak memory, MB"],
        rows,
    )
}

fn worked(Worked { name, per_second, cpu, requests, memory }: &Worked) -> Vec<String> {
    let rate = format!("{:.0} ({:.0}–{:.0})", per_second.median, per_second.p10, per_second.p90);
    vec![name.clone(), rate, spread(cpu), digits(*requests), digits(memory / 1e6)]
}
