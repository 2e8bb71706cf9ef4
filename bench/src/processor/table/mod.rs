//! A table that speaks what the processor speaks, in memory: fast enough to measure the processor by, and counting what
//! DynamoDB bills. A test holds it against an independent DynamoDB.

mod expression;
mod server;
mod size;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde_json::{Map, Value, json};

use expression::Scope;
use size::bytes;

pub(super) use server::NAME;
pub use server::{Asked, Exchange, Pace, Table};
pub use size::Units;

/// Attributes as DynamoDB's JSON has them (`{"S": "…"}`).
type Item = Map<String, Value>;

/// The items, by partition and sort key.
#[derive(Debug, Default)]
struct Items(HashMap<String, BTreeMap<String, Item>>);

/// What came of an operation, and what it cost: a refused one isn't free.
struct Done {
    outcome: Result<Value, Refusal>,
    units: Units,
}

/// Why an operation wasn't done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    Condition,
    Invalid(String),
    Cancelled(Vec<Option<Self>>),
}

impl Refusal {
    /// The processor has learnt to say something that the stand-in must learn, too.
    fn unknown(what: &str) -> Self {
        Self::Invalid(format!("the benchmark's table doesn't know `{what}`: teach it, bench/src/processor/table"))
    }

    fn path() -> Self {
        Self::Invalid("The document path provided in the update expression is invalid for update".to_owned())
    }

    fn operand() -> Self {
        Self::Invalid("An operand in the update expression has an incorrect data type".to_owned())
    }

    /// As a reason of a cancelled transaction.
    const fn code(&self) -> &'static str {
        match self {
            Self::Condition => "ConditionalCheckFailed",
            Self::Invalid(_) | Self::Cancelled(_) => "ValidationError",
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Condition => json!({
                "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                "message": "The conditional request failed",
            }),
            Self::Invalid(message) => {
                json!({"__type": "com.amazon.coral.validate#ValidationException", "message": message})
            }
            Self::Cancelled(reasons) => {
                let code = |reason: &Option<Self>| reason.as_ref().map_or("None", Self::code);
                let codes: Vec<_> = reasons.iter().map(code).collect();
                let message = format!(
                    "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                    codes.join(", ")
                );
                json!({
                    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                    "Message": message,
                    "CancellationReasons": codes.iter().map(|code| json!({"Code": code})).collect::<Vec<_>>(),
                })
            }
        }
    }
}

/// A write that may be done, or not.
struct Prepared {
    item: Result<Item, Refusal>,
    units: Units,
}

impl Items {
    fn operate(&mut self, operation: &str, request: &Value) -> Done {
        let done = match operation {
            "GetItem" => self.get(request),
            "PutItem" | "UpdateItem" => self.write(request),
            "TransactWriteItems" => self.transact(request),
            "Query" => self.query(request),
            _ => Err(Refusal::unknown(operation)),
        };
        done.unwrap_or_else(|refusal| Done { outcome: Err(refusal), units: Units::default() })
    }

    fn get(&self, request: &Value) -> Result<Done, Refusal> {
        let item = self.find(object(request, "Key"))?;
        let units = Units::of_read(item.map_or(0, bytes), is_consistent(request));
        Ok(Done { outcome: Ok(item.map_or_else(|| json!({}), |item| json!({"Item": item}))), units })
    }

    fn write(&mut self, request: &Value) -> Result<Done, Refusal> {
        let Prepared { item, units } = self.prepare(request)?;
        let outcome = item.and_then(|item| self.insert(item)).map(|()| json!({}));
        Ok(Done { outcome, units })
    }

    /// All writes or none.
    fn transact(&mut self, request: &Value) -> Result<Done, Refusal> {
        let parts =
            request.get("TransactItems").and_then(Value::as_array).ok_or_else(|| Refusal::unknown("no items"))?;
        let mut units = Units::default();
        let mut prepared = vec![];
        for part in parts {
            let write = part.get("Put").or_else(|| part.get("Update")).ok_or_else(|| Refusal::unknown("no write"))?;
            let write = self.prepare(write)?;
            units += write.units.twice();
            prepared.push(write.item);
        }
        if prepared.iter().any(Result::is_err) {
            let reasons = prepared.into_iter().map(Result::err).collect();
            return Ok(Done { outcome: Err(Refusal::Cancelled(reasons)), units });
        }
        for item in prepared.into_iter().flatten() {
            self.insert(item)?;
        }
        Ok(Done { outcome: Ok(json!({})), units })
    }

    /// What an item becomes by a put or an update.
    fn prepare(&self, request: &Value) -> Result<Prepared, Refusal> {
        let (given, none) = (object(request, "Item"), Item::new());
        let key = if given.is_empty() { object(request, "Key") } else { given };
        let before = self.find(key)?;
        let scope = scope(request);
        let length = before.map_or(0, bytes);
        if let Some(condition) = text(request, "ConditionExpression")
            && !scope.holds(condition, before.unwrap_or(&none))?
        {
            return Ok(Prepared { item: Err(Refusal::Condition), units: Units::of_write(length, 0) });
        }
        let item = match text(request, "UpdateExpression") {
            None => Ok(given.clone()),
            Some(update) => {
                let mut item = before.unwrap_or(key).clone();
                scope.update(update, &mut item).map(|()| item)
            }
        };
        let units = Units::of_write(length, item.as_ref().map_or(0, bytes));
        Ok(Prepared { item, units })
    }

    /// A page without an end: the processor's partitions are short of one here.
    fn query(&self, request: &Value) -> Result<Done, Refusal> {
        let scope = scope(request);
        let condition = text(request, "KeyConditionExpression").ok_or_else(|| Refusal::unknown("a query of all"))?;
        let partition = scope.values.get(":partition").and_then(|value| value.get("S")?.as_str());
        let partition = partition.ok_or_else(|| Refusal::unknown(condition))?;
        let (mut read, mut scanned, mut found) = (0, 0, vec![]);
        for item in self.0.get(partition).into_iter().flat_map(BTreeMap::values) {
            if !scope.holds(condition, item)? {
                continue;
            }
            scanned += 1;
            read += bytes(item);
            match text(request, "FilterExpression") {
                Some(filter) if !scope.holds(filter, item)? => {}
                _ => found.push(item),
            }
        }
        let units = Units::of_read(read, is_consistent(request));
        Ok(Done { outcome: Ok(json!({"Items": found, "Count": found.len(), "ScannedCount": scanned})), units })
    }

    fn find(&self, key: &Item) -> Result<Option<&Item>, Refusal> {
        let (partition, sort) = keys(key)?;
        Ok(self.0.get(partition).and_then(|items| items.get(sort)))
    }

    fn insert(&mut self, item: Item) -> Result<(), Refusal> {
        let (partition, sort) = keys(&item)?;
        let (partition, sort) = (partition.to_owned(), sort.to_owned());
        self.0.entry(partition).or_default().insert(sort, item);
        Ok(())
    }
}

fn keys(item: &Item) -> Result<(&str, &str), Refusal> {
    let key = |name: &str| item.get(name).and_then(|value| value.get("S")?.as_str());
    key("pk")
        .zip(key("sk"))
        .ok_or_else(|| Refusal::Invalid("One of the required keys was not given a value".to_owned()))
}

fn scope(request: &Value) -> Scope<'_> {
    Scope { names: object(request, "ExpressionAttributeNames"), values: object(request, "ExpressionAttributeValues") }
}

/// A member of a request; absent, it is empty.
fn object<'r>(request: &'r Value, name: &str) -> &'r Item {
    static NONE: LazyLock<Item> = LazyLock::new(Item::new);
    request.get(name).and_then(Value::as_object).unwrap_or(&NONE)
}

fn text<'r>(request: &'r Value, name: &str) -> Option<&'r str> {
    request.get(name).and_then(Value::as_str)
}

fn is_consistent(request: &Value) -> bool {
    request.get("ConsistentRead").and_then(Value::as_bool).unwrap_or_default()
}
