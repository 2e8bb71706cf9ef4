//! What an operator's command needs of AWS: the table, the queues, and where they are.

use std::time::Duration;

use aws_config::{SdkConfig, timeout::TimeoutConfig};

pub mod erasures;
pub mod fault;
pub mod queue;
pub mod rules;
pub mod runs;
pub(crate) mod secret;
pub mod stack;
pub mod table;
pub mod target;

/// For one attempt of a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// The configured times, with this one for each attempt of a call.
pub(crate) fn attempts_of(aws: &SdkConfig, time: Duration) -> TimeoutConfig {
    let configured = aws.timeout_config().map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    configured.operation_attempt_timeout(time).build()
}
