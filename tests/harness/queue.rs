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

use crate::{
    dead_letters::{self, DeadLetters},
    faults::{Gate, Server},
};

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

type SharedMessages = Arc<Mutex<HeldMessages>>;

#[derive(Debug, Default)]
struct HeldMessages {
    sent: u64,
    messages: Vec<Message>,
    /// How often each was received, by its id.
    receipts: HashMap<String, u32>,
    /// For how many seconds each was hidden, by its id, in the order of the calls.
    hidden: Vec<(String, u64)>,
    /// Those that their receiver deleted itself, by their ids.
    deleted: Vec<String>,
    most_receipts: u32,
}

/// One queue with its dead-letter queue, at one address as in SQS.
#[derive(Debug)]
pub struct Queue {
    server: Arc<Server>,
    gate: Gate,
    held: SharedMessages,
    answers: SharedMessages,
    dead_letters: DeadLetters,
    path: &'static str,
}

/// The end of its URL.
const PATH: &str = "/000000000000/events";

/// The end of the URL of the queue for answers.
pub const ANSWERS_PATH: &str = "/000000000000/answers";

/// The longest message that SQS took when queues of this design began.
const MAX_BYTES: usize = 256 * 1024;

/// The most messages that SQS takes in one call.
const MOST_OF_A_BATCH: usize = 10;

/// How often a message of the event queue is received before it is a dead letter, as template.yaml has it.
const MAX_RECEIPTS: u32 = 5;

/// The longest that SQS hides a message, in seconds.
const LONGEST_HIDDEN: u64 = 12 * 60 * 60;

fn lock(held: &Mutex<HeldMessages>) -> MutexGuard<'_, HeldMessages> {
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
        let held = SharedMessages::new(Mutex::new(HeldMessages { most_receipts, ..HeldMessages::default() }));
        // Without a dead-letter queue.
        let answers = HeldMessages { most_receipts: u32::MAX, ..HeldMessages::default() };
        let answers = SharedMessages::new(Mutex::new(answers));
        let (gate, dead_letters) = (Gate::default(), DeadLetters::default());
        let state = (Arc::clone(&held), Arc::clone(&answers), dead_letters.clone());
        let router = Router::new().route("/", post(answer)).with_state(state);
        let server = Server::start(router, gate.clone()).await?.into();
        Ok(Self { server, gate, held, answers, dead_letters, path: PATH })
    }

    /// The queue for answers, at the same address.
    #[must_use]
    pub fn of_answers(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            gate: self.gate.clone(),
            held: Arc::clone(&self.answers),
            answers: Arc::clone(&self.answers),
            dead_letters: self.dead_letters.clone(),
            path: ANSWERS_PATH,
        }
    }

    /// The messages that their receiver deleted itself, by their ids.
    #[must_use]
    pub fn deleted(&self) -> Vec<String> {
        lock(&self.held).deleted.clone()
    }

    /// Where the protocol is spoken (`AWS_ENDPOINT_URL_SQS`).
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The queue's URL (`EVENT_QUEUE_URL`).
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.server.url(), self.path)
    }

    /// The dead-letter queue's URL (`DEAD_LETTER_QUEUE_URL`).
    #[must_use]
    pub fn dead_letter_url(&self) -> String {
        format!("{}{}", self.server.url(), dead_letters::PATH)
    }

    /// What was received too often.
    #[must_use]
    pub const fn dead_letters(&self) -> &DeadLetters {
        &self.dead_letters
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
                self.dead_letters.put(&message.body);
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

    /// Sends a text, as a sender does that is not one of the functions. Returns its id.
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

    /// The texts of all messages, which stay.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.held).messages.iter().map(|message| message.body.clone()).collect()
    }
}

impl HeldMessages {
    fn put(&mut self, body: &str) -> String {
        self.sent += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.sent);
        self.messages.push(Message { id: id.clone(), body: body.to_owned() });
        id
    }
}

pub(crate) fn refuse(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"__type": format!("com.amazonaws.sqs#{kind}"), "message": kind})))
        .into_response()
}

async fn answer(
    State((held, answers, dead_letters)): State<(SharedMessages, SharedMessages, DeadLetters)>,
    headers: HeaderMap,
    request: String,
) -> Response {
    let request: Value = serde_json::from_str(&request).unwrap_or_default();
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("AmazonSQS.").unwrap_or_default();
    match request.get("QueueUrl").and_then(Value::as_str).unwrap_or_default() {
        url if url.ends_with(dead_letters::PATH) => dead_letters.answer(operation, &request).await,
        url if url.ends_with(PATH) => operate(operation, &held, &request),
        url if url.ends_with(ANSWERS_PATH) => operate(operation, &answers, &request),
        _ => refuse("QueueDoesNotExist"),
    }
}

fn operate(operation: &str, held: &SharedMessages, request: &Value) -> Response {
    match operation {
        "SendMessage" => send(held, request),
        "SendMessageBatch" => send_batch(held, request),
        "ChangeMessageVisibility" => hide(held, request),
        "DeleteMessage" => delete(held, request),
        "GetQueueAttributes" => count(held),
        _ => refuse("UnsupportedOperation"),
    }
}

/// How many messages there are: none of them is hidden from its readers.
fn count(held: &SharedMessages) -> Response {
    let count = lock(held).messages.len().to_string();
    Json(json!({"Attributes": {"ApproximateNumberOfMessages": count, "ApproximateNumberOfMessagesNotVisible": "0"}}))
        .into_response()
}

/// The id of a message that was received, by the handle of the request.
fn received_id(held: &HeldMessages, request: &Value) -> Option<String> {
    let id = request["ReceiptHandle"].as_str().and_then(|handle| handle.strip_prefix(RECEIPT))?;
    held.receipts.contains_key(id).then(|| id.to_owned())
}

fn delete(held: &Mutex<HeldMessages>, request: &Value) -> Response {
    let held = &mut *lock(held);
    let Some(id) = received_id(held, request) else { return refuse("ReceiptHandleIsInvalid") };
    held.messages.retain(|message| message.id != id);
    held.deleted.push(id);
    Json(json!({})).into_response()
}

fn hide(held: &Mutex<HeldMessages>, request: &Value) -> Response {
    let held = &mut *lock(held);
    let Some(id) = received_id(held, request) else { return refuse("ReceiptHandleIsInvalid") };
    let seconds = request["VisibilityTimeout"].as_u64();
    let Some(seconds) = seconds.filter(|seconds| *seconds <= LONGEST_HIDDEN) else {
        return refuse("InvalidParameterValue");
    };
    held.hidden.push((id, seconds));
    Json(json!({})).into_response()
}

fn send(held: &Mutex<HeldMessages>, request: &Value) -> Response {
    match accepted(request) {
        Ok(body) => Json(json!({"MessageId": lock(held).put(body)})).into_response(),
        Err(code) => refuse(code),
    }
}

/// Each message of a batch is accepted or refused by itself.
fn send_batch(held: &Mutex<HeldMessages>, request: &Value) -> Response {
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return refuse("EmptyBatchRequest");
    }
    if entries.len() > MOST_OF_A_BATCH {
        return refuse("TooManyEntriesInBatchRequest");
    }
    let (mut successful, mut failed) = (vec![], vec![]);
    for entry in entries {
        match accepted(entry) {
            Ok(body) => successful.push(json!({"Id": entry["Id"], "MessageId": lock(held).put(body)})),
            Err(code) => failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": true})),
        }
    }
    Json(json!({"Successful": successful, "Failed": failed})).into_response()
}

/// The body of a message, or SQS's code for why it does not take it.
fn accepted(message: &Value) -> Result<&str, &'static str> {
    let body = message["MessageBody"].as_str().filter(|body| !body.is_empty() && body.len() <= MAX_BYTES);
    let body = body.ok_or("InvalidParameterValue")?;
    if body.chars().all(is_xml) { Ok(body) } else { Err("InvalidMessageContents") }
}

/// The characters that SQS takes (XML 1.0 §2.2).
const fn is_xml(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}
