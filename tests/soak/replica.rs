//! What a service knows of its users by its deliveries alone.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::endpoint::Posted;
use kakao_webhooks::state::{Members, user_view};
use serde_json::Value;

/// The states of all users, by the one rule: of two versions of a user the greater counts.
#[derive(Default)]
pub(crate) struct Replica {
    users: BTreeMap<String, (u64, Value)>,
    /// `webhook-id` of everything that was accepted.
    pub(crate) ids: BTreeSet<String>,
}

impl Replica {
    /// Of what an endpoint accepted.
    pub(crate) fn of(posted: &[Posted]) -> Self {
        let mut replica = Self::default();
        posted.iter().filter(|posted| posted.status.is_success()).for_each(|posted| replica.take(posted));
        replica
    }

    fn take(&mut self, posted: &Posted) {
        let change = &posted.json()["data"];
        self.ids.insert(posted.header("webhook-id").to_owned());
        let version = change["version"].as_u64().unwrap();
        let known = self.users.entry(partition(change)).or_default();
        if known.0 < version {
            *known = (version, change["state"].clone());
        }
    }

    /// Asserts that it is what the table holds, as far as it is published.
    pub(crate) fn check(&self, items: &[Members]) {
        let is_published = |item: &&Members| {
            let begins = |kind: &str| item["pk"].as_str().unwrap().starts_with(kind);
            item["sk"] == "STATE" && (begins("USER#") || begins("OPENID#"))
        };
        let stored: Vec<&Members> = items.iter().filter(is_published).collect();
        for item in &stored {
            let pk = item["pk"].as_str().unwrap();
            let (version, state) = self.users.get(pk).unwrap_or_else(|| panic!("nothing of {pk} was delivered"));
            assert!(*version <= item["version"].as_u64().unwrap(), "{pk}: a version that is not stored");
            assert_eq!(without_moving(state.clone()), without_moving(published(item)), "{pk}");
        }
        assert_eq!(self.users.len(), stored.len(), "a user who is not stored");
    }
}

fn partition(change: &Value) -> String {
    let app_id = change["app_id"].as_str().unwrap();
    match change["user_id"].as_str() {
        Some(user_id) => format!("USER#{app_id}#{user_id}"),
        None => format!("OPENID#{app_id}#{}", change["open_id"].as_str().unwrap()),
    }
}

/// A stored state without what is not published.
fn published(item: &Members) -> Value {
    let mut state = user_view(item.clone(), None);
    for (map, name) in [("bots", "last_seen_at"), ("profile", "value")] {
        let entries =
            state.get_mut(map).and_then(Value::as_object_mut).into_iter().flat_map(|entries| entries.values_mut());
        entries.for_each(|entry| drop(entry.as_object_mut().unwrap().remove(name)));
    }
    state
}

/// What moves without a change that is published.
fn without_moving(mut state: Value) -> Value {
    let members = state.as_object_mut().unwrap();
    members.remove("version");
    members.remove("updated_at");
    state
}
