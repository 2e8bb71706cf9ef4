//! The chain of publisher, deliverer, answerer and reconciler, from real processes to verdicts, at a small scale.

#[cfg(test)]
mod planted {
    use std::{env, time::Duration};

    use bench::{
        budget::Verdict,
        workers::{Plan, Programs, budget::verdicts, measure},
    };
    use end_to_end::binaries::binary;
    use khook::ui::progress::Progress;

    const PLAN: Plan = Plan {
        rounds: 3,
        many: 100,
        members: [10_000, 20_000],
        model: Duration::from_millis(20),
        planted: Duration::ZERO,
    };

    /// What the functions use of their budgets as `cargo test` builds them. The deliverer is the loop beside it, too: the real
    /// loop has dependencies of its own, whose build takes minutes.
    async fn judged(name: &str, plan: Plan) -> Vec<Verdict> {
        let folder = env::temp_dir().join(format!("bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = |name| binary(name).unwrap().to_owned();
        let programs = Programs {
            publisher: program("publisher"),
            deliverer: program("deliverer"),
            answerer: program("answerer"),
            reconciler: program("reconciler"),
            bare: program("deliverer"),
        };
        let measured = measure(&programs, &folder, plan, Progress::Silent).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        verdicts(&measured)
    }

    /// One after the other: each keeps a processor busy.
    #[tokio::test]
    async fn what_is_counted_keeps_its_budgets_and_what_is_planted_breaks_each() {
        let kept = judged("kept", PLAN).await;
        // Times of an unoptimized program, on a machine with much else to do, say nothing.
        let is_counted = |verdict: &Verdict| verdict.budget.contains("PutEvents") || verdict.budget.contains("memory");
        let counted: Vec<_> = kept.into_iter().filter(is_counted).collect();
        assert_eq!(counted.len(), 3);
        let broken: Vec<_> = counted.iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect();
        assert_eq!(broken, Vec::<String>::new());

        let planted = judged("planted", Plan { planted: Duration::from_millis(50), ..PLAN }).await;
        let named = [
            "publisher: calls of PutEvents for the changes of 10 users",
            "deliverer: processor time of a delivery",
            "deliverer: peak memory after 100 more changes",
            "answerer: own time of an answer",
            "reconciler: members a second of its own work",
            "reconciler: peak memory with 20000 members",
        ];
        assert_eq!(planted.len(), named.len());
        for (verdict, named) in planted.iter().zip(named) {
            assert!(verdict.is_broken() && verdict.to_string().starts_with(named), "{verdict}");
        }
        // Beside the real loop, whose processor time is more than the deliverer's but not twice as much, it is over, too.
        assert!(planted[1].used > 2.0, "{}", planted[1]);
    }
}
