//! The dead letters of a [`Queue`](crate::queue::Queue): a queue by SQS's rules that others receive from, with a clock
//! of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

use crate::queue::refuse;

/// The end of its URL.
pub(crate) const PATH: &str = "/000000000000/dead-letters";
/// 2025-03-01T03:30:00.100Z: when everything was sent.
const SENT_AT: &str = "1740799800100";
/// SQS may deliver fewer messages than requested, and this one does.
const AT_ONCE: usize = 4;

/// What can be wrong with one of its operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is answered by this status.
    Status(u16),
    /// It is never answered.
    Hangs,
    /// It is confirmed but not performed: SQS may deliver what was deleted.
    Forgotten,
}

#[derive(Debug)]
struct Letter {
    id: String,
    body: String,
    receives: u64,
    hidden_until: Duration,
    /// Only the newest one counts.
    receipt: String,
}

impl Letter {
    fn was_brought(&self) -> bool {
        !self.receipt.is_empty()
    }
}

#[derive(Debug, Default)]
struct Letters {
    now: Duration,
    stored: Vec<Letter>,
    receipts: u64,
    answers: usize,
    troubles: BTreeMap<String, Trouble>,
    hands_out_twice: bool,
    /// How many answers repeat the messages of an earlier one.
    repeats: usize,
    /// The answer of this number, counted from 1, and all after it wait until they are released.
    held_from: Option<usize>,
}

/// One dead-letter queue.
#[derive(Clone, Debug, Default)]
pub struct DeadLetters {
    letters: Arc<Mutex<Letters>>,
    released: Arc<Notify>,
}

impl DeadLetters {
    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message in, as SQS does after too many receives. Its id.
    pub fn put(&self, body: &str) -> String {
        let mut letters = self.lock();
        let id = format!("00000000-0000-4000-9000-{:012}", letters.stored.len() + 1);
        let letter = Letter {
            id: id.clone(),
            body: body.to_owned(),
            receives: 5,
            hidden_until: Duration::ZERO,
            receipt: String::new(),
        };
        letters.stored.push(letter);
        id
    }

    /// The ids of all messages.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.lock().stored.iter().map(|letter| letter.id.clone()).collect()
    }

    /// The texts of all messages.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.lock().stored.iter().map(|letter| letter.body.clone()).collect()
    }

    /// The ids of those that anybody could receive now.
    #[must_use]
    pub fn visible(&self) -> Vec<String> {
        let letters = self.lock();
        let visible = letters.stored.iter().filter(|letter| letter.hidden_until <= letters.now);
        visible.map(|letter| letter.id.clone()).collect()
    }

    /// Lets time pass for the queue.
    pub fn pass(&self, time: Duration) {
        self.lock().now += time;
    }

    /// From now on something is wrong with an operation, as in `DeleteMessage`.
    pub fn trouble(&self, operation: &str, trouble: Trouble) {
        self.lock().troubles.insert(operation.to_owned(), trouble);
    }

    /// From now on every operation works.
    pub fn no_trouble(&self) {
        self.lock().troubles.clear();
    }

    /// Everything is handed out twice, hidden or not: a standard queue promises once at least.
    pub fn hand_out_twice(&self) {
        self.lock().hands_out_twice = true;
    }

    /// From this receive on, counted from 1, what is handed out arrives only once it is released.
    pub fn hold_from(&self, receive: usize) {
        self.lock().held_from = Some(receive);
    }

    /// What is held arrives.
    pub fn release(&self) {
        self.lock().held_from = None;
        self.released.notify_waiters();
    }

    /// Once anything was handed out, so many answers bring that again before any other comes: as if it had been hidden
    /// for long enough.
    pub fn repeat(&self, answers: usize) {
        self.lock().repeats = answers;
    }

    /// Does what it is asked for, or what is wrong with that.
    pub(crate) async fn answer(&self, operation: &str, request: &Value) -> Response {
        let trouble = self.lock().troubles.get(operation).copied();
        match trouble {
            Some(Trouble::Status(code)) => {
                return StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
            }
            Some(Trouble::Hangs) => std::future::pending().await,
            Some(Trouble::Forgotten) => {
                // Visible at once, and only this once.
                let mut letters = self.lock();
                letters.troubles.remove(operation);
                letters.stored.iter_mut().for_each(|letter| letter.hidden_until = Duration::ZERO);
                return Json(json!({})).into_response();
            }
            None => {}
        }
        let released = self.released.notified();
        let (done, is_held) = {
            let mut letters = self.lock();
            let done = letters.operate(operation, request);
            let is_held =
                operation == "ReceiveMessage" && letters.held_from.is_some_and(|from| letters.answers >= from);
            (done, is_held)
        };
        if is_held {
            released.await;
        }
        done.map_or_else(refuse, |answer| Json(answer).into_response())
    }
}

impl Letters {
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
        let at_most = usize::try_from(number("MaxNumberOfMessages", 1..=10)?).map_or(AT_ONCE, |most| most.min(AT_ONCE));
        let hidden = Duration::from_secs(number("VisibilityTimeout", 0..=43_200)?);
        let asks_all = number("WaitTimeSeconds", 0..=20)? > 0;
        self.answers += 1;
        let now = self.now;
        let mut messages = vec![];
        let repeats = self.repeats > 0 && self.stored.iter().any(Letter::was_brought);
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
        let is_asked = |name: &str| {
            request["AttributeNames"].as_array().is_some_and(|names| names.iter().any(|asked| asked == name))
        };
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
