//! The members of an app at Kakao and in the table: computed from their number, so that a million of them take no memory. A
//! few of them are known to one side only.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use end_to_end::{faults::Server, reconciling::READER_KEY, service::APP_ID, table};
use runtime::store::{ROSTER, ROSTER_ATTRIBUTES, ROSTER_SHARDS};
use serde_json::{Value, json};
use tokio::time::sleep;

/// The number of the first member.
const FIRST: u64 = 3_142_857_000;
/// Of so many members, the table lacks one, and Kakao's list another one.
const GROUP: u64 = 10_000;
/// The place within a group of the one that the table lacks.
const UNKNOWN: u64 = 3_333;
/// The place of the one that Kakao's list lacks.
const MISSING: u64 = 6_666;
/// The most members that Kakao lists at once.
const MOST_LISTED: usize = 100;

/// An app's members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members {
    /// How many there are, with those that one side lacks.
    pub(super) count: u64,
    /// The time before each answer of Kakao's API: a planted regression.
    pub(super) delay: Duration,
    /// So many bytes are added to each item of the roster: a planted regression.
    pub(super) padding: usize,
}

impl Members {
    /// How many the table lacks.
    pub(super) const fn unknown(self) -> u64 {
        (self.count + GROUP - 1 - UNKNOWN) / GROUP
    }

    /// How many Kakao's list lacks.
    pub(super) const fn missing(self) -> u64 {
        (self.count + GROUP - 1 - MISSING) / GROUP
    }

    fn is_there(self, member: u64) -> bool {
        (FIRST..FIRST + self.count).contains(&member)
    }

    fn is_listed(self, member: u64) -> bool {
        self.is_there(member) && (member - FIRST) % GROUP != MISSING
    }

    fn is_known(self, member: u64) -> bool {
        self.is_there(member) && (member - FIRST) % GROUP != UNKNOWN
    }

    /// The numbers from this one on.
    fn starting_at(self, number: u64) -> impl Iterator<Item = u64> {
        number.max(FIRST)..FIRST + self.count
    }

    /// Kakao's API. It ends when the server is dropped.
    pub(super) async fn kakao(self) -> Result<Server> {
        Server::without_gate(Router::new().fallback(get(answer)).with_state(self)).await
    }

    /// `GET /v1/user/ids`.
    fn list(self, from: u64, limit: usize) -> Response {
        if !(1..=MOST_LISTED).contains(&limit) {
            return refuse(StatusCode::BAD_REQUEST, -2);
        }
        let listed: Vec<u64> = self.starting_at(from).filter(|member| self.is_listed(*member)).take(limit).collect();
        let next = listed.last().map_or(from, |last| last + 1);
        let has_more = self.starting_at(next).any(|member| self.is_listed(member));
        let after = has_more.then(|| format!("http://kapi.kakao.com/v1/user/ids?limit={limit}&from_id={next}"));
        Json(json!({"elements": listed, "before_url": null, "after_url": after})).into_response()
    }

    /// What the table says of members; `None` for a request about something else.
    pub(super) fn in_table(self, operation: &str, request: &Value) -> Option<Value> {
        match operation {
            "Query" => self.roster(request),
            "BatchGetItem" => self.states(request),
            _ => None,
        }
    }

    /// A page of the index.
    fn roster(self, request: &Value) -> Option<Value> {
        let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
        text("/IndexName").filter(|name| *name == ROSTER)?;
        let partition = text("/ExpressionAttributeValues/:of_app/S")?;
        let shard: u64 = partition.strip_prefix(APP_ID)?.strip_prefix('#')?.parse().ok()?;
        let behind: u64 = text("/ExpressionAttributeValues/:behind/N")?.parse().ok()?;
        let limit = usize::try_from(request.get("Limit")?.as_u64()?).ok()?;
        let of_shard =
            self.starting_at(behind + 1).filter(|member| member % ROSTER_SHARDS == shard && self.is_known(*member));
        let members: Vec<u64> = of_shard.take(limit).collect();
        let items: Vec<Value> = members.iter().map(|member| self.item_of_roster(partition, *member)).collect();
        let mut page = json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items});
        if let Some((last, page)) = members.last().filter(|_| members.len() == limit).zip(page.as_object_mut()) {
            page.insert("LastEvaluatedKey".to_owned(), key_in_roster(partition, *last));
        }
        Some(page)
    }

    fn item_of_roster(self, partition: &str, member: u64) -> Value {
        let [.., link] = ROSTER_ATTRIBUTES;
        let mut item = key_in_roster(partition, member);
        if let Some(item) = item.as_object_mut() {
            item.insert(link.to_owned(), json!({"S": "linked"}));
            let padding = (self.padding > 0).then(|| json!({"S": "x".repeat(self.padding)}));
            item.extend(padding.map(|padding| ("padding".to_owned(), padding)));
        }
        item
    }

    /// What the states have of members' links.
    fn states(self, request: &Value) -> Option<Value> {
        let keys = request.pointer(&format!("/RequestItems/{}/Keys", table::NAME))?.as_array()?;
        let state = |key: &Value| {
            let partition = key.pointer("/pk/S")?.as_str()?;
            let member: u64 = partition.strip_prefix("USER#")?.strip_prefix(APP_ID)?.strip_prefix('#')?.parse().ok()?;
            let link = json!({"M": {"status": {"S": "linked"}, "at": {"S": "2025-01-01T00:00:00.000Z"}}});
            let shard = format!("{APP_ID}#{}", member % ROSTER_SHARDS);
            self.is_known(member).then(|| json!({"pk": {"S": partition}, "link": link, ROSTER: {"S": shard}}))
        };
        let states: Vec<Value> = keys.iter().filter_map(state).collect();
        Some(json!({"Responses": {table::NAME: states}, "UnprocessedKeys": {}}))
    }
}

/// The key of the index, with the table's.
fn key_in_roster(partition: &str, member: u64) -> Value {
    let [of_app, number, _] = ROSTER_ATTRIBUTES;
    let pk = format!("USER#{APP_ID}#{member}");
    json!({"pk": {"S": pk}, "sk": {"S": "STATE"}, of_app: {"S": partition}, number: {"N": member.to_string()}})
}

/// Kakao's answer.
async fn answer(State(members): State<Members>, headers: HeaderMap, uri: Uri) -> Response {
    if !members.delay.is_zero() {
        sleep(members.delay).await;
    }
    let key = headers.get("authorization").and_then(|value| value.to_str().ok());
    if key.and_then(|key| key.strip_prefix("KakaoAK ")) != Some(READER_KEY) {
        return refuse(StatusCode::UNAUTHORIZED, -401);
    }
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let text = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let linked = |member: u64| json!({"id": member, "connected_at": "2025-01-01T00:00:00Z"});
    match uri.path() {
        "/v1/user/ids" => members.list(text("from_id").parse().unwrap_or(0), text("limit").parse().unwrap_or(0)),
        "/v2/app/users" => {
            let asked: Vec<u64> = serde_json::from_str(text("target_ids")).unwrap_or_default();
            let known: Vec<Value> = asked.into_iter().filter(|member| members.is_listed(*member)).map(linked).collect();
            Json(known).into_response()
        }
        "/v2/user/me" => match text("target_id").parse() {
            Ok(member) if members.is_listed(member) => Json(linked(member)).into_response(),
            Ok(_) => refuse(StatusCode::BAD_REQUEST, -101),
            Err(_) => refuse(StatusCode::BAD_REQUEST, -2),
        },
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// An error in Kakao's form.
fn refuse(status: StatusCode, code: i64) -> Response {
    (status, Json(json!({"code": code, "msg": "refused"}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_roster_have_all_members_but_those_that_the_table_lacks() {
        let members = Members { count: 25_000, delay: Duration::ZERO, padding: 0 };
        assert_eq!((members.unknown(), members.missing()), (3, 2));
        let mut known = 0;
        for shard in 0..ROSTER_SHARDS {
            let mut behind = 0_u64;
            loop {
                let partition = format!("{APP_ID}#{shard}");
                let values = json!({":of_app": {"S": partition}, ":behind": {"N": behind.to_string()}});
                let request = json!({"IndexName": ROSTER, "Limit": 190, "ExpressionAttributeValues": values});
                let page = members.in_table("Query", &request).unwrap();
                known += page["Items"].as_array().unwrap().len();
                let Some(last) = page["LastEvaluatedKey"][ROSTER_ATTRIBUTES[1]]["N"].as_str() else { break };
                behind = last.parse().unwrap();
            }
        }
        assert_eq!(known, 25_000 - 3);
    }
}
