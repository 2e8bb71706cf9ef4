//! The measurements. What is compared is measured in turn, so that other load on the machine affects all alike.

use std::{path::Path, time::Duration};

use anyhow::Result;
use khook::ui::progress::{Progress, ProgressStep};

use super::{
    events::{Event, Kind},
    figures::{Beside, Case, Cost, Grown, Measured, PerEvent, Rate, Waited, Whose},
    table::{Pace, Slow, Usage},
    worker::Worker,
};
use crate::{figures::Spread, units::in_millis};

/// The numbers of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The rounds of each measurement.
    pub rounds: usize,
    /// The users in the batches that wait for the table.
    pub waiting: &'static [usize],
    /// The users in the tables that are compared.
    pub users: [usize; 3],
    /// The lines in the histories that are compared.
    pub history: [usize; 2],
    /// How much longer each request of the user that hangs waits.
    pub hangs: Duration,
}

impl Plan {
    /// For the page.
    pub(crate) const FULL: Self =
        Self { rounds: 25, waiting: &BATCHES, users: [100, 1_000, 10_000], history: [10, 1_000], hangs: HANGS };
    /// For `--quick`.
    pub(crate) const QUICK: Self = Self { rounds: 7, users: [100, 1_000, 5_000], history: [10, 500], ..Self::FULL };
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'b> {
    /// The processor's program.
    pub program: &'b Path,
    /// The folder of its logs.
    pub folder: &'b Path,
    /// The numbers of measurements.
    pub plan: Plan,
    /// The table's pace where batches wait for it.
    pub pace: Pace,
}

/// The sizes of batches.
const BATCHES: [usize; 3] = [1, 10, 100];
/// The events of a round, for each size.
const PER_ROUND: usize = 100;
/// The users that share the events of different users.
const CROWD: u64 = 1_000;
/// The size of a batch where only the table's contents differ.
const USUAL: usize = 10;
/// The size of a batch that fills a table.
const LARGE: usize = 100;
/// The first number of the measured users. The warm-up has smaller ones.
const FIRST: u64 = 10_000;
/// The batches of a round where only the table's contents differ.
const SAMPLES: usize = 4;
/// How long a request hangs: many times what a batch takes.
const HANGS: Duration = Duration::from_millis(200);
/// Far apart, so that a user does not come again soon.
const STRIDE: usize = 7_919;

/// Measures the processor.
///
/// # Errors
/// If it does not apply an event.
pub async fn measure(bench: Bench<'_>, progress: Progress) -> Result<Measured> {
    let mut step = progress.step("Giving the processor batches, in turn");
    let costs = costs(bench).await?;
    let rates = rates(bench, &mut step).await?;
    let waited = waited(bench, &mut step).await?;
    let beside = beside(bench, &mut step).await?;
    // Each user has lived through all kinds, so that no sample makes a state longer.
    let of_users = |size| (size, Kind::LIFE.len());
    let user = |sample, size| (0..USUAL).map(|place| (sample * USUAL + place) * STRIDE % size).collect();
    let users = grown(bench, &mut step, "users", &bench.plan.users, of_users, user).await?;
    // A different user in each round, so that the samples hardly lengthen the histories.
    let of_lines = |size| (bench.plan.rounds, size);
    let history = grown(bench, &mut step, "history", &bench.plan.history, of_lines, |sample, _| vec![sample / SAMPLES]);
    let history = history.await?;
    step.done(&format!("{} rounds of each", bench.plan.rounds));
    Ok(Measured { rates, costs, latency: in_millis(bench.pace.latency), waited, beside, users, history })
}

impl Bench<'_> {
    /// A processor after its warm-up.
    async fn worker(&self, name: &str) -> Result<Worker> {
        let mut worker = Worker::start(self.program, self.folder.join(format!("processor-{name}.log"))).await?;
        for kind in Kind::ALL {
            let event = worker.events.next(kind, 1);
            worker.apply(&[event]).await?;
        }
        for _ in 0..USUAL {
            worker.apply_of(1..=USUAL as u64).await?;
        }
        Ok(worker)
    }
}

/// What an event of each kind asks of the table. Each comes alone.
async fn costs(bench: Bench<'_>) -> Result<Vec<Cost>> {
    let mut worker = bench.worker("costs").await?;
    let mut costs = vec![];
    for (kind, user) in Kind::ALL.into_iter().zip(1_000_000_u64..) {
        let (first, second) = (worker.events.next(kind, user), worker.events.next(kind, user));
        let mut cases = [PerEvent::default(); Case::ALL.len()];
        for (case, event) in cases.iter_mut().zip([first, second, second]) {
            let _ = worker.table.take();
            worker.apply(&[event]).await?;
            *case = PerEvent::of(worker.table.take(), 1);
        }
        costs.push(Cost::of(kind, cases));
    }
    worker.table.ensure_nothing_is_quarantined()?;
    Ok(costs)
}

/// The measurements of one size of batch.
struct Lane {
    batch: usize,
    whose: Whose,
    per_second: Vec<f64>,
    per_cpu_second: Vec<f64>,
    requests: usize,
}

async fn rates(bench: Bench<'_>, step: &mut ProgressStep) -> Result<Vec<Rate>> {
    let rounds = bench.plan.rounds;
    let mut worker = bench.worker("rates").await?;
    let lane = |batch, whose| Lane { batch, whose, per_second: vec![], per_cpu_second: vec![], requests: 0 };
    let lanes_of = |whose| BATCHES.map(|batch| lane(batch, whose));
    let mut lanes: Vec<Lane> = [Whose::One, Whose::Different].into_iter().flat_map(lanes_of).collect();
    // The first round does not count: it creates the users.
    for round in 0..=rounds {
        for lane in &mut lanes {
            step.note(&format!("batches, round {round} of {rounds}: {} of {}", lane.batch, lane.whose.name()));
            lane.round(&mut worker, round > 0).await?;
        }
    }
    worker.table.ensure_nothing_is_quarantined()?;
    lanes.into_iter().map(|lane| lane.rate(rounds)).collect()
}

impl Lane {
    async fn round(&mut self, worker: &mut Worker, counts: bool) -> Result<()> {
        let batches: Vec<_> = (0..PER_ROUND / self.batch).map(|_| self.events(worker)).collect();
        let (mut time, before) = (Duration::ZERO, worker.process.cpu_time()?);
        let _ = worker.table.take();
        for batch in &batches {
            time += worker.apply(batch).await?;
        }
        let cpu_time = worker.process.cpu_time()? - before;
        if counts {
            self.per_second.push(PER_ROUND as f64 / time.as_secs_f64());
            self.per_cpu_second.push(PER_ROUND as f64 / cpu_time.as_secs_f64());
            self.requests += worker.table.take().requests;
        }
        Ok(())
    }

    fn events(&self, worker: &mut Worker) -> Vec<Event> {
        let (batch, first) = (self.batch as u64, u64::from(worker.events.count()));
        match self.whose {
            // Each size has its own user, so that all histories grow alike.
            Whose::One => worker.events.batch(std::iter::repeat_n(2_000 + batch, self.batch)),
            Whose::Different => worker.events.batch((first..first + batch).map(|place| FIRST + place % CROWD)),
        }
    }

    fn rate(self, rounds: usize) -> Result<Rate> {
        Ok(Rate {
            batch: self.batch,
            whose: self.whose,
            per_second: Spread::of(self.per_second)?,
            per_cpu_second: Spread::of(self.per_cpu_second)?,
            requests: self.requests as f64 / (rounds * PER_ROUND) as f64,
        })
    }
}

/// Measures batches before a table with latency.
///
/// # Errors
/// As [`measure`].
pub async fn waited(bench: Bench<'_>, step: &mut ProgressStep) -> Result<Vec<Waited>> {
    let mut worker = bench.worker("waits").await?;
    worker.table.set_pace(bench.pace);
    let mut lanes = vec![(vec![], 0); bench.plan.waiting.len()];
    for round in 0..=bench.plan.rounds {
        step.note(&format!("batches that wait, round {round} of {}", bench.plan.rounds));
        for (&users, (times, at_once)) in bench.plan.waiting.iter().zip(&mut lanes) {
            let _ = worker.table.take();
            let time = worker.apply_of(FIRST..FIRST + users as u64).await?;
            *at_once = worker.table.take().at_once.max(*at_once);
            // The first round does not count: it opens connections.
            times.extend((round > 0).then(|| in_millis(time)));
        }
    }
    let row = |(&users, (times, at_once))| Ok(Waited { users, took: Spread::of(times)?, at_once });
    bench.plan.waiting.iter().zip(lanes).map(row).collect()
}

/// Measures nine users' events in a batch with a tenth's, whose requests wait, in turn with a batch in which they do not.
///
/// # Errors
/// As [`measure`].
pub async fn beside(bench: Bench<'_>, step: &mut ProgressStep) -> Result<Beside> {
    const SLOW: u64 = FIRST + USUAL as u64 - 1;
    let mut worker = bench.worker("beside").await?;
    worker.table.set_pace(bench.pace);
    let mut times = [vec![], vec![]];
    for round in 0..=bench.plan.rounds {
        step.note(&format!("nine beside one that hangs, round {round} of {}", bench.plan.rounds));
        for (wait, times) in [Duration::ZERO, bench.plan.hangs].into_iter().zip(&mut times) {
            worker.table.set_slow(Slow { text: format!("#{SLOW}\""), latency: wait });
            let batch = worker.events.batch(FIRST..=SLOW);
            let time = worker.apply_beside_slow(&batch).await?;
            // The first round does not count: it opens connections.
            times.extend((round > 0).then(|| in_millis(time)));
        }
    }
    let [without, with] = times.map(Spread::of);
    Ok(Beside { wait: in_millis(bench.plan.hangs), without: without?, with: with? })
}

/// Measures tables of different sizes. `contents` returns the number of users in a table of a size and the number of
/// events of each; `sample` returns the users of a batch, given its number and the size.
async fn grown(
    bench: Bench<'_>,
    step: &mut ProgressStep,
    name: &str,
    sizes: &[usize],
    contents: impl Fn(usize) -> (usize, usize),
    sample: impl Fn(usize, usize) -> Vec<usize>,
) -> Result<Vec<Grown>> {
    let mut tables = vec![];
    for &size in sizes {
        step.note(&format!("{name}: a table of {size}"));
        let mut worker = bench.worker(&format!("{name}-{size}")).await?;
        let (users, each) = contents(size);
        for first in (0..users * each).step_by(LARGE) {
            let places = first..(users * each).min(first + LARGE);
            worker.apply_of(places.map(|place| FIRST + (place / each) as u64)).await?;
        }
        let _ = worker.table.take();
        tables.push((size, worker, vec![]));
    }
    let (samples, mut events) = (bench.plan.rounds * SAMPLES, 0);
    for number in 0..samples {
        step.note(&format!("{name}: sample {number} of {samples}"));
        for (size, worker, times) in &mut tables {
            let users = sample(number, *size);
            events = users.len();
            let time = worker.apply_of(users.into_iter().map(|user| FIRST + user as u64)).await?;
            times.push(in_millis(time) / events as f64);
        }
    }
    let row = |(size, worker, times): (usize, Worker, Vec<f64>)| {
        worker.table.ensure_nothing_is_quarantined()?;
        Ok(Grown { size, time: Spread::of(times)?, asked: PerEvent::of(worker.table.take(), samples * events) })
    };
    tables.into_iter().map(row).collect()
}

impl PerEvent {
    fn of(Usage { requests, mut units, .. }: Usage, events: usize) -> Self {
        let events = events as f64;
        units.reads /= events;
        units.writes /= events;
        Self { requests: requests as f64 / events, units }
    }
}
