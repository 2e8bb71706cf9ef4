//! A dead-letter queue by SQS's rules, with a clock of its own. It stands before the event queue: what isn't for it
//! goes on to that one, since SQS has one address for all queues.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use end_to_end::{
    faults::{Gate, Server},
    queue::Queue,
};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

/// The end of its URL.
const PATH: &str = "/000000000000/dead-letters";
/// 2025-03-01T03:30:00.100Z: when everything was sent.
const SENT_AT: &str = "1740799800100";
/// SQS may deliver fewer messages than requested, and this one does.
const AT_ONCE: usize = 4;

/// What can be wrong with one of its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is answered by this status.
    Status(u16),
    /// It is never answered.
    Hangs,
    /// It is confirmed but not performed: SQS may deliver what was deleted.
    Forgotten,
}

#[derive(Debug)]
struct Stored {
    id: String,
    body: String,
    receives: u64,
    hidden_until: Duration,
    /// Only the newest one counts.
    receipt: String,
}

impl Stored {
    fn was_brought(&self) -> bool {
        !self.receipt.is_empty()
    }
}

#[derive(Debug, Default)]
struct Held {
    now: Duration,
    stored: Vec<Stored>,
    receipts: u64,
    answers: usize,
    troubles: BTreeMap<String, Trouble>,
    hands_out_twice: bool,
    /// How many answers repeat the messages of an earlier one.
    repeats: usize,
    /// The answer of this number, counted from 1, and all after it wait until they are released.
    held_from: Option<usize>,
}

#[derive(Clone)]
struct Shared {
    held: Arc<Mutex<Held>>,
    released: Arc<Notify>,
    event_queue: String,
    client: reqwest::Client,
}

/// One dead-letter queue.
pub(crate) struct DeadLetters {
    server: Server,
    held: Arc<Mutex<Held>>,
    released: Arc<Notify>,
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DeadLetters {
    pub(crate) async fn before(queue: &Queue) -> Self {
        let (held, released) = (Arc::new(Mutex::default()), Arc::new(Notify::new()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let shared =
            Shared { held: Arc::clone(&held), released: Arc::clone(&released), event_queue: queue.endpoint(), client };
        let router = Router::new().route("/", post(answer)).with_state(shared);
        Self { server: Server::start(router, Gate::default()).await.unwrap(), held, released }
    }

    /// Where both queues are (`AWS_ENDPOINT_URL_SQS`).
    pub(crate) fn endpoint(&self) -> String {
        self.server.url()
    }

    pub(crate) fn url(&self) -> String {
        format!("{}{PATH}", self.server.url())
    }

    /// Puts a message in, as SQS does after too many receives. Its id.
    pub(crate) fn put(&self, body: &str) -> String {
        let mut held = lock(&self.held);
        let id = format!("00000000-0000-4000-9000-{:012}", held.stored.len() + 1);
        let stored = Stored {
            id: id.clone(),
            body: body.to_owned(),
            receives: 5,
            hidden_until: Duration::ZERO,
            receipt: String::new(),
        };
        held.stored.push(stored);
        id
    }

    /// The ids of all messages.
    pub(crate) fn ids(&self) -> Vec<String> {
        lock(&self.held).stored.iter().map(|stored| stored.id.clone()).collect()
    }

    /// The ids of the visible messages.
    pub(crate) fn visible(&self) -> Vec<String> {
        let held = lock(&self.held);
        let visible = held.stored.iter().filter(|stored| stored.hidden_until <= held.now);
        visible.map(|stored| stored.id.clone()).collect()
    }

    /// Lets time pass for the queue.
    pub(crate) fn pass(&self, time: Duration) {
        lock(&self.held).now += time;
    }

    /// From now on something is wrong with an operation, as in `DeleteMessage`.
    pub(crate) fn trouble(&self, operation: &str, trouble: Trouble) {
        lock(&self.held).troubles.insert(operation.to_owned(), trouble);
    }

    pub(crate) fn no_trouble(&self) {
        lock(&self.held).troubles.clear();
    }

    /// Every message is delivered twice, hidden or not: a standard queue promises at-least-once delivery.
    pub(crate) fn hand_out_twice(&self) {
        lock(&self.held).hands_out_twice = true;
    }

    /// From this receive on, counted from 1, what is handed out arrives only once it is released.
    pub(crate) fn hold_from(&self, receive: usize) {
        lock(&self.held).held_from = Some(receive);
    }

    pub(crate) fn release(&self) {
        lock(&self.held).held_from = None;
        self.released.notify_waiters();
    }

    /// Once anything was handed out, this many answers bring that again before any other comes: as if it had been
    /// hidden for long enough.
    pub(crate) fn repeat(&self, answers: usize) {
        lock(&self.held).repeats = answers;
    }
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_ours = request["QueueUrl"].as_str().is_some_and(|url| url.ends_with(PATH));
    if !is_ours {
        let sent = shared.client.post(shared.event_queue).headers(headers).body(body).send().await.unwrap();
        return (sent.status(), sent.bytes().await.unwrap()).into_response();
    }
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
    let trouble = lock(&shared.held).troubles.get(operation).copied();
    match trouble {
        Some(Trouble::Status(code)) => return StatusCode::from_u16(code).unwrap().into_response(),
        Some(Trouble::Hangs) => std::future::pending().await,
        Some(Trouble::Forgotten) => {
            // Visible at once, and only this once.
            let mut held = lock(&shared.held);
            held.troubles.remove(operation);
            held.stored.iter_mut().for_each(|stored| stored.hidden_until = Duration::ZERO);
            return axum::Json(json!({})).into_response();
        }
        None => {}
    }
    let released = shared.released.notified();
    let (done, is_held) = {
        let mut held = lock(&shared.held);
        let done = held.operate(operation, &request);
        let is_held = operation == "ReceiveMessage" && held.held_from.is_some_and(|from| held.answers >= from);
        (done, is_held)
    };
    if is_held {
        released.await;
    }
    match done {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(kind) => {
            let error = json!({"__type": format!("com.amazonaws.sqs#{kind}"), "message": kind});
            (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
        }
    }
}

impl Held {
    fn operate(&mut self, operation: &str, request: &Value) -> Result<Value, &'static str> {
        match operation {
            "ReceiveMessage" => self.receive(request),
            "DeleteMessage" => self.delete(request),
            "ChangeMessageVisibility" => self.change_visibility(request),
            "GetQueueAttributes" => Ok(self.attributes(request)),
            "ChangeMessageVisibilityBatch" => Ok(self.change_visibilities(request)),
            _ => Err("UnsupportedOperation"),
        }
    }

    /// A question without a wait reaches half of the servers only. One with a wait reaches all, and is answered at
    /// once here: nothing arrives during a wait.
    fn receive(&mut self, request: &Value) -> Result<Value, &'static str> {
        let number = |name: &str, range: std::ops::RangeInclusive<u64>| {
            let number = request[name].as_u64();
            number.filter(|number| range.contains(number)).ok_or("InvalidParameterValue")
        };
        let at_most = usize::try_from(number("MaxNumberOfMessages", 1..=10)?).unwrap().min(AT_ONCE);
        let hidden = Duration::from_secs(number("VisibilityTimeout", 0..=43_200)?);
        let asks_all = number("WaitTimeSeconds", 0..=20)? > 0;
        self.answers += 1;
        let now = self.now;
        let mut messages = vec![];
        let repeats = self.repeats > 0 && self.stored.iter().any(Stored::was_brought);
        self.repeats -= usize::from(repeats);
        // No reader may rely on the order.
        for (server, stored) in self.stored.iter_mut().enumerate().rev() {
            let is_asked = asks_all || server % 2 == self.answers % 2;
            let again = (self.hands_out_twice && stored.receives == 6) || repeats;
            if messages.len() == at_most || !is_asked || (stored.hidden_until > now && !again) {
                continue;
            }
            if repeats && !stored.was_brought() {
                continue;
            }
            self.receipts += 1;
            stored.receives += 1;
            stored.hidden_until = now + hidden;
            stored.receipt = format!("{}/{}", stored.id, self.receipts);
            messages.push(json!({
                "MessageId": stored.id,
                "ReceiptHandle": stored.receipt,
                "Body": stored.body,
                "Attributes": {"SentTimestamp": SENT_AT, "ApproximateReceiveCount": stored.receives.to_string()},
            }));
        }
        Ok(if messages.is_empty() { json!({}) } else { json!({"Messages": messages}) })
    }

    fn attributes(&self, request: &Value) -> Value {
        let hidden = self.stored.iter().filter(|stored| stored.hidden_until > self.now).count();
        let counts = [
            ("ApproximateNumberOfMessages", self.stored.len() - hidden),
            ("ApproximateNumberOfMessagesNotVisible", hidden),
        ];
        let is_asked = |name: &str| request["AttributeNames"].as_array().unwrap().iter().any(|asked| asked == name);
        let asked = counts.into_iter().filter(|(name, _)| is_asked(name));
        json!({"Attributes": asked.map(|(name, count)| (name.to_owned(), json!(count.to_string()))).collect::<Map<_, _>>()})
    }

    /// By an older receipt it succeeds and deletes nothing.
    fn delete(&mut self, request: &Value) -> Result<Value, &'static str> {
        let receipt = request["ReceiptHandle"].as_str().filter(|receipt| receipt.contains('/'));
        let receipt = receipt.ok_or("ReceiptHandleIsInvalid")?;
        self.stored.retain(|stored| stored.receipt != receipt);
        Ok(json!({}))
    }

    fn change_visibility(&mut self, request: &Value) -> Result<Value, &'static str> {
        let time = request["VisibilityTimeout"].as_u64().ok_or("InvalidParameterValue")?;
        let receipt = request["ReceiptHandle"].as_str().unwrap_or_default();
        let stored = self.stored.iter_mut().find(|stored| stored.receipt == receipt);
        let stored = stored.ok_or("ReceiptHandleIsInvalid")?;
        if stored.hidden_until <= self.now {
            return Err("MessageNotInflight");
        }
        stored.hidden_until = self.now + Duration::from_secs(time);
        Ok(json!({}))
    }

    fn change_visibilities(&mut self, request: &Value) -> Value {
        let (mut done, mut failed) = (vec![], vec![]);
        for entry in request["Entries"].as_array().into_iter().flatten() {
            match self.change_visibility(entry) {
                Ok(_) => done.push(json!({"Id": entry["Id"]})),
                Err(code) => failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": true})),
            }
        }
        json!({"Successful": done, "Failed": failed})
    }
}
