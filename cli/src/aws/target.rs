//! What an operator's command works on: a named stack's table and queues, or the running `khook dev`.

use anyhow::{Result, ensure};
use aws_config::{BehaviorVersion, SdkConfig};
use clap::Args;
use runtime::publish::EventBridge;

use crate::{
    aws::{
        fault::NO_REGION,
        queue::EventQueue,
        stack::{self, StackTarget},
        table::Table,
    },
    commands::dlq::dead_letters::DeadLetters,
    local::{self, running::Running},
    ui::usage::Usage,
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
}

impl Named {
    /// How AWS is reached, and the place's name or URL there.
    async fn find(
        &self,
        named: Option<&String>,
        stack: &StackTarget,
        of_running: impl FnOnce(&Running) -> &String,
    ) -> Result<(SdkConfig, String)> {
        let Self { what, option, variable, output } = self;
        match (named, stack.name()) {
            (Some(_), Some(_)) => Err(Usage::error(format!(
                "{variable} ({option}) and KHOOK_STACK (--stack) both name the {what}: use one of them"
            ))),
            (Some(named), None) => Ok((aws().await?, named.clone())),
            (None, Some(stack)) => {
                let aws = aws().await?;
                let found = stack::output(&aws, stack, output).await?;
                Ok((aws, found))
            }
            (None, None) => {
                let running = Running::found(&format!(
                    "name the stack with --stack or KHOOK_STACK, or the {what} with {option} or {variable}"
                ))?;
                Ok((local::sdk_config(&running.endpoint, &running.region), of_running(&running).clone()))
            }
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
    const NAMED: Named = Named { what: "table", option: "--table", variable: "TABLE_NAME", output: "TableName" };

    /// The table.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn table(&self, stack: &StackTarget) -> Result<Table> {
        let (aws, found) = Self::NAMED.find(self.table.as_ref(), stack, |running| &running.table).await?;
        Ok(Table::new(&aws, found))
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

    /// The table and the event queue, of one service.
    ///
    /// # Errors
    /// As [`open`](Self::open), or if only one of them is named.
    pub async fn with_queue(&self, queue: &QueueTarget) -> Result<(Table, EventQueue)> {
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
    const NAMED: Named =
        Named { what: "event queue", option: "--queue", variable: "EVENT_QUEUE_URL", output: "EventQueueUrl" };

    /// The event queue.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn queue(&self, stack: &StackTarget) -> Result<EventQueue> {
        let (aws, found) = Self::NAMED.find(self.queue.as_ref(), stack, |running| &running.queue_url).await?;
        Ok(EventQueue::new(&aws, found))
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
    };

    /// The dead-letter queue.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn open(&self) -> Result<DeadLetters> {
        let named = self.dead_letter_queue.as_ref();
        let (aws, found) = Self::NAMED.find(named, &self.stack, |running| &running.dead_letter_queue_url).await?;
        Ok(DeadLetters::new(&aws, found))
    }

    /// The dead letters and the event queue, of one service.
    ///
    /// # Errors
    /// If only one is named, or both are the same.
    pub async fn with_queue(&self, queue: &QueueTarget) -> Result<(DeadLetters, EventQueue)> {
        let of_dead_letters = ("DEAD_LETTER_QUEUE_URL", self.dead_letter_queue.is_some());
        same_service(of_dead_letters, ("EVENT_QUEUE_URL", queue.is_named()))?;
        if self.dead_letter_queue.is_some() && self.dead_letter_queue == queue.queue {
            return Err(Usage::error(
                "EVENT_QUEUE_URL and DEAD_LETTER_QUEUE_URL are the same queue: name the one of each output of the stack",
            ));
        }
        Ok((self.open().await?, queue.queue(&self.stack).await?))
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
    const NAMED: Named = Named { what: "bus", option: "--bus", variable: "EVENT_BUS_NAME", output: "BusName" };

    /// The bus.
    ///
    /// # Errors
    /// If it is named twice or not at all, or the stack can't be looked up.
    pub async fn bus(&self, stack: &StackTarget) -> Result<EventBridge> {
        let (aws, found) = Self::NAMED.find(self.bus.as_ref(), stack, |running| &running.bus).await?;
        Ok(EventBridge::new(&aws, found))
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.bus.is_some()
    }
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
