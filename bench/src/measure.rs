//! The measuring itself: contenders in turn, round by round, so that what else happens on the machine hits all alike.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{
    contender::Contender,
    figures::{Figures, Plan, Row, Spread, rank},
    process::{Process, Scheduled},
    progress::{Progress, Step},
    stand_in::Transport,
    surroundings::Surroundings,
};

/// What was measured of one contender by one transport so far. Milliseconds and bytes.
#[derive(Debug, Default)]
struct Samples {
    ready: Vec<f64>,
    first_answer: Vec<f64>,
    first_request: Vec<f64>,
    start_cpu: Vec<f64>,
    warm: Vec<f64>,
    cpu: Vec<f64>,
    memory: Vec<f64>,
    /// Of all starts and warm requests.
    scheduled: Scheduled,
}

struct Lane<'c> {
    contender: &'c Contender,
    transport: Transport,
    samples: Samples,
}

/// Measures these contenders.
///
/// # Errors
/// If one of them doesn't do its job.
pub async fn measure(
    contenders: &[Contender],
    surroundings: &Surroundings,
    plan: Plan,
    progress: Progress,
) -> Result<Vec<Row>> {
    let lane = |contender, transport| Lane { contender, transport, samples: Samples::default() };
    let lanes_of = |contender| Transport::ALL.map(|transport| lane(contender, transport));
    let mut lanes: Vec<Lane<'_>> = contenders.iter().flat_map(lanes_of).collect();
    let mut step = progress.step("Starting each contender, in turn");
    // The first round is not for the record: it brings the files into memory.
    for round in 0..=plan.starts {
        for lane in &mut lanes {
            lane.note(&mut step, round, plan.starts);
            lane.start(surroundings, round > 0).await?;
        }
    }
    step.done(&format!("{} starts each", plan.starts));
    let mut step = progress.step("Asking each contender, in turn");
    for round in 1..=plan.processes {
        for lane in &mut lanes {
            lane.note(&mut step, round, plan.processes);
            lane.ask(surroundings, plan).await?;
        }
    }
    step.done(&format!("{} requests each", plan.processes * plan.requests));
    lanes.chunks_mut(2).map(row).collect()
}

fn row(lanes: &mut [Lane<'_>]) -> Result<Row> {
    let [plain, tls] = lanes else { anyhow::bail!("a contender is measured by both transports") };
    Ok(Row {
        name: plain.contender.name.clone(),
        role: plain.contender.role,
        size: plain.contender.size,
        zip: plain.contender.zip,
        plain: std::mem::take(&mut plain.samples).figures()?,
        tls: std::mem::take(&mut tls.samples).figures()?,
    })
}

impl Lane<'_> {
    fn note(&self, step: &mut Step, round: usize, rounds: usize) {
        step.note(&format!("round {round} of {rounds}: {}, {}", self.contender.name, self.transport.name()));
    }

    /// From nothing to the first answer.
    async fn start(&mut self, surroundings: &Surroundings, counts: bool) -> Result<()> {
        let mut process = Process::start(self.contender, surroundings, self.transport).await?;
        let first = process.ask().await?;
        if counts {
            let scheduled = process.scheduled()?;
            self.samples.start_cpu.push(millis(scheduled.busy));
            self.samples.add(scheduled);
            self.samples.ready.push(millis(process.time_to_ready()?));
            self.samples.first_answer.push(millis(process.time_to(first.answered)));
            self.samples.first_request.push(millis(first.answered - first.handed_over));
        }
        process.end().await
    }

    /// Many requests, one at a time.
    async fn ask(&mut self, surroundings: &Surroundings, plan: Plan) -> Result<()> {
        let mut process = Process::start(self.contender, surroundings, self.transport).await?;
        for _ in 0..plan.warm_ups {
            process.ask().await?;
        }
        let stand_in = surroundings.stand_in(self.transport);
        let (sent, before) = (stand_in.sent(), process.scheduled()?);
        for _ in 0..plan.requests {
            let outcome = process.ask().await?;
            self.samples.warm.push(millis(outcome.answered - outcome.handed_over));
        }
        let (sent, after) = (stand_in.sent() - sent, process.scheduled()?);
        let scheduled = Scheduled { busy: after.busy - before.busy, waiting: after.waiting - before.waiting };
        let expected = if self.contender.job.sends { plan.requests } else { 0 };
        ensure!(sent == expected, "{} sent {sent} messages for {} requests", self.contender.name, plan.requests);
        self.samples.cpu.push(millis(scheduled.busy) / plan.requests as f64);
        self.samples.add(scheduled);
        self.samples.memory.push(process.peak_memory()? as f64);
        process.end().await
    }
}

impl Samples {
    fn add(&mut self, scheduled: Scheduled) {
        self.scheduled.busy += scheduled.busy;
        self.scheduled.waiting += scheduled.waiting;
    }

    fn figures(mut self) -> Result<Figures> {
        self.warm.sort_by(f64::total_cmp);
        let of = |values: Vec<f64>| Spread::of(values).context("nothing was measured");
        Ok(Figures {
            warm_p99: rank(&self.warm, 99).context("nothing was measured")?,
            ready: of(self.ready)?,
            first_answer: of(self.first_answer)?,
            first_request: of(self.first_request)?,
            start_cpu: of(self.start_cpu)?,
            waiting: self.scheduled.waiting.div_duration_f64(self.scheduled.busy),
            warm: of(self.warm)?,
            cpu: of(self.cpu)?,
            memory: of(self.memory)?,
        })
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
