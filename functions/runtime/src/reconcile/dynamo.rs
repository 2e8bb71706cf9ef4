//! The runs in DynamoDB: `RECONCILE#<app_id>` / `RUN`, and what a run needs beside it.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use backon::{BackoffBuilder, ExponentialBuilder};
use kakao_webhooks::{
    state::{STATE, Subject},
    wire::{AppId, Time, UserId},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::sleep;

use super::{Difference, Note, RosterLink, RosterMember, RosterPage, Run, StoredLink, Table};
use crate::store::{
    DynamoStore, ROSTER, ROSTER_ATTRIBUTES, Saved, StoreError,
    dynamo::{NOT_THERE, fault, is_condition},
    items::{Item, key, seconds, text, text_of},
    roster::{FOUND, REPORTED, shard},
};

/// The records of runs, in the table.
#[derive(Clone, Debug)]
pub struct RunTable(pub DynamoStore);

/// The sort key of an app's run.
const RUN: &str = "RUN";
/// The largest page of the roster: just below sixteen kilobytes, since DynamoDB bills a read by started four.
const ROSTER_PAGE: i32 = 190;
/// Notes and differences are of no use after so many days.
const KEPT_DAYS: u32 = 14;

/// So many differences are read at once.
pub const LONGEST_DIFFERENCES: i32 = 1_000;

fn partition(app: &AppId) -> String {
    format!("RECONCILE#{app}")
}

/// Twenty digits, so that keys are in the order of the numbers.
fn digits(member: Option<UserId>) -> String {
    format!("{:020}", member.map_or(0, UserId::number))
}

fn notes_prefix(run: &Run) -> String {
    format!("NOTE#{}#{}#", run.run_id, run.pass)
}

fn note_key(run: &Run, note: &Note) -> String {
    format!("{}{}", notes_prefix(run), digits(note.behind))
}

pub(super) fn never(error: &dyn std::error::Error) -> StoreError {
    StoreError::Never(error.to_string())
}

fn to_item(app: &AppId, sort: &str, value: &impl Serialize) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|error| never(&error))?;
    item.extend(key(partition(app), sort));
    Ok(item)
}

pub(super) fn from_item<V: DeserializeOwned>(item: Item) -> Result<V, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| never(&error))
}

impl RunTable {
    /// The partition that names the apps which have runs; its sort keys are their ids.
    pub const APPS: &'static str = "RECONCILE#APPS";

    /// The first differences that a comparison found, at most [`LONGEST_DIFFERENCES`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn differences(&self, app: &AppId, run_id: &str) -> Result<Vec<Difference>, StoreError> {
        let items = self.items(app, &format!("DIFFERENCE#{run_id}#"), LONGEST_DIFFERENCES).await?;
        items.into_iter().map(from_item).collect()
    }

    async fn items(&self, app: &AppId, prefix: &str, most: i32) -> Result<Vec<Item>, StoreError> {
        let query = self.0.partition(partition(app)).key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
        let query = query.expression_attribute_values(":prefix", text(prefix)).consistent_read(true).limit(most);
        Ok(query.send().await.map_err(|error| fault(&error))?.items.unwrap_or_default())
    }

    pub(super) async fn put(&self, item: Item) -> Result<(), StoreError> {
        let put = self.0.client.put_item().table_name(&self.0.table).set_item(Some(item)).send().await;
        put.map(drop).map_err(|error| fault(&error))
    }

    fn short_lived(&self, app: &AppId, sort: &str, value: &impl Serialize) -> Result<Item, StoreError> {
        let mut item = to_item(app, sort, value)?;
        item.insert("expires_at".to_owned(), seconds(crate::clock::now().plus_days(KEPT_DAYS)));
        Ok(item)
    }

    /// Puts the record if the stored one is of the revision of `run`.
    async fn put_record(&self, run: &Run, record: Item) -> Result<Saved, StoreError> {
        let (condition, values) = of_revision(run);
        let put = self.0.client.put_item().table_name(&self.0.table).set_item(Some(record));
        match put.condition_expression(condition).set_expression_attribute_values(values).send().await {
            Ok(_) => Ok(Saved::Done),
            Err(error) if is_condition(&error) => Ok(Saved::Conflict),
            Err(error) => Err(fault(&error)),
        }
    }

    /// The same with a note, or neither.
    async fn put_record_with(&self, run: &Run, record: Item, note: Item) -> Result<Saved, StoreError> {
        let (condition, values) = of_revision(run);
        let put = || Put::builder().table_name(&self.0.table);
        let record = put().set_item(Some(record)).condition_expression(condition);
        let record = record.set_expression_attribute_values(values).build().map_err(|error| never(&error))?;
        let note = put().set_item(Some(note)).build().map_err(|error| never(&error))?;
        let [record, note] = [record, note].map(|put| TransactWriteItem::builder().put(put).build());
        match self.0.client.transact_write_items().transact_items(record).transact_items(note).send().await {
            Ok(_) => Ok(Saved::Done),
            Err(error) if is_canceled_by_condition(&error) => Ok(Saved::Conflict),
            Err(error) => Err(fault(&error)),
        }
    }

    /// The states of at most a hundred members, with what tells about their links.
    async fn states(&self, keys: Vec<Item>) -> Result<Vec<Item>, StoreError> {
        let (mut read, mut wanted) = (vec![], keys);
        let mut pauses = ExponentialBuilder::default().with_jitter().with_max_times(5).build();
        while !wanted.is_empty() {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .projection_expression("pk, link, #roster")
                .expression_attribute_names("#roster", ROSTER)
                .consistent_read(true)
                .build()
                .map_err(|error| never(&error))?;
            let got = self.0.client.batch_get_item().request_items(&self.0.table, keys).send().await;
            let got = got.map_err(|error| fault(&error))?;
            read.extend(got.responses.unwrap_or_default().remove(&self.0.table).unwrap_or_default());
            let left = got.unprocessed_keys.unwrap_or_default().remove(&self.0.table);
            wanted = left.map(|keys| keys.keys).unwrap_or_default();
            if !wanted.is_empty() {
                let throttled = || StoreError::TryAgain("some states were not read: the table is throttled".to_owned());
                sleep(pauses.next().ok_or_else(throttled)?).await;
            }
        }
        Ok(read)
    }
}

impl Table for RunTable {
    async fn apps(&self) -> Result<Vec<AppId>, StoreError> {
        let read = self.0.partition(Self::APPS).send().await;
        let items = read.map_err(|error| fault(&error))?.items.unwrap_or_default();
        Ok(items.iter().filter_map(|item| text_of(item, "sk")?.parse().ok()).collect())
    }

    async fn run(&self, app: &AppId) -> Result<Option<Run>, StoreError> {
        let get = self.0.client.get_item().table_name(&self.0.table).set_key(Some(key(partition(app), RUN)));
        let read = get.consistent_read(true).send().await.map_err(|error| fault(&error))?;
        read.item.map(from_item).transpose()
    }

    async fn save(&self, app: &AppId, run: &Run, note: Option<&Note>) -> Result<Saved, StoreError> {
        if run.revision == 0 {
            // First, so that no run is unlisted.
            self.put(key(Self::APPS, app.as_str())).await?;
        }
        let next = Run { revision: run.revision + 1, ..run.clone() };
        let record = to_item(app, RUN, &next)?;
        let saved = match note {
            None => self.put_record(run, record).await?,
            Some(note) => self.put_record_with(run, record, self.short_lived(app, &note_key(run, note), note)?).await?,
        };
        if saved == Saved::Conflict && self.run(app).await?.as_ref() == Some(&next) {
            // An attempt whose answer was lost.
            return Ok(Saved::Done);
        }
        Ok(saved)
    }

    async fn roster(&self, app: &AppId, part: u64, behind: Option<UserId>) -> Result<RosterPage, StoreError> {
        let [of_app, member, link] = ROSTER_ATTRIBUTES;
        let query = self.0.client.query().table_name(&self.0.table).index_name(ROSTER).limit(ROSTER_PAGE);
        let query = query
            .key_condition_expression("#of_app = :of_app AND #member > :behind")
            .expression_attribute_names("#of_app", of_app)
            .expression_attribute_names("#member", member)
            .expression_attribute_values(":of_app", text(shard(app, part)))
            .expression_attribute_values(":behind", AttributeValue::N(behind.map_or(0, UserId::number).to_string()));
        let read = query.send().await.map_err(|error| fault(&error))?;
        let member = |item: &Item| {
            let user_id = item.get(member)?.as_n().ok()?.parse().ok()?;
            let link = match text_of(item, link) {
                Some(REPORTED) => RosterLink::Reported,
                Some(FOUND) => RosterLink::Found,
                _ => RosterLink::Unknown,
            };
            Some(RosterMember { user_id, link })
        };
        Ok(RosterPage {
            has_more: read.last_evaluated_key().is_some(),
            members: read.items().iter().filter_map(member).collect(),
        })
    }

    async fn links(&self, app: &AppId, members: &[UserId]) -> Result<Vec<StoredLink>, StoreError> {
        let partitions: Vec<_> =
            members.iter().map(|member| Subject::User(app.clone(), *member).partition_key()).collect();
        let states = self.states(partitions.iter().map(|partition| key(partition, STATE)).collect()).await?;
        let by_partition: HashMap<&str, &Item> =
            states.iter().filter_map(|item| Some((text_of(item, "pk")?, item))).collect();
        Ok(partitions
            .iter()
            .map(|partition| by_partition.get(partition.as_str()).map_or(StoredLink::Absent, |item| link(item)))
            .collect())
    }

    async fn first_note(&self, app: &AppId, run: &Run) -> Result<Option<Note>, StoreError> {
        let items = self.items(app, &notes_prefix(run), 1).await?;
        items.into_iter().next().map(from_item).transpose()
    }

    async fn remove_note(&self, app: &AppId, run: &Run, note: &Note) -> Result<(), StoreError> {
        let key = key(partition(app), note_key(run, note));
        let delete = self.0.client.delete_item().table_name(&self.0.table).set_key(Some(key)).send().await;
        delete.map(drop).map_err(|error| fault(&error))
    }

    async fn put_difference(&self, app: &AppId, run_id: &str, difference: &Difference) -> Result<(), StoreError> {
        let sort = format!("DIFFERENCE#{run_id}#{}", digits(Some(difference.user_id)));
        self.put(self.short_lived(app, &sort, difference)?).await
    }
}

/// The condition that the stored record is of the revision of `run`, and its values.
fn of_revision(run: &Run) -> (&'static str, Option<Item>) {
    if run.revision == 0 {
        return (NOT_THERE, None);
    }
    let before = AttributeValue::N(run.revision.to_string());
    ("revision = :before", Some(Item::from([(":before".to_owned(), before)])))
}

fn is_canceled_by_condition(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
        return false;
    };
    canceled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}

fn link(item: &Item) -> StoredLink {
    let Some(link) = item.get("link").and_then(|link| link.as_m().ok()) else { return StoredLink::Unknown };
    let at: Option<Time> = text_of(link, "at").and_then(|at| at.parse().ok());
    match text_of(link, "status") {
        // Without its time nothing is newer than it but what Kakao says now.
        Some("unlinked") => StoredLink::Unlinked { at: at.unwrap_or_else(|| Time::clamped(i64::MAX)) },
        Some(_) => {
            StoredLink::Linked { at: at.unwrap_or_else(|| Time::clamped(0)), in_roster: item.contains_key(ROSTER) }
        }
        None => StoredLink::Unknown,
    }
}
