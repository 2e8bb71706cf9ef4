//! A DynamoDB protocol server in this process, with the table of `template.yaml` in it.

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use dynoxide::Database;
use runtime::store::{ROSTER, ROSTER_ATTRIBUTES};
use serde_json::{Map, Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::faults::{Gate, Server};

/// The table's name (`TABLE_NAME`).
pub const NAME: &str = "users";

/// The table.
pub struct Table {
    database: Database,
    dynamo: JoinHandle<()>,
    server: Server,
    gate: Gate,
}

impl Table {
    /// An empty table on a free port, with the index that the reconciler needs.
    ///
    /// # Errors
    /// If loopback has no free port, or the server doesn't take the table.
    pub async fn start() -> Result<Self> {
        Self::serve(database_with_roster()?).await
    }

    /// The same without the index, as a stack without `KakaoReaderKeys` has it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_without_roster() -> Result<Self> {
        Self::serve(database()?).await
    }

    async fn serve(database: Database) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let dynamo = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let gate = Gate::default();
        let router = Router::new().fallback(forward).with_state((reqwest::Client::builder().no_proxy().build()?, url));
        Ok(Self { database, dynamo, server: Server::start(router, gate.clone()).await?, gate })
    }

    /// Where the protocol is spoken (`AWS_ENDPOINT_URL_DYNAMODB`).
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// The database behind the protocol, for what the protocol has no word for here.
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// All items as plain JSON, by their keys.
    ///
    /// # Errors
    /// If the server can't read its own table.
    pub fn items(&self) -> Result<Vec<Map<String, Value>>> {
        let (mut items, mut after) = (vec![], Value::Null);
        loop {
            let scanned =
                self.database.scan(serde_json::from_value(json!({"TableName": NAME, "ExclusiveStartKey": after}))?)?;
            let mut page = serde_json::to_value(scanned)?;
            items.extend(
                page.get("Items").and_then(Value::as_array).context("no items")?.iter().filter_map(plain_members),
            );
            after = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
            if after.is_null() {
                break;
            }
        }
        let key = |item: &Map<String, Value>| ["pk", "sk"].map(|name| item.get(name).map(Value::to_string));
        items.sort_by_cached_key(key);
        Ok(items)
    }

    /// The items of one partition.
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub fn partition(&self, pk: &str) -> Result<Vec<Map<String, Value>>> {
        let (mut items, mut after) = (vec![], Value::Null);
        loop {
            let read = self.database.query(serde_json::from_value(json!({
                "TableName": NAME,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": pk}},
                "ExclusiveStartKey": after,
            }))?)?;
            let mut page = serde_json::to_value(read)?;
            let read = page.get("Items").and_then(Value::as_array).context("no items")?;
            items.extend(read.iter().filter_map(plain_members));
            after = page.get_mut("LastEvaluatedKey").map(Value::take).unwrap_or_default();
            if after.is_null() {
                return Ok(items);
            }
        }
    }

    /// One item.
    ///
    /// # Errors
    /// As [`items`](Self::items).
    pub fn item(&self, pk: &str, sk: &str) -> Result<Option<Map<String, Value>>> {
        let is_it = |item: &Map<String, Value>| item.get("sk").and_then(Value::as_str) == Some(sk);
        Ok(self.partition(pk)?.into_iter().find(is_it))
    }

    /// Sets a text in an item, as another version of the service might have.
    ///
    /// # Errors
    /// If the table doesn't take it.
    pub fn set(&self, pk: &str, sk: &str, name: &str, value: &str) -> Result<()> {
        self.database.update_item(serde_json::from_value(json!({
            "TableName": NAME,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": "SET #name = :value",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":value": {"S": value}},
        }))?)?;
        Ok(())
    }

    /// Puts an item, written in DynamoDB's own JSON.
    ///
    /// # Errors
    /// If the table doesn't take it.
    pub fn put(&self, item: &Value) -> Result<()> {
        self.database.put_item(serde_json::from_value(json!({"TableName": NAME, "Item": item}))?)?;
        Ok(())
    }

    /// Takes attributes out of an item, as a version of the service wrote it that did not know them.
    ///
    /// # Errors
    /// If the table doesn't let go of them.
    pub fn take_out(&self, pk: &str, sk: &str, names: &[&str]) -> Result<()> {
        self.database.update_item(serde_json::from_value(json!({
            "TableName": NAME,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": format!("REMOVE {}", names.join(", ")),
        }))?)?;
        Ok(())
    }

    /// Takes an item out, if it is there.
    ///
    /// # Errors
    /// If the table doesn't let go of it.
    pub fn remove(&self, pk: &str, sk: &str) -> Result<()> {
        self.database.delete_item(serde_json::from_value(json!({
            "TableName": NAME,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        }))?)?;
        Ok(())
    }
}

/// A DynamoDB in this process, with an empty table as `template.yaml` has it without `KakaoReaderKeys`.
///
/// # Errors
/// If it refuses the table.
pub fn database() -> Result<Database> {
    create(json!({
        "TableName": NAME,
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "BillingMode": "PAY_PER_REQUEST",
    }))
}

/// As `template.yaml` has it with `KakaoReaderKeys`.
fn database_with_roster() -> Result<Database> {
    let [partition, sort, projected] = ROSTER_ATTRIBUTES;
    create(json!({
        "TableName": NAME,
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": partition, "AttributeType": "S"},
            {"AttributeName": sort, "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [{
            "IndexName": ROSTER,
            "KeySchema": [
                {"AttributeName": partition, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [projected]},
        }],
        "BillingMode": "PAY_PER_REQUEST",
    }))
}

fn create(table: Value) -> Result<Database> {
    let database = Database::memory()?;
    database.create_table(serde_json::from_value(table)?)?;
    Ok(database)
}

impl Drop for Table {
    fn drop(&mut self) {
        self.dynamo.abort();
    }
}

/// DynamoDB's own server cannot be made to fail, so requests reach it through one that can.
async fn forward(
    State((client, url)): State<(reqwest::Client, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let answer = client.post(url).headers(headers).body(body).send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    Ok((status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response())
}

fn plain_members(members: &Value) -> Option<Map<String, Value>> {
    Some(members.as_object()?.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
}

/// From DynamoDB's JSON (`{"N":"1"}`) to plain JSON (`1`).
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|typed| typed.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), inner) {
        ("N", Value::String(digits)) => serde_json::from_str(digits).unwrap_or(Value::Null),
        ("M", members) => plain_members(members).map_or(Value::Null, Value::Object),
        ("L", Value::Array(elements)) => elements.iter().map(plain).collect(),
        ("NULL", _) => Value::Null,
        _ => inner.clone(),
    }
}
