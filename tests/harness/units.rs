//! The request units that DynamoDB bills for an operation, as the database in this process counts them.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Request units of an on-demand table. An eventually consistent read takes half a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Units {
    /// Read units.
    pub reads: f64,
    /// Write units.
    pub writes: f64,
}

impl AddAssign for Units {
    fn add_assign(&mut self, more: Self) {
        self.reads += more.reads;
        self.writes += more.writes;
    }
}

impl Units {
    /// The units of one operation. `answer` is `None` if the operation was refused; otherwise the request must have asked
    /// for `ReturnConsumedCapacity`.
    #[must_use]
    pub fn of(operation: &str, request: &Value, answer: Option<&Value>) -> Self {
        let units = answer.map_or_else(|| refused(operation, request), consumed);
        match operation {
            "GetItem" | "BatchGetItem" | "Query" | "Scan" => Self { reads: units, writes: 0.0 },
            _ => Self { reads: 0.0, writes: units },
        }
    }
}

/// Transactions and batches report a list, one entry for each table.
fn consumed(answer: &Value) -> f64 {
    let units = |table: &Value| table.get("CapacityUnits").and_then(Value::as_f64).unwrap_or_default();
    match answer.get("ConsumedCapacity") {
        Some(Value::Array(tables)) => tables.iter().map(units).sum(),
        table => table.map_or(0.0, units),
    }
}

/// DynamoDB bills a write whose condition fails as if it had been done, but the database reports no units for it. Our
/// conditional writes are below 1 KB, which is one unit; in a transaction, two.
fn refused(operation: &str, request: &Value) -> f64 {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => 1.0,
        "TransactWriteItems" => {
            2.0 * request.get("TransactItems").and_then(Value::as_array).map_or(0.0, |items| items.len() as f64)
        }
        _ => 0.0,
    }
}
