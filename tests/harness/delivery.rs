//! What stands around the deliverer: a rule of the bus → DeliveryQueue → deliverer → the service's endpoint.

use std::ops::Range;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    Pipeline, bus,
    endpoint::{ANSWER, Endpoint},
    lambda::{Lambda, Outcome},
    pipeline::{batch_event_of, failures},
    queue::{Message, Queue},
    secrets::{self, Secrets},
};

/// The secret that the deliverer has to begin with.
pub const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// One to replace it by.
pub const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// How often a change is tried, as template.yaml has it.
const MOST_RECEIPTS: u32 = 9;
/// How many messages a batch has at the most, as template.yaml has it.
const BATCH: usize = 10;

/// The query of the endpoint's URL.
const QUERY: &str = "only-the-service-knows-it";

/// The servers that the deliverer talks to.
#[derive(Debug)]
pub struct Delivery {
    /// The service's.
    pub endpoint: Endpoint,
    /// DeliveryQueue, with UndeliveredQueue.
    pub queue: Queue,
    /// Secrets Manager.
    pub secrets: Secrets,
}

/// Messages as the queue handed them out, and the event in which the deliverer gets them.
#[derive(Clone, Debug)]
pub struct Received {
    /// The messages.
    pub messages: Vec<Message>,
    /// How often each was received.
    pub receipts: Vec<u32>,
}

impl Received {
    /// The deliverer's event.
    #[must_use]
    pub fn event(&self) -> Value {
        batch_event_of(&self.messages.iter().zip(self.receipts.iter().copied()).collect::<Vec<_>>())
    }

    /// Those that come again.
    ///
    /// # Errors
    /// If the deliverer failed as a whole, or names a message that it didn't get.
    pub fn failed(self, outcome: Outcome) -> Result<Vec<Message>> {
        let failed = failures(&self.messages, outcome)?;
        Ok(self.messages.into_iter().filter(|message| failed.contains(&message.id)).collect())
    }
}

impl Delivery {
    /// An endpoint that accepts everything, and no changes yet.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start(pipeline: &Pipeline) -> Result<Self> {
        pipeline.watch().log().keep_out(QUERY);
        pipeline.watch().log().keep_out(ANSWER);
        let endpoint = Endpoint::start().await?;
        let queue = Queue::with_most_receipts(MOST_RECEIPTS).await?;
        let secrets = Secrets::start(secrets::DELIVERY_ARN, OLD, pipeline.watch().log()).await?;
        Ok(Self { endpoint, queue, secrets })
    }

    /// A deliverer between them, with other values of these variables.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start_deliverer(&self, pipeline: &Pipeline, variables: &[(&str, &str)]) -> Result<Lambda> {
        let (url, queue) = (format!("{}/kakao?key={QUERY}", self.endpoint.url()), self.queue.url());
        let (sqs, manager) = (self.queue.endpoint(), self.secrets.endpoint());
        let mut all = vec![
            ("DELIVERY_URL", url.as_str()),
            ("DELIVERY_QUEUE_URL", queue.as_str()),
            ("DELIVERY_SECRET", secrets::DELIVERY_ARN),
            ("AWS_ENDPOINT_URL_SQS", sqs.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.as_str()),
        ];
        all.extend(variables);
        pipeline.start_function_with("deliverer", &all).await
    }

    /// The rule of the bus sends a change to the queue. The message's id.
    pub fn route(&self, change: &bus::Event) -> String {
        self.queue.put(&as_routed(&change.detail_type, &json!(change.detail)).to_string())
    }

    /// A batch, as Lambda's poller takes it out of the queue.
    #[must_use]
    pub fn receive(&self) -> Received {
        let messages = self.queue.receive(BATCH);
        let receipts = messages.iter().map(|message| self.queue.receipts(&message.id)).collect();
        Received { messages, receipts }
    }

    /// Hands what can be received to a deliverer as one batch. Returns the messages that come again.
    ///
    /// # Errors
    /// If the deliverer fails as a whole.
    pub async fn deliver(&self, deliverer: &mut Lambda) -> Result<Vec<Message>> {
        let received = self.receive();
        let outcome = deliverer.invoke(&received.event()).await?;
        received.failed(outcome)
    }

    /// For how many seconds the deliverer hid these messages last. It hid each, and no other since `seen` calls.
    ///
    /// # Errors
    /// If it hid others than these.
    pub fn pauses(&self, seen: usize, messages: &[Message]) -> Result<Vec<u64>> {
        let hidden = self.queue.hidden().split_off(seen);
        let mut expected: Vec<_> = messages.iter().map(|message| &message.id).collect();
        let mut paused: Vec<_> = hidden.iter().map(|(id, _)| id).collect();
        expected.sort();
        paused.sort();
        if expected != paused {
            bail!("{expected:?} failed, and {paused:?} were hidden");
        }
        Ok(hidden.into_iter().map(|(_, seconds)| seconds).collect())
    }
}

/// A change of a member that was published, as a rule of the bus sends it to a queue.
#[must_use]
pub fn event(user: &str) -> Value {
    as_routed(
        "user-changed",
        &json!({
            "v": 2, "id": format!("123456:{user}:1740799800000"), "app_id": "123456", "user_id": user,
            "version": 1_740_799_800_000_u64, "written_at": "2025-03-01T03:30:00.123Z", "changed": ["access"],
            "state": {"access": "allowed", "profile": {"nickname": {"at": "2025-03-01T03:30:00Z", "value": "\"춘식이네집\""}}},
        }),
    )
}

/// The change that reports that a member left.
#[must_use]
pub fn departure(user: &str) -> Value {
    let mut event = event(user);
    if let Some(detail) = event.get_mut("detail").and_then(Value::as_object_mut) {
        let link = json!({"status": "unlinked", "at": "2025-03-01T03:29:59.000Z"});
        detail.insert("changed".to_owned(), json!(["access", "link", "erased"]));
        detail.insert("state".to_owned(), json!({"access": "gone", "link": link}));
    }
    event
}

fn as_routed(detail_type: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": detail_type,
        "source": "kakao-webhooks", "account": "000000000000", "time": "2025-03-01T03:30:01Z",
        "region": "ap-northeast-2", "resources": [], "detail": detail,
    })
}

/// The pauses that count as one of so many seconds: a fifth more or less.
#[must_use]
pub const fn about(seconds: u64) -> Range<u64> {
    seconds * 4 / 5..seconds * 6 / 5 + 1
}
