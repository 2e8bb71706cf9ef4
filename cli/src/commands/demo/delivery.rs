//! What the service's endpoint got of the story.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::story::MEMBER;
use crate::local::{Received, Receiver};

/// How the deliveries went.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DeliveryResult {
    /// How many changes arrived with a right signature.
    pub(super) changes: usize,
    /// How long the last one took after the last request.
    pub(super) ms: u128,
    /// The deviation from the expected result.
    pub(super) problem: Option<String>,
}

/// Delivery follows the table's stream, the bus and a queue, each of which is polled.
const WITHIN: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// Waits until the receiver has the member's newest version.
pub(super) async fn check(receiver: &Receiver, user: &Value) -> DeliveryResult {
    let begun = Instant::now();
    loop {
        let received = receiver.received();
        let problem = missing(&received, user);
        if problem.is_none() || begun.elapsed() > WITHIN {
            return DeliveryResult { changes: received.changes.len(), ms: begun.elapsed().as_millis(), problem };
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

fn missing(received: &Received, user: &Value) -> Option<String> {
    if received.refused > 0 {
        return Some(format!("{} of the deliveries had a wrong signature", received.refused));
    }
    let is_newest = |change: &Value| change["user_id"] == MEMBER && change["version"] == user["version"];
    let arrived = received.changes.iter().any(is_newest);
    (!arrived).then(|| format!("version {} of the member was not delivered", user["version"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_members_newest_version_must_have_arrived_and_no_signature_may_be_wrong() {
        let received =
            |version: u64, refused| Received { changes: vec![json!({"user_id": MEMBER, "version": version})], refused };
        let user = json!({"version": 7});
        assert_eq!(missing(&received(7, 0), &user), None);
        assert!(missing(&received(6, 0), &user).unwrap().contains("version 7"));
        assert!(missing(&received(7, 1), &user).unwrap().contains("signature"));
    }
}
