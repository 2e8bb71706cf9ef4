//! A service that has changes delivered, and its deliverer.

use std::ops::Deref;

use end_to_end::{
    Pipeline,
    delivery::{self, Delivery},
    lambda::Lambda,
    patience::becomes,
    queue::Message,
};
use serde_json::Value;

pub(crate) use end_to_end::delivery::{NEW, OLD, event};

pub(crate) struct Service {
    delivery: Delivery,
    pub(crate) deliverer: Lambda,
    pub(crate) pipeline: Pipeline,
}

impl Deref for Service {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}

impl Service {
    pub(crate) async fn start() -> Self {
        let pipeline = Pipeline::start().await.unwrap();
        let delivery = Delivery::start(&pipeline).await.unwrap();
        let deliverer = delivery.start_deliverer(&pipeline, &[]).await.unwrap();
        Self { delivery, deliverer, pipeline }
    }

    /// Another process in the deliverer's place, with other values of these variables.
    pub(crate) async fn restart_with(&mut self, variables: &[(&str, &str)]) {
        self.deliverer = self.delivery.start_deliverer(&self.pipeline, variables).await.unwrap();
    }

    /// A rule of the bus sends an event to the queue. The message's id.
    pub(crate) fn send(&self, user: &str) -> String {
        self.queue.put(&event(user).to_string())
    }

    /// Hands what can be received to the deliverer as one batch. Returns the messages that come again.
    pub(crate) async fn deliver(&mut self) -> Vec<Message> {
        self.delivery.deliver(&mut self.deliverer).await.unwrap()
    }

    /// Delivers what was sent, and lets the pauses of what failed pass. Returns the seconds of the pauses.
    pub(crate) async fn deliver_and_wait(&mut self) -> Vec<u64> {
        let before = self.queue.hidden().len();
        let failed = self.deliver().await;
        let pauses = self.pauses(before, &failed).unwrap();
        self.queue.give_back(failed);
        pauses
    }

    /// So many lines of this event, which take a moment from the process to here.
    pub(crate) async fn logged(&self, event: &str, count: usize) -> Vec<Value> {
        let of_event = || self.deliverer.lines().into_iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
        becomes(event, &count, async || of_event().len()).await;
        of_event()
    }
}

/// Whether a pause is one of so many seconds, a fifth more or less.
pub(crate) fn is_about(pause: u64, seconds: u64) -> bool {
    delivery::about(seconds).contains(&pause)
}
