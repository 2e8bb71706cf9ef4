//! Waiting for what must come true.

use std::{fmt::Debug, future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// Long enough for a machine under load; only a fault uses all of it.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How long a webhook's function may take to answer in a test whose subject is another one: twice its own 2.5 s, for its
/// start and a machine under load. `tests/faults` tests the exact limits.
pub const WEBHOOK_LIMIT: Duration = Duration::from_secs(5);

/// The same for the chatbot's function, which itself may take 4 s.
pub const CHATBOT_LIMIT: Duration = Duration::from_millis(6_500);

/// Asks until the answer is the expected one.
///
/// # Panics
/// If it isn't within [`PATIENCE`]; the last answer says what is wrong.
pub async fn becomes<T: PartialEq + Debug, F: Future<Output = T>>(what: &str, expected: &T, ask: impl Fn() -> F) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = ask().await;
        if found == *expected {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {found:#?} is not {expected:#?}");
        sleep(Duration::from_millis(100)).await;
    }
}
