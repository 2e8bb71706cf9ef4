//! Processors that take batches from one queue and are killed while they work.

use std::sync::Mutex;

use end_to_end::{
    Pipeline,
    faults::Fault,
    lambda::Lambda,
    pipeline::{batch_event, failures},
    queue::Message,
    seeded_random::SeededRandom,
};
use futures_util::future::{join, join_all};
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

const BATCH: u64 = 10;

/// What happened on the way.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) deliveries: usize,
    pub(crate) rounds: usize,
    pub(crate) batches: usize,
    /// Processors that were killed before their answer.
    pub(crate) killed_at_work: usize,
    /// Processors that were killed after their answer, which was discarded.
    pub(crate) killed_at_the_end: usize,
    /// Records that a processor named as not applied.
    pub(crate) failed_records: usize,
}

/// When a processor is killed.
#[derive(Clone, Copy)]
enum Kill {
    /// When it has the batch.
    Taken,
    /// When it has logged this many lines of these events of the batch.
    Logged(&'static [&'static str], usize),
}

const RECORDED: &[&str] = &["recorded", "duplicate"];
const MERGED: &[&str] = &["applied", "unchanged"];
/// One in this many batches is lost, each time in another way.
const ONE_IN: u64 = 8;
/// The rounds in which processors are killed.
const KILLING: [usize; 2] = [0, 2];
/// The round that begins with a table that has too much to do.
const THROTTLED: usize = 1;
/// Longer than it takes on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Batch {
    messages: Vec<Message>,
    kill: Option<Kill>,
}

/// What the processors have in common.
struct Round {
    batches: Mutex<Vec<Batch>>,
    again: Mutex<Vec<Message>>,
}

pub(crate) struct ProcessorPool<'p> {
    pipeline: &'p Pipeline,
    size: usize,
    figures: Mutex<Figures>,
}

impl<'p> ProcessorPool<'p> {
    pub(crate) fn new(pipeline: &'p Pipeline, size: usize) -> Self {
        Self { pipeline, size, figures: Mutex::default() }
    }

    /// Hands all texts to the processors, and again what they didn't apply, until nothing is left.
    pub(crate) async fn take_in(self, texts: Vec<String>, random: &mut SeededRandom, rounds: usize) -> Figures {
        self.count(|figures| figures.deliveries = texts.len());
        let message = |(number, body)| Message { id: format!("m{number}"), body };
        let mut left: Vec<Message> = texts.into_iter().enumerate().map(message).collect();
        for round in 0..rounds {
            random.shuffle(&mut left);
            let batches = Mutex::new(batches(std::mem::take(&mut left), random, KILLING.contains(&round)));
            let at_work = Round { batches, again: Mutex::default() };
            let work = join_all((0..self.size).map(|_| self.work(&at_work)));
            if round == THROTTLED {
                self.pipeline.table.gate().set(Fault::Throttled);
                join(work, self.relieve()).await;
            } else {
                work.await;
            }
            self.count(|figures| figures.rounds += 1);
            left = at_work.again.into_inner().unwrap();
            if left.is_empty() {
                return self.figures.into_inner().unwrap();
            }
        }
        panic!("{} records are never applied: {:?}", left.len(), self.figures);
    }

    fn count(&self, count: impl FnOnce(&mut Figures)) {
        count(&mut self.figures.lock().unwrap());
    }

    /// One processor, and its successors, as long as there are batches.
    async fn work(&self, round: &Round) {
        let mut processor = self.processor().await;
        let next = || round.batches.lock().unwrap().pop();
        while let Some(Batch { messages, kill }) = next() {
            self.count(|figures| figures.batches += 1);
            let seen = processor.written();
            let invocation = processor.begin(&batch_event(&messages)).await;
            if let Some(kill) = kill {
                let was_at_work = reached(&processor, kill, seen, &invocation).await;
                // Its process gets SIGKILL.
                processor = self.processor().await;
                self.count(|figures| match was_at_work {
                    true => figures.killed_at_work += 1,
                    false => figures.killed_at_the_end += 1,
                });
                round.again.lock().unwrap().extend(messages);
                continue;
            }
            let failed = failures(&messages, processor.finish(&invocation).await.unwrap()).unwrap();
            self.count(|figures| figures.failed_records += failed.len());
            let failed = messages.into_iter().filter(|message| failed.contains(&message.id));
            round.again.lock().unwrap().extend(failed);
        }
    }

    /// The table works again as soon as a processor has given up.
    async fn relieve(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.figures.lock().unwrap().failed_records == 0 {
            assert!(Instant::now() < deadline, "nothing fails");
            sleep(Duration::from_millis(5)).await;
        }
        self.pipeline.table.gate().set(Fault::None);
    }

    async fn processor(&self) -> Lambda {
        self.pipeline.start_function("processor").await.unwrap()
    }
}

/// Waits until the processor is to be killed. Whether it is still at work then.
async fn reached(processor: &Lambda, kill: Kill, seen: usize, invocation: &str) -> bool {
    processor.taken(invocation).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let is_reached = || match kill {
        Kill::Taken => true,
        Kill::Logged(events, times) => {
            let lines = processor.lines_since(seen);
            let is_one = |line: &&Value| line["event"].as_str().is_some_and(|event| events.contains(&event));
            lines.iter().filter(is_one).count() >= times
        }
    };
    loop {
        if processor.has_ended(invocation).await {
            return false;
        }
        if is_reached() {
            return true;
        }
        assert!(Instant::now() < deadline, "it neither works nor ends");
        sleep(Duration::from_millis(1)).await;
    }
}

fn batches(mut messages: Vec<Message>, random: &mut SeededRandom, killing: bool) -> Vec<Batch> {
    let mut batches = vec![];
    while !messages.is_empty() {
        let size = messages.len().min(usize::try_from(random.below(BATCH) + 1).unwrap());
        let kill = (killing && random.below(ONE_IN) == 0).then(|| {
            let lines = usize::try_from(random.below(size as u64) + 1).unwrap();
            random.one_of(&[Kill::Taken, Kill::Logged(RECORDED, lines), Kill::Logged(MERGED, lines.div_ceil(2))])
        });
        batches.push(Batch { messages: messages.split_off(messages.len() - size), kill });
    }
    batches
}
