//! Lambda's poller: takes batches out of the queue and kills processors while they work on them.

use std::{sync::Arc, time::Duration};

use end_to_end::{
    lambda::Lambda,
    pipeline::{batch_event, failures},
    queue::Message,
    seeded_random::SeededRandom,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::service::Service;

const BATCH: u64 = 10;
/// One in this many batches is lost.
const KILLED: u64 = 20;
/// One in this many batches is delivered twice without a fault: SQS promises at-least-once delivery.
const TWICE: u64 = 20;
/// No processor is killed with a message received more often than this: chance alone could make it a dead letter.
const SPARED: u32 = 1;
/// Longer than it takes on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// One processor, and its successors, until the service has nothing left for them. The steady one is never killed.
pub(crate) async fn work(service: Arc<Service>, mut random: SeededRandom, is_steady: bool) {
    let mut processor = service.function("processor", is_steady).await;
    while !service.is_done() {
        let size = usize::try_from(random.below(BATCH) + 1).unwrap();
        let Some(batch) = service.receive(size) else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        let queue = &service.pipeline.queue;
        let is_spared = batch.iter().any(|message| queue.receipts(&message.id) > SPARED);
        if !is_steady && !is_spared && random.one_in(KILLED) {
            kill_at(&processor, &batch, &mut random).await;
            // Its process gets SIGKILL.
            processor = service.function("processor", false).await;
            service.count(|account| account.restarts += 1);
            service.give_back(batch.len(), batch);
            continue;
        }
        let outcome = processor.invoke(&batch_event(&batch)).await.unwrap();
        let failed = failures(&batch, outcome).unwrap();
        if !failed.is_empty() {
            service.gave_up(&batch, &failed);
        }
        let comes_twice = !is_spared && random.one_in(TWICE);
        let all = batch.len();
        let again = batch.into_iter().filter(|message| comes_twice || failed.contains(&message.id));
        service.give_back(all, again.collect());
    }
}

/// Waits until the processor is somewhere in the batch: it has it, or has written some of its lines.
async fn kill_at(processor: &Lambda, batch: &[Message], random: &mut SeededRandom) {
    let (seen, lines) = (processor.written(), random.place(batch.len() * 2 + 1));
    let invocation = processor.begin(&batch_event(batch)).await;
    processor.taken(&invocation).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let is_of_work = |line: &&Value| line["event"] != Value::Null;
    while processor.lines_since(seen).iter().filter(is_of_work).count() < lines {
        if processor.has_ended(&invocation).await {
            return;
        }
        assert!(Instant::now() < deadline, "it neither works nor ends");
        sleep(Duration::from_millis(1)).await;
    }
}
