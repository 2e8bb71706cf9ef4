//! Many messages at once, with as many answerers as Lambda would run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use end_to_end::{
    answering::{ANSWER, Answering, BATCH, work},
    faults::Fault,
    lambda::Lambda,
    queue::Queue,
};
use jiff::SignedDuration;
use play_kakao::callback::CallbackKind;
use tokio::time::sleep;

/// How many messages, how many seconds the model takes, and `AnswererConcurrency`.
struct Load {
    messages: usize,
    seconds: u64,
    concurrency: usize,
}

impl Load {
    /// `ANSWERS_LOAD=1000,20,10` is the whole run. Without it: fewer messages, by the default concurrency.
    fn of_environment() -> Self {
        let set = std::env::var("ANSWERS_LOAD").unwrap_or_else(|_| "200,2,2".to_owned());
        let [messages, seconds, concurrency] = set.split(',').collect::<Vec<_>>()[..] else { panic!("{set}") };
        Self {
            messages: messages.parse().unwrap(),
            seconds: seconds.parse().unwrap(),
            concurrency: concurrency.parse().unwrap(),
        }
    }
}

/// The batching window of the queue's event source.
const WINDOW: Duration = Duration::from_secs(1);

/// One of the pollers that Lambda has for the queue: as many as the concurrency allows, and each takes its next batch when
/// the invocation for the one before has ended.
async fn poll(mut answerer: Lambda, queue: Queue, all_are_sent: Arc<AtomicBool>) -> Result<()> {
    loop {
        let is_last = all_are_sent.load(Ordering::Acquire);
        sleep(WINDOW).await;
        let batch = queue.receive(BATCH);
        if batch.is_empty() && is_last {
            return Ok(());
        }
        if !batch.is_empty() {
            // What comes again is a duplicate of the queue's, and another worker has it.
            work(&mut answerer, batch).await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_at_once_are_answered_inside_the_minute() {
    let Load { messages, seconds, concurrency } = Load::of_environment();
    let mut answering = Answering::start().await.unwrap();
    answering.model.gate().set(Fault::Slow(Duration::from_secs(seconds)));
    let all_are_sent = Arc::new(AtomicBool::new(false));
    let mut pollers = vec![];
    for _ in 0..concurrency {
        let answerer = answering.start_answerer(&[]).await.unwrap();
        pollers.push(tokio::spawn(poll(answerer, answering.queue.of_answers(), Arc::clone(&all_are_sent))));
    }
    let mut all = vec![];
    for number in 0..messages {
        all.push(answering.say(CallbackKind::Chat, &format!("{number}번째 말"), 0).await.unwrap());
    }
    all_are_sent.store(true, Ordering::Release);
    for poller in pollers {
        poller.await.unwrap().unwrap();
    }
    let mut longest = SignedDuration::ZERO;
    for said in &all {
        assert_eq!(answering.heard(said).unwrap(), [ANSWER]);
        let exchange = answering.exchange(said).unwrap();
        longest = longest.max(exchange.attempts()[0].at.duration_since(exchange.issued_at));
    }
    println!("{messages} messages, the longest took {longest:?}");
    assert!(longest < SignedDuration::from_secs(60), "{longest:?}");
}
