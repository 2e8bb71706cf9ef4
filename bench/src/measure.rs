//! Measures the contenders in turn, round by round, so that other load on the machine affects all alike.

use std::time::Duration;

use anyhow::{Result, ensure};
use end_to_end::Request;
use khook::ui::progress::{Progress, ProgressStep};

use crate::{
    contender::Contender,
    figures::{Figures, Plan, Row, Spread, rank},
    host::Outcome,
    one_processor::OneProcessor,
    page_cache,
    process::Process,
    stand_in::Transport,
    surroundings::Surroundings,
    units::in_millis,
};

/// The measurements of one contender by one transport so far, in milliseconds and bytes.
#[derive(Debug, Default)]
struct Samples {
    ready: Vec<f64>,
    first_answer: Vec<f64>,
    first_request: Vec<f64>,
    start_cpu: Vec<f64>,
    warm: Vec<f64>,
    /// Of all later requests together.
    warm_cpu: Duration,
    memory: Vec<f64>,
    /// Processor time of all its processes.
    cpu_time: Duration,
}

struct Lane<'c> {
    contender: &'c Contender,
    transport: Transport,
    samples: Samples,
}

/// Measures these contenders. Also returns the processor time that other programs had, for each second that contenders and
/// servers had: about 0 on an idle machine.
///
/// # Errors
/// If a contender does not do its job.
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
    // The first round does not count: it loads the other files that a program reads.
    for round in 0..=plan.starts {
        for lane in shuffled(&mut lanes, round) {
            lane.note(&mut step, round, plan.starts);
            lane.start(surroundings, round > 0).await?;
        }
    }
    step.done(&format!("{} starts each", plan.starts));
    let mut step = progress.step("Asking each contender, in turn");
    for round in 1..=plan.processes {
        ask_all(&mut lanes, round, surroundings, plan, &mut step).await?;
    }
    step.done(&format!("{} requests each", plan.processes * plan.requests));
    let ours = processor.own()? - own_before + lanes.iter().map(|lane| lane.samples.cpu_time).sum::<Duration>();
    let others = (processor.busy()? - all_before).saturating_sub(ours).div_duration_f64(ours);
    Ok((lanes.chunks_mut(2).map(row).collect::<Result<_>>()?, others))
}

/// The requests that a contender gets before the next one's turn. The processor's pace changes from second to second with
/// what its host does besides: in one turn of all contenders it is about the same.
const AT_A_TIME: usize = 10;

/// A round of many requests: a process of each contender, all of them alive at once, takes a few in its turn, one at a
/// time.
async fn ask_all(
    lanes: &mut [Lane<'_>],
    round: usize,
    surroundings: &Surroundings,
    plan: Plan,
    step: &mut ProgressStep,
) -> Result<()> {
    let mut asked = vec![];
    for lane in shuffled(lanes, round) {
        lane.note(step, round, plan.processes);
        asked.push(lane.warmed_up(surroundings, plan).await?);
    }
    let turns = plan.requests / AT_A_TIME;
    ensure!(turns > 0 && plan.requests.is_multiple_of(AT_A_TIME), "a process gets a multiple of {AT_A_TIME} requests");
    for turn in 0..turns {
        for asked in shuffled(&mut asked, round * turns + turn) {
            asked.take_turn(surroundings).await?;
        }
    }
    for asked in asked {
        asked.end().await?;
    }
    Ok(())
}

/// The lanes in another order in each round, the same in each run. What ran before a program decides what of it the
/// processor's caches still hold: nothing after an interpreter, most of it after itself.
pub(crate) fn shuffled<L>(lanes: &mut [L], round: usize) -> Vec<&mut L> {
    let mut order: Vec<_> = lanes.iter_mut().collect();
    fastrand::Rng::with_seed(u64::try_from(round).unwrap_or_default()).shuffle(&mut order);
    order
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

impl<'c> Lane<'c> {
    fn note(&self, step: &mut ProgressStep, round: usize, rounds: usize) {
        step.note(&format!("round {round} of {rounds}: {}, {}", self.contender.name, self.transport.name()));
    }

    async fn process(&self, surroundings: &Surroundings) -> Result<Running> {
        let Self { contender, transport, .. } = self;
        let (variables, log) =
            (surroundings.environment(contender.role, *transport)?, surroundings.log(&contender.name, *transport));
        let request = surroundings.request(contender.job)?;
        let process = Process::start(&contender.name, contender.command(), variables, log).await?;
        Ok(Running { process, request, accepted: contender.job.accepted, requests: 0 })
    }

    /// Measures a start and the first request.
    async fn start(&mut self, surroundings: &Surroundings, counts: bool) -> Result<()> {
        let mut running = self.process(surroundings).await?;
        let first = running.ask().await?;
        let process = running.process;
        if counts {
            self.samples.start_cpu.push(in_millis(process.cpu_time()?));
            self.samples.ready.push(in_millis(process.time_to_ready()?));
            self.samples.first_answer.push(in_millis(process.time_to(first.answered)));
            self.samples.first_request.push(in_millis(first.answered - first.handed_over));
        }
        self.samples.cpu_time += process.end().await?;
        Ok(())
    }

    /// A process that has handled its first requests.
    async fn warmed_up(&mut self, surroundings: &Surroundings, plan: Plan) -> Result<Asked<'_, 'c>> {
        let mut running = self.process(surroundings).await?;
        for _ in 0..plan.warm_ups {
            running.ask().await?;
        }
        running.process.idle().await?;
        Ok(Asked { lane: self, running })
    }
}

/// A process that takes turns with others.
struct Asked<'l, 'c> {
    lane: &'l mut Lane<'c>,
    running: Running,
}

impl Asked<'_, '_> {
    async fn take_turn(&mut self, surroundings: &Surroundings) -> Result<()> {
        let Self { lane, running } = self;
        let stand_in = surroundings.stand_in(lane.transport);
        let (sent, before) = (stand_in.sent(), running.process.cpu_time()?);
        for _ in 0..AT_A_TIME {
            let outcome = running.ask().await?;
            lane.samples.warm.push(in_millis(outcome.answered - outcome.handed_over));
        }
        running.process.idle().await?;
        lane.samples.warm_cpu += running.process.cpu_time()? - before;
        let (sent, job) = (stand_in.sent() - sent, lane.contender.job);
        let expected = if job.sends { AT_A_TIME } else { 0 };
        ensure!(sent == expected, "{} sent {sent} messages for {AT_A_TIME} requests", lane.contender.name);
        Ok(())
    }

    async fn end(self) -> Result<()> {
        let Self { lane, running: Running { process, .. } } = self;
        lane.samples.memory.push(process.peak_memory()? as f64);
        lane.samples.cpu_time += process.end().await?;
        Ok(())
    }
}

/// A contender's process and what it is asked.
struct Running {
    process: Process,
    request: Request,
    accepted: u16,
    requests: u64,
}

impl Running {
    async fn ask(&mut self) -> Result<Outcome> {
        self.requests += 1;
        let request = self.request.clone().received_now().id(&format!("JKJaXmPL{:08}", self.requests));
        self.process.invoke(&request.event(), |outcome| outcome.status == self.accepted).await
    }
}

impl Samples {
    fn figures(mut self) -> Result<Figures> {
        self.warm.sort_by(f64::total_cmp);
        Ok(Figures {
            cpu: in_millis(self.warm_cpu) / self.warm.len() as f64,
            warm_p99: rank(&self.warm, 99)?,
            ready: Spread::of(self.ready)?,
            first_answer: Spread::of(self.first_answer)?,
            first_request: Spread::of(self.first_request)?,
            start_cpu: Spread::of(self.start_cpu)?,
            warm: Spread::of(self.warm)?,
            memory: Spread::of(self.memory)?,
        })
    }
}
