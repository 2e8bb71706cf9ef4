//! Where envelopes go: the queue, and the inbox while it fails; how a received message is made to wait; functions
//! that are called; where a chatbot's rules come from. Traits in our own types, so that their users know no SDK.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use kakao_webhooks::{
    erasure::DepartureChange,
    skill::RuleSet,
    wire::{EventId, Time},
};
use tokio::time::Instant;

/// The service behind an edge failed. The text is for our log and contains no value of a request.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct EdgeError(pub String);

/// Why a function or a service that was called returned nothing. The texts are for our log, as [`EdgeError`]'s.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// It certainly did not begin to work: the call may be repeated.
    #[error("{0}")]
    NotBegun(String),
    /// It may have worked.
    #[error("{0}")]
    Failed(String),
}

/// Where envelopes go.
pub trait Queue: Send + Sync {
    /// Sends an envelope's text. `Ok` means that it is stored durably.
    fn send(&self, envelope: &str) -> impl Future<Output = Result<(), EdgeError>> + Send;

    /// Sends many. `Ok` means that all are stored durably; else some may be.
    fn send_all(&self, envelopes: &[String]) -> impl Future<Output = Result<(), EdgeError>> + Send {
        async move {
            for envelope in envelopes {
                self.send(envelope).await?;
            }
            Ok(())
        }
    }
}

/// The queue from which a message was received.
pub trait Visibility: Send + Sync {
    /// Hides the message with this receipt handle for so long, counted from now.
    ///
    /// # Errors
    /// The message stays hidden for as long as the queue's own visibility timeout says.
    fn hide(&self, receipt: &str, pause: Duration) -> impl Future<Output = Result<(), EdgeError>> + Send;
}

/// A pause in the whole seconds that SQS knows. Rounded up: no message comes before its pause is over, and none at once.
/// In range: SQS knows no more than twelve hours.
#[must_use]
pub fn whole_seconds(pause: Duration) -> i32 {
    i32::try_from(pause.as_millis().div_ceil(1_000)).unwrap_or(i32::MAX)
}

/// The queue from which a message was received, for what is done before the rest of its batch.
pub trait Deletion: Send + Sync {
    /// Deletes the message with this receipt handle.
    ///
    /// # Errors
    /// The message may come again.
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), EdgeError>> + Send;
}

/// Where it is noted that the service's endpoint knows of a departure.
pub trait Acknowledgements: Send + Sync {
    /// Notes that the endpoint accepted the change that reports this departure. `Ok` means that it is stored durably, with
    /// the first time at which it did so.
    fn note(
        &self,
        departure: &DepartureChange,
        acknowledged_at: Time,
    ) -> impl Future<Output = Result<(), EdgeError>> + Send;
}

/// Where envelopes go while the queue fails.
pub trait Inbox: Send + Sync {
    /// Keeps an envelope's text; the caller waits that long. `Ok` means that it is stored durably. The same text twice
    /// is kept once; another text of the same id is kept in addition.
    fn put(&self, id: &EventId, envelope: &str, within: Duration)
    -> impl Future<Output = Result<(), EdgeError>> + Send;
}

/// A function elsewhere that is called and waited for.
pub trait Function: Send + Sync {
    /// What it returns for an event, both JSON. It may take for ever.
    ///
    /// # Errors
    /// [`CallError`].
    fn invoke(&self, event: String) -> impl Future<Output = Result<String, CallError>> + Send;
}

/// No function: there is no value of it.
impl Function for Infallible {
    async fn invoke(&self, _event: String) -> Result<String, CallError> {
        match *self {}
    }
}

/// Where a chatbot's rules come from.
pub trait RuleSource: Send + Sync {
    /// The rules in force: the best that are known at that moment.
    fn rules(&self, until: Instant) -> impl Future<Output = Arc<dyn RuleSet>> + Send;
}

/// Rules that never change.
impl RuleSource for Arc<dyn RuleSet> {
    async fn rules(&self, _until: Instant) -> Arc<dyn RuleSet> {
        Self::clone(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_hidden_for_whole_seconds_and_not_too_short() {
        for (millis, expected) in [(0, 0), (1, 1), (700, 1), (1_000, 1), (56_700, 57)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), expected);
        }
    }
}
