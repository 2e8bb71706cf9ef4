//! Results for tests, each exactly at its budget.

use crate::{
    contender::Role,
    figures::{Figures, Machine, Plan, Results, Row, Spread},
    processor, workers,
};

fn spread(median: f64) -> Spread {
    Spread { mean: median, median, p10: median * 0.9, p90: median * 1.2 }
}

fn figures(first_answer: f64, cpu: f64, memory: f64) -> Figures {
    Figures {
        ready: spread(first_answer * 0.8),
        first_answer: spread(first_answer),
        start_cpu: spread(first_answer * 0.7),
        first_request: spread(first_answer * 0.2),
        warm: spread(cpu * 1.5),
        warm_p99: cpu * 3.0,
        cpu,
        memory: spread(memory),
    }
}

fn one(name: &str, role: Role, plain: Figures, tls: Figures) -> Row {
    let is_ours = role == Role::Ours;
    Row { name: name.to_owned(), role, plain, tls, size: Some(9_000_000), zip: is_ours.then_some(4_000_000) }
}

/// Results in which each function just keeps its budgets.
pub(crate) fn results() -> Results {
    let ours = [
        ("unlink", 5.0, 1.0),
        ("account-status", 5.75, 1.15),
        ("talk-share", 5.0, 1.0),
        ("talk-channel", 5.0, 1.0),
        ("skill", 5.75, 1.15),
    ];
    let ours = ours.map(|(name, start, warm)| {
        one(name, Role::Ours, figures(start, 0.17 * warm, 15e6), figures(8.75, 0.2 * warm, 15e6))
    });
    let others = [
        one("floor", Role::Floor, figures(2.5, 0.08, 6e6), figures(2.5, 0.08, 6e6)),
        one("minimal", Role::Minimal, figures(5.8, 0.17, 16e6), figures(27.0, 0.2, 18e6)),
        one("node", Role::Node, figures(90.0, 0.95, 90e6), figures(90.0, 1.2, 90e6)),
        one("python", Role::Python, figures(130.0, 0.9, 50e6), figures(150.0, 1.1, 50e6)),
        one("fastapi", Role::Chatbot, figures(400.0, 0.6, 60e6), figures(400.0, 0.6, 60e6)),
    ];
    Results {
        machine: Machine {
            processor: "Some Processor".to_owned(),
            processors: 2,
            kernel: "Linux 6.1".to_owned(),
            versions: vec!["rustc 1.95.0".to_owned(), "Node 20.0".to_owned()],
            date: "2025-03-01".to_owned(),
        },
        plan: Plan::FULL,
        rows: ours.into_iter().chain(others).collect(),
        others: 0.01,
        processor: Some(processor::example::measured()),
        workers: Some(workers::example::measured()),
        left_out: vec![],
    }
}

/// One of their rows.
pub(crate) fn row<'r>(results: &'r mut Results, name: &str) -> &'r mut Row {
    results.rows.iter_mut().find(|row| row.name == name).unwrap()
}
