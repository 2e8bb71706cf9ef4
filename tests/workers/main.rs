//! Eight real processors at once on one table, all of them on few users: events come up to four times and in any
//! order, processors are killed while they work, and their batches go to another. Every item that is left must be
//! what a pure fold of the events says, every line of history must be there once, and every count exact.
//!
//! By default few enough events for every `cargo test`. The full size, and another story:
//!
//! ```sh
//! WORKERS_EVENTS=2000 cargo test -p end-to-end --test workers -- --nocapture
//! WORKERS_EVENTS=2000 WORKERS_SEED=7 cargo test -p end-to-end --test workers -- --nocapture
//! ```

#[cfg(test)]
mod processor_pool;
#[cfg(test)]
mod story;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use end_to_end::{Pipeline, binaries::binary, expected_table::ExpectedTable, seeded_random::SeededRandom};

    use crate::{processor_pool::ProcessorPool, story::story};

    const WORKERS: usize = 8;
    const USERS: u64 = 50;
    const EVENTS: u64 = 400;
    /// After this many rounds nothing may be left; otherwise there is a lasting fault.
    const ROUNDS: usize = 12;

    /// How long a processor has for a batch. On a table that throttles it uses all of it.
    const LIMIT: Duration = Duration::from_secs(4);

    fn asked(variable: &str) -> Option<u64> {
        std::env::var(variable).ok().map(|text| text.parse().unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn workers_that_are_killed_and_race_produce_the_items_of_the_pure_fold() {
        let (events, seed) = (asked("WORKERS_EVENTS").unwrap_or(EVENTS), asked("WORKERS_SEED").unwrap_or(1));
        let mut random = SeededRandom::new(seed);
        let story = story(&mut random, USERS, events);
        let expected = ExpectedTable::of(&story.0).unwrap();

        let pipeline = Pipeline::start().await.unwrap().processor_limit(LIMIT);
        // Building does not count.
        binary("processor").unwrap();
        let start = Instant::now();
        let deliveries = story.deliveries(&mut random);
        let figures = ProcessorPool::new(&pipeline, WORKERS).take_in(deliveries, &mut random, ROUNDS).await;
        println!("{events} events, seed {seed}, {:.1} s: {figures:#?}", start.elapsed().as_secs_f32());

        assert!(figures.killed_at_work > 0, "no processor was killed while at work");
        assert!(figures.failed_records > 0, "nothing came again for its own failure");
        expected.check(&pipeline.table.items().unwrap()).unwrap();
    }
}
