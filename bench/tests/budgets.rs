//! The whole chain, from a real process to a verdict, at a small scale.

#[cfg(test)]
mod budgets {
    use std::{env, time::Duration};

    use bench::{
        budget::verdicts,
        contender::{Contender, Job, Role},
        figures::{Machine, Plan, Results, Row},
        measure::measure,
        surroundings::Surroundings,
    };
    use end_to_end::binaries::binary;
    use khook::ui::progress::Progress;

    /// Enough that a few starts on a busy machine don't look like a regression.
    const PLAN: Plan = Plan { starts: 7, processes: 1, warm_ups: 2, requests: 10 };
    /// Each of these takes the whole delay.
    const FEW: Plan = Plan { starts: 3, ..PLAN };
    /// Many times what a start takes, on a machine with much else to do.
    const DELAY: Duration = Duration::from_secs(2);

    fn contender(name: &str, role: Role, job: Job) -> Contender {
        Contender::new(name, role, job, binary("unlink").unwrap().to_owned())
    }

    async fn run(name: &str, contenders: &[Contender], plan: Plan) -> anyhow::Result<Vec<Row>> {
        let folder = env::temp_dir().join(format!("bench-{}-{name}", std::process::id()));
        let surroundings = Surroundings::start(&folder).await.unwrap();
        let rows = measure(contenders, &surroundings, plan, Progress::Silent).await;
        std::fs::remove_dir_all(&folder).unwrap();
        rows.map(|(rows, _)| rows)
    }

    /// The function as `cargo test` builds it is the floor, too: the two differ only in the delay.
    async fn broken(name: &str, delay: Duration, plan: Plan) -> Vec<String> {
        let floor = contender("floor", Role::Floor, Job::UNLINK);
        let ours = Contender { delay, ..contender("unlink", Role::Ours, Job::UNLINK) };
        let rows = run(name, &[floor, ours], plan).await.unwrap();
        let results = Results {
            machine: Machine::this(vec![]),
            plan,
            rows,
            others: 0.0,
            processor: None,
            workers: None,
            left_out: vec![],
        };
        verdicts(&results).iter().filter(|verdict| verdict.is_broken()).map(ToString::to_string).collect()
    }

    #[tokio::test]
    async fn a_start_that_is_not_held_up_keeps_its_budgets() {
        assert_eq!(broken("prompt", Duration::ZERO, PLAN).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_start_that_is_held_up_breaks_its_budgets() {
        let broken = broken("late", DELAY, FEW).await;
        let begins = |index: usize, text: &str| broken.get(index).is_some_and(|line| line.starts_with(text));
        assert!(begins(0, "unlink: start to first answer, plain HTTP: at most 2 × the floor; it is "), "{broken:?}");
        assert!(begins(1, "unlink: start to first answer, TLS: at most 3.5 × the floor; it is "), "{broken:?}");
        assert_eq!(broken.len(), 2, "{broken:?}");
    }

    #[tokio::test]
    async fn who_does_another_job_than_it_says_is_found_out() {
        for (name, job, complaint) in [
            ("sends", Job::NOTHING, "idle sent 10 messages for 10 requests"),
            ("accepts", Job { accepted: 202, ..Job::UNLINK }, "idle answered 200"),
            ("refuses", Job { accepted: 200, ..Job::SKILL }, "idle answered 404"),
        ] {
            let error = run(name, &[contender("idle", Role::Ours, job)], FEW).await.unwrap_err();
            assert!(error.to_string().starts_with(complaint), "{error}");
        }
    }
}
