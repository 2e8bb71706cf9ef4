//! The chain of publisher, deliverer, answerer and reconciler, from real processes to verdicts, at a small scale.

#[cfg(test)]
mod planted {
    use std::{env, time::Duration};

    use bench::workers::{Plan, Programs, budget::verdicts, measure};
    use end_to_end::binaries::binary;
    use khook::ui::progress::Progress;

    const PLAN: Plan = Plan {
        rounds: 3,
        many: 100,
        members: [10_000, 20_000],
        model: Duration::from_millis(20),
        planted: Duration::ZERO,
    };

    /// The broken budgets of the functions as `cargo test` builds them. The deliverer is the loop beside it, too.
    async fn broken(name: &str, plan: Plan) -> Vec<String> {
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
        verdicts(&measured).iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn whatever_is_counted_keeps_its_budgets() {
        let broken = broken("kept", PLAN).await;
        // Times of an unoptimized program, on a machine with much else to do, say nothing.
        let is_counted = |verdict: &&String| verdict.contains("PutEvents") || verdict.contains("memory");
        assert_eq!(broken.iter().filter(is_counted).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    #[tokio::test]
    async fn each_budget_is_broken_by_what_is_planted() {
        let broken = broken("planted", Plan { planted: Duration::from_millis(50), ..PLAN }).await;
        let named = [
            "publisher: calls of PutEvents for the changes of 10 users",
            "deliverer: processor time of a delivery",
            "deliverer: peak memory after 100 more changes",
            "answerer: own time of an answer",
            "reconciler: members a second of its own work",
            "reconciler: peak memory with 20000 members",
        ];
        assert_eq!(broken.len(), named.len(), "{broken:?}");
        for (verdict, named) in broken.iter().zip(named) {
            assert!(verdict.starts_with(named), "{verdict}");
        }
    }
}
