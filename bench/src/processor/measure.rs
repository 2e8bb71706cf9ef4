//! The measuring: what is compared is measured in turn, so that what else happens on the machine hits all alike.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use khook::ui::progress::{Progress, Step};

use super::{
    events::{Event, Events, Kind},
    figures::{Case, Cost, Grown, Measured, PerEvent, Rate, Waited, Whose},
    table::{Pace, Usage},
    worker::Worker,
};
use crate::{figures::Spread, units::in_millis};

/// How often is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// So many rounds.
    pub rounds: usize,
    /// So many users in the batches that wait for the table.
    pub waiting: &'static [usize],
    /// So many users in the tables that are compared.
    pub users: [usize; 3],
    /// So many lines in the histories that are compared.
    pub history: [usize; 2],
}

impl Plan {
    /// What is published.
    pub const FULL: Self = Self { rounds: 25, waiting: &BATCHES, users: [100, 1_000, 10_000], history: [10, 1_000] };
    /// Enough to see whether it works.
    pub const QUICK: Self = Self { rounds: 7, waiting: &BATCHES, users: [100, 1_000, 5_000], history: [10, 500] };
}

/// What is measured with what.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'b> {
    /// The processor's program.
    pub program: &'b Path,
    /// Where its logs go.
    pub folder: &'b Path,
    /// How often.
    pub plan: Plan,
    /// How the table answers where batches wait for it.
    pub pace: Pace,
}

/// The sizes of batches.
const BATCHES: [usize; 3] = [1, 10, 100];
/// So many events of each size are a round.
const OF_A_ROUND: usize = 100;
/// So many users share the events of different users.
const CROWD: u64 = 1_000;
/// What a batch holds where users or history are compared, and where the table is filled.
const USUAL: usize = 10;
const LARGE: usize = 100;

/// Measures the processor.
///
/// # Errors
/// If it doesn't apply what it is given.
pub async fn measure(bench: Bench<'_>, progress: Progress) -> Result<Measured> {
    let mut step = progress.step("Giving the processor batches, in turn");
    let costs = costs(bench).await?;
    let rates = rates(bench, &mut step).await?;
    let waited = waited(bench, &mut step).await?;
    let users = users(bench, &mut step).await?;
    let history = history(bench, &mut step).await?;
    step.done(&format!("{} rounds of each", bench.plan.rounds));
    Ok(Measured { rates, costs, latency: in_millis(bench.pace.latency), waited, users, history })
}

impl Bench<'_> {
    /// A warm one.
    async fn worker(&self, name: &str, events: &mut Events) -> Result<Worker> {
        let mut worker = Worker::start(self.program, self.log(name)).await?;
        for kind in Kind::ALL {
            worker.apply(&[events.next(kind, 1)]).await?;
        }
        for _ in 0..USUAL {
            worker.apply(&events.batch(1..=USUAL as u64)).await?;
        }
        Ok(worker)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("processor-{name}.log"))
    }
}

/// What each kind of event asks of the table. Each comes alone.
async fn costs(bench: Bench<'_>) -> Result<Vec<Cost>> {
    let mut events = Events::default();
    let mut worker = bench.worker("costs", &mut events).await?;
    let mut costs = vec![];
    for (kind, user) in Kind::ALL.into_iter().zip(1_000_000_u64..) {
        let (first, second) = (events.next(kind, user), events.next(kind, user));
        let mut cases = [PerEvent::default(); Case::ALL.len()];
        for (case, event) in cases.iter_mut().zip([first, second, second]) {
            // What the warm-up asked for isn't the event's.
            let _ = worker.table.take();
            worker.apply(&[event]).await?;
            *case = PerEvent::of(worker.table.take(), 1);
        }
        costs.push(Cost::of(kind, cases));
    }
    worker.table.ensure_nothing_is_quarantined()?;
    Ok(costs)
}

/// One size of batch, and what was measured of it.
struct Lane {
    batch: usize,
    whose: Whose,
    per_second: Vec<f64>,
    per_cpu_second: Vec<f64>,
    requests: usize,
}

async fn rates(bench: Bench<'_>, step: &mut Step) -> Result<Vec<Rate>> {
    let mut events = Events::default();
    let mut worker = bench.worker("rates", &mut events).await?;
    let lane = |batch, whose| Lane { batch, whose, per_second: vec![], per_cpu_second: vec![], requests: 0 };
    let mut lanes: Vec<Lane> =
        [Whose::One, Whose::Different].into_iter().flat_map(|whose| BATCHES.map(|batch| lane(batch, whose))).collect();
    // The first round is not for the record: it makes the users known.
    for round in 0..=bench.plan.rounds {
        for lane in &mut lanes {
            step.note(&format!(
                "batches, round {round} of {}: {} of {}",
                bench.plan.rounds,
                lane.batch,
                lane.whose.name()
            ));
            lane.round(&mut worker, &mut events, round).await?;
        }
    }
    worker.table.ensure_nothing_is_quarantined()?;
    lanes.into_iter().map(|lane| lane.rate(bench.plan.rounds)).collect()
}

impl Lane {
    async fn round(&mut self, worker: &mut Worker, events: &mut Events, round: usize) -> Result<()> {
        let batches: Vec<_> = (0..OF_A_ROUND / self.batch).map(|_| self.events(events)).collect();
        let (mut took, before) = (Duration::ZERO, worker.process.cpu_time()?);
        let _ = worker.table.take();
        for batch in &batches {
            took += worker.apply(batch).await?;
        }
        let busy = worker.process.cpu_time()? - before;
        if round > 0 {
            self.per_second.push(OF_A_ROUND as f64 / took.as_secs_f64());
            self.per_cpu_second.push(OF_A_ROUND as f64 / busy.as_secs_f64());
            self.requests += worker.table.take().requests;
        }
        Ok(())
    }

    fn events(&self, events: &mut Events) -> Vec<Event> {
        let batch = self.batch as u64;
        match self.whose {
            // Somebody else's history for each size, so that none is compared with a shorter one.
            Whose::One => events.batch(std::iter::repeat_n(2_000 + batch, self.batch)),
            Whose::Different => {
                let first = u64::from(events.count()) % CROWD;
                events.batch((first..first + batch).map(|place| 10_000 + place % CROWD))
            }
        }
    }

    fn rate(self, rounds: usize) -> Result<Rate> {
        Ok(Rate {
            batch: self.batch,
            whose: self.whose,
            per_second: Spread::of(self.per_second)?,
            per_cpu_second: Spread::of(self.per_cpu_second)?,
            requests: self.requests as f64 / (rounds * OF_A_ROUND) as f64,
        })
    }
}

/// Batches before a table that takes its time.
///
/// # Errors
/// As [`measure`].
pub async fn waited(bench: Bench<'_>, step: &mut Step) -> Result<Vec<Waited>> {
    let mut events = Events::default();
    let mut worker = bench.worker("waits", &mut events).await?;
    worker.table.set_pace(bench.pace);
    let sizes = bench.plan.waiting;
    let mut took = vec![vec![]; sizes.len()];
    for round in 0..=bench.plan.rounds {
        step.note(&format!("batches that wait, round {round} of {}", bench.plan.rounds));
        for (&users, took) in sizes.iter().zip(&mut took) {
            let first = 10_000_u64;
            let batch = worker.apply(&events.batch(first..first + users as u64)).await?;
            // The first time opens connections.
            took.extend((round > 0).then(|| in_millis(batch)));
        }
    }
    let row = |(&users, took)| Ok(Waited { users, took: Spread::of(took)? });
    sizes.iter().zip(took).map(row).collect()
}

/// A processor whose table holds so much, and what was measured of it.
struct Grows {
    worker: Worker,
    events: Events,
    size: usize,
    time: Vec<f64>,
    asked: Usage,
}

impl Grows {
    async fn new(bench: Bench<'_>, name: &str, size: usize) -> Result<Self> {
        let mut events = Events::default();
        let worker = bench.worker(&format!("{name}-{size}"), &mut events).await?;
        Ok(Self { worker, events, size, time: vec![], asked: Usage::default() })
    }

    /// So many events of so many users.
    async fn fill(&mut self, events: usize, user: impl Fn(usize) -> u64) -> Result<()> {
        for first in (0..events).step_by(LARGE) {
            let users = (first..events.min(first + LARGE)).map(&user);
            self.worker.apply(&self.events.batch(users)).await?;
        }
        Ok(())
    }

    async fn sample(&mut self, users: impl ExactSizeIterator<Item = u64>) -> Result<()> {
        let count = users.len() as f64;
        let batch = self.events.batch(users);
        let _ = self.worker.table.take();
        self.time.push(in_millis(self.worker.apply(&batch).await?) / count);
        let asked = self.worker.table.take();
        self.asked.requests += asked.requests;
        self.asked.units += asked.units;
        Ok(())
    }

    fn grown(self, events: usize) -> Result<Grown> {
        self.worker.table.ensure_nothing_is_quarantined()?;
        Ok(Grown { size: self.size, time: Spread::of(self.time)?, asked: PerEvent::of(self.asked, events) })
    }
}

/// Far from each other, so that none is met again soon.
const STRIDE: usize = 7_919;
/// So many batches of each size are a round.
const SAMPLES: usize = 4;

async fn users(bench: Bench<'_>, step: &mut Step) -> Result<Vec<Grown>> {
    let mut tables = vec![];
    for size in bench.plan.users {
        step.note(&format!("a table of {size} users"));
        let mut table = Grows::new(bench, "users", size).await?;
        // Each has lived through all kinds, so that what follows makes no state longer.
        table.fill(Kind::LIFE.len() * size, |place| 10_000 + (place / Kind::LIFE.len()) as u64).await?;
        tables.push(table);
    }
    for round in 0..bench.plan.rounds * SAMPLES {
        step.note(&format!("tables of users, round {round} of {}", bench.plan.rounds * SAMPLES));
        for table in &mut tables {
            let size = table.size;
            let user = |place: usize| 10_000 + ((round * USUAL + place) * STRIDE % size) as u64;
            table.sample((0..USUAL).map(user)).await?;
        }
    }
    tables.into_iter().map(|table| table.grown(bench.plan.rounds * SAMPLES * USUAL)).collect()
}

async fn history(bench: Bench<'_>, step: &mut Step) -> Result<Vec<Grown>> {
    let mut tables = vec![];
    for lines in bench.plan.history {
        step.note(&format!("users with {lines} lines of history"));
        let mut table = Grows::new(bench, "history", lines).await?;
        // Another user each round, so that what is measured makes nobody's history longer.
        table.fill(lines * bench.plan.rounds, |place| 10_000 + (place / lines) as u64).await?;
        tables.push(table);
    }
    for round in 0..bench.plan.rounds {
        step.note(&format!("users with histories, round {round} of {}", bench.plan.rounds));
        for _ in 0..SAMPLES {
            for table in &mut tables {
                table.sample(std::iter::once(10_000 + round as u64)).await?;
            }
        }
    }
    tables.into_iter().map(|table| table.grown(bench.plan.rounds * SAMPLES)).collect()
}

impl PerEvent {
    fn of(asked: Usage, events: usize) -> Self {
        let mut units = asked.units;
        units.reads /= events as f64;
        units.writes /= events as f64;
        Self { requests: asked.requests as f64 / events as f64, units }
    }
}
