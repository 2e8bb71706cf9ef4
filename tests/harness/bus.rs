//! A bus that speaks EventBridge's JSON protocol and stores the events, by PutEvents' rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use dynoxide::Database;
use serde_json::{Map, Value, json};

use crate::{
    faults::{Gate, Server},
    table::{self, Table},
};

/// The bus's name (`EVENT_BUS_NAME`).
pub const NAME: &str = "kakao-webhooks";

/// An event that the bus took.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its type.
    pub detail_type: String,
    /// When the item was written, in seconds.
    pub time: f64,
    /// Its text, read.
    pub detail: Map<String, Value>,
}

impl Event {
    /// The publisher's own id of it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// Which parts changed, joined by commas.
    #[must_use]
    pub fn changed(&self) -> String {
        let changed = self.detail.get("changed").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        changed.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
    }

    /// A member of its text that is a text; empty if there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.detail.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the item that it describes is stored, in this version or a newer one.
    fn is_stored(&self, database: &Database) -> bool {
        let (kind, whose) = if self.detail.contains_key("user_id") {
            ("USER", self.text("user_id"))
        } else {
            ("OPENID", self.text("open_id"))
        };
        let stored = stored_version(database, &format!("{kind}#{}#{whose}", self.text("app_id")));
        stored.is_some() && stored >= self.detail.get("version").and_then(Value::as_u64)
    }
}

fn stored_version(database: &Database, pk: &str) -> Option<u64> {
    let request = json!({"TableName": table::NAME, "Key": {"pk": {"S": pk}, "sk": {"S": "STATE"}}});
    let read = serde_json::to_value(database.get_item(serde_json::from_value(request).ok()?).ok()?).ok()?;
    read.pointer("/Item/version/N")?.as_str()?.parse().ok()
}

#[derive(Debug, Default)]
struct BusState {
    taken: Vec<Event>,
    /// How many entries each call had.
    calls: Vec<usize>,
    /// How often entries of a user are still throttled.
    throttled: BTreeMap<String, usize>,
    /// The entries of these users are refused, with this error code.
    refused: BTreeMap<String, String>,
    /// Events that were accepted before their item was stored.
    early: Vec<Event>,
}

#[derive(Clone)]
struct PutEventsState {
    held: Arc<Mutex<BusState>>,
    database: Database,
}

/// One bus.
pub struct Bus {
    server: Server,
    gate: Gate,
    held: Arc<Mutex<BusState>>,
}

/// How many entries PutEvents takes at once, and how many bytes.
const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 256 * 1024;

fn lock(held: &Mutex<BusState>) -> MutexGuard<'_, BusState> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bus {
    /// An empty bus on a free port, of a service with this table.
    ///
    /// # Errors
    /// If loopback has no free port.
    pub async fn start(table: &Table) -> Result<Self> {
        let (gate, held) = (Gate::default(), Arc::<Mutex<BusState>>::default());
        let shared = PutEventsState { held: Arc::clone(&held), database: table.database().clone() };
        let router = Router::new().route("/", post(put_events)).with_state(shared);
        Ok(Self { server: Server::start(router, gate.clone()).await?, gate, held })
    }

    /// Where the protocol is spoken (`AWS_ENDPOINT_URL_EVENTBRIDGE`).
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.url()
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// From now on entries of this user are throttled singly, this many times.
    pub fn throttle(&self, user_id: &str, times: usize) {
        lock(&self.held).throttled.insert(user_id.to_owned(), times);
    }

    /// From now on each entry of this user is refused with this error code.
    pub fn refuse(&self, user_id: &str, code: &str) {
        lock(&self.held).refused.insert(user_id.to_owned(), code.to_owned());
    }

    /// Everything that it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<Event> {
        lock(&self.held).taken.clone()
    }

    /// The same without the first ones.
    #[must_use]
    pub fn taken_since(&self, seen: usize) -> Vec<Event> {
        lock(&self.held).taken.iter().skip(seen).cloned().collect()
    }

    /// The publisher's ids of everything that it took: repeats are one.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<String> {
        lock(&self.held).taken.iter().map(|event| event.id().to_owned()).collect()
    }

    /// How many entries each call had so far.
    #[must_use]
    pub fn calls(&self) -> Vec<usize> {
        lock(&self.held).calls.clone()
    }

    /// Events that were accepted before their item was stored.
    #[must_use]
    pub fn early(&self) -> Vec<Event> {
        lock(&self.held).early.clone()
    }
}

fn refuse(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"__type": kind, "message": kind}))).into_response()
}

async fn put_events(
    State(PutEventsState { held, database }): State<PutEventsState>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if headers.get("x-amz-target").is_none_or(|target| target != "AWSEvents.PutEvents") {
        return refuse("UnknownOperationException");
    }
    let request: Value = serde_json::from_str(&body).unwrap_or_default();
    let entries = request.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let bytes: usize = entries.iter().map(bytes).sum();
    if !(1..=MOST_ENTRIES).contains(&entries.len()) || bytes > MOST_BYTES {
        return refuse("ValidationException");
    }
    let held = &mut *lock(&held);
    held.calls.push(entries.len());
    let results: Vec<Value> = entries.iter().map(|entry| held.take(entry, &database)).collect();
    let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
    Json(json!({"FailedEntryCount": failed, "Entries": results})).into_response()
}

/// The size of an entry (EventBridge, "Calculating PutEvents event entry size").
fn bytes(entry: &Value) -> usize {
    let length = |name: &str| entry.get(name).and_then(Value::as_str).map_or(0, str::len);
    14 + length("Source") + length("DetailType") + length("Detail")
}

impl BusState {
    fn take(&mut self, entry: &Value, database: &Database) -> Value {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let fail = |code: &str| json!({"ErrorCode": code, "ErrorMessage": code});
        if text("EventBusName") != NAME || text("Source") != "kakao-webhooks" {
            return fail("InvalidArgument");
        }
        let Ok(detail) = serde_json::from_str(text("Detail")) else { return fail("MalformedDetail") };
        let time = entry.get("Time").and_then(Value::as_f64).unwrap_or_default();
        let event = Event { detail_type: text("DetailType").to_owned(), time, detail };
        if let Some(code) = self.refused.get(event.text("user_id")) {
            return fail(code);
        }
        if let Some(times) = self.throttled.get_mut(event.text("user_id")).filter(|times| **times > 0) {
            *times -= 1;
            return fail("ThrottlingException");
        }
        if !event.is_stored(database) {
            self.early.push(event.clone());
        }
        self.taken.push(event);
        json!({"EventId": format!("00000000-0000-4000-8000-{:012}", self.taken.len())})
    }
}
