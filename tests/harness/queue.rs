//! A queue that speaks SQS's JSON protocol and keeps what it is sent, by SQS's rules. Time does not pass in it: a test
//! looks at the pauses that were set, and gives messages back when they would be over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::faults::{Gate, Server};

/// A message that the queue holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's id of it: another for every sending.
    pub id: String,
    /// Its text.
    pub body: String,
}

impl Message {
    /// The handle by which its receiver changes its visibility.
    #[must_use]
    pub fn receipt(&self) -> String {
        format!("{RECEIPT}{}", self.id)
    }
}

const RECEIPT: &str = "receipt-of-";

type Messages = Arc<Mutex<Held>>;

#[derive(Debug, Default)]
struct Held {
    sent: u64,
    messages: Vec<Message>,
    /// How often each was received, by its id.
    receipts: HashMap<String, u32>,
    dead: Vec<Message>,
    /// For how many seconds each was hidden, by its id, in the order of the calls.
    hidden: Vec<(String, u64)>,
    most_receipts: u32,
}

/// One queue.
#[derive(Debug)]
pub struct Queue {
    server: Server,
    gate: Gate,
    held: Messages,
}

/// The longest message that SQS took when queues of this design began.
const MAX_BYTES: usize = 256 * 1024;

/// How often a message of the event queue is received before it is a dead letter, as template.yaml has it.
const MAX_RECEIPTS: u32 = 5;

/// The longest that SQS hides a message, in seconds.
const LONGEST_HIDDEN: u64 = 12 * 60 * 60;

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// An empty queue on a free port.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start() -> Result<Self> {
        Self::with_most_receipts(MAX_RECEIPTS).await
    }

    /// The same, with another number of receipts before a message is a dead letter.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn with_most_receipts(most_receipts: u32) -> Result<Self> {
        let held = Messages::new(Mutex::new(Held { most_receipts, ..Held::default() }));
        let gate = Gate::default();
        let router = Router::new().route("/", post(call)).with_state(Arc::clone(&held));
        Ok(Self { server: Server::start(router, gate.clone()).await?, gate, held })
    }

    /// Where the protocol is spoken (`AWS_ENDPOINT_URL_SQS`).
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The queue's URL (`EVENT_QUEUE_URL`).
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/000000000000/events", self.server.url())
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Takes all messages out.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut lock(&self.held).messages)
    }

    /// Takes some messages out, as Lambda's poller does. One that was received too often goes to the dead letters.
    #[must_use]
    pub fn receive(&self, most: usize) -> Vec<Message> {
        let held = &mut *lock(&self.held);
        let mut received = vec![];
        while received.len() < most && !held.messages.is_empty() {
            let message = held.messages.remove(0);
            let receipts = held.receipts.entry(message.id.clone()).or_default();
            if *receipts >= held.most_receipts {
                held.dead.push(message);
            } else {
                *receipts += 1;
                received.push(message);
            }
        }
        received
    }

    /// How often a message was received.
    #[must_use]
    pub fn receipts(&self, id: &str) -> u32 {
        lock(&self.held).receipts.get(id).copied().unwrap_or_default()
    }

    /// Messages that were received and not deleted are there again.
    pub fn give_back(&self, messages: impl IntoIterator<Item = Message>) {
        lock(&self.held).messages.extend(messages);
    }

    /// Puts a text in, as somebody does who is no function. Its id.
    pub fn put(&self, body: &str) -> String {
        lock(&self.held).put(body)
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.held).messages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// For how many seconds each message was hidden, by its id, in the order of the calls.
    #[must_use]
    pub fn hidden(&self) -> Vec<(String, u64)> {
        lock(&self.held).hidden.clone()
    }

    /// The texts of the dead letters.
    #[must_use]
    pub fn dead(&self) -> Vec<String> {
        lock(&self.held).dead.iter().map(|message| message.body.clone()).collect()
    }

    /// The texts of all messages, which stay.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.held).messages.iter().map(|message| message.body.clone()).collect()
    }
}

impl Held {
    fn put(&mut self, body: &str) -> String {
        self.sent += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.sent);
        self.messages.push(Message { id: id.clone(), body: body.to_owned() });
        id
    }
}

fn refuse(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"__type": format!("com.amazonaws.sqs#{kind}"), "message": kind})))
        .into_response()
}

async fn call(State(held): State<Messages>, headers: HeaderMap, request: String) -> Response {
    let request: Value = serde_json::from_str(&request).unwrap_or_default();
    let url = request.get("QueueUrl").and_then(Value::as_str);
    if !url.is_some_and(|url| url.ends_with("/000000000000/events")) {
        return refuse("QueueDoesNotExist");
    }
    match headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        Some("AmazonSQS.SendMessage") => send(&held, &request),
        Some("AmazonSQS.ChangeMessageVisibility") => hide(&held, &request),
        _ => refuse("UnsupportedOperation"),
    }
}

fn hide(held: &Messages, request: &Value) -> Response {
    let held = &mut *lock(held);
    let id = request.get("ReceiptHandle").and_then(Value::as_str).and_then(|handle| handle.strip_prefix(RECEIPT));
    let Some(id) = id.filter(|id| held.receipts.contains_key(*id)) else { return refuse("ReceiptHandleIsInvalid") };
    let seconds = request.get("VisibilityTimeout").and_then(Value::as_u64);
    let Some(seconds) = seconds.filter(|seconds| *seconds <= LONGEST_HIDDEN) else {
        return refuse("InvalidParameterValue");
    };
    held.hidden.push((id.to_owned(), seconds));
    Json(json!({})).into_response()
}

fn send(held: &Messages, request: &Value) -> Response {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let Some(body) = text("MessageBody").filter(|body| !body.is_empty() && body.len() <= MAX_BYTES) else {
        return refuse("InvalidParameterValue");
    };
    if !body.chars().all(is_xml) {
        return refuse("InvalidMessageContents");
    }
    Json(json!({"MessageId": lock(held).put(body)})).into_response()
}

/// The characters that SQS takes (XML 1.0 §2.2).
const fn is_xml(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}
