//! The processor's own chain, from a real process to a verdict, at a small scale.

#[cfg(test)]
mod processor {
    use std::{env, time::Duration};

    use bench::processor::{
        Beside, Plan, Waited,
        budget::{Verdict, beside, together, verdicts},
        measure::{Bench, beside as measure_beside, measure, waited},
        table::Pace,
    };
    use end_to_end::binaries::binary;
    use khook::ui::progress::Progress;

    /// A request hangs for many times what a batch takes on a busy machine. Where all wait for it, they wait for two of
    /// them, and for less than the processor's patience.
    const HANGS: Duration = Duration::from_millis(1_500);
    const HOLDS_UP: Duration = Duration::from_millis(800);
    const PLAN: Plan = Plan { rounds: 3, waiting: &[1, 10], users: [20, 40, 60], history: [10, 50], hangs: HANGS };

    /// The results of the processor as `cargo test` builds it.
    async fn with<T>(name: &str, pace: Pace, job: impl AsyncFnOnce(Bench<'_>) -> anyhow::Result<T>) -> T {
        let folder = env::temp_dir().join(format!("bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let bench = Bench { program: binary("processor").unwrap(), folder: &folder, plan: PLAN, pace };
        let done = job(bench).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        done
    }

    async fn one_and_ten(name: &str, pace: Pace) -> Vec<Waited> {
        with(name, pace, async |bench| waited(bench, &mut Progress::Silent.step("")).await).await
    }

    async fn nine_beside_one(name: &str, pace: Pace, hangs: Duration) -> Beside {
        let measure = async |bench: Bench<'_>| {
            let bench = Bench { plan: Plan { hangs, ..bench.plan }, ..bench };
            measure_beside(bench, &mut Progress::Silent.step("")).await
        };
        with(name, pace, measure).await
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
    async fn the_requests_of_ten_users_are_made_at_once() {
        // Counted, because times of an unoptimized program beside other tests vary too much. Of each user it is two: the
        // history is written while the state is read. The table holds them for less than the processor's patience.
        let pace = Pace { latency: Duration::from_millis(1_500), one_at_a_time: false };
        let waited = one_and_ten("at-once", pace).await;
        assert!(waited[1].at_once > 10, "{waited:?}");
    }

    #[tokio::test]
    async fn nine_users_do_not_wait_for_one_that_hangs() {
        let measured = nine_beside_one("beside", Pace { latency: Duration::ZERO, one_at_a_time: false }, HANGS).await;
        assert!(measured.is_done_before_the_slow_one(), "{measured:?}");
    }

    #[tokio::test]
    async fn nine_users_who_wait_for_one_that_hangs_break_the_budget_by_name() {
        let pace = Pace { latency: Duration::from_millis(1), one_at_a_time: true };
        let measured = nine_beside_one("behind", pace, HOLDS_UP).await;
        assert!(!measured.is_done_before_the_slow_one(), "{measured:?}");
        let verdict = beside(&measured);
        assert!(verdict.is_broken(), "{verdict}");
        let named = "processor: nine users beside one whose requests hang for 800 ms: at most 1.2 × without it; it is ";
        assert!(verdict.to_string().starts_with(named), "{verdict}");
    }

    #[tokio::test]
    async fn ten_users_one_after_the_other_break_the_budget_by_name() {
        let pace = Pace { latency: Duration::from_millis(20), one_at_a_time: true };
        let waited = one_and_ten("in-turn", pace).await;
        assert_eq!(waited[1].at_once, 1, "{waited:?}");
        let verdict = together(20.0, &waited);
        assert!(verdict.is_broken(), "{verdict}");
        let named = "processor: a batch of 10 users, 20 ms a request: at most 1.5 × a batch of one; it is ";
        assert!(verdict.to_string().starts_with(named), "{verdict}");
    }
}
