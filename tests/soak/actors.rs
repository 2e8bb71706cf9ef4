//! The concurrent tasks: senders, the queue's poller, the janitor's schedule, and the observer of memory.

use std::{sync::Arc, time::Duration};

use end_to_end::{
    Answer,
    lambda::{Lambda, Outcome},
};
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    delivery, processors,
    service::Service,
    story::{ExpectedAnswer, Post},
};

/// How many instances of each function: those that have more to do have more.
const SENDERS: [(&str, usize); 5] =
    [("unlink", 2), ("account-status", 3), ("talk-share", 2), ("talk-channel", 2), ("skill", 2)];
const PROCESSORS: usize = 3;
/// A minute of the janitor's.
const MINUTE: Duration = Duration::from_millis(500);
/// How long a sender waits after a 503: less than `Retry-After`.
const RETRY_AFTER: Duration = Duration::from_millis(100);
const A_MOMENT: Duration = Duration::from_millis(5);
const LOOK: Duration = Duration::from_millis(100);
const PROGRESS: Duration = Duration::from_secs(5);

/// Everybody, until nothing is left to do.
pub(crate) async fn run_all(service: &Arc<Service>) {
    let (mut senders, mut others) = (JoinSet::new(), JoinSet::new());
    for (function, instances) in SENDERS {
        for _ in 0..instances {
            senders.spawn(send(Arc::clone(service), function));
        }
    }
    senders.spawn(put_into_queue(Arc::clone(service)));
    for number in 0..PROCESSORS {
        let random = service.random.lock().unwrap().split();
        others.spawn(processors::work(Arc::clone(service), random, number == 0));
    }
    others.spawn(look_on(Arc::clone(service)));
    others.spawn(delivery::publish(Arc::clone(service)));
    others.spawn(delivery::deliver(Arc::clone(service), service.random.lock().unwrap().split()));
    let mut janitor = service.function("janitor", true).await;
    let mut minute = Instant::now();
    while !(senders.is_empty() && service.is_calm()) {
        if minute.elapsed() > MINUTE {
            a_minute_passes(&mut janitor).await;
            minute = Instant::now();
        }
        joined(&mut senders);
        joined(&mut others);
        sleep(A_MOMENT).await;
    }
    // Everything works now: once is enough.
    service.turn();
    a_minute_passes(&mut janitor).await;
    while !service.is_idle() {
        joined(&mut others);
        sleep(A_MOMENT).await;
    }
    service.end();
    while let Some(ended) = others.join_next().await {
        ended.unwrap();
    }
}

/// A task that fails ends the run.
fn joined(set: &mut JoinSet<()>) {
    while let Some(ended) = set.try_join_next() {
        ended.unwrap();
    }
}

async fn a_minute_passes(janitor: &mut Lambda) {
    let outcome = janitor.invoke(&json!({"source": "aws.scheduler"})).await.unwrap();
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
}

/// One instance of a function, and what it is sent.
async fn send(service: Arc<Service>, function: &'static str) {
    let mut lambda = service.function(function, true).await;
    while let Some(post) = service.next(function) {
        let request = post.request(service.pipeline.keys.key());
        let answer = match lambda.invoke(&request.event()).await.unwrap() {
            Outcome::Response(response) => Answer::of_response(&response).unwrap(),
            Outcome::Error(error) => panic!("{function} failed at {request:?}: {error}"),
        };
        let is_put_off = take_down(&service, post, answer.status);
        service.turn();
        if is_put_off {
            sleep(RETRY_AFTER).await;
        }
    }
}

/// Counts an answer. Whether the request is to be sent again.
fn take_down(service: &Service, post: Post, status: u16) -> bool {
    let is_put_off = service.count(|account| {
        account.sent += 1;
        match &post.expected {
            ExpectedAnswer::Refused(refused) => {
                // What is refused may also be put off: it is never taken.
                assert!(refused.contains(&status) || status == 503, "{}: {status}", post.function);
                account.refused += 1;
                false
            }
            ExpectedAnswer::Kept(..) if status == 503 => {
                account.put_off += 1;
                true
            }
            ExpectedAnswer::Kept(expected, events) => {
                assert_eq!(status, *expected, "{}", post.function);
                account.acknowledged += 1;
                events.iter().for_each(|id| *account.events.entry(id.clone()).or_default() += 1);
                false
            }
        }
    });
    if is_put_off {
        service.put_off(post);
    }
    is_put_off
}

/// Sends service events and messages that are not envelopes.
async fn put_into_queue(service: Arc<Service>) {
    while service.has_messages() {
        match service.next_message() {
            Some(text) => {
                service.pipeline.queue.put(&text);
                service.count(|account| account.messages += 1);
            }
            None => sleep(A_MOMENT).await,
        }
    }
}

/// Observes the memory and prints progress now and then.
async fn look_on(service: Arc<Service>) {
    let (start, mut said) = (Instant::now(), Instant::now());
    while !service.is_done() {
        service.memory.look();
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            let (progress, waiting) = (service.progress(), service.pipeline.queue.len());
            let account = service.count(|account| format!("{account:?}"));
            println!(
                "{:>4} s, {:>5.1} %: {account}, {waiting} in the queue",
                start.elapsed().as_secs(),
                progress as f32 / 10.0
            );
        }
        sleep(LOOK).await;
    }
}
