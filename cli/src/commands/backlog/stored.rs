//! Items of the table that wait: the inbox's and the quarantine's.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use kakao_webhooks::state::Members;
use serde_json::Value;

use super::{Fate, letter};
use crate::aws::table::{Table, text};

/// An item of the table with an envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredItem(pub Members);

impl StoredItem {
    pub(crate) fn text(&self, name: &str) -> &str {
        text(&self.0, name)
    }

    /// Its envelope as JSON, or as it is if it is not JSON.
    pub(crate) fn envelope(&self) -> Value {
        letter::readable(self.text("envelope"))
    }

    /// The item with its envelope as JSON instead of text.
    pub(crate) fn readable(&self) -> Value {
        let mut members = self.0.clone();
        members.insert("envelope".to_owned(), self.envelope());
        Value::Object(members)
    }
}

/// The items with these ids, and the ids of which `read` finds none.
pub(crate) async fn find_each(
    ids: BTreeSet<String>,
    read: impl AsyncFn(&str) -> Result<Option<StoredItem>>,
) -> Result<(Vec<StoredItem>, BTreeSet<String>)> {
    let (mut found, mut missing) = (Vec::new(), BTreeSet::new());
    for id in ids {
        match read(&id).await? {
            Some(item) => found.push(item),
            None => drop(missing.insert(id)),
        }
    }
    Ok((found, missing))
}

/// Passes each item to `visit` and deletes those that it selects, if they are unchanged. With `marked`, one that was
/// replayed is deleted only if it still has the mark of that replay.
pub(crate) async fn work_through(
    table: &Table,
    items: Vec<StoredItem>,
    marked: bool,
    mut visit: impl AsyncFnMut(StoredItem) -> Result<Fate>,
) -> Result<()> {
    for item in items {
        let [partition, key, envelope] = ["pk", "sk", "envelope"].map(|name| item.text(name).to_owned());
        match visit(item).await? {
            Fate::Kept => {}
            Fate::Dropped => table.delete(&partition, &key, &envelope, None).await?,
            Fate::Replayed { at } => {
                let deleted = table.delete(&partition, &key, &envelope, marked.then_some(at.as_str())).await;
                deleted.with_context(|| {
                    format!("`{key}` was sent, but could not be deleted here. Sending it again is safe")
                })?;
            }
        }
    }
    Ok(())
}
