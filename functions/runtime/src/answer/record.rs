use kakao_webhooks::skill::{CallbackOrigin, Job, UnreadableJob};
use serde_json::Value;

/// A message of the answer queue, as Lambda hands it over.
#[derive(Debug)]
pub(super) struct Record {
    /// By which its visibility is changed.
    pub(super) receipt: Option<String>,
    /// The job, or why it can't be read.
    pub(super) job: Result<Job, UnreadableJob>,
    /// Else another version wrote it, and it is known only where an answer goes.
    pub(super) can_be_asked: bool,
}

impl Record {
    pub(super) fn read(record: &Value, origin: &CallbackOrigin) -> Self {
        let text = |name: &str| record.get(name).and_then(Value::as_str);
        let body = text("body").unwrap_or_default();
        let (job, can_be_asked) = match Job::decode(body, origin) {
            Err(UnreadableJob::Version) => (Job::decode_address(body, origin), false),
            job => (job, true),
        };
        Self { receipt: text("receiptHandle").map(str::to_owned), job, can_be_asked }
    }
}
