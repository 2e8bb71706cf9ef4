//! The processor and the janitor while something fails. Kakao does not wait for them: no event may be lost, and they
//! must end in time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use end_to_end::{
    faults::Fault,
    lambda::{Lambda, Outcome},
    pipeline::{batch_event, failures},
    queue::Message,
};
use serde_json::json;

use crate::{
    edge_fault::{Edge, EdgeFault},
    function::{Function, new_user},
    request_case::{Place, Process},
    service::{Measured, Service, TRIES},
};

/// The worker that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    Processor,
    Janitor,
    /// Two at once.
    Janitors,
}

/// One invocation of a worker while something fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerCase {
    pub(crate) worker: Worker,
    pub(crate) process: Process,
    pub(crate) fault: EdgeFault,
}

/// How long the processor has in these tests. On a table that fails it uses all but the last 1.5 s.
pub(crate) const PROCESSOR_LIMIT: Duration = Duration::from_secs(4);
/// How many events the two janitors have between them.
const MANY: usize = 20;

/// Every case of a worker.
pub(crate) fn worker_cases() -> Vec<WorkerCase> {
    let mut cases = vec![];
    for process in [Process::Cold, Process::Warm] {
        for worker in [Worker::Processor, Worker::Janitor] {
            cases.extend(EdgeFault::FAULTS.map(|fault| WorkerCase { worker, process, fault }));
        }
    }
    for worker in [Worker::Processor, Worker::Janitor] {
        cases.push(WorkerCase { worker, process: Process::Warm, fault: EdgeFault::LosesConnections });
    }
    for fault in [EdgeFault::Works, EdgeFault::Slow, EdgeFault::VerySlow, EdgeFault::Resets, EdgeFault::Status(503)] {
        cases.push(WorkerCase { worker: Worker::Janitors, process: Process::Cold, fault });
    }
    cases
}

impl WorkerCase {
    pub(crate) fn what_fails(&self) -> String {
        match self.worker {
            Worker::Processor => format!("table: {}", self.fault.words()),
            Worker::Janitor | Worker::Janitors => format!("queue: {}", self.fault.words()),
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self.worker {
            Worker::Processor => "processor",
            Worker::Janitor => "janitor",
            Worker::Janitors => "two janitors at once",
        }
    }

    /// Whether it gets its work done, and where the event is afterwards.
    pub(crate) const fn expected(&self) -> (bool, Place) {
        match self.worker {
            // It waits longer for the table than the acknowledging functions; what it does not apply stays in the
            // queue.
            Worker::Processor => match self.fault {
                EdgeFault::Works | EdgeFault::Slow | EdgeFault::LosesConnections => (true, Place::Nowhere),
                _ => (false, Place::Queue),
            },
            Worker::Janitor | Worker::Janitors if self.fault.confirms() => (true, Place::Queue),
            Worker::Janitor | Worker::Janitors => (false, Place::of(self.fault.takes(), true)),
        }
    }

    pub(crate) const fn patience(&self) -> Duration {
        match self.worker {
            Worker::Processor => PROCESSOR_LIMIT,
            // One event; twenty that wait behind each other in sixteen partitions.
            Worker::Janitor => Duration::from_secs(3),
            Worker::Janitors => Duration::from_secs(20),
        }
    }
}

impl Service {
    /// Plays a case. What it returns has lost nothing; anything else is an error.
    pub(crate) async fn play_worker(&mut self, case: &WorkerCase) -> Result<Measured<bool>> {
        match case.worker {
            Worker::Processor => self.process(case).await,
            Worker::Janitor | Worker::Janitors => self.empty(case).await,
        }
    }

    async fn process(&mut self, case: &WorkerCase) -> Result<Measured<bool>> {
        let mut processor = self.start_function("processor").await?;
        if case.process == Process::Warm {
            let before = self.take_in(1).await?;
            let messages = self.all_in_queue().await?;
            processed(&mut processor, &messages).await.context("warming up failed")?;
            self.has_once(Function::Unlink, &before)?;
        }
        let concerned = self.take_in(1).await?;
        let messages = self.all_in_queue().await?;
        self.fails(Edge::Table, case.fault).await?;
        let start = Instant::now();
        let outcome = processor.invoke(&batch_event(&messages)).await?;
        let time = start.elapsed();
        let failed = failures(&messages, outcome)?;
        self.works_again().await?;
        if !failed.is_empty() {
            // It is redelivered to this process.
            processed(&mut processor, &messages).await.context("after the fault")?;
        }
        self.has_once(Function::Unlink, &concerned)?;
        let place = if failed.is_empty() { Place::Nowhere } else { Place::Queue };
        Ok(Measured { status: failed.is_empty(), time, place })
    }

    /// Takes all events out of the queue, those included that were not sent in time.
    async fn all_in_queue(&mut self) -> Result<Vec<Message>> {
        self.pipeline.empty_inbox().await?;
        Ok(self.pipeline.queue.take())
    }

    /// Receives this many events.
    async fn take_in(&self, many: usize) -> Result<Vec<String>> {
        let mut unlink = self.pipeline.start_function(Function::Unlink.name()).await?;
        let mut concerned = vec![];
        for _ in 0..many {
            concerned.push(self.takes(&mut unlink, Function::Unlink, new_user).await?);
        }
        Ok(concerned)
    }

    /// Receives this many events while the queue accepts none.
    async fn take_into_inbox(&self, many: usize) -> Result<Vec<String>> {
        self.pipeline.queue.gate().set(Fault::Status(503));
        let concerned = self.take_in(many).await;
        self.pipeline.queue.gate().set(Fault::None);
        concerned
    }

    async fn empty(&mut self, case: &WorkerCase) -> Result<Measured<bool>> {
        let (janitors, many) = if case.worker == Worker::Janitors { (2, MANY) } else { (1, 1) };
        let mut workers = vec![];
        for _ in 0..janitors {
            workers.push(self.start_function("janitor").await?);
        }
        if case.process == Process::Warm {
            let before = self.take_into_inbox(1).await?;
            a_minute_passes(&mut workers).await?;
            self.pipeline.settle().await?;
            self.has_once(Function::Unlink, &before)?;
        }
        let concerned = self.take_into_inbox(many).await?;
        self.fails(Edge::Queue, case.fault).await?;
        let start = Instant::now();
        a_minute_passes(&mut workers).await?;
        let time = start.elapsed();
        let places = concerned.iter().map(|who| self.place(who)).collect::<Result<Vec<_>>>()?;
        ensure!(!places.contains(&Place::Nowhere), "what was in the inbox is nowhere");
        let place = common(&places, case.expected());
        self.works_again().await?;
        for _ in 0..TRIES {
            a_minute_passes(&mut workers).await?;
            if self.pipeline.inbox()?.is_empty() {
                break;
            }
        }
        ensure!(self.pipeline.inbox()?.is_empty(), "after the fault something is left in the inbox");
        self.pipeline.settle().await?;
        self.has_once(Function::Unlink, &concerned)?;
        Ok(Measured { status: place == Place::Queue, time, place })
    }
}

/// Passes messages to a processor without a fault until they are applied; only the machine's load can delay it.
async fn processed(processor: &mut Lambda, messages: &[Message]) -> Result<()> {
    let mut left = messages.to_vec();
    for _ in 0..TRIES {
        let failed = failures(&left, processor.invoke(&batch_event(&left)).await?)?;
        left.retain(|message| failed.contains(&message.id));
        if left.is_empty() {
            return Ok(());
        }
    }
    bail!("it could not be applied: {left:?}")
}

/// Where several events are, of which each should be in one place. Of those that aren't, one that is complained of. A
/// janitor whose queue confirms nothing asks it a few times and leaves the rest where it is.
fn common(places: &[Place], (is_done, expected): (bool, Place)) -> Place {
    let may_be = |place: Place| place == expected || (!is_done && place == Place::Inbox);
    let wrong = places.iter().copied().find(|place| !may_be(*place));
    let is_anywhere = places.contains(&expected);
    wrong.unwrap_or(if is_anywhere { expected } else { Place::Inbox })
}

/// The schedule calls them all at once.
async fn a_minute_passes(janitors: &mut [Lambda]) -> Result<()> {
    let event = json!({"source": "aws.scheduler"});
    let outcomes =
        futures_util::future::try_join_all(janitors.iter_mut().map(|janitor| janitor.invoke(&event))).await?;
    for outcome in outcomes {
        if let Outcome::Error(error) = outcome {
            bail!("the janitor failed: {error}");
        }
    }
    Ok(())
}
