//! The measurements, in turn, so that other load on the machine affects all alike.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Result, ensure};
use end_to_end::service::BOT_ID;
use khook::ui::progress::{Progress, ProgressStep};
use play_kakao::callback::{CallbackKind, CallbackServer, SimulatedCallbacks};
use serde_json::json;
use tokio::process::Command;

use super::{
    events::Events,
    figures::{Answered, Many, Measured, Worked},
    neighbours::{Neighbours, SECRET},
    reconciler,
};
use crate::{
    figures::Spread, host::Outcome, measure::shuffled, one_processor::OneProcessor, page_cache, process::Process,
    processor::table::Table, units::in_millis,
};

/// The programs.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The function `publisher`.
    pub publisher: PathBuf,
    /// The function `deliverer`.
    pub deliverer: PathBuf,
    /// The function `answerer`.
    pub answerer: PathBuf,
    /// The function `reconciler`.
    pub reconciler: PathBuf,
    /// A loop that signs and posts: `contenders/post`.
    pub bare: PathBuf,
}

impl Programs {
    fn all(&self) -> [&Path; 5] {
        let Self { publisher, deliverer, answerer, reconciler, bare } = self;
        [publisher, deliverer, answerer, reconciler, bare]
    }
}

/// The numbers of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The rounds of each measurement.
    pub rounds: usize,
    /// The changes that one deliverer delivers, one batch after the other.
    pub many: usize,
    /// The members of a small app and of a large one.
    pub members: [u64; 2],
    /// The model's time.
    pub model: Duration,
    /// What is planted before each answer of the model and of Kakao's API. Unless it is zero, each other budget has its own
    /// planted regression, too.
    pub planted: Duration,
}

impl Plan {
    const MODEL: Duration = Duration::from_millis(100);
    /// For the page.
    pub(crate) const FULL: Self =
        Self { rounds: 25, many: 10_000, members: [10_000, 1_000_000], model: Self::MODEL, planted: Duration::ZERO };
    /// For `--quick`.
    pub(crate) const QUICK: Self = Self { rounds: 7, many: 2_000, members: [10_000, 100_000], ..Self::FULL };

    /// Whether regressions are planted.
    pub(super) const fn is_planted(&self) -> bool {
        !self.planted.is_zero()
    }

    /// The publisher's hand-overs of a batch, and the deliverer's.
    const fn hand_overs(&self) -> [&'static [usize]; 2] {
        if self.is_planted() { [IN_HALVES, FOUR_TIMES] } else { [WHOLE; 2] }
    }
}

/// The changes of a batch.
pub(super) const BATCH: usize = 10;
/// The batches of a round.
const PER_ROUND: usize = 10;

/// The changes of each hand-over of a batch.
const WHOLE: &[usize] = &[BATCH];
/// Planted: one call more than needed.
const IN_HALVES: &[usize] = &[BATCH / 2; 2];
/// Planted: batches that are counted as one, so many that the budget is exceeded although a delivery takes less processor
/// time than the loop's.
const FOUR_TIMES: &[usize] = &[BATCH; 4];
/// Planted: the bytes by which the deliverer's later changes are larger.
const PADDING: usize = 200_000;

/// Measures them. The logs go to `folder`.
///
/// # Errors
/// If one does not do its work.
pub async fn measure(programs: &Programs, folder: &Path, plan: Plan, progress: Progress) -> Result<Measured> {
    let mut step = progress.step("Giving publisher, deliverer, answerer and reconciler their work, in turn");
    for program in programs.all() {
        page_cache::read_again(program)?;
    }
    // Taken before the programs start: they inherit it.
    let _processor = OneProcessor::take()?;
    let neighbours = Neighbours::start(plan.model + plan.planted).await?;
    let variables = variables(&neighbours);
    let [published, delivered] = plan.hand_overs();
    let lane = |name, program, puts, hand_overs| Lane::start(name, program, folder, &variables, puts, hand_overs);
    let mut lanes = [
        lane("publisher", &programs.publisher, true, published).await?,
        lane("deliverer", &programs.deliverer, false, delivered).await?,
        lane("a loop that signs and posts", &programs.bare, false, WHOLE).await?,
    ];
    // The first round does not count: it opens connections.
    for round in 0..=plan.rounds {
        step.note(&format!("round {round} of {}", plan.rounds));
        for lane in shuffled(&mut lanes, round) {
            lane.round(&neighbours, round > 0).await?;
        }
    }
    let answerer = answers(&programs.answerer, folder, &neighbours, plan, &mut step).await?;
    let [publisher, mut deliverer, bare] = lanes;
    let many = many(&mut deliverer, plan, &mut step).await?;
    let reconciler = reconciler::measure(&programs.reconciler, folder, &neighbours, plan, &mut step).await?;
    step.done(&format!("{} rounds of each", plan.rounds));
    let [publisher, deliverer, bare] = [publisher, deliverer, bare].map(Lane::worked);
    Ok(Measured { publisher: publisher?, deliverer: deliverer?, bare: bare?, many, answerer, reconciler })
}

/// The variables of all.
pub(super) fn variables(neighbours: &Neighbours) -> Vec<(&'static str, String)> {
    const ARN: &str = "arn:aws:secretsmanager:ap-northeast-2:000000000000:secret:bench-0a1B2c";
    let url = neighbours.url();
    vec![
        ("AWS_REGION", "ap-northeast-2".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", url.clone()),
        ("AWS_ENDPOINT_URL_SQS", url.clone()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", url.clone()),
        ("EVENT_BUS_NAME", "kakao-webhooks".to_owned()),
        ("DELIVERY_URL", format!("{url}/kakao")),
        ("DELIVERY_QUEUE_URL", format!("{url}/000000000000/deliveries")),
        ("DELIVERY_SECRET", ARN.to_owned()),
        ("SKILL_ANSWERER", format!("{url}/answer")),
        ("SKILL_ANSWERER_SECRET", ARN.to_owned()),
        ("ANSWER_QUEUE_URL", format!("{url}/000000000000/answers")),
        // The loop's own.
        ("SIGNING_SECRET", SECRET.to_owned()),
    ]
}

/// One of those that work on batches.
struct Lane {
    name: &'static str,
    process: Process,
    events: Events,
    /// Whether it publishes; else it delivers.
    publishes: bool,
    /// The changes of each hand-over of a batch.
    hand_overs: &'static [usize],
    per_second: Vec<f64>,
    cpu: Vec<f64>,
    /// The requests of each round.
    requests: Vec<usize>,
    memory: u64,
}

impl Lane {
    async fn start(
        name: &'static str,
        program: &Path,
        folder: &Path,
        variables: &[(&'static str, String)],
        publishes: bool,
        hand_overs: &'static [usize],
    ) -> Result<Self> {
        let log = folder.join(format!("{}.log", name.replace(' ', "-")));
        let process = Process::start(name, Command::new(program), variables.iter().cloned(), log).await?;
        let (events, per_second, cpu, requests) = (Events::default(), vec![], vec![], vec![]);
        Ok(Self { name, process, events, publishes, hand_overs, per_second, cpu, requests, memory: 0 })
    }

    /// Works on a batch.
    async fn work(&mut self) -> Result<Duration> {
        let mut time = Duration::ZERO;
        for &changes in self.hand_overs {
            let events = &mut self.events;
            let batch = if self.publishes { events.of_stream(changes) } else { events.of_deliveries(changes) };
            let outcome = self.process.invoke(&batch, Outcome::is_whole).await?;
            time += outcome.answered - outcome.handed_over;
        }
        Ok(time)
    }

    async fn round(&mut self, neighbours: &Neighbours, counts: bool) -> Result<()> {
        let publishes = self.publishes;
        let requests = || if publishes { neighbours.puts() } else { neighbours.posts() };
        let (before, entries) = (requests(), neighbours.entries());
        let (mut time, cpu) = (Duration::ZERO, self.process.cpu_time()?);
        for _ in 0..PER_ROUND {
            time += self.work().await?;
        }
        let cpu = self.process.cpu_time()? - cpu;
        let requests = requests() - before;
        let handed_over = PER_ROUND * self.hand_overs.iter().sum::<usize>();
        let done = if publishes { neighbours.entries() - entries } else { requests };
        // An attempt that took too long on a busy machine is made again.
        ensure!(done >= handed_over, "{} did {done} of {handed_over}", self.name);
        if counts {
            let items = (PER_ROUND * BATCH) as f64;
            self.per_second.push(items / time.as_secs_f64());
            self.cpu.push(in_millis(cpu) / items);
            self.requests.push(requests);
            self.memory = self.process.peak_memory()?;
        }
        Ok(())
    }

    fn worked(self) -> Result<Worked> {
        Ok(Worked {
            name: self.name.to_owned(),
            per_second: Spread::of(self.per_second)?,
            cpu: Spread::of(self.cpu)?,
            requests: per_batch(&self.requests)?,
            memory: self.memory as f64,
        })
    }
}

/// The requests of a batch in nine of ten rounds, given those of each: an attempt that took too long on a busy machine is
/// made again, which is no more work by design.
fn per_batch(of_rounds: &[usize]) -> Result<f64> {
    let per_batch = of_rounds.iter().map(|requests| *requests as f64 / PER_ROUND as f64);
    Ok(Spread::of(per_batch.collect())?.p90)
}

/// The deliverer's memory before and after many more changes.
async fn many(deliverer: &mut Lane, plan: Plan, step: &mut ProgressStep) -> Result<Many> {
    let early = deliverer.process.peak_memory()?;
    deliverer.events.padding = if plan.is_planted() { PADDING } else { 0 };
    for batch in 0..plan.many / BATCH {
        step.note(&format!("{} of {} changes", batch * BATCH, plan.many));
        deliverer.work().await?;
    }
    Ok(Many { changes: plan.many, early: early as f64, late: deliverer.process.peak_memory()? as f64 })
}

async fn answers(
    program: &Path,
    folder: &Path,
    neighbours: &Neighbours,
    plan: Plan,
    step: &mut ProgressStep,
) -> Result<Answered> {
    let (callbacks, table) = (CallbackServer::start(SimulatedCallbacks::default()).await?, Table::start().await?);
    let mut variables = variables(neighbours);
    variables.extend([
        ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
        ("TABLE_NAME", end_to_end::table::NAME.to_owned()),
        ("KAKAO_CALLBACK_URL", callbacks.url().to_owned()),
    ]);
    let mut process = Process::start("answerer", Command::new(program), variables, folder.join("answerer.log")).await?;
    let (mut events, mut own, mut cpu) = (Events::default(), vec![], vec![]);
    // The first answer does not count: it opens connections.
    for round in 0..=plan.rounds {
        step.note(&format!("answer {round} of {}", plan.rounds));
        let callback = callbacks.issue(BOT_ID, CallbackKind::Chat)?;
        let waiting = json!({"version": "2.0", "useCallback": true, "data": {"text": "…"}}).to_string();
        callbacks.take_first_answer(&callback.token, &waiting);
        let event = events.of_answers(&callback.url, &jiff::Timestamp::now().to_string());
        let before = process.cpu_time()?;
        let outcome = process.invoke(&event, Outcome::is_whole).await?;
        let heard = callbacks.exchange(&callback.token).map(|exchange| exchange.heard().len());
        ensure!(heard == Some(1), "the answerer gave {heard:?} answers");
        if round > 0 {
            own.push(in_millis((outcome.answered - outcome.handed_over).saturating_sub(plan.model)));
            cpu.push(in_millis(process.cpu_time()? - before));
        }
    }
    ensure!(neighbours.questions() == plan.rounds + 1, "the model was asked {} times", neighbours.questions());
    Ok(Answered { own: Spread::of(own)?, cpu: Spread::of(cpu)?, memory: process.peak_memory()? as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_made_again_is_not_a_request_more_but_a_second_call_per_batch_is() {
        let mut of_rounds = [PER_ROUND; 25];
        of_rounds[3] += 1;
        assert_eq!(per_batch(&of_rounds).unwrap(), 1.0);
        assert_eq!(per_batch(&[2 * PER_ROUND; 25]).unwrap(), 2.0);
        of_rounds[..5].fill(2 * PER_ROUND);
        assert_eq!(per_batch(&of_rounds).unwrap(), 2.0);
    }
}
