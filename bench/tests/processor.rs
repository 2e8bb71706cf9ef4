//! The processor's own chain, from a real process to a verdict, at a small scale.

#[cfg(test)]
mod processor {
    use std::{env, time::Duration};

    use bench::processor::{
        Plan,
        budget::{Verdict, beside, together, verdicts},
        measure::{Bench, beside as measure_beside, measure, waited},
        table::Pace,
    };
    use end_to_end::binaries::binary;
    use khook::ui::progress::Progress;

    const PLAN: Plan = Plan { rounds: 3, waiting: &[1, 10], users: [20, 40, 60], history: [10, 50] };

    /// The results of the processor as `cargo test` builds it.
    async fn with<T>(name: &str, pace: Pace, job: impl AsyncFnOnce(Bench<'_>) -> anyhow::Result<T>) -> T {
        let folder = env::temp_dir().join(format!("bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let bench = Bench { program: binary("processor").unwrap(), folder: &folder, plan: PLAN, pace };
        let done = job(bench).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        done
    }

    async fn ten_beside_one(name: &str, pace: Pace) -> Verdict {
        let waited = with(name, pace, async |bench| waited(bench, &mut Progress::Silent.step("")).await).await;
        together(pace.latency.as_secs_f64() * 1_000.0, &waited)
    }

    #[tokio::test]
    async fn whatever_is_counted_keeps_its_budgets() {
        let measured = with("counted", Pace::USUAL, async |bench| measure(bench, Progress::Silent).await).await;
        // Times of so few events, on a machine with much else to do, say nothing.
        let is_counted = |verdict: &Verdict| ["requests", "units"].iter().any(|name| verdict.budget.starts_with(name));
        let counted: Vec<_> = verdicts(&measured).into_iter().filter(is_counted).collect();
        assert_eq!(counted.len(), 2 + 2 + 8 * 3);
        let broken: Vec<_> = counted.iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect();
        assert_eq!(broken, Vec::<String>::new());
    }

    #[tokio::test]
    async fn ten_users_at_once_wait_about_as_long_as_one() {
        // Long enough that other load on the machine matters little.
        let pace = Pace { latency: Duration::from_millis(500), one_at_a_time: false };
        let verdict = ten_beside_one("at-once", pace).await;
        // Beside the other tests, ten events of an unoptimized program take a second of the machine's own time.
        assert!(verdict.used < 1.33, "{verdict}");
    }

    #[tokio::test]
    async fn nine_users_do_not_wait_for_one_that_hangs() {
        let pace = Pace { latency: Duration::from_millis(100), one_at_a_time: false };
        let measured = async |bench: Bench<'_>| measure_beside(bench, &mut Progress::Silent.step("")).await;
        let verdict = beside(&with("beside", pace, measured).await);
        // Nine that wait for it take three times as long; other load on the machine does not.
        assert!(verdict.used < 2.0, "{verdict}");
    }

    #[tokio::test]
    async fn ten_users_one_after_the_other_break_the_budget_by_name() {
        let pace = Pace { latency: Duration::from_millis(20), one_at_a_time: true };
        let verdict = ten_beside_one("in-turn", pace).await;
        assert!(verdict.is_broken(), "{verdict}");
        let named = "processor: a batch of 10 users, 20 ms a request: at most 1.5 × a batch of one; it is ";
        assert!(verdict.to_string().starts_with(named), "{verdict}");
    }
}
