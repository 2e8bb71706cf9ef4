//! What an operator's command works on: a named stack's table and queues, or the running `khook dev`.

use anyhow::{Result, anyhow, ensure};
use aws_config::{BehaviorVersion, SdkConfig};
use clap::Args;
use runtime::publish::EventBridge;

use crate::{
    aws::{
        erasures::Erasures,
        fault::NO_REGION,
        queue::StackQueue,
        rules::RuleTable,
        runs::Runs,
        stack::{self, StackTarget},
        table::Table,
    },
    commands::{
        backlog::messages::MessageQueue,
        dlq::{DeadLetters, set_aside::SetAside},
        undelivered::UndeliveredChanges,
    },
    local::{self, running::Running},
    ui::{typed::Typed, usage::Usage},
};

/// The SDK's configuration on an operator's machine: variables, profiles, single sign-on, the instance.
///
/// # Errors
/// No region.
pub(crate) async fn aws() -> Result<SdkConfig> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    ensure!(config.region().is_some(), NO_REGION);
    Ok(config)
}

/// A place of a service, and how it is named.
struct Named {
    what: &'static str,
    option: &'static str,
    variable: &'static str,
    output: &'static str,
    /// What else a service without it needs, if it isn't part of every one.
    optional: Option<Optional>,
}

/// How a service gets an optional part.
struct Optional {
    /// A stack's parameter.
    parameter: &'static str,
    /// An option of `khook dev`.
    dev_option: &'static str,
}

const DELIVERY: Option<Optional> = Some(Optional { parameter: "DeliveryUrl", dev_option: "--deliver-to" });

impl Named {
    /// How AWS is reached, and the place's name or URL there.
    async fn find(
        &self,
        named: Option<&String>,
        stack: &StackTarget,
        of_running: impl FnOnce(&Running) -> Option<&String>,
    ) -> Result<(SdkConfig, String)> {
        let Self { what, option, variable, output, optional } = self;
        match (named, stack.name()) {
            (Some(_), Some(_)) => Err(Usage::error(format!(
                "{variable} ({option}) and KHOOK_STACK (--stack) both name the {what}: use one of them"
            ))),
            (Some(named), None) => Ok((aws().await?, named.clone())),
            (None, Some(stack)) => {
                let aws = aws().await?;
                let found = stack::output(&aws, stack, output).await?.ok_or_else(|| {
                    let check = optional.as_ref().map_or_else(
                        || "is it one of kakao-webhooks, and deployed to its end?".to_owned(),
                        |it| format!("is its {} set?", it.parameter),
                    );
                    anyhow!("the stack `{stack}` has no output {output}: {check}")
                })?;
                Ok((aws, found))
            }
            (None, None) => {
                let running = Running::found(&format!(
                    "name the stack with --stack or KHOOK_STACK, or the {what} with {option} or {variable}"
                ))?;
                let found = of_running(&running).cloned().ok_or_else(|| {
                    let fix =
                        optional.as_ref().map_or_else(String::new, |it| format!(": start it with {}", it.dev_option));
                    Usage::error(format!("the running `khook dev` has no {what}{fix}"))
                })?;
                Ok((local::sdk_config(&running.endpoint, &running.region), found))
            }
        }
    }

    /// The service that a command works on, for its question and its result.
    fn service(&self, named: Option<&String>, stack: &StackTarget) -> String {
        match (named, stack.name()) {
            (Some(named), _) => format!("{} `{named}`", self.what),
            (None, Some(stack)) => format!("stack `{stack}`"),
            (None, None) => Running::find()
                .map_or_else(|| "khook dev".to_owned(), |running| format!("khook dev at {}", running.base_url)),
        }
    }
}

/// The table, named or found.
#[derive(Debug, Args)]
pub struct TableTarget {
    /// The DynamoDB table; by default that of --stack, else that of the running `khook dev`
    #[arg(long, env = "TABLE_NAME", hide_env_values = true, value_name = "NAME")]
    table: Option<String>,
}

impl TableTarget {
    const NAMED: Named =
        Named { what: "table", option: "--table", variable: "TABLE_NAME", output: "TableName", optional: None };

    /// The table.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn table(&self, stack: &StackTarget) -> Result<Table> {
        let (aws, found) = Self::NAMED.find(self.table.as_ref(), stack, |running| Some(&running.table)).await?;
        Ok(Table::new(&aws, found))
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self, stack: &StackTarget) -> String {
        Self::NAMED.service(self.table.as_ref(), stack)
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.table.is_some()
    }
}

/// The table, named or found, and the stack that it may be of.
#[derive(Debug, Args)]
pub struct StackTable {
    #[command(flatten)]
    table: TableTarget,
    #[command(flatten)]
    stack: StackTarget,
}

impl StackTable {
    /// The table.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn open(&self) -> Result<Table> {
        self.table.table(&self.stack).await
    }

    /// Whether it is the table of the running `khook dev`.
    #[must_use]
    pub fn is_of_running(&self) -> bool {
        !self.table.is_named() && self.stack.name().is_none()
    }

    /// The reconciler's runs in the table.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn runs(&self) -> Result<Runs> {
        let named = self.table.table.as_ref();
        let (aws, found) = TableTarget::NAMED.find(named, &self.stack, |running| Some(&running.table)).await?;
        Ok(Runs::new(&aws, found))
    }

    /// What the table proves of departures.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn erasures(&self) -> Result<Erasures> {
        let named = self.table.table.as_ref();
        let (aws, found) = TableTarget::NAMED.find(named, &self.stack, |running| Some(&running.table)).await?;
        Ok(Erasures::new(&aws, found))
    }

    /// The chatbot's rules in the table.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn rules(&self) -> Result<RuleTable> {
        let named = self.table.table.as_ref();
        let (aws, found) = TableTarget::NAMED.find(named, &self.stack, |running| Some(&running.table)).await?;
        Ok(RuleTable::new(&aws, found))
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self) -> String {
        self.table.service(&self.stack)
    }

    /// The table and the event queue, of one service.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if only one of them is named.
    pub async fn with_queue(&self, queue: &QueueTarget) -> Result<(Table, StackQueue)> {
        same_service(("TABLE_NAME", self.table.is_named()), ("EVENT_QUEUE_URL", queue.is_named()))?;
        Ok((self.open().await?, queue.queue(&self.stack).await?))
    }
}

/// The event queue, named or found.
#[derive(Debug, Args)]
pub struct QueueTarget {
    /// The URL of the event queue; by default that of --stack, else that of the running `khook dev`
    #[arg(long, env = "EVENT_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    queue: Option<String>,
}

impl QueueTarget {
    const NAMED: Named = Named {
        what: "event queue",
        option: "--queue",
        variable: "EVENT_QUEUE_URL",
        output: "EventQueueUrl",
        optional: None,
    };

    /// The event queue.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn queue(&self, stack: &StackTarget) -> Result<StackQueue> {
        let (aws, found) = Self::NAMED.find(self.queue.as_ref(), stack, |running| Some(&running.queue_url)).await?;
        Ok(StackQueue::new(&aws, found))
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self, stack: &StackTarget) -> String {
        Self::NAMED.service(self.queue.as_ref(), stack)
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.queue.is_some()
    }
}

/// The dead-letter queue, named or found, and the stack that it may be of.
#[derive(Debug, Args)]
pub struct StackDeadLetters {
    /// The URL of the dead-letter queue; by default that of --stack, else that of the running `khook dev`
    #[arg(long, env = "DEAD_LETTER_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    dead_letter_queue: Option<String>,
    #[command(flatten)]
    stack: StackTarget,
}

impl StackDeadLetters {
    const NAMED: Named = Named {
        what: "dead-letter queue",
        option: "--dead-letter-queue",
        variable: "DEAD_LETTER_QUEUE_URL",
        output: "DeadLetterQueueUrl",
        optional: None,
    };

    /// The dead-letter queue.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn open(&self) -> Result<DeadLetters> {
        let named = self.dead_letter_queue.as_ref();
        let (aws, found) = Self::NAMED.find(named, &self.stack, |running| Some(&running.dead_letter_queue_url)).await?;
        Ok(DeadLetters(MessageQueue::new(&aws, found, Self::NAMED.what)))
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self) -> String {
        Self::NAMED.service(self.dead_letter_queue.as_ref(), &self.stack)
    }

    /// The dead letters and the event queue, of one service.
    ///
    /// # Errors
    /// If only one is named, or both are the same.
    pub async fn with_queue(&self, queue: &QueueTarget) -> Result<(DeadLetters, StackQueue)> {
        let of_dead_letters = ("DEAD_LETTER_QUEUE_URL", self.dead_letter_queue.is_some());
        same_service(of_dead_letters, ("EVENT_QUEUE_URL", queue.is_named()))?;
        different(
            ("EVENT_QUEUE_URL", queue.queue.as_ref()),
            ("DEAD_LETTER_QUEUE_URL", self.dead_letter_queue.as_ref()),
        )?;
        Ok((self.open().await?, queue.queue(&self.stack).await?))
    }
}

/// `UnpublishedQueue`, instead of the dead-letter queue.
#[derive(Debug, Args)]
pub struct UnpublishedTarget {
    #[command(flatten)]
    typed: Typed,
    /// Read UnpublishedQueue, the changes that were set aside, instead of the dead-letter queue
    #[arg(long)]
    unpublished: bool,
    /// The URL of UnpublishedQueue, implies --unpublished; by default that of --stack, else that of the running `khook
    /// dev`
    #[arg(long, env = "UNPUBLISHED_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    unpublished_queue: Option<String>,
}

impl UnpublishedTarget {
    const NAMED: Named = Named {
        what: "queue of unpublished changes",
        option: "--unpublished-queue",
        variable: "UNPUBLISHED_QUEUE_URL",
        output: "UnpublishedQueueUrl",
        optional: None,
    };

    /// Whether it is asked for. A typed URL of it can mean nothing else; a variable may be left from another command.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.unpublished || self.typed.has("unpublished_queue")
    }

    /// The queue, of the service that the dead-letter queue is of.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn open(&self, beside: &StackDeadLetters) -> Result<SetAside> {
        let named = self.unpublished_queue.as_ref();
        let (aws, found) = Self::NAMED.find(named, &beside.stack, Running::unpublished_queue_url).await?;
        Ok(SetAside(MessageQueue::new(&aws, found, Self::NAMED.what)))
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self, beside: &StackDeadLetters) -> String {
        Self::NAMED.service(self.unpublished_queue.as_ref(), &beside.stack)
    }
}

/// The delivery queue, named or found.
#[derive(Debug, Args)]
pub struct DeliveryQueueTarget {
    /// The URL of the delivery queue; by default that of --stack, else that of the running `khook dev`
    #[arg(long, env = "DELIVERY_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    delivery_queue: Option<String>,
}

impl DeliveryQueueTarget {
    const NAMED: Named = Named {
        what: "delivery queue",
        option: "--delivery-queue",
        variable: "DELIVERY_QUEUE_URL",
        output: "DeliveryQueueUrl",
        optional: DELIVERY,
    };
}

/// The queue of undelivered changes, named or found, and the stack that it may be of.
#[derive(Debug, Args)]
pub struct StackUndelivered {
    /// The URL of the queue of undelivered changes; by default that of --stack, else that of the running `khook dev`
    #[arg(long, env = "UNDELIVERED_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    undelivered_queue: Option<String>,
    #[command(flatten)]
    stack: StackTarget,
}

impl StackUndelivered {
    const NAMED: Named = Named {
        what: "undelivered queue",
        option: "--undelivered-queue",
        variable: "UNDELIVERED_QUEUE_URL",
        output: "UndeliveredQueueUrl",
        optional: DELIVERY,
    };

    /// The undelivered changes.
    ///
    /// # Errors
    /// If the queue is named twice or not at all, or the stack can't be looked up.
    pub async fn open(&self) -> Result<UndeliveredChanges> {
        let named = self.undelivered_queue.as_ref();
        let (aws, found) = Self::NAMED.find(named, &self.stack, Running::undelivered_queue_url).await?;
        Ok(UndeliveredChanges { undelivered: MessageQueue::new(&aws, found, Self::NAMED.what), deliveries: None })
    }

    /// The same, with the delivery queue of the same service, if that is known.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_beside_deliveries(&self) -> Result<UndeliveredChanges> {
        let changes = self.open().await?;
        if self.undelivered_queue.is_some() {
            return Ok(changes);
        }
        let deliveries = DeliveryQueueTarget::NAMED;
        let found = deliveries.find(None, &self.stack, Running::delivery_queue_url).await;
        let Ok((aws, found)) = found else { return Ok(changes) };
        Ok(UndeliveredChanges { deliveries: Some(MessageQueue::new(&aws, found, deliveries.what)), ..changes })
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self) -> String {
        Self::NAMED.service(self.undelivered_queue.as_ref(), &self.stack)
    }

    /// The undelivered changes and the delivery queue, of one service.
    ///
    /// # Errors
    /// If only one is named, or both are the same.
    pub async fn with_queue(&self, queue: &DeliveryQueueTarget) -> Result<(UndeliveredChanges, StackQueue)> {
        let (undelivered, delivery) = (self.undelivered_queue.as_ref(), queue.delivery_queue.as_ref());
        same_service(("UNDELIVERED_QUEUE_URL", undelivered.is_some()), ("DELIVERY_QUEUE_URL", delivery.is_some()))?;
        different(("DELIVERY_QUEUE_URL", delivery), ("UNDELIVERED_QUEUE_URL", undelivered))?;
        let of_running = Running::delivery_queue_url;
        let (aws, found) = DeliveryQueueTarget::NAMED.find(delivery, &self.stack, of_running).await?;
        Ok((self.open().await?, StackQueue::new(&aws, found)))
    }
}

/// The bus, named or found.
#[derive(Debug, Args)]
pub struct BusTarget {
    /// The name of the bus; by default that of --stack, else that of the running `khook dev`
    #[arg(long, env = "EVENT_BUS_NAME", hide_env_values = true, value_name = "NAME")]
    bus: Option<String>,
}

impl BusTarget {
    const NAMED: Named =
        Named { what: "bus", option: "--bus", variable: "EVENT_BUS_NAME", output: "BusName", optional: None };

    /// The bus.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn bus(&self, stack: &StackTarget) -> Result<EventBridge> {
        let (aws, found) = Self::NAMED.find(self.bus.as_ref(), stack, |running| Some(&running.bus)).await?;
        Ok(EventBridge::new(&aws, found))
    }

    /// The service, for a question or a result.
    #[must_use]
    pub fn service(&self, stack: &StackTarget) -> String {
        Self::NAMED.service(self.bus.as_ref(), stack)
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.bus.is_some()
    }
}

/// Replayed to the queue that they come from, messages would come back for ever.
///
/// # Errors
/// If both are named and the same.
fn different(one: (&str, Option<&String>), other: (&str, Option<&String>)) -> Result<()> {
    if one.1.is_none() || one.1 != other.1 {
        return Ok(());
    }
    Err(Usage::error(format!("{} and {} are the same queue: name the one of each output of the stack", one.0, other.0)))
}

/// Events stay in one service: with one place named and the other that of the running `khook dev`, a real event would
/// end on this machine, or a simulated one in production.
///
/// # Errors
/// If only one of them is named.
pub fn same_service(one: (&str, bool), other: (&str, bool)) -> Result<()> {
    let (named, missing) = if one.1 { (one.0, other.0) } else { (other.0, one.0) };
    if one.1 == other.1 {
        return Ok(());
    }
    Err(Usage::error(format!(
        "{named} is named and {missing} isn't: name both, or neither to use those of --stack or of the running \
         `khook dev`"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_from_one_service_to_another() {
        for (one, other, is_right) in
            [(true, true, true), (false, false, true), (true, false, false), (false, true, false)]
        {
            assert_eq!(same_service(("A", one), ("B", other)).is_ok(), is_right);
        }
        let error = same_service(("A", false), ("B", true)).unwrap_err().to_string();
        assert!(error.starts_with("B is named and A isn't"), "{error}");
    }
}
