//! The measuring itself: contenders in turn, round by round, so that what else happens on the machine hits all alike.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{
    contender::Contender,
    figures::{Figures, Plan, Row, Spread, rank},
    one_processor::OneProcessor,
    page_cache,
    process::Process,
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
    /// Processor time of all its processes.
    busy: Duration,
}

struct Lane<'c> {
    contender: &'c Contender,
    transport: Transport,
    samples: Samples,
}

/// Measures these contenders. Beside what was found of each, what part of a second others had of the processor for each
/// second that contenders and servers had: on a machine with nothing else to do, about 0.
///
/// # Errors
/// If one of them doesn't do its job.
pub async fn measure(
    contenders: &[Contender],
    surroundings: &Surroundings,
    plan: Plan,
    progress: Progress,
) -> Result<(Vec<Row>, f64)> {
    for contender in contenders {
        page_cache::read_again(&contender.program)?;
    }
    let processor = OneProcessor::take()?;
    let (all_before, own_before) = (processor.busy()?, processor.own()?);
    let lane = |contender, transport| Lane { contender, transport, samples: Samples::default() };
    let lanes_of = |contender| Transport::ALL.map(|transport| lane(contender, transport));
    let mut lanes: Vec<Lane<'_>> = contenders.iter().flat_map(lanes_of).collect();
    let mut step = progress.step("Starting each contender, in turn");
    // The first round is not for the record: it brings into memory what a program reads beside itself.
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
    let ours = processor.own()? - own_before + lanes.iter().map(|lane| lane.samples.busy).sum::<Duration>();
    let others = (processor.busy()? - all_before).saturating_sub(ours).div_duration_f64(ours);
    Ok((lanes.chunks_mut(2).map(row).collect::<Result<_>>()?, others))
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
            self.samples.start_cpu.push(millis(process.busy()?));
            self.samples.ready.push(millis(process.time_to_ready()?));
            self.samples.first_answer.push(millis(process.time_to(first.answered)));
            self.samples.first_request.push(millis(first.answered - first.handed_over));
        }
        self.samples.busy += process.end().await?;
        Ok(())
    }

    /// Many requests, one at a time.
    async fn ask(&mut self, surroundings: &Surroundings, plan: Plan) -> Result<()> {
        let mut process = Process::start(self.contender, surroundings, self.transport).await?;
        for _ in 0..plan.warm_ups {
            process.ask().await?;
        }
        let stand_in = surroundings.stand_in(self.transport);
        let (sent, before) = (stand_in.sent(), process.busy()?);
        for _ in 0..plan.requests {
            let outcome = process.ask().await?;
            self.samples.warm.push(millis(outcome.answered - outcome.handed_over));
        }
        let (sent, busy) = (stand_in.sent() - sent, process.busy()? - before);
        let expected = if self.contender.job.sends { plan.requests } else { 0 };
        ensure!(sent == expected, "{} sent {sent} messages for {} requests", self.contender.name, plan.requests);
        self.samples.cpu.push(millis(busy) / plan.requests as f64);
        self.samples.memory.push(process.peak_memory()? as f64);
        self.samples.busy += process.end().await?;
        Ok(())
    }
}

impl Samples {
    fn figures(mut self) -> Result<Figures> {
        self.warm.sort_by(f64::total_cmp);
        let of = |values: Vec<f64>| Spread::of(values).context("nothing was measured");
        Ok(Figures {
            warm_p99: rank(&self.warm, 99).context("nothing was measured")?,
            ready: of(self.ready)?,
            first_answer: of(self.first_answer)?,
            first_request: of(self.first_request)?,
            start_cpu: of(self.start_cpu)?,
            warm: of(self.warm)?,
            cpu: of(self.cpu)?,
            memory: of(self.memory)?,
        })
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
