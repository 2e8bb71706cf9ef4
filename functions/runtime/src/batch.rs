//! Batches that Lambda delivers from a queue or a stream, and which of their records are redelivered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A batch. Each record is read by itself, so that an odd one fails alone.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    records: Option<Vec<Value>>,
}

impl Batch {
    /// Its records, in their order.
    #[must_use]
    pub fn records(self) -> Vec<Value> {
        self.records.unwrap_or_default()
    }
}

/// Which records are redelivered (AWS Lambda, "Reporting batch item failures"): of a queue these, of a stream the first
/// of them and all behind it. An empty id stands for the whole batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl BatchResponse {
    /// The records with these ids are redelivered.
    #[must_use]
    pub fn of_failed(ids: impl IntoIterator<Item = String>) -> Self {
        let failures = ids.into_iter().map(|item_identifier| Failure { item_identifier });
        Self { batch_item_failures: failures.collect() }
    }
}
