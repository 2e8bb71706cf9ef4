//! The whole service with its publisher: webhook → queue → processor → table → stream → publisher → bus.

use std::collections::BTreeSet;

use end_to_end::{
    Fixture, Pipeline, Request,
    bus::{self, Bus},
    lambda::Lambda,
    queue::Queue,
    service::{ADMIN_KEY, APP_ID, REST_API_KEY},
    stream::Stream,
};
use play_kakao::Token;
use serde_json::{Value, json};

pub(crate) struct Service {
    pub(crate) pipeline: Pipeline,
    pub(crate) bus: Bus,
    pub(crate) stream: Stream,
    /// What can't be published.
    pub(crate) unpublished: Queue,
    pub(crate) publisher: Lambda,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with other values of these variables of the publisher.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::around(Pipeline::start().await.unwrap(), variables).await
    }

    /// A service whose functions go by the machine's clock, as the publisher does.
    pub(crate) async fn start_now() -> Self {
        Self::around(Pipeline::start().await.unwrap().with("TEST_CLOCK_AHEAD_MS", "0"), &[]).await
    }

    pub(crate) async fn around(pipeline: Pipeline, variables: &[(&str, &str)]) -> Self {
        let stream = Stream::begin(&pipeline.table).unwrap();
        let bus = Bus::start(&pipeline.table).await.unwrap();
        let unpublished = Queue::start().await.unwrap();
        let publisher = publisher(&pipeline, &bus, &unpublished, variables).await;
        Self { pipeline, bus, stream, unpublished, publisher }
    }

    /// Another process. Put in the publisher's place, it ends that at once.
    pub(crate) async fn second_publisher(&self) -> Lambda {
        publisher(&self.pipeline, &self.bus, &self.unpublished, &[]).await
    }

    pub(crate) async fn send(&mut self, request: &Request) {
        let answer = self.pipeline.deliver(request).await.unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert_eq!(self.pipeline.drain().await.unwrap(), Vec::<String>::new());
    }

    /// Sends what a fixture says, and has it processed.
    pub(crate) async fn send_fixture(&mut self, fixture: &Fixture) {
        if fixture.request.is_some() {
            let request = fixture.request(self.pipeline.keys.key()).unwrap();
            self.send(&request).await;
        }
        if let Some(message) = &fixture.message {
            self.send_message(message).await;
        }
    }

    pub(crate) async fn send_message(&mut self, message: &Value) {
        assert_eq!(self.pipeline.process_texts(&[message.to_string()]).await.unwrap(), Vec::<usize>::new());
    }

    /// A security event of a member, at this second.
    pub(crate) async fn send_event(&mut self, user_id: &str, uri: &str, at: i64, members: &Value) {
        let id = format!("jti-{at}");
        let token = Token::new(REST_API_KEY, user_id, &id, at, uri, members).sign(self.pipeline.keys.key()).unwrap();
        self.send(&Request::new("POST", "/webhooks/account-status").body("application/secevent+jwt", token)).await;
    }

    /// Everything that any webhook can say, stored and not yet published.
    pub(crate) async fn send_every_fixture(&mut self) {
        for name in Fixture::names().unwrap() {
            self.send_fixture(&Fixture::load(&name).unwrap()).await;
        }
    }

    /// Twelve members leave at once: sixty changes.
    pub(crate) async fn send_crowd(&mut self) {
        let words: Vec<_> = (10..22).map(|n| word("service-unlinked", &format!("31428579{n}")).to_string()).collect();
        assert_eq!(self.pipeline.process_texts(&words).await.unwrap(), Vec::<usize>::new());
    }

    /// Hands what the stream has to the publisher, until nothing is left.
    pub(crate) async fn publish(&mut self) {
        self.stream.drain(&self.pipeline.table, &mut self.publisher).await.unwrap();
    }

    /// The ids that a bus gets which has no trouble, from another publisher of the same stream.
    pub(crate) async fn ids_of_a_calm_bus(&self) -> BTreeSet<String> {
        let bus = Bus::start(&self.pipeline.table).await.unwrap();
        let mut publisher = publisher(&self.pipeline, &bus, &self.unpublished, &[]).await;
        self.stream.again().drain(&self.pipeline.table, &mut publisher).await.unwrap();
        bus.ids()
    }
}

async fn publisher(pipeline: &Pipeline, bus: &Bus, unpublished: &Queue, variables: &[(&str, &str)]) -> Lambda {
    let (of_bus, of_queue, url) = (bus.endpoint(), unpublished.endpoint(), unpublished.url());
    let mut all = vec![
        ("EVENT_BUS_NAME", bus::NAME),
        ("AWS_ENDPOINT_URL_EVENTBRIDGE", of_bus.as_str()),
        ("AWS_ENDPOINT_URL_SQS", of_queue.as_str()),
        ("UNPUBLISHED_QUEUE_URL", url.as_str()),
    ];
    all.extend(variables);
    pipeline.start_function_with("publisher", &all).await.unwrap()
}

/// A service's own word of a member.
pub(crate) fn word(word: &str, user_id: &str) -> Value {
    json!({
        "v": 1, "kind": "service", "id": format!("{word}-{}", user_id.split_at(8).1), "app_id": APP_ID,
        "received_at": "2025-03-01T03:30:00Z",
        "event": {"type": word, "user_id": user_id, "at": "2025-03-01T03:00:00Z"},
    })
}

/// An unlinking that is received now by the machine's clock, and so dated now.
pub(crate) fn unlink_now(user_id: &str) -> Request {
    let now = jiff::Timestamp::now().as_millisecond();
    let path = format!("/webhooks/unlink?app_id={APP_ID}&user_id={user_id}&referrer_type=ACCOUNT_DELETE");
    Request::new("GET", &path).header("Authorization", &format!("KakaoAK {ADMIN_KEY}")).received_at(now)
}
