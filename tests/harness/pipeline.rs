//! The whole thin pipe: acknowledging function → queue → processor → table.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use kakao_webhooks::{state::user_view, wire::Route};
use runtime::store::inbox_partitions;
use serde_json::{Map, Value, json};

use crate::{
    Answer, Request,
    calls::Calls,
    gateway,
    hygiene::Watch,
    keys::KeyEndpoint,
    lambda::{Environment, Lambda, Outcome},
    queue::{Message, Queue},
    reconciling, service,
    table::{self, Table},
};

/// The service, all of it on this machine. Functions start when they are first needed.
pub struct Pipeline {
    /// SQS.
    pub queue: Queue,
    /// DynamoDB.
    pub table: Table,
    /// Kakao's key set.
    pub keys: KeyEndpoint,
    functions: BTreeMap<&'static str, Lambda>,
    /// Dropped after the functions: then it has seen all that they wrote.
    watch: Watch,
    calls: Calls,
    environment: Environment,
    /// Instead of the template's.
    processor_limit: Option<Duration>,
}

/// How many messages a batch has at the most, as template.yaml has it.
const BATCH: usize = 10;
/// A function's time, as template.yaml has it. A function knows it and is never stopped by it: one that takes longer
/// is found by the tests that look at the clock.
const LIMITS: [(&str, Duration); 9] = [
    ("unlink", Duration::from_secs(3)),
    ("account-status", Duration::from_secs(3)),
    ("talk-share", Duration::from_secs(3)),
    ("talk-channel", Duration::from_secs(3)),
    ("skill", Duration::from_secs(5)),
    (PROCESSOR, Duration::from_secs(30)),
    ("janitor", Duration::from_secs(50)),
    ("reconciler", reconciling::LIMIT),
    ("answerer", Duration::from_secs(300)),
];
const PROCESSOR: &str = "processor";
/// For the publisher: less than template.yaml's, so that it gives up while a test waits for that.
const SOON: Duration = Duration::from_secs(5);

/// How many minutes may pass until all is in the table, on a machine that may have no time for it.
const MINUTES: usize = 5;

impl Pipeline {
    /// A service that knows the two apps of [`service`].
    ///
    /// # Errors
    /// If one of its servers can't start.
    pub async fn start() -> Result<Self> {
        Self::around(Table::start().await?).await
    }

    /// The same around this table.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn around(table: Table) -> Result<Self> {
        let (queue, keys) = (Queue::start().await?, KeyEndpoint::start().await?);
        let environment = [
            ("KAKAO_APPS", service::KAKAO_APPS.to_owned()),
            ("SKILL_AUTH", service::SKILL_AUTH.to_owned()),
            ("KAKAO_JWKS_URL", keys.url()),
            ("EVENT_QUEUE_URL", queue.url()),
            ("TABLE_NAME", table::NAME.to_owned()),
            ("AWS_ENDPOINT_URL_SQS", queue.endpoint()),
            ("AWS_ENDPOINT_URL_DYNAMODB", table.endpoint()),
            ("HISTORY_RETENTION_DAYS", "90".to_owned()),
            ("QUARANTINE_RETENTION_DAYS", "30".to_owned()),
            ("GONE_RETENTION_DAYS", "90".to_owned()),
            ("RUST_LOG", "info".to_owned()),
            ("TEST_CLOCK_AHEAD_MS", gateway::clock_ahead().to_string()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Ok(Self {
            queue,
            table,
            keys,
            functions: BTreeMap::new(),
            watch: Watch::default(),
            calls: Calls::default(),
            environment,
            processor_limit: None,
        })
    }

    /// The same with another value of a variable, for functions that start from now on.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// The same without a variable.
    #[must_use]
    pub fn without(mut self, variable: &str) -> Self {
        self.environment.remove(variable);
        self
    }

    /// The same with less time for the processor, so that it gives up sooner.
    #[must_use]
    pub const fn processor_limit(mut self, limit: Duration) -> Self {
        self.processor_limit = Some(limit);
        self
    }

    /// Starts a function of its own with the service's variables.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start_function(&self, name: &str) -> Result<Lambda> {
        self.start_function_with(name, &[]).await
    }

    /// The same with other values of these variables.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start_function_with(&self, name: &str, variables: &[(&str, &str)]) -> Result<Lambda> {
        let of_template = LIMITS.iter().find(|(function, _)| *function == name).map(|(_, limit)| *limit);
        let limit = self.processor_limit.filter(|_| name == PROCESSOR).or(of_template).unwrap_or(SOON);
        self.start_function_within(name, limit, variables).await
    }

    /// The same with this time for an invocation.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn start_function_within(
        &self,
        name: &str,
        limit: Duration,
        variables: &[(&str, &str)],
    ) -> Result<Lambda> {
        let mut environment = self.environment.clone();
        environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Lambda::start(name, &environment, limit, self.watch.log(), &self.calls).await
    }

    /// One of the service's functions.
    ///
    /// # Errors
    /// If it can't be started.
    pub async fn function(&mut self, name: &'static str) -> Result<&mut Lambda> {
        if !self.functions.contains_key(name) {
            let function = self.start_function(name).await?;
            self.functions.insert(name, function);
        }
        self.functions.get_mut(name).context("it was just started")
    }

    /// Sends a request to the function whose path it has.
    ///
    /// # Errors
    /// If no function has the path, or it doesn't answer at all.
    pub async fn deliver(&mut self, request: &Request) -> Result<Answer> {
        let path = request.path.trim_end_matches('/');
        let route = Route::ALL.into_iter().find(|route| path.ends_with(route.path));
        let route = route.with_context(|| format!("the gateway has no route for {path}"))?;
        self.deliver_to(route.function, request).await
    }

    /// Sends a request to a function, whatever its path.
    ///
    /// # Errors
    /// If it doesn't answer at all.
    pub async fn deliver_to(&mut self, name: &'static str, request: &Request) -> Result<Answer> {
        match self.function(name).await?.invoke(&request.event()).await? {
            Outcome::Response(response) => Answer::of_response(&response),
            Outcome::Error(_) => Ok(Answer::of_failure()),
        }
    }

    /// Passes everything in the queue to the processor. Returns the texts that it could not apply.
    ///
    /// # Errors
    /// If the processor fails as a whole.
    pub async fn drain(&mut self) -> Result<Vec<String>> {
        let mut failed = vec![];
        for batch in self.queue.take().chunks(BATCH) {
            let ids = self.process(batch).await?;
            failed.extend(batch.iter().filter(|message| ids.contains(&message.id)).map(|message| message.body.clone()));
        }
        Ok(failed)
    }

    /// Minutes pass in which nothing fails: the inbox goes to the queue.
    ///
    /// # Errors
    /// If something is left at the end, or the janitor fails as a whole.
    pub async fn empty_inbox(&mut self) -> Result<()> {
        for _ in 0..MINUTES {
            if self.inbox()?.is_empty() {
                return Ok(());
            }
            let outcome = self.function("janitor").await?.invoke(&json!({"source": "aws.scheduler"})).await?;
            if let Outcome::Error(error) = outcome {
                bail!("the janitor failed: {error}");
            }
        }
        let left = self.inbox()?;
        ensure!(left.is_empty(), "in the inbox {left:?}");
        Ok(())
    }

    /// The same, and the queue goes to the table.
    ///
    /// # Errors
    /// If something is left at the end, or a worker fails as a whole.
    pub async fn settle(&mut self) -> Result<()> {
        self.empty_inbox().await?;
        let mut left = self.drain().await?;
        for _ in 0..MINUTES {
            if left.is_empty() {
                return Ok(());
            }
            let failed = self.process_texts(&left).await?;
            let is_left = |(index, text): (usize, String)| failed.contains(&index).then_some(text);
            left = left.into_iter().enumerate().filter_map(is_left).collect();
        }
        ensure!(left.is_empty(), "in the queue {left:?}");
        Ok(())
    }

    /// What is in the inbox.
    ///
    /// # Errors
    /// If the table can't be read.
    pub fn inbox(&self) -> Result<Vec<Map<String, Value>>> {
        let partitions: Result<Vec<_>> = inbox_partitions().map(|pk| self.table.partition(&pk)).collect();
        Ok(partitions?.concat())
    }

    /// Passes texts to the processor as one batch. Returns the positions of those that it could not apply.
    ///
    /// # Errors
    /// As [`drain`](Self::drain).
    pub async fn process_texts(&mut self, texts: &[String]) -> Result<Vec<usize>> {
        let message = |(index, body): (usize, &String)| Message { id: index.to_string(), body: body.clone() };
        let batch: Vec<Message> = texts.iter().enumerate().map(message).collect();
        self.process(&batch).await?.iter().map(|id| Ok(id.parse()?)).collect()
    }

    /// Passes a batch to the processor. Returns the ids of the messages that it could not apply.
    ///
    /// # Errors
    /// As [`drain`](Self::drain), or if it names a message that isn't in the batch: SQS would then bring all again.
    pub async fn process(&mut self, batch: &[Message]) -> Result<Vec<String>> {
        let outcome = self.function(PROCESSOR).await?.invoke(&batch_event(batch)).await?;
        failures(batch, outcome)
    }

    /// The state of the partition `pk`, in the contract's form.
    ///
    /// # Errors
    /// If the table can't be read.
    pub fn state_of(&self, pk: &str) -> Result<Option<Value>> {
        let shares = self.table.item(pk, "SHARES")?;
        let state = self.table.item(pk, "STATE")?;
        let is_empty = state.is_none() && shares.is_none();
        Ok((!is_empty).then(|| user_view(state.unwrap_or_default(), shares)))
    }

    /// The state of a member of an app.
    ///
    /// # Errors
    /// As [`state_of`](Self::state_of).
    pub fn state(&self, app_id: &str, user_id: &str) -> Result<Option<Value>> {
        self.state_of(&format!("USER#{app_id}#{user_id}"))
    }

    /// The history of the partition `pk`, oldest key first.
    ///
    /// # Errors
    /// If the table can't be read.
    pub fn history(&self, pk: &str) -> Result<Vec<Map<String, Value>>> {
        let is_history = |item: &Map<String, Value>| {
            item.get("sk").and_then(Value::as_str).is_some_and(|sort| sort.starts_with("EVENT#"))
        };
        Ok(self.table.partition(pk)?.into_iter().filter(is_history).collect())
    }

    /// Everything that the functions have written to their logs so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.functions.values().flat_map(Lambda::lines).collect()
    }

    /// The same as it was written: a line for each invocation.
    #[must_use]
    pub fn raw_lines(&self) -> Vec<Value> {
        self.functions.values().flat_map(Lambda::raw_lines).collect()
    }

    /// The search of everything that the functions write, [`Watch`].
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// What the functions asked of AWS so far.
    #[must_use]
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// All items whose partition begins like this.
    ///
    /// # Errors
    /// If the table can't be read.
    pub fn items_of(&self, prefix: &str) -> Result<Vec<Map<String, Value>>> {
        let begins =
            |item: &Map<String, Value>| item.get("pk").and_then(Value::as_str).is_some_and(|pk| pk.starts_with(prefix));
        Ok(self.table.items()?.into_iter().filter(begins).collect())
    }
}

/// A batch as Lambda's poller delivers it.
#[must_use]
pub fn batch_event(batch: &[Message]) -> Value {
    batch_event_of(&batch.iter().map(|message| (message, 1)).collect::<Vec<_>>())
}

/// The same of messages with the number of times that each was received.
#[must_use]
pub fn batch_event_of(batch: &[(&Message, u32)]) -> Value {
    let records: Vec<Value> = batch.iter().map(|(message, receipts)| record(message, *receipts)).collect();
    json!({"Records": records})
}

/// The ids of the messages of a batch that a function reports as failed.
///
/// # Errors
/// If the function failed as a whole, or names a message that isn't in the batch: SQS would then bring all again.
pub fn failures(batch: &[Message], outcome: Outcome) -> Result<Vec<String>> {
    let answer = match outcome {
        Outcome::Response(answer) => answer,
        Outcome::Error(error) => bail!("the function failed: {error}"),
    };
    let failures = answer.get("batchItemFailures").and_then(Value::as_array).context("no batchItemFailures")?;
    let id = |failure: &Value| {
        let id = failure.get("itemIdentifier").and_then(Value::as_str).context("no itemIdentifier")?;
        let is_known = batch.iter().any(|message| message.id == id);
        is_known.then(|| id.to_owned()).with_context(|| format!("{id:?} is no message of the batch"))
    };
    failures.iter().map(id).collect()
}

/// A message as Lambda's poller delivers it.
fn record(message: &Message, receipts: u32) -> Value {
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt(),
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": receipts.to_string(),
            "SentTimestamp": "1740799800100",
            "SenderId": "AROAEXAMPLE:unlink",
            "ApproximateFirstReceiveTimestamp": "1740799800110",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:ap-northeast-2:000000000000:events",
        "awsRegion": "ap-northeast-2",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::binaries::workspace;

    /// A number of a resource of the template, or the one that stands for all.
    fn of_template(template: &str, resource: &str, name: &str) -> Option<u64> {
        let lines = template.lines().skip_while(|line| line.trim_end() != format!("  {resource}:")).skip(1);
        let mut its_own = lines.take_while(|line| line.is_empty() || line.starts_with("   "));
        its_own.find_map(|line| line.trim().strip_prefix(&format!("{name}: "))?.parse().ok())
    }

    /// `talk-share` is `TalkShareFunction`.
    fn resource(function: &str) -> String {
        let capital =
            |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
        function.split('-').map(capital).collect::<Vec<String>>().concat() + "Function"
    }

    #[test]
    fn the_limits_are_those_of_the_template() {
        let template = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
        let of_all = of_template(&template, "Function", "Timeout");
        for (function, limit) in LIMITS {
            let resource = resource(function);
            assert!(template.contains(&format!("\n  {resource}:\n")), "{resource}");
            let seconds = of_template(&template, &resource, "Timeout").or(of_all);
            assert_eq!(Some(limit.as_secs()), seconds, "{function}");
        }
        assert!(of_template(&template, "PublisherFunction", "Timeout").unwrap() > SOON.as_secs());
        let batch = of_template(&template, "ProcessorSource", "BatchSize");
        assert_eq!(batch, Some(u64::try_from(BATCH).unwrap()));
    }
}
