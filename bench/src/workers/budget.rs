//! The budgets of the publisher, the deliverer, the answerer and the reconciler.

use super::{figures::Measured, measure::BATCH};
use crate::{
    budget::Verdict,
    units::{bytes, digits, millis},
};

/// The processor time of a delivery to that of a loop that signs and posts.
const DELIVERY: f64 = 1.0;
/// The peak memory after many more changes to that before.
const MEMORY: f64 = 1.1;
/// The peak memory of a run over a large app to that over a small one, which is over before the allocator has filled all of
/// its pages.
const MEMORY_OF_MEMBERS: f64 = 1.2;
/// The answerer's own time beside the model's, in milliseconds.
const ANSWER: f64 = 5.0;
/// The members a second that Kakao lists for an app: a hundred calls a minute, each of a hundred members.
const KAKAO: f64 = 10_000.0 / 60.0;
/// The reconciler's members a second to Kakao's: where it is so much faster, Kakao's limit is the only one.
const RECONCILER: f64 = 100.0;

/// The verdicts on all.
#[must_use]
pub fn verdicts(measured: &Measured) -> Vec<Verdict> {
    let Measured { publisher, deliverer, bare, many, answerer, reconciler: [small, large] } = measured;
    let verdict = |function: &str, budget: String, found: String, against: String, used: f64| Verdict {
        function: function.to_owned(),
        budget,
        found,
        against,
        used,
    };
    vec![
        verdict(
            "publisher",
            format!("calls of PutEvents for the changes of {BATCH} users: at most 1"),
            digits(publisher.requests),
            digits(1.0),
            publisher.requests,
        ),
        verdict(
            "deliverer",
            format!("processor time of a delivery: at most {DELIVERY} × {}", bare.name),
            millis(deliverer.cpu.median),
            millis(bare.cpu.median),
            deliverer.cpu.median / (bare.cpu.median * DELIVERY),
        ),
        verdict(
            "deliverer",
            format!("peak memory after {} more changes: at most {MEMORY} × before", many.changes),
            bytes(many.late),
            bytes(many.early),
            many.late / (many.early * MEMORY),
        ),
        verdict(
            "answerer",
            "own time of an answer, beside the model's".to_owned(),
            millis(answerer.own.median),
            millis(ANSWER),
            answerer.own.median / ANSWER,
        ),
        verdict(
            "reconciler",
            format!("members a second of its own work: at least {RECONCILER} × what Kakao lists"),
            digits(large.per_second),
            digits(KAKAO),
            KAKAO * RECONCILER / large.per_second,
        ),
        verdict(
            "reconciler",
            format!("peak memory with {} members: at most {MEMORY_OF_MEMBERS} × with {}", large.members, small.members),
            bytes(large.memory),
            bytes(small.memory),
            large.memory / (small.memory * MEMORY_OF_MEMBERS),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::example;

    fn broken(change: impl FnOnce(&mut Measured)) -> Vec<String> {
        let mut measured = example::measured();
        change(&mut measured);
        verdicts(&measured).iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect()
    }

    #[test]
    fn figures_at_their_budgets_break_none() {
        assert_eq!(broken(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn each_budget_is_broken_by_its_name() {
        let breaks = |change: fn(&mut Measured), named: &str| {
            let broken = broken(change);
            assert!(matches!(&broken[..], [line] if line.starts_with(named)), "{broken:?}");
        };
        breaks(
            |measured| measured.publisher.requests = 1.1,
            "publisher: calls of PutEvents for the changes of 10 users",
        );
        breaks(
            |measured| measured.deliverer.cpu.median *= 1.01,
            "deliverer: processor time of a delivery: at most 1 ×",
        );
        breaks(|measured| measured.many.late *= 1.01, "deliverer: peak memory after 10000 more changes");
        breaks(|measured| measured.answerer.own.median *= 1.01, "answerer: own time of an answer");
        breaks(
            |measured| measured.reconciler[1].per_second *= 0.99,
            "reconciler: members a second of its own work: at least 100 × what Kakao lists",
        );
        breaks(
            |measured| measured.reconciler[1].memory *= 1.01,
            "reconciler: peak memory with 1000000 members: at most 1.2 × with 10000",
        );
    }
}
