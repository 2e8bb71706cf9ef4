//! Many messages at once.

use std::time::{Duration, Instant};

use end_to_end::{
    answering::{ANSWER, Answering, BATCH, work},
    faults::Fault,
};
use play_kakao::callback::CallbackKind;

/// How many messages, and how many seconds the model takes. `ANSWERS_LOAD=1000,20` is the whole run.
fn load() -> (usize, u64) {
    let set = std::env::var("ANSWERS_LOAD").ok();
    let numbers = set.as_deref().and_then(|text| text.split_once(','));
    numbers.map_or((200, 2), |(messages, seconds)| (messages.parse().unwrap(), seconds.parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_at_once_are_answered_inside_the_minute() {
    let (messages, seconds) = load();
    let mut answering = Answering::start().await.unwrap();
    answering.model.gate().set(Fault::Slow(Duration::from_secs(seconds)));
    let mut all = vec![];
    for number in 0..messages {
        all.push(answering.say(CallbackKind::Chat, &format!("{number}번째 말"), 0).await.unwrap());
    }
    assert_eq!(answering.queue.len(), messages);
    // As many processes as the queue's messages fill batches: Lambda starts them side by side.
    let mut workers = vec![];
    while !answering.queue.is_empty() {
        let (mut answerer, batch) = (answering.start_answerer(&[]).await.unwrap(), answering.queue.receive(BATCH));
        workers.push(tokio::spawn(async move { work(&mut answerer, batch).await }));
    }
    let begun = Instant::now();
    for worker in workers {
        assert_eq!(worker.await.unwrap().unwrap(), []);
    }
    let took = begun.elapsed();
    for said in &all {
        assert_eq!(answering.heard(said).unwrap(), [ANSWER]);
    }
    assert!(took < Duration::from_secs(seconds + 30), "{took:?}");
}
