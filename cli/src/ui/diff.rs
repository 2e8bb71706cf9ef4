//! What changed between two states, for a reader: without write counters and dates, which change with
//! every event.

use std::collections::BTreeMap;

use kakao_webhooks::wire::Time;
use serde_json::{Map, Value};

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StateDifference {
    /// What: a path such as `link` or `scopes.account_email`.
    pub what: String,
    /// What it was; `None` where there was nothing.
    pub before: Option<String>,
    /// What it is; `None` where there is nothing any more.
    pub after: Option<String>,
}

impl std::fmt::Display for StateDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "–".to_owned(), short);
        write!(f, "{}: {} → {}", self.what, shown(&self.before), shown(&self.after))
    }
}

/// A time without its day: what a reader looks at happened just now.
fn short(value: &str) -> String {
    match value.parse::<Time>() {
        Ok(_) => value.chars().skip(11).take(8).collect(),
        Err(_) => value.to_owned(),
    }
}

/// What differs, in the order of the paths.
#[must_use]
pub fn diff(before: Option<&Value>, after: Option<&Value>) -> Vec<StateDifference> {
    let (before, after) = (facts(before), facts(after));
    let mut paths: Vec<_> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let change = |path: &String| StateDifference {
        what: path.clone(),
        before: before.get(path).cloned(),
        after: after.get(path).cloned(),
    };
    paths.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

/// Members that say when or how often, not what, and those of the key.
const NO_FACTS: [&str; 7] = ["at", "last_at", "last_seen_at", "version", "updated_at", "app_id", "user_id"];

/// Members that say more of a `status`.
const OF_STATUS: [&str; 3] = ["reason", "detail", "uuid"];

fn facts(state: Option<&Value>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    if let Some(Value::Object(members)) = state {
        collect(members, "", &mut facts);
    }
    facts
}

fn collect(members: &Map<String, Value>, path: &str, facts: &mut BTreeMap<String, String>) {
    if let Some(fact) = register(members).filter(|_| !path.is_empty()) {
        facts.insert(path.to_owned(), fact);
        return;
    }
    for (name, value) in members.iter().filter(|(name, _)| !NO_FACTS.contains(&name.as_str())) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(members) => collect(members, &path, facts),
            value => {
                facts.insert(path, plain(value));
            }
        }
    }
}

/// What a register says, as one fact; `None` if the object is something else.
pub(crate) fn register(members: &Map<String, Value>) -> Option<String> {
    if let Some(status) = members.get("status") {
        let more: Vec<_> = OF_STATUS.iter().filter_map(|name| members.get(*name)).map(plain).collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) };
        return Some(format!("{}{more}", plain(status)));
    }
    if let Some(granted) = members.get("granted").and_then(Value::as_bool) {
        return Some(if granted { "granted" } else { "withdrawn" }.to_owned());
    }
    members.get("value").or_else(|| members.get("user_key")).map(plain)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(before: &Value, after: &Value) -> Vec<String> {
        diff(Some(before), Some(after)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_register_is_shown_by_its_value_and_not_by_its_date() {
        let before = json!({"version": 1, "link": {"status": "linked", "at": "a"}});
        let after = json!({"version": 2, "link": {"status": "unlinked", "at": "b", "reason": "ACCOUNT_DELETE"}});
        assert_eq!(shown(&before, &after), ["link: linked → unlinked (ACCOUNT_DELETE)"]);
    }

    #[test]
    fn scopes_profile_values_and_times_read_as_words() {
        let after = json!({
            "scopes": {"account_email": {"granted": false, "at": "a"}},
            "profile": {"nickname": {"value": "라이언", "at": "a"}, "address": {"value": {"zip": 1}, "at": "a"}},
            "sessions_valid_from": "2026-01-02T03:04:05.678Z",
        });
        assert_eq!(
            shown(&json!({}), &after),
            [
                r#"profile.address: – → {"zip":1}"#,
                "profile.nickname: – → 라이언",
                "scopes.account_email: – → withdrawn",
                "sessions_valid_from: – → 03:04:05",
            ]
        );
        assert_eq!(diff(Some(&after), Some(&after)), []);
        assert_eq!(diff(Some(&after), None).len(), 4);
    }
}
