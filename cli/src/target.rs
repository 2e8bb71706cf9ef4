//! Where an operator's command works: a named stack's table and queue, or the running `khook dev`.

use anyhow::Result;
use aws_config::SdkConfig;
use clap::Args;
use kakao_webhooks::{queue::SqsQueue, wiring};

use crate::{cloud, running::Running, table::Table};

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
            return Ok(Table::new(&wiring::aws().await, name));
        }
        let running = Running::found("name the table with --table or TABLE_NAME")?;
        Ok(Table::new(&aws_of(&running), running.table))
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
    pub async fn queue(&self) -> Result<SqsQueue> {
        if let Some(url) = &self.queue {
            return Ok(SqsQueue::new(&wiring::aws().await, url.clone()));
        }
        let running = Running::found("name the queue with --queue or EVENT_QUEUE_URL")?;
        Ok(SqsQueue::new(&aws_of(&running), running.queue_url))
    }
}

fn aws_of(running: &Running) -> SdkConfig {
    cloud::sdk_config(&running.endpoint, &running.region)
}
