use std::{future::Future, time::Duration};

use aws_config::{SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_eventbridge::{
    Client, config::Builder, error::DisplayErrorContext, primitives::DateTime, types::PutEventsRequestEntry,
};

use kakao_webhooks::state::{USER_CHANGED, UserChange};

use crate::edges::EdgeError;

/// A bus that delivers changes to its consumers.
pub trait Bus: Send + Sync {
    /// Puts at most [`MOST_ENTRIES`] changes. For each in its place: whether it was accepted, or why not.
    ///
    /// # Errors
    /// None was accepted, or it is unknown which.
    fn put(&self, changes: &[UserChange]) -> impl Future<Output = Result<Vec<Result<(), Refused>>, EdgeError>> + Send;
}

/// Why the bus did not accept one entry: its error code, which holds no value of the entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The bus may accept the same entry later.
    #[error("{0}")]
    TryAgain(String),
    /// The bus will not accept this entry, however often it is put.
    #[error("{0}")]
    Never(String),
}

/// The error codes that are about the entry itself: the same entry will be refused again. After any other code,
/// among them throttling, missing permissions and what is new, the entry waits: a fault of the bus or of its policy must
/// not set the whole stream aside.
const PERMANENT: [&str; 6] = [
    "InvalidArgument",
    "InvalidArgumentException",
    "MalformedDetail",
    "RequestEntityTooLarge",
    "ValidationError",
    "ValidationException",
];

impl Refused {
    /// What an entry's error code means.
    #[must_use]
    pub fn with_code(code: &str) -> Self {
        let refused = if PERMANENT.contains(&code) { Self::Never } else { Self::TryAgain };
        refused(code.to_owned())
    }
}

/// How many entries the bus takes at once (EventBridge, "PutEvents").
pub const MOST_ENTRIES: usize = 10;

/// How many bytes of details are put at once: with everything around them the bus takes 256 KB.
pub(super) const MOST_BYTES: usize = 240 * 1024;

/// The `source` of every event: what a rule on the bus matches first.
pub const SOURCE: &str = "kakao-webhooks";

/// A bus in EventBridge.
#[derive(Clone, Debug)]
pub struct EventBridge {
    client: Client,
    bus: String,
}

impl EventBridge {
    /// The bus with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, bus: String) -> Self {
        // Two attempts fit into the time of a call: a connection that was frozen with the function may be dead.
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(1_800)).build();
        let config = Builder::from(aws)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(50)))
            .build();
        Self { client: Client::from_conf(config), bus }
    }

    fn entry(&self, change: &UserChange) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(USER_CHANGED)
            .time(DateTime::from_millis(change.written_at().as_millis()))
            .detail(change.detail())
            .build()
    }
}

impl Bus for EventBridge {
    async fn put(&self, changes: &[UserChange]) -> Result<Vec<Result<(), Refused>>, EdgeError> {
        let entries = changes.iter().map(|change| self.entry(change)).collect();
        let put = self.client.put_events().set_entries(Some(entries)).send().await;
        let put = put.map_err(|error| EdgeError(DisplayErrorContext(&error).to_string()))?;
        let of = |entry: &aws_sdk_eventbridge::types::PutEventsResultEntry| match entry.error_code() {
            None => Ok(()),
            Some(code) => Err(Refused::with_code(code)),
        };
        Ok(put.entries().iter().map(of).collect())
    }
}
