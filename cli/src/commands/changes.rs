//! `khook changes`: what the service publishes on its bus.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::{
    error::SdkError,
    types::{Message, QueueAttributeName},
};
use clap::Subcommand;
use kakao_webhooks::state::USER_CHANGED;
use serde_json::{Value, json};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    task::block_in_place,
    time::timeout,
};

use crate::{
    local::{self, running::Running},
    random,
    ui::output,
};

/// What the running `khook dev` publishes.
#[derive(Debug, Subcommand)]
pub enum Changes {
    /// Print each change that the running `khook dev` publishes, one JSON object a line, until Ctrl-C
    #[command(
        after_help = "A change is the event's detail (docs/follow-up.md): the user, what changed, the whole state. \
                            A queue and a rule of the local cloud serve it until it ends.\n\n\
                            Example:\n  khook changes tail"
    )]
    Tail,
}

impl Changes {
    /// Whether Ctrl-C is the normal way to end it.
    #[must_use]
    pub const fn stays(&self) -> bool {
        match self {
            Self::Tail => true,
        }
    }

    /// Runs it until it is interrupted.
    ///
    /// # Errors
    /// No `khook dev` that runs, or a reader that has closed the pipe.
    pub async fn run(self) -> Result<ExitCode> {
        let running = Running::found(
            "no `khook dev` runs, and `khook changes tail` reads no other bus: make a rule and a queue for a deployed one",
        )?;
        let aws = local::sdk_config(&running.endpoint, &running.region);
        let tap = Tap::open(&aws, &running.bus).await?;
        output::say("Printing the changes of the running `khook dev` (Ctrl-C ends it) ...");
        tap.follow(|change| output::json_line(&change)).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A queue that gets every change of a bus. Dropped, it is removed.
pub(crate) struct Tap {
    queues: aws_sdk_sqs::Client,
    events: aws_sdk_eventbridge::Client,
    bus: String,
    /// The name of the rule and of the queue.
    name: String,
    queue_url: Option<String>,
    /// Whether it goes when it is dropped, and not with the local cloud.
    is_removed: bool,
}

/// How long a receive waits for a message.
const WAIT_SECONDS: i32 = 1;
/// The most that a receive returns.
const BATCH: i32 = 10;
/// How long a command that is ended by a signal goes on to remove what it made.
const REMOVAL: Duration = Duration::from_secs(5);

impl Tap {
    pub(crate) async fn open(aws: &SdkConfig, bus: &str) -> Result<Self> {
        let mut tap = Self {
            queues: aws_sdk_sqs::Client::new(aws),
            events: aws_sdk_eventbridge::Client::new(aws),
            bus: bus.to_owned(),
            name: format!("khook-tail-{}", random::hex::<8>()?),
            queue_url: None,
            is_removed: true,
        };
        let arn = tap.make_queue().await.context("the local cloud makes no queue for the changes")?;
        tap.make_rule(arn).await.context("the local cloud makes no rule for the changes")?;
        Ok(tap)
    }

    /// The same for one that lives as long as the local cloud, with which it goes.
    #[must_use]
    pub(crate) fn left_to_the_cloud(mut self) -> Self {
        self.is_removed = false;
        self
    }

    /// The queue's ARN.
    async fn make_queue(&mut self) -> Result<String> {
        let url = self.queues.create_queue().queue_name(&self.name).send().await?.queue_url;
        let url = url.context("it has no URL")?;
        self.queue_url = Some(url.clone());
        let asked = self.queues.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
        let mut attributes = asked.send().await?.attributes.unwrap_or_default();
        attributes.remove(&QueueAttributeName::QueueArn).context("it has no ARN")
    }

    async fn make_rule(&self, queue_arn: String) -> Result<()> {
        let pattern = json!({"source": ["kakao-webhooks"], "detail-type": [USER_CHANGED]}).to_string();
        let rule = self.events.put_rule().name(&self.name).event_bus_name(&self.bus).event_pattern(pattern);
        rule.send().await?;
        let target = Target::builder().id(TARGET).arn(queue_arn).build()?;
        self.events.put_targets().rule(&self.name).event_bus_name(&self.bus).targets(target).send().await?;
        Ok(())
    }

    /// Passes on each change once, as long as the bus is there.
    pub(crate) async fn follow(&self, mut print: impl FnMut(Value) -> Result<()>) -> Result<()> {
        let url = self.queue_url.as_deref().unwrap_or_default();
        loop {
            let receive = self.queues.receive_message().queue_url(url).max_number_of_messages(BATCH);
            let received = receive.wait_time_seconds(WAIT_SECONDS).send().await;
            let received = match received {
                Err(SdkError::DispatchFailure(_)) => bail!("the running `khook dev` has ended"),
                received => received.context("the running `khook dev` gives no more changes")?,
            };
            for message in received.messages.unwrap_or_default() {
                if let Some(change) = message.body.as_deref().and_then(detail) {
                    print(change)?;
                }
                self.forget(url, &message).await;
            }
        }
    }

    /// One that can't be deleted comes again: a change may be printed twice.
    async fn forget(&self, url: &str, message: &Message) {
        if let Some(receipt) = &message.receipt_handle {
            let _ = self.queues.delete_message().queue_url(url).receipt_handle(receipt).send().await;
        }
    }

    /// What is not there (any more) is no failure.
    async fn remove(&self) {
        let _ = self.events.remove_targets().rule(&self.name).event_bus_name(&self.bus).ids(TARGET).send().await;
        let _ = self.events.delete_rule().name(&self.name).event_bus_name(&self.bus).send().await;
        if let Some(url) = &self.queue_url {
            let _ = self.queues.delete_queue().queue_url(url).send().await;
        }
    }
}

const TARGET: &str = "queue";

impl Drop for Tap {
    fn drop(&mut self) {
        if !self.is_removed {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        // One with a single thread can't go on while that thread waits. What stays goes with the local cloud.
        if runtime.runtime_flavor() == RuntimeFlavor::MultiThread {
            let _ = block_in_place(|| runtime.block_on(timeout(REMOVAL, self.remove())));
        }
    }
}

/// The change in an event of the bus.
fn detail(body: &str) -> Option<Value> {
    let mut event: Value = serde_json::from_str(body).ok()?;
    event.get_mut("detail").map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_khook_dev_is_reported_without_the_error_that_it_causes() {
        let aws = local::sdk_config("http://127.0.0.1:1", "ap-northeast-2");
        let tap = Tap {
            queues: aws_sdk_sqs::Client::new(&aws),
            events: aws_sdk_eventbridge::Client::new(&aws),
            bus: "bus".to_owned(),
            name: "khook-tail".to_owned(),
            queue_url: Some("http://127.0.0.1:1/khook-tail".to_owned()),
            is_removed: false,
        };
        let error = tap.follow(|_| Ok(())).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "the running `khook dev` has ended");
    }
}
