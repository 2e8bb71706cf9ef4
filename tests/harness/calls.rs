//! The functions' AWS calls in IAM's terms, recorded by the servers that they reach. Each call must be on a
//! list, which `infra/lint/test_iam.py` compares with the policies of `template.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use serde_json::{Value, json};

use crate::{binaries::workspace, lambda::Environment};

/// The lists, below the workspace: of what every stack has, and of what delivery, reconciling and a chatbot's
/// answers add.
const LISTS: [&str; 4] = [
    "tests/snapshots/aws-calls.snap",
    "tests/snapshots/aws-calls-of-delivery.snap",
    "tests/snapshots/aws-calls-of-reconciler.snap",
    "tests/snapshots/aws-calls-of-answerer.snap",
];

/// What stands for a part of a request that isn't understood. It is on no list.
const UNKNOWN: &str = "?";

/// A call: its caller, action, resource and partitions of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    function: String,
    /// As a policy names it.
    action: String,
    /// The function's variable that names the resource; behind it, what of the resource, if that is a part of it.
    resource: String,
    /// How the partition key begins; a whole key if it has no `#`. None for an index, whose keys are its own.
    leading_key: Option<String>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.function, self.action, self.resource)?;
        self.leading_key.iter().try_for_each(|key| write!(f, " {key}"))
    }
}

type SharedCalls = Arc<Mutex<BTreeSet<Call>>>;

/// A running function, by its access key id.
struct Caller {
    function: String,
    environment: Environment,
    calls: SharedCalls,
}

static CALLERS: Mutex<BTreeMap<String, Caller>> = Mutex::new(BTreeMap::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All calls of one service's functions. When the service ends, each has to be on the list.
#[derive(Debug, Default)]
pub struct Calls(SharedCalls);

impl Calls {
    /// The access key id of a function that starts with these variables: what is signed with it is the function's.
    pub(crate) fn access_key(&self, function: &str, environment: &Environment) -> String {
        let mut callers = lock(&CALLERS);
        let id = format!("{function}.{}", callers.len());
        let caller =
            Caller { function: function.to_owned(), environment: environment.clone(), calls: Arc::clone(&self.0) };
        callers.insert(id.clone(), caller);
        id
    }

    /// One line for each call that was made so far, in order.
    #[must_use]
    pub fn lines(&self) -> BTreeSet<String> {
        lock(&self.0).iter().map(Call::to_string).collect()
    }

    fn unlisted(&self) -> Vec<String> {
        let listed: BTreeSet<String> = LISTS.into_iter().flat_map(listed).collect();
        self.lines().difference(&listed).cloned().collect()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // A test that fails already must show its own error.
        if std::thread::panicking() {
            return;
        }
        let unlisted = self.unlisted();
        assert!(
            unlisted.is_empty(),
            "{LISTS:?} don't list:\n{}\nHave permissions.rs of tests/bus, tests/delivery, tests/reconcile or tests/answers make the call, run\n\
             INSTA_UPDATE=always cargo test -p end-to-end --test bus --test delivery --test reconcile --test answers permissions\n\
             and give the function's role the permission in infra/template",
            unlisted.join("\n")
        );
    }
}

fn listed(list: &str) -> BTreeSet<String> {
    let list = std::fs::read_to_string(workspace().join(list)).unwrap_or_default();
    // Behind the snapshot's head.
    serde_json::from_str(list.splitn(3, "---\n").nth(2).unwrap_or_default()).unwrap_or_default()
}

/// Notes a request to a server, if it is a function's.
pub(crate) fn record(headers: &HeaderMap, body: &[u8]) {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(id) = text(AUTHORIZATION.as_str()).and_then(access_key_of) else { return };
    let callers = lock(&CALLERS);
    let Some(caller) = callers.get(id) else { return };
    let target = text("x-amz-target").unwrap_or_default();
    lock(&caller.calls).extend(caller.calls(target, &serde_json::from_slice(body).unwrap_or_default()));
}

/// Of `AWS4-HMAC-SHA256 Credential=<access key id>/<date>/…`.
fn access_key_of(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split('/').next()
}

impl Caller {
    /// The calls that a request is for IAM: one for each of its items, if it names several.
    fn calls(&self, target: &str, request: &Value) -> Vec<Call> {
        match target.split_once('.').unwrap_or_default() {
            // A batch needs the permission of what is in it (Amazon SQS, "API permissions").
            ("AmazonSQS", action) => {
                vec![self.call("sqs", action.trim_end_matches("Batch"), request.get("QueueUrl"), None)]
            }
            ("secretsmanager", action) => vec![self.call("secretsmanager", action, request.get("SecretId"), None)],
            ("AWSEvents", "PutEvents") => each(request.get("Entries"))
                .map(|entry| self.call("events", "PutEvents", entry.get("EventBusName"), None))
                .collect(),
            ("DynamoDB_20120810", "TransactWriteItems") => each(request.get("TransactItems"))
                .flat_map(|item| item.as_object().into_iter().flatten())
                .map(|(part, item)| self.of_table(action_of_part(part), item))
                .collect(),
            ("DynamoDB_20120810", "BatchGetItem") => {
                of_batch(request).map(|item| self.of_table("BatchGetItem", &item)).collect()
            }
            ("DynamoDB_20120810", action) => vec![self.of_table(action, request)],
            // Only Lambda's API names its action in the path; what it takes is on no list.
            _ if target.is_empty() => vec![],
            _ => vec![self.call(UNKNOWN, target, None, None)],
        }
    }

    fn of_table(&self, action: &str, request: &Value) -> Call {
        let call = |leading_key| self.call("dynamodb", action, request.get("TableName"), leading_key);
        match request.get("IndexName").and_then(Value::as_str) {
            Some(index) if action == "Query" => {
                let call = call(None);
                Call { resource: format!("{}/index/{index}", call.resource), ..call }
            }
            _ => call(Some(leading_key(request).map_or_else(|| UNKNOWN.to_owned(), beginning))),
        }
    }

    fn call(&self, service: &str, action: &str, resource: Option<&Value>, leading_key: Option<String>) -> Call {
        let is_named = |(_, value): &(&String, &String)| resource.and_then(Value::as_str) == Some(value.as_str());
        let variable = self.environment.iter().find(is_named).map(|(name, _)| name.clone());
        Call {
            function: self.function.clone(),
            action: format!("{service}:{action}"),
            resource: variable.unwrap_or_else(|| UNKNOWN.to_owned()),
            leading_key,
        }
    }
}

fn each(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// The reads of a batch, each as a request of its own.
fn of_batch(request: &Value) -> impl Iterator<Item = Value> {
    let tables = request.get("RequestItems").and_then(Value::as_object);
    tables
        .into_iter()
        .flatten()
        .flat_map(|(table, items)| each(items.get("Keys")).map(move |key| json!({"TableName": table, "Key": key})))
}

/// A transaction needs the permissions of what is in it (DynamoDB, "IAM for transactions").
fn action_of_part(part: &str) -> &str {
    match part {
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "ConditionCheck" => "ConditionCheckItem",
        _ => UNKNOWN,
    }
}

/// The partition key that a request names. None: it names several, or none, or an index's.
fn leading_key(request: &Value) -> Option<&str> {
    if request.get("IndexName").is_some() {
        return None;
    }
    let named = request.get("Key").or_else(|| request.get("Item"));
    let key = match named {
        Some(members) => members.get("pk"),
        None => {
            let condition = request.get("KeyConditionExpression")?.as_str()?;
            let placeholder = condition.strip_prefix("pk = ")?.split(' ').next()?;
            request.get("ExpressionAttributeValues")?.get(placeholder)
        }
    };
    key?.get("S")?.as_str()
}

fn beginning(key: &str) -> String {
    key.split_once('#').map_or_else(|| key.to_owned(), |(kind, _)| format!("{kind}#*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(target: &str, request: &Value) -> Vec<String> {
        let environment = [("TABLE_NAME", "users"), ("EVENT_QUEUE_URL", "http://x/events"), ("EVENT_BUS_NAME", "bus")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let caller =
            Caller { function: "f".to_owned(), environment: environment.into(), calls: SharedCalls::default() };
        caller.calls(target, request).iter().map(Call::to_string).collect()
    }

    #[test]
    fn a_transaction_is_a_call_for_each_of_its_items() {
        let key = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "STATE"}});
        let request = json!({"TransactItems": [
            {"Put": {"TableName": "users", "Item": key("USER#1#2")}},
            {"Update": {"TableName": "users", "Key": key("BOT#1#2")}},
            {"Delete": {"TableName": "users", "Key": key("KEYSET")}},
            {"ConditionCheck": {"TableName": "others", "Key": key("SEEN")}},
        ]});
        let expected = [
            "f dynamodb:PutItem TABLE_NAME USER#*",
            "f dynamodb:UpdateItem TABLE_NAME BOT#*",
            "f dynamodb:DeleteItem TABLE_NAME KEYSET",
            "f dynamodb:ConditionCheckItem ? SEEN",
        ];
        assert_eq!(calls("DynamoDB_20120810.TransactWriteItems", &request), expected);
    }

    #[test]
    fn a_query_is_of_the_partition_that_its_condition_names() {
        let of = |condition: &str| {
            let values = json!({":a": {"S": "USER#1#2"}, ":b": {"S": "EVENT#"}});
            let request =
                json!({"TableName": "users", "KeyConditionExpression": condition, "ExpressionAttributeValues": values});
            calls("DynamoDB_20120810.Query", &request)
        };
        for condition in ["pk = :a", "pk = :a AND begins_with(sk, :b)"] {
            assert_eq!(of(condition), ["f dynamodb:Query TABLE_NAME USER#*"]);
        }
        assert_eq!(of("#pk = :a"), ["f dynamodb:Query TABLE_NAME ?"]);
    }

    #[test]
    fn a_query_of_an_index_is_of_the_index_whose_keys_are_its_own() {
        let request = json!({"TableName": "users", "IndexName": "roster", "KeyConditionExpression": "#a = :a",
            "ExpressionAttributeValues": {":a": {"S": "123456#0"}}});
        assert_eq!(calls("DynamoDB_20120810.Query", &request), ["f dynamodb:Query TABLE_NAME/index/roster"]);
    }

    #[test]
    fn a_batch_of_reads_is_a_call_for_each_kind_of_partition() {
        let key = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "STATE"}});
        let keys = [key("USER#1#2"), key("USER#1#3"), key("BOT#1#2")];
        let request = json!({"RequestItems": {"users": {"Keys": keys}, "others": {"Keys": [key("SEEN")]}}});
        let made: BTreeSet<_> = calls("DynamoDB_20120810.BatchGetItem", &request).into_iter().collect();
        let expected = ["? SEEN", "TABLE_NAME BOT#*", "TABLE_NAME USER#*"];
        assert_eq!(made, expected.map(|part| format!("f dynamodb:BatchGetItem {part}")).into());
    }

    #[test]
    fn what_is_not_understood_is_on_no_list() {
        let index = json!({"TableName": "users", "IndexName": "i", "Key": {"pk": {"S": "SEEN"}}});
        for (target, request, call) in [
            ("DynamoDB_20120810.Scan", json!({"TableName": "users"}), "f dynamodb:Scan TABLE_NAME ?"),
            ("DynamoDB_20120810.GetItem", index, "f dynamodb:GetItem TABLE_NAME ?"),
            ("DynamoDB_20120810.BatchWriteItem", json!({"RequestItems": {}}), "f dynamodb:BatchWriteItem ? ?"),
            ("AmazonSQS.SendMessage", json!({"QueueUrl": "http://x/others"}), "f sqs:SendMessage ?"),
            ("AWSEvents.PutEvents", json!({"Entries": [{}]}), "f events:PutEvents ?"),
            ("TrentService.Decrypt", json!({}), "f ?:TrentService.Decrypt ?"),
        ] {
            assert_eq!(calls(target, &request), [call]);
        }
    }

    #[tokio::test]
    async fn a_service_whose_function_makes_an_unlisted_call_fails() {
        let calls = Calls::default();
        let environment = Environment::from([("EVENT_QUEUE_URL".to_owned(), "http://x/events".to_owned())]);
        let id = calls.access_key("unlink", &environment);
        let mut headers = HeaderMap::new();
        let signed = format!("AWS4-HMAC-SHA256 Credential={id}/20250301/ap-northeast-2/sqs/aws4_request, Signature=0");
        headers.insert(AUTHORIZATION, signed.parse().unwrap());
        headers.insert("x-amz-target", "AmazonSQS.SendMessage".parse().unwrap());
        let request = json!({"QueueUrl": "http://x/events"}).to_string();
        record(&headers, request.as_bytes());
        assert_eq!(calls.unlisted(), Vec::<String>::new());
        headers.insert("x-amz-target", "AmazonSQS.PurgeQueue".parse().unwrap());
        record(&headers, request.as_bytes());
        assert_eq!(calls.unlisted(), ["unlink sqs:PurgeQueue EVENT_QUEUE_URL"]);
        assert!(std::panic::catch_unwind(move || drop(calls)).is_err());
    }
}
