//! What a stack's table proves of departures, with errors for an operator.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use aws_config::SdkConfig;
use kakao_webhooks::{
    state::Subject,
    wire::{AppId, Time, UserId},
};
use runtime::store::{DynamoStore, ErasureDay, ErasureRecord, Pace, Retention, StoreError};
use serde_json::Value;

use super::{
    fault::stored,
    table::{Table, text},
};

/// The proof of erasure in a stack's table.
#[derive(Clone, Debug)]
pub struct Erasures {
    store: DynamoStore,
    /// The table's other items.
    pub items: Table,
    name: String,
}

/// What the table holds of a member, as it was read just now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many items of each kind: `state`, `history`, `shares`.
    pub items: BTreeMap<&'static str, usize>,
    /// When the last of them expires. `None`: nothing is held, or some of it without an end.
    pub until: Option<Time>,
    /// Whether some of it is held without an end.
    pub is_endless: bool,
    /// Since when the member is linked, if they are.
    pub linked_at: Option<Time>,
}

impl Erasures {
    /// Those in the table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        let store = DynamoStore::new(aws, name.clone(), Retention::default(), Pace::Operator);
        Self { store, items: Table::new(aws, &*name), name }
    }

    /// What is recorded in the partition of a day, of one app or of all.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn of_day(&self, day: Time, app: Option<&AppId>) -> Result<ErasureDay> {
        self.store.erasures_of(day, app).await.map_err(self.fault("dynamodb:Query"))
    }

    /// Writes a record.
    ///
    /// # Errors
    /// If the table can't be written.
    pub async fn put(&self, record: &ErasureRecord) -> Result<()> {
        self.store.put_erasures(record).await.map_err(self.fault("dynamodb:PutItem"))
    }

    /// What is held of a member now.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn held(&self, app: &AppId, user: UserId, now: Time) -> Result<Held> {
        let partition = Subject::User(app.clone(), user).partition_key();
        let mut held = Held::default();
        for item in self.items.partition(&partition).await? {
            held.take(&item, now);
        }
        Ok(held)
    }

    fn fault(&self, action: &'static str) -> impl FnOnce(StoreError) -> anyhow::Error {
        let name = self.name.clone();
        move |error| anyhow!("the table `{name}` can't be used: {}", stored(action, &error))
    }
}

impl Held {
    fn take(&mut self, item: &kakao_webhooks::state::Members, now: Time) {
        let until = item.get("expires_at").and_then(Value::as_i64).and_then(Time::from_seconds);
        // DynamoDB deletes an expired item within some days: nothing reads it any more.
        if until.is_some_and(|until| until <= now) {
            return;
        }
        let kind = match text(item, "sk") {
            "STATE" => "state",
            "SHARES" => "shares",
            _ => "history",
        };
        *self.items.entry(kind).or_default() += 1;
        self.is_endless |= until.is_none();
        self.until = if self.is_endless { None } else { self.until.max(until) };
        let link = |name| item.get("link").and_then(|link| link.get(name)).and_then(Value::as_str);
        if kind == "state" && link("status") == Some("linked") {
            self.linked_at = link("at").and_then(|at| at.parse().ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_held_is_counted_by_kind_until_the_last_of_it_expires() {
        let now = Time::from_seconds(1_000).unwrap();
        let mut held = Held::default();
        for item in [
            json!({"sk": "EVENT#a", "expires_at": 1_001}),
            json!({"sk": "EVENT#b", "expires_at": 2_000}),
            json!({"sk": "EVENT#expired", "expires_at": 1_000}),
            json!({"sk": "STATE", "expires_at": 1_500, "link": {"status": "unlinked", "at": "2026-01-01T00:00:00Z"}}),
        ] {
            held.take(item.as_object().unwrap(), now);
        }
        assert_eq!(held.items, [("history", 2), ("state", 1)].into());
        assert_eq!((held.until, held.is_endless, held.linked_at), (Time::from_seconds(2_000), false, None));
        let linked = json!({"sk": "STATE", "link": {"status": "linked", "at": "2026-01-01T00:00:00Z"}});
        held.take(linked.as_object().unwrap(), now);
        held.take(json!({"sk": "EVENT#c", "expires_at": 3_000}).as_object().unwrap(), now);
        assert_eq!((held.until, held.is_endless), (None, true));
        assert!(held.linked_at.is_some());
    }
}
