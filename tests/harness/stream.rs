//! The table's stream, and Lambda's poller of it: it passes batches to a function in order, filtered as
//! `template.yaml` has it, and goes on only behind what the function didn't report.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use kakao_webhooks::erasure::{DEPARTING_EVENTS, LINKING_EVENTS, SERVICE_ERASED};

use crate::{
    lambda::{Lambda, Outcome},
    table::{self, Table},
};

/// A poller with its checkpoint.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The record after which it continues.
    after: Option<String>,
    /// The filter of its event source.
    passes: fn(&Value) -> bool,
    /// How many records a batch has at the most, as template.yaml has it.
    batch: usize,
}

/// How often a batch is redelivered before the test gives up.
const MOST_ATTEMPTS: usize = 20;

impl Stream {
    /// Switches the table's stream on. The poller has it from its beginning (`TRIM_HORIZON`).
    ///
    /// # Errors
    /// If the table has one already.
    pub fn begin(table: &Table) -> Result<Self> {
        let stream = json!({"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"});
        let update = json!({"TableName": table::NAME, "StreamSpecification": stream});
        table.database().update_table(request(update)?)?;
        Ok(Self { after: None, passes: is_published, batch: 100 })
    }

    /// Another poller of the same stream, from its beginning.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { after: None, ..self.clone() }
    }

    /// The recorder's poller of the same stream, from its beginning.
    #[must_use]
    pub fn of_departures(&self) -> Self {
        Self { after: None, passes: is_of_departure, batch: 1_000 }
    }

    /// The records that come next, and that the source's filter lets pass.
    ///
    /// # Errors
    /// If the table has no stream.
    pub fn next(&self, table: &Table) -> Result<Vec<Value>> {
        let mut records = table.stream_records_after(self.after.as_deref())?;
        records.retain(self.passes);
        records.truncate(self.batch);
        Ok(records)
    }

    /// Passes the next batch to the function once. Returns whether there are more.
    ///
    /// # Errors
    /// If the function ends, or names a record that isn't in the batch: Lambda would then bring all again.
    pub async fn poll(&mut self, table: &Table, function: &mut Lambda) -> Result<bool> {
        let batch = self.next(table)?;
        if batch.is_empty() {
            return Ok(false);
        }
        let outcome = function.invoke(&event(&batch)).await?;
        self.settle(&batch, &outcome)?;
        Ok(!self.next(table)?.is_empty())
    }

    /// Passes batches until none is left.
    ///
    /// # Errors
    /// As [`poll`](Self::poll), or if something never gets through.
    pub async fn drain(&mut self, table: &Table, function: &mut Lambda) -> Result<()> {
        for _ in 0..MOST_ATTEMPTS {
            if !self.poll(table, function).await? {
                return Ok(());
            }
        }
        bail!("{} records never get through", self.next(table)?.len())
    }

    /// Goes on behind what was processed (Lambda, "Reporting batch item failures": the lowest number counts).
    fn settle(&mut self, batch: &[Value], outcome: &Outcome) -> Result<()> {
        let Outcome::Response(answer) = outcome else { return Ok(()) };
        let failures = answer.get("batchItemFailures").and_then(Value::as_array).context("no batchItemFailures")?;
        let number = |failure: &Value| {
            let number = failure.get("itemIdentifier").and_then(Value::as_str).context("no itemIdentifier")?;
            let position = batch.iter().position(|record| sequence_number(record) == number);
            position.with_context(|| format!("{number:?} is no record of the batch"))
        };
        let first_failed = failures.iter().map(number).collect::<Result<Vec<_>>>()?.into_iter().min();
        let processed = batch.get(..first_failed.unwrap_or(batch.len())).unwrap_or_default();
        if let Some(last) = processed.last() {
            self.after = Some(sequence_number(last).to_owned());
        }
        Ok(())
    }
}

/// A batch as Lambda's poller delivers it.
#[must_use]
pub fn event(records: &[Value]) -> Value {
    json!({"Records": records})
}

/// The stream's number of a record. All are of one length, so that their order is the texts'.
#[must_use]
pub fn sequence_number(record: &Value) -> &str {
    record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default()
}

/// A text of a record.
fn text<'r>(record: &'r Value, pointer: &str) -> &'r str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The pattern of the publisher's event source in `template.yaml`.
fn is_published(record: &Value) -> bool {
    let pk = text(record, "/dynamodb/Keys/pk/S");
    ["INSERT", "MODIFY"].contains(&text(record, "/eventName"))
        && text(record, "/dynamodb/Keys/sk/S") == "STATE"
        && ["USER#", "OPENID#"].iter().any(|prefix| pk.starts_with(prefix))
}

/// The patterns of the recorder's.
fn is_of_departure(record: &Value) -> bool {
    let (name, sk) = (text(record, "/eventName"), text(record, "/dynamodb/Keys/sk/S"));
    let event = text(record, "/dynamodb/NewImage/event/S");
    let is_listed = DEPARTING_EVENTS.contains(&event) || LINKING_EVENTS.contains(&event) || event == SERVICE_ERASED;
    let is_line = name == "INSERT" && sk.starts_with("EVENT#") && is_listed;
    let is_unlinked = text(record, "/dynamodb/NewImage/link/M/status/S") == "unlinked";
    let is_state = ["INSERT", "MODIFY"].contains(&name) && sk == "STATE" && is_unlinked;
    text(record, "/dynamodb/Keys/pk/S").starts_with("USER#") && (is_line || is_state)
}

impl Table {
    /// All writes to the table so far, as its stream reports them, oldest first.
    ///
    /// # Errors
    /// If it has no stream.
    pub fn stream_records(&self) -> Result<Vec<Value>> {
        self.stream_records_after(None)
    }

    /// The same without those up to this number.
    fn stream_records_after(&self, after: Option<&str>) -> Result<Vec<Value>> {
        let streams = serde_json::to_value(self.database().list_streams(request(json!({}))?)?)?;
        let arn = streams.pointer("/Streams/0/StreamArn").and_then(Value::as_str).context("the table has no stream")?;
        let described = self.database().describe_stream(request(json!({"StreamArn": arn}))?)?;
        let described = serde_json::to_value(described)?;
        let shards = described.pointer("/StreamDescription/Shards").and_then(Value::as_array).context("no shards")?;
        ensure!(shards.len() == 1, "{} shards: then the order is another question", shards.len());
        let shard = described.pointer("/StreamDescription/Shards/0/ShardId").context("a shard has an id")?;
        let from = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let asked = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": from, "SequenceNumber": after});
        let begun = serde_json::to_value(self.database().get_shard_iterator(request(asked)?)?)?;
        let (mut iterator, mut records) = (begun.get("ShardIterator").cloned().unwrap_or_default(), vec![]);
        loop {
            let page = self.database().get_records(request(json!({"ShardIterator": iterator}))?)?;
            let mut page = serde_json::to_value(page)?;
            let read = page.get_mut("Records").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
            if read.is_empty() {
                return Ok(records);
            }
            records.extend(read);
            iterator = page.get("NextShardIterator").cloned().unwrap_or_default();
            if iterator.is_null() {
                return Ok(records);
            }
        }
    }
}

fn request<T: serde::de::DeserializeOwned>(members: Value) -> Result<T> {
    Ok(serde_json::from_value(members)?)
}

/// A record with something else in its new image: what another version might have stored.
#[must_use]
pub fn with_new_member(mut record: Value, name: &str, value: &Value) -> Value {
    let image = record.pointer_mut("/dynamodb/NewImage").and_then(Value::as_object_mut);
    image.into_iter().for_each(|image| drop(image.insert(name.to_owned(), value.clone())));
    record
}
