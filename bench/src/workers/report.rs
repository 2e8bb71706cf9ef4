//! The figures of the publisher, the deliverer, the answerer and the reconciler as a table.

use super::figures::{Measured, Worked};
use crate::{
    report::{Section, spread},
    units::digits,
};

pub(crate) fn section(measured: &Measured) -> Section {
    let Measured { publisher, deliverer, bare, answerer, reconciler: [_, large], .. } = measured;
    let mut rows: Vec<_> = [publisher, deliverer, bare].into_iter().map(worked).collect();
    rows.push(vec![
        "answerer".to_owned(),
        digits(1_000.0 / answerer.own.median),
        spread(&answerer.cpu),
        "–".to_owned(),
        digits(answerer.memory / 1e6),
    ]);
    rows.push(vec![
        format!("reconciler, {} members", large.members),
        format!("{:.0}", large.per_second),
        digits(large.cpu / 1_000.0),
        "–".to_owned(),
        digits(large.memory / 1e6),
    ]);
    Section::new(
        "The publisher, the deliverer, the answerer and the reconciler",
        "Over plain HTTP, in batches of ten, the answerer one message at a time; everything around them answers at once. An \
         item is a change, an answer or a member of one run of the reconciler, without the minutes between its invocations. The \
         answerer's rate leaves out the time of the service's own answerer. Median (p10–p90).",
        &["", "items a second", "processor time an item, ms", "requests a batch", "peak memory, MB"],
        rows,
    )
}

fn worked(Worked { name, per_second, cpu, requests, memory }: &Worked) -> Vec<String> {
    let rate = format!("{:.0} ({:.0}–{:.0})", per_second.median, per_second.p10, per_second.p90);
    vec![name.clone(), rate, spread(cpu), digits(*requests), digits(memory / 1e6)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::example;

    #[test]
    fn each_function_has_a_row() {
        let rows = section(&example::measured()).rows;
        let names: Vec<_> = rows.iter().filter_map(|row| row.first()).collect();
        assert_eq!(
            names,
            ["publisher", "deliverer", "a loop that signs and posts", "answerer", "reconciler, 1000000 members"]
        );
        assert_eq!(rows[4][1..], ["16667", "0.010", "–", "12.0"]);
    }
}
