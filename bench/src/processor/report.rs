//! The figures of the processor as tables.

use super::figures::{Case, Cost, Grown, Measured, PerEvent, Rate, Waited};
use crate::{
    figures::Spread,
    report::{Section, spread},
    units::digits,
};

pub(crate) fn sections(measured: &Measured) -> Vec<Section> {
    let [new, known, duplicate] = Case::ALL.map(Case::name);
    let latency = measured.latency;
    vec![
        Section::new(
            "The processor",
            "Under the same Runtime API, with a table in memory that answers at once and counts the units that DynamoDB bills. \
             Median (p10–p90).\n\nEvents a second, by the batch: from its delivery to its answer, and of the process's own processor \
             time:",
            &["events in a batch", "a second", "a second of processor time", "requests an event"],
            measured.rates.iter().map(rate).collect(),
        ),
        Section::new(
            "",
            "The calls to the table for an event that arrives alone: requests, read units + write units. A refused \
             write counts like a successful one:",
            &["", new, known, duplicate],
            measured.costs.iter().map(cost).collect(),
        ),
        Section::new(
            "",
            &format!("A batch, where each request to the table takes {latency} ms:"),
            &["users in it", "ms", "ms a user"],
            measured.waited.iter().map(waited).collect(),
        ),
        Section::new(
            "",
            "Time until the other nine users of a batch of ten are done, where each request of the tenth:",
            &["", "ms"],
            vec![
                vec!["waits as all do".to_owned(), spread(&measured.beside.without)],
                vec![format!("hangs for {} ms", measured.beside.wait), spread(&measured.beside.with)],
            ],
        ),
        Section::new(
            "",
            "An event, by the users that the table holds, in batches of ten:",
            &["users", "ms", "requests", "units"],
            measured.users.iter().map(grown).collect(),
        ),
        Section::new(
            "",
            "An event that arrives alone, by the lines of its user's history:",
            &["lines", "ms", "requests", "units"],
            measured.history.iter().map(grown).collect(),
        ),
    ]
}

fn rate(Rate { batch, whose, per_second, per_cpu_second, requests }: &Rate) -> Vec<String> {
    let whole = |Spread { median, p10, p90, .. }: &Spread| format!("{median:.0} ({p10:.0}–{p90:.0})");
    vec![format!("{batch}, {}", whose.name()), whole(per_second), whole(per_cpu_second), digits(*requests)]
}

fn cost(cost: &Cost) -> Vec<String> {
    let case = |PerEvent { requests, units }: PerEvent| format!("{requests}, {} + {}", units.reads, units.writes);
    std::iter::once(cost.kind.clone()).chain(cost.cases.map(case)).collect()
}

fn waited(Waited { users, took, .. }: &Waited) -> Vec<String> {
    vec![users.to_string(), spread(took), digits(took.median / *users as f64)]
}

fn grown(Grown { size, time, asked: PerEvent { requests, units } }: &Grown) -> Vec<String> {
    vec![size.to_string(), spread(time), digits(*requests), digits(units.reads + units.writes)]
}
