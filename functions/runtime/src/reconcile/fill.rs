//! Fills the roster's attributes of the items that an earlier release wrote: once, by a scan that goes on where it was
//! interrupted.

use aws_sdk_dynamodb::{operation::scan::ScanOutput, types::AttributeValue};
use futures_util::{StreamExt, TryStreamExt, stream};
use kakao_webhooks::{
    state::{Members, STATE, Subject},
    wire::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    RunTable,
    dynamo::{from_item, never},
};
use crate::store::{
    ROSTER, ROSTER_ATTRIBUTES, StoreError,
    dynamo::{fault, is_condition},
    items::{Item, key, text, text_of},
    roster,
};

/// How far the roster is filled, as its item stands in the table (`RECONCILE#ROSTER` / `FILLED`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterFill {
    /// Items of the table that were looked at, of any kind.
    pub scanned: u64,
    /// Members who were put into the roster.
    pub filled: u64,
    /// The last key that was looked at. None: the scan begins at the table's first, or is at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// When this was written.
    pub updated_at: Time,
    /// When the whole table was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
}

/// A key of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    partition: String,
    sort: String,
}

/// No app has this id.
const FILL: (&str, &str) = ("RECONCILE#ROSTER", "FILLED");

/// So many items are looked at by a call: their answer comes in time over a slow line, too.
const PAGE: i32 = 500;

/// So many items are written at once.
const WRITTEN_AT_ONCE: usize = 16;

/// Members who belong into the roster and are not in it.
const NOT_IN_ROSTER: &str = "sk = :state AND begins_with(pk, :user) AND attribute_not_exists(#roster) \
                             AND (attribute_not_exists(#link.#status) OR #link.#status <> :unlinked)";

impl RosterFill {
    const fn new(now: Time) -> Self {
        Self { scanned: 0, filled: 0, position: None, updated_at: now, finished_at: None }
    }

    /// Whether there is nothing left to look at.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished_at.is_some()
    }
}

impl RunTable {
    /// How far the roster is filled. None: it was never begun.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn roster_fill(&self) -> Result<Option<RosterFill>, StoreError> {
        let get = self.0.client.get_item().table_name(&self.0.table).set_key(Some(key(FILL.0, FILL.1)));
        let read = get.consistent_read(true).send().await.map_err(|error| fault(&error))?;
        read.item.map(from_item).transpose()
    }

    /// Looks at the next page of the table, fills what it finds there, and writes down how far it is.
    ///
    /// # Errors
    /// [`StoreError`]. The page is looked at again by the next call.
    pub async fn fill_roster(&self, before: Option<RosterFill>, now: Time) -> Result<RosterFill, StoreError> {
        let mut fill = before.unwrap_or_else(|| RosterFill::new(now));
        let page = self.lacking(fill.position.as_ref()).await?;
        let next = page.last_evaluated_key.as_ref().and_then(Position::of_key);
        fill.scanned += u64::try_from(page.scanned_count).unwrap_or_default();
        fill.filled += self.fill_each(page.items.unwrap_or_default()).await?;
        (fill.updated_at, fill.finished_at) = (now, next.is_none().then_some(now));
        fill.position = next;
        let mut item: Item = serde_dynamo::to_item(&fill).map_err(|error| never(&error))?;
        item.extend(key(FILL.0, FILL.1));
        self.put(item).await?;
        Ok(fill)
    }

    async fn lacking(&self, behind: Option<&Position>) -> Result<ScanOutput, StoreError> {
        let mut scan = self.0.client.scan().table_name(&self.0.table).filter_expression(NOT_IN_ROSTER).limit(PAGE);
        scan =
            scan.projection_expression("pk, #link, #merge, version").set_exclusive_start_key(behind.map(Position::key));
        for (name, member) in [("#roster", ROSTER), ("#link", "link"), ("#status", "status"), ("#merge", "_merge")] {
            scan = scan.expression_attribute_names(name, member);
        }
        for (name, value) in [(":state", STATE), (":user", "USER#"), (":unlinked", "unlinked")] {
            scan = scan.expression_attribute_values(name, text(value));
        }
        scan.send().await.map_err(|error| fault(&error))
    }

    /// Returns how many were written.
    async fn fill_each(&self, items: Vec<Item>) -> Result<u64, StoreError> {
        let filled = stream::iter(items.into_iter().map(|item| self.fill_one(item))).buffer_unordered(WRITTEN_AT_ONCE);
        filled.try_fold(0, async |sum, written| Ok(sum + u64::from(written))).await
    }

    /// The version stays: nothing changes that a consumer sees. An item that was written meanwhile has its attributes.
    async fn fill_one(&self, item: Item) -> Result<bool, StoreError> {
        let (partition, version) = (text_of(&item, "pk").unwrap_or_default().to_owned(), item.get("version").cloned());
        let Some(subject) = Subject::of_partition_key(&partition) else { return Ok(false) };
        let members: Members = from_item(item)?;
        let mut attributes = roster::attributes(&subject, &members);
        let Some(version) = version.filter(|_| !attributes.is_empty()) else { return Ok(false) };
        let update = self.0.client.update_item().table_name(&self.0.table).set_key(Some(key(partition, STATE)));
        let mut update = update
            .update_expression("SET #of_app = :of_app, #member = :member, #projected = :projected")
            .condition_expression("version = :version AND attribute_not_exists(#of_app)")
            .expression_attribute_values(":version", version);
        for (attribute, name) in ROSTER_ATTRIBUTES.into_iter().zip(["of_app", "member", "projected"]) {
            let value = attributes.remove(attribute).unwrap_or(AttributeValue::Null(true));
            update = update.expression_attribute_names(format!("#{name}"), attribute);
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(fault(&error)),
        }
    }
}

impl Position {
    fn of_key(key: &Item) -> Option<Self> {
        Some(Self { partition: text_of(key, "pk")?.to_owned(), sort: text_of(key, "sk")?.to_owned() })
    }

    fn key(&self) -> Item {
        key(&self.partition, &self.sort)
    }
}
