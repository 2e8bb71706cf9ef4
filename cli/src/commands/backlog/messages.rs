//! A queue in which messages wait for an operator. SQS has no list operation: listing messages means receiving them and
//! returning them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types::{ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName},
};
use kakao_webhooks::wire::Time;
use serde_json::{Map, Value, json};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::{JoinHandle, block_in_place},
    time::{Instant, timeout},
};

use crate::{
    aws::{attempts_of, fault::sentence},
    commands::backlog::{Backlog, Chosen, Fate, Reach, Swept, Wanted, Words, letter},
    ui::{age, count::counted, output},
};

/// A queue that no function receives from.
#[derive(Clone, Debug)]
pub struct MessageQueue {
    client: Client,
    url: String,
    name: &'static str,
}

/// A message that waits in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMessage {
    /// The queue's id of it.
    pub id: String,
    /// Its text.
    pub body: String,
    /// When it was first sent: being moved here doesn't change that.
    pub sent_at: Option<Time>,
    /// How often it was received, looks included.
    pub receives: u32,
}

impl WaitingMessage {
    /// What the queue knows of it, as members of `--json`.
    pub(crate) fn members(&self, now: Time) -> Vec<(String, Value)> {
        vec![
            ("message_id".to_owned(), json!(self.id)),
            ("sent_at".to_owned(), json!(self.sent_at)),
            ("receives".to_owned(), json!(self.receives)),
            ("age_seconds".to_owned(), json!(self.sent_at.map(|time| age::seconds(time, now)))),
        ]
    }
}

/// A backlog of messages: what is its own about it. All else is the same for each.
pub(crate) trait MessageBacklog {
    const WORDS: Words;
    /// The columns of `list`. The first is the id.
    const COLUMNS: &'static [&'static str];

    fn queue(&self) -> &MessageQueue;
    /// What `list` prints if there are none.
    async fn nothing(&self) -> String {
        Self::WORDS.empty.to_owned()
    }
    fn row(message: &WaitingMessage, now: Time) -> Vec<String>;
    /// A member of `list --json`.
    fn described(message: &WaitingMessage, now: Time) -> Map<String, Value>;
    /// What a replay at this time sends of a message; `None`, after a warning, if it is kept.
    fn text_to_send(message: &WaitingMessage, at: &str, anyway: bool) -> Result<Option<String>>;
}

/// Why a message that was asked for may not be found.
pub(crate) const GONE: &str = "gone, or another process is reading them now: try again in half a minute";

impl<B: MessageBacklog> Backlog for B {
    type Item = WaitingMessage;
    const WORDS: Words = <B as MessageBacklog>::WORDS;
    const COLUMNS: &'static [&'static str] = <B as MessageBacklog>::COLUMNS;
    /// A queue that refuses one message refuses the next.
    const REFUSALS: usize = 1;

    fn id(message: &WaitingMessage) -> &str {
        &message.id
    }

    fn since(message: &WaitingMessage) -> Option<Time> {
        message.sent_at
    }

    fn row(message: &WaitingMessage, now: Time) -> Vec<String> {
        <B as MessageBacklog>::row(message, now)
    }

    fn described(message: &WaitingMessage, now: Time) -> Value {
        Value::Object(<B as MessageBacklog>::described(message, now))
    }

    fn shown(message: &WaitingMessage, now: Time) -> Value {
        let mut members = <B as MessageBacklog>::described(message, now);
        members.insert("body".to_owned(), letter::readable(&message.body));
        Value::Object(members)
    }

    async fn sweep(
        &self,
        chosen: Chosen<WaitingMessage>,
        limit: usize,
        visit: impl AsyncFnMut(WaitingMessage) -> Result<Fate>,
    ) -> Result<Swept> {
        self.queue().sweep_wanted(&chosen.into_wanted(Self::id), limit, visit).await
    }

    async fn text_to_send(&self, message: &WaitingMessage, at: &str, anyway: bool) -> Result<Option<String>> {
        <B as MessageBacklog>::text_to_send(message, at, anyway)
    }

    async fn nothing(&self) -> String {
        <B as MessageBacklog>::nothing(self).await
    }

    async fn confirm_empty(&self) -> Result<()> {
        self.queue().confirm_empty(<B as MessageBacklog>::WORDS.noun).await
    }

    fn more(reach: Reach, limit: usize) -> Option<String> {
        more(reach, limit, <B as MessageBacklog>::WORDS.noun)
    }
}

/// The most that SQS sweep out or takes back at once.
const BATCH: usize = 10;
/// How long a received message is hidden from others: longer than ten can take, and short if we are interrupted
/// before we give it back.
const HIDDEN: Duration = Duration::from_secs(30);
/// A wait asks all of SQS's servers; without one an empty answer means nothing.
const WAIT: Duration = Duration::from_secs(1);
/// This many consecutive empty answers end a list. An answer with messages that were seen before is not empty: they may
/// have become visible again, and others may follow.
const EMPTY_ANSWERS: u32 = 2;
/// The limit of one attempt of a call, its wait included.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a command that is ended by a signal goes on to give back what it holds.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(5);

/// A sweep under way. Dropped before its end, it gives back what it holds.
struct Sweep<'d> {
    queue: &'d MessageQueue,
    seen: BTreeSet<String>,
    /// Ids and their newest receipts, to be given back.
    held: BTreeMap<String, String>,
    deleted: BTreeSet<String>,
    /// A receive that is not answered yet: the queue may have hidden messages for it already.
    asked: Option<JoinHandle<Result<Vec<Message>>>>,
}

impl<'d> Sweep<'d> {
    const fn new(queue: &'d MessageQueue) -> Self {
        Self { queue, seen: BTreeSet::new(), held: BTreeMap::new(), deleted: BTreeSet::new(), asked: None }
    }

    async fn receive(&mut self, at_most: usize) -> Result<Vec<Message>> {
        let queue = self.queue.clone();
        let asked = self.asked.insert(tokio::spawn(async move { queue.receive(at_most).await }));
        let received = asked.await;
        self.asked = None;
        received?
    }

    /// What can't be given back comes back by itself when it has been hidden for long enough.
    async fn give_back(&mut self) {
        let receipts: Vec<String> = self.held.values().cloned().collect();
        self.queue.give_back(&receipts).await;
        self.held.clear();
    }

    /// The same, with what is handed out only now.
    async fn give_back_everything(&mut self) {
        if let Some(asked) = self.asked.take()
            && let Ok(Ok(Ok(received))) = timeout(WAIT * 2, asked).await
        {
            let with_receipt = |message: Message| Some((message.message_id?, message.receipt_handle?));
            self.held.extend(received.into_iter().filter_map(with_receipt));
        }
        self.give_back().await;
    }
}

impl Drop for Sweep<'_> {
    fn drop(&mut self) {
        if self.held.is_empty() && self.asked.is_none() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        // One with a single thread can't go on while that thread waits: they come back by themselves then.
        if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
            output::say("Returning the messages to the queue ...");
            let _ = block_in_place(|| {
                runtime.block_on(async { timeout(GIVE_BACK_TIMEOUT, self.give_back_everything()).await })
            });
        }
    }
}

impl MessageQueue {
    /// The queue at this URL; `name` is what a reader knows it by.
    #[must_use]
    pub fn new(aws: &SdkConfig, url: impl Into<String>, name: &'static str) -> Self {
        let config = Builder::from(aws).timeout_config(attempts_of(aws, PATIENCE)).build();
        Self { client: Client::from_conf(config), url: url.into(), name }
    }

    /// Shows every wanted message once to `visit`, of at most `limit` that it looks at, and does with it what the
    /// answer says. All that is left is given back at the end, or comes back by itself if we don't get there.
    ///
    /// # Errors
    /// The first of the queue's or of `visit`'s.
    pub async fn sweep_wanted(
        &self,
        wanted: &Wanted,
        limit: usize,
        visit: impl AsyncFnMut(WaitingMessage) -> Result<Fate>,
    ) -> Result<Swept> {
        let mut sweep = Sweep::new(self);
        let swept = self.rounds(&mut sweep, wanted, limit, visit).await;
        sweep.give_back().await;
        swept
    }

    async fn rounds(
        &self,
        sweep: &mut Sweep<'_>,
        wanted: &Wanted,
        limit: usize,
        mut visit: impl AsyncFnMut(WaitingMessage) -> Result<Fate>,
    ) -> Result<Swept> {
        let (mut empty, mut last_new) = (0, Instant::now());
        loop {
            let missing = wanted.missing(&sweep.seen);
            let is_whole = missing.as_ref().is_some_and(BTreeSet::is_empty) || empty == EMPTY_ANSWERS;
            let reach = match sweep.seen.len() {
                _ if is_whole => Some(Reach::Whole),
                seen if seen >= limit => Some(Reach::Limit),
                _ if last_new.elapsed() > HIDDEN => Some(Reach::Circle),
                _ => None,
            };
            if let Some(reach) = reach {
                return Ok(Swept { missing: missing.unwrap_or_default(), reach });
            }
            let received = sweep.receive(limit - sweep.seen.len()).await?;
            empty = if received.is_empty() { empty + 1 } else { 0 };
            let new = self.taken_up(sweep, received).await?;
            let has_new = !new.is_empty();
            for (letter, receipt) in new {
                if wanted.has(&letter.id) {
                    let id = letter.id.clone();
                    if visit(letter).await? != Fate::Kept {
                        self.delete(&id, &receipt).await?;
                        sweep.held.remove(&id);
                        sweep.deleted.insert(id);
                    }
                }
            }
            if has_new {
                last_new = Instant::now();
            }
        }
    }

    /// Those that weren't seen before. SQS may hand out a message after its deletion: it is deleted again.
    async fn taken_up(&self, sweep: &mut Sweep<'_>, received: Vec<Message>) -> Result<Vec<(WaitingMessage, String)>> {
        let mut new = Vec::new();
        for message in received {
            let (Some(id), Some(receipt)) = (message.message_id.clone(), message.receipt_handle.clone()) else {
                continue;
            };
            if sweep.deleted.contains(&id) {
                self.delete(&id, &receipt).await?;
                continue;
            }
            sweep.held.insert(id.clone(), receipt.clone());
            if sweep.seen.insert(id.clone()) {
                new.push((letter(id, message), receipt));
            }
        }
        Ok(new)
    }

    async fn receive(&self, at_most: usize) -> Result<Vec<Message>> {
        let seconds = |time: Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(at_most.min(BATCH)).unwrap_or(1))
            .visibility_timeout(seconds(HIDDEN))
            .wait_time_seconds(seconds(WAIT))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        Ok(received.map_err(|error| self.fault("sqs:ReceiveMessage", &error))?.messages.unwrap_or_default())
    }

    /// How many there are, hidden ones included, as far as the queue knows: it may take a minute to learn of a change.
    ///
    /// # Errors
    /// If the queue can't be asked.
    pub async fn count(&self) -> Result<u64> {
        let asked = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .send()
            .await;
        let counts =
            asked.map_err(|error| self.fault("sqs:GetQueueAttributes", &error))?.attributes.unwrap_or_default();
        counts.values().map(|count| count.parse::<u64>().context("the queue's count is not a number")).sum()
    }

    async fn delete(&self, id: &str, receipt: &str) -> Result<()> {
        let deleted = self.client.delete_message().queue_url(&self.url).receipt_handle(receipt).send().await;
        deleted.map(drop).map_err(|error| {
            self.fault("sqs:DeleteMessage", &error)
                .context(format!("`{id}` is done, but stays in the {}. Repeating it is safe", self.name))
        })
    }

    /// Fails if messages of this name can't be seen now, although none was found.
    ///
    /// # Errors
    /// If there are such messages, or the queue can't be asked.
    pub(crate) async fn confirm_empty(&self, noun: &str) -> Result<()> {
        let hidden = usize::try_from(self.count().await?)?;
        ensure!(
            hidden == 0,
            "{} cannot be seen now: another process is reading them, or they were deleted a moment ago. Try again in \
             half a minute",
            counted(hidden, noun)
        );
        Ok(())
    }

    fn fault<E, R>(&self, action: &str, error: &SdkError<E, R>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        anyhow::anyhow!("the {} can't be used: {}", self.name, sentence(action, error))
    }

    async fn give_back(&self, receipts: &[String]) {
        for batch in receipts.chunks(BATCH) {
            let entry = |(index, receipt): (usize, &String)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(receipt).visibility_timeout(0).build().ok()
            };
            let entries = batch.iter().enumerate().filter_map(entry).collect();
            let _ = self
                .client
                .change_message_visibility_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await;
        }
    }
}

fn letter(id: String, message: Message) -> WaitingMessage {
    let attribute = |name| message.attributes.as_ref().and_then(|attributes| attributes.get(&name));
    let sent_at = attribute(MessageSystemAttributeName::SentTimestamp);
    let receives = attribute(MessageSystemAttributeName::ApproximateReceiveCount);
    WaitingMessage {
        id,
        sent_at: sent_at.and_then(|millis| Time::from_millis(millis.parse().ok()?)),
        receives: receives.and_then(|count| count.parse().ok()).unwrap_or_default(),
        body: message.body.unwrap_or_default(),
    }
}

/// Why there may be more messages of this name than were read, and how to read the rest.
fn more(reach: Reach, limit: usize, noun: &str) -> Option<String> {
    match reach {
        Reach::Whole => None,
        Reach::Limit => Some(format!("looked at {}, and there may be more: raise --limit", counted(limit, noun))),
        Reach::Circle => Some(
            "the queue returned the same messages again, and there may be more: replay or drop some, then look again"
                .to_owned(),
        ),
    }
}
