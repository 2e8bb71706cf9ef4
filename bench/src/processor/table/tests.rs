use std::env;

use dynoxide::{Database, DynoxideError};
use end_to_end::binaries::binary;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Exchange, Units};
use crate::processor::{
    events::{Event, Events, Kind},
    table::NAME,
    worker::Worker,
};

/// A DynamoDB that shares nothing with the stand-in, and counts units itself.
struct Independent(Database);

impl Independent {
    fn new() -> Self {
        let database = Database::memory().unwrap();
        let key = |name: &str, role: &str| json!({"AttributeName": name, "KeyType": role});
        let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let table = json!({
            "TableName": NAME, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [attribute("pk"), attribute("sk")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        });
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        Self(database)
    }

    fn answer(&self, operation: &str, mut request: Value) -> Value {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        macro_rules! call {
            ($operation:ident) => {
                told(self.0.$operation(serde_json::from_value(request).unwrap()))
            };
        }
        match operation {
            "GetItem" => call!(get_item),
            "PutItem" => call!(put_item),
            "UpdateItem" => call!(update_item),
            "TransactWriteItems" => call!(transact_write_items),
            "Query" => call!(query),
            other => panic!("{other}"),
        }
    }
}

fn told<T: Serialize>(answer: Result<T, DynoxideError>) -> Value {
    match answer {
        Ok(answer) => serde_json::to_value(answer).unwrap(),
        Err(error) => serde_json::from_str(&error.to_json()).unwrap(),
    }
}

/// What a client makes of an answer: no words.
fn meaning(answer: &Value) -> Value {
    let codes = answer["CancellationReasons"]
        .as_array()
        .map(|reasons| reasons.iter().map(|reason| reason["Code"].clone()).collect::<Vec<_>>());
    json!([answer["__type"], codes, answer["Item"], answer["Items"], answer["Count"]])
}

/// The units of an operation that was done. It doesn't say what a refused one would be billed.
fn units(answer: &Value) -> Option<f64> {
    match &answer["ConsumedCapacity"] {
        Value::Null => None,
        Value::Array(tables) => tables.iter().map(|table| table["CapacityUnits"].as_f64()).sum(),
        table => table["CapacityUnits"].as_f64(),
    }
}

async fn tape(name: &str, batches: &[Vec<Event>]) -> Vec<Exchange> {
    let log = env::temp_dir().join(format!("bench-{}-{name}.log", std::process::id()));
    let mut worker = Worker::start(binary("processor").unwrap(), &log).await.unwrap();
    worker.table.record();
    for batch in batches {
        worker.apply(batch).await.unwrap();
    }
    worker.table.ensure_nothing_is_quarantined().unwrap();
    std::fs::remove_file(log).unwrap();
    worker.table.tape()
}

#[tokio::test]
async fn the_table_answers_and_counts_as_an_independent_one_does() {
    let mut events = Events::default();
    let mut batches: Vec<Vec<Event>> = vec![];
    for (kind, user) in Kind::ALL.into_iter().cycle().zip(0..Kind::ALL.len() as u64 * 4) {
        let event = events.next(kind, 1 + user % 5);
        batches.extend([vec![event], vec![event]]);
    }
    // Out of order, of one user and of many, and erased.
    batches.push(events.batch(std::iter::repeat_n(3, 20)).into_iter().rev().collect());
    batches.push(events.batch(1..=100));
    batches.push(vec![events.next(Kind::Share, 3), events.next(Kind::Erased, 3), events.next(Kind::Share, 3)]);
    batches.push(vec![events.next(Kind::Share, 3)]);
    let independent = Independent::new();
    let mut operations = std::collections::BTreeMap::<String, usize>::new();
    for Exchange { operation, request, answer, units: counted } in tape("against-another", &batches).await {
        let other = independent.answer(&operation, request.clone());
        assert_eq!(meaning(&answer), meaning(&other), "{operation} {request}");
        if let Some(units) = units(&other) {
            let Units { reads, writes } = counted;
            assert_eq!(reads + writes, units, "{operation} {request}");
        }
        *operations.entry(operation).or_default() += 1;
    }
    let operations: Vec<_> = operations.keys().map(String::as_str).collect();
    assert_eq!(operations, ["GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"]);
}
