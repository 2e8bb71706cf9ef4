//! Where an operator's command works: a named stack's table and queues, or the running `khook dev`.

use anyhow::{Result, ensure};
use aws_config::{BehaviorVersion, SdkConfig};
use clap::Args;
use runtime::publish::EventBridge;

use crate::{
    aws::{fault::NO_REGION, queue::EventQueue, table::Table},
    commands::dlq::dead_letters::DeadLetters,
    local::{self, running::Running},
};

/// What the SDK finds where an operator works: variables, profiles, single sign-on, the instance.
///
/// # Errors
/// No region.
pub(crate) async fn aws() -> Result<SdkConfig> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    ensure!(config.region().is_some(), NO_REGION);
    Ok(config)
}

/// The table, named or found.
#[derive(Debug, Args)]
pub struct TableTarget {
    /// The DynamoDB table; by default that of the running `khook dev`
    #[arg(long, env = "TABLE_NAME", hide_env_values = true, value_name = "NAME")]
    table: Option<String>,
}

impl TableTarget {
    /// The table.
    ///
    /// # Errors
    /// If none is named and none is running.
    pub async fn table(&self) -> Result<Table> {
        if let Some(name) = &self.table {
            return Ok(Table::new(&aws().await?, name));
        }
        let running = Running::found("name the table with --table or TABLE_NAME")?;
        Ok(Table::new(&aws_of(&running), running.table))
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.table.is_some()
    }
}

/// The queue, named or found.
#[derive(Debug, Args)]
pub struct QueueTarget {
    /// The URL of the event queue; by default that of the running `khook dev`
    #[arg(long, env = "EVENT_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    queue: Option<String>,
}

impl QueueTarget {
    /// The queue.
    ///
    /// # Errors
    /// If none is named and none is running.
    pub async fn queue(&self) -> Result<EventQueue> {
        if let Some(url) = &self.queue {
            return Ok(EventQueue::new(&aws().await?, url.clone()));
        }
        let running = Running::found("name the queue with --queue or EVENT_QUEUE_URL")?;
        Ok(EventQueue::new(&aws_of(&running), running.queue_url))
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.queue.is_some()
    }
}

/// The dead-letter queue, named or found.
#[derive(Debug, Args)]
pub struct DeadLetterTarget {
    /// The URL of the dead-letter queue; by default that of the running `khook dev`
    #[arg(long, env = "DEAD_LETTER_QUEUE_URL", hide_env_values = true, value_name = "URL")]
    dead_letter_queue: Option<String>,
}

impl DeadLetterTarget {
    /// The dead letters.
    ///
    /// # Errors
    /// If no queue is named and none is running.
    pub async fn dead_letters(&self) -> Result<DeadLetters> {
        if let Some(url) = &self.dead_letter_queue {
            return Ok(DeadLetters::new(&aws().await?, url));
        }
        let running = Running::found(
            "name the queue with --dead-letter-queue or DEAD_LETTER_QUEUE_URL (the stack's output DeadLetterQueueUrl)",
        )?;
        Ok(DeadLetters::new(&aws_of(&running), running.dead_letter_queue_url))
    }

    /// The dead letters, and the event queue that they go back to.
    ///
    /// # Errors
    /// If one of them can't be found, they are of two services, or they are the same.
    pub async fn with_queue(&self, queue: &QueueTarget) -> Result<(DeadLetters, EventQueue)> {
        let of_dead_letters = ("DEAD_LETTER_QUEUE_URL", self.dead_letter_queue.is_some());
        same_service(of_dead_letters, ("EVENT_QUEUE_URL", queue.is_named()))?;
        ensure!(
            self.dead_letter_queue.is_none() || self.dead_letter_queue != queue.queue,
            "EVENT_QUEUE_URL and DEAD_LETTER_QUEUE_URL are the same queue: name the one of each output of the stack"
        );
        Ok((self.dead_letters().await?, queue.queue().await?))
    }
}

/// The bus, named or found.
#[derive(Debug, Args)]
pub struct BusTarget {
    /// The name of the bus (the stack's output BusName); by default that of the running `khook dev`
    #[arg(long, env = "EVENT_BUS_NAME", hide_env_values = true, value_name = "NAME")]
    bus: Option<String>,
}

impl BusTarget {
    /// The bus.
    ///
    /// # Errors
    /// If none is named and none is running.
    pub async fn bus(&self) -> Result<EventBridge> {
        if let Some(name) = &self.bus {
            return Ok(EventBridge::new(&aws().await?, name.clone()));
        }
        let running = Running::found("name the bus with --bus or EVENT_BUS_NAME (the stack's output BusName)")?;
        Ok(EventBridge::new(&aws_of(&running), running.bus))
    }

    /// Whether it is named.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        self.bus.is_some()
    }
}

/// What goes from one place to another stays in one service: with one place named and the other that of the running
/// `khook dev`, a real event would end on this machine, or a played one in production.
///
/// # Errors
/// If only one of them is named.
pub fn same_service(one: (&str, bool), other: (&str, bool)) -> Result<()> {
    let (named, missing) = if one.1 { (one.0, other.0) } else { (other.0, one.0) };
    ensure!(
        one.1 == other.1,
        "{named} is named and {missing} isn't: name both, or neither to use those of the running `khook dev`"
    );
    Ok(())
}

fn aws_of(running: &Running) -> SdkConfig {
    local::sdk_config(&running.endpoint, &running.region)
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
