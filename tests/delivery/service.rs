//! A service that has changes delivered: DeliveryQueue → deliverer → endpoint.

use end_to_end::{
    Pipeline,
    lambda::{Lambda, Outcome},
    patience::becomes,
    pipeline::{batch_event_of, failures},
    queue::{Message, Queue},
    secrets::{self, Secrets},
};
use serde_json::{Value, json};

use crate::endpoint::{ANSWER, Endpoint};

pub(crate) const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// As the template has it.
const MOST_RECEIPTS: u32 = 9;

/// The query of the endpoint's URL.
const QUERY: &str = "only-the-service-knows-it";

pub(crate) struct Service {
    pub(crate) endpoint: Endpoint,
    pub(crate) queue: Queue,
    pub(crate) secrets: Secrets,
    pub(crate) deliverer: Lambda,
    pub(crate) pipeline: Pipeline,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with other values of these variables.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        let pipeline = Pipeline::start().await.unwrap();
        pipeline.watch().log().keep_out(QUERY);
        pipeline.watch().log().keep_out(ANSWER);
        let endpoint = Endpoint::start().await;
        let queue = Queue::with_most_receipts(MOST_RECEIPTS).await.unwrap();
        let secrets = Secrets::start(OLD, pipeline.watch().log()).await.unwrap();
        let deliverer = deliverer(&pipeline, &endpoint, &queue, &secrets, variables).await;
        Self { endpoint, queue, secrets, deliverer, pipeline }
    }

    /// Another process in the deliverer's place.
    pub(crate) async fn restart_with(&mut self, variables: &[(&str, &str)]) {
        self.deliverer = deliverer(&self.pipeline, &self.endpoint, &self.queue, &self.secrets, variables).await;
    }

    /// A rule of the bus sends an event to the queue. The message's id.
    pub(crate) fn send(&self, user: &str) -> String {
        self.queue.put(&event(user).to_string())
    }

    /// Hands what can be received to the deliverer as one batch. Returns the messages that come again.
    pub(crate) async fn deliver(&mut self) -> Vec<Message> {
        let batch = self.queue.receive(10);
        let with_receipts: Vec<_> = batch.iter().map(|message| (message, self.queue.receipts(&message.id))).collect();
        let outcome = self.deliverer.invoke(&batch_event_of(&with_receipts)).await.unwrap();
        assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
        let failed = failures(&batch, outcome).unwrap();
        batch.into_iter().filter(|message| failed.contains(&message.id)).collect()
    }

    /// Delivers what was sent, and lets the pauses of what failed pass. Returns the seconds of the pauses.
    pub(crate) async fn deliver_and_wait(&mut self) -> Vec<u64> {
        let before = self.queue.hidden().len();
        let failed = self.deliver().await;
        let hidden = self.queue.hidden().split_off(before);
        let mut ids: Vec<_> = failed.iter().map(|message| message.id.clone()).collect();
        let mut paused: Vec<_> = hidden.iter().map(|(id, _)| id.clone()).collect();
        ids.sort();
        paused.sort();
        assert_eq!(ids, paused);
        self.queue.give_back(failed);
        hidden.into_iter().map(|(_, seconds)| seconds).collect()
    }

    /// So many lines of this event, which take a moment from the process to here.
    pub(crate) async fn logged(&self, event: &str, count: usize) -> Vec<Value> {
        let of_event = || self.deliverer.lines().into_iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
        becomes(event, &count, async || of_event().len()).await;
        of_event()
    }
}

async fn deliverer(
    pipeline: &Pipeline,
    endpoint: &Endpoint,
    queue: &Queue,
    secrets: &Secrets,
    variables: &[(&str, &str)],
) -> Lambda {
    let (url, of_queue) = (format!("{}/kakao?key={QUERY}", endpoint.url()), queue.url());
    let (sqs, manager) = (queue.endpoint(), secrets.endpoint());
    let mut all = vec![
        ("DELIVERY_URL", url.as_str()),
        ("DELIVERY_QUEUE_URL", of_queue.as_str()),
        ("DELIVERY_SECRET", secrets::ARN),
        ("AWS_ENDPOINT_URL_SQS", sqs.as_str()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.as_str()),
    ];
    all.extend(variables);
    pipeline.start_function_with("deliverer", &all).await.unwrap()
}

/// An event of the bus about a member, as a rule sends it to a queue.
pub(crate) fn event(user: &str) -> Value {
    json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "user-changed",
        "source": "kakao-webhooks", "account": "000000000000", "time": "2025-03-01T03:30:01Z",
        "region": "ap-northeast-2", "resources": [],
        "detail": {
            "v": 2, "id": format!("123456:{user}:1740799800000"), "app_id": "123456", "user_id": user,
            "version": 1_740_799_800_000_u64, "written_at": "2025-03-01T03:30:00.123Z", "changed": ["access"],
            "state": {"access": "allowed", "profile": {"nickname": {"at": "2025-03-01T03:30:00Z", "value": "\"춘식이네집\""}}},
        },
    })
}

/// Whether a pause is one of so many seconds, a fifth more or less.
pub(crate) fn is_about(pause: u64, seconds: u64) -> bool {
    (seconds * 4 / 5..=seconds * 6 / 5).contains(&pause)
}
