//! The counters of shares: the one thing that isn't a merge. Each share is counted once, since its history item is
//! written in the same transaction, on condition that it wasn't there.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};
use kakao_webhooks::{
    state::{CountedShare, HistoryEntry, Subject},
    wire::{Time, talk_share::ChatType},
};

use super::{
    DynamoStore, StoreError, Written,
    dynamo::{NOT_THERE, fault, is_condition},
    items::{self, CHAT_TYPE, Item, seconds, text, text_of},
};

/// Counts only what isn't older than an erasure.
const NOT_ERASED: &str = "attribute_not_exists(erased_until) OR erased_until < :received_at";

/// Counts under an unknown chat type's own name only while the item has room for it. An item without the map gets it
/// first.
const HAS_ROOM: &str = "attribute_not_exists(by_chat_type) OR attribute_exists(by_chat_type.#chat_type) \
                        OR size(by_chat_type) < :most";

/// The most unknown chat types that are counted by name: a new one of Kakao's must not need a new version
/// of ours, and thousands must not fill the item.
const MOST_CHAT_TYPES: usize = 50;

/// Under this name all others are counted.
const OTHER_CHAT_TYPES: &str = "other";

/// The member of a counter of shares that counts by chat type.
const BY_CHAT_TYPE: &str = "by_chat_type";

/// The sort key of the counter of shares.
const SHARES: &str = "SHARES";

/// How a transaction of a history item and a counter ended, by its cancellation reasons.
enum Transacted {
    Done,
    /// The history item was there.
    Known,
    /// The service had the counter erased, the event with it; or there is no room for the chat type's name.
    Uncounted,
    /// The counter has no map yet, is full, or is of an unknown form.
    Unusable,
    /// Another transaction held one of the items.
    Conflict,
}

impl Transacted {
    fn of(error: &SdkError<TransactWriteItemsError>) -> Option<Self> {
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return (error.code() == Some("ValidationException")).then_some(Self::Unusable);
        };
        let reasons = cancelled.cancellation_reasons().iter();
        let codes: Vec<_> = reasons.map(|reason| reason.code().unwrap_or("None")).collect();
        match codes.as_slice() {
            ["ConditionalCheckFailed", ..] => Some(Self::Known),
            [_, "ConditionalCheckFailed"] => Some(Self::Uncounted),
            codes if codes.contains(&"ValidationError") => Some(Self::Unusable),
            codes => codes.contains(&"TransactionConflict").then_some(Self::Conflict),
        }
    }
}

/// What [`unchanged`] compares with; DynamoDB accepts no empty map here.
fn expected(before: &Item) -> Option<Item> {
    let named = |name: &str| Some((format!(":{name}"), before.get(name)?.clone()));
    let expected: Item = ["count", "erased_until"].into_iter().filter_map(named).collect();
    (!expected.is_empty()).then_some(expected)
}

/// That nothing was counted or erased since this was read.
fn unchanged(before: &Item) -> String {
    let unchanged = |name: &str| match before.contains_key(name) {
        true => format!("#{name} = :{name}"),
        false => format!("attribute_not_exists(#{name})"),
    };
    ["count", "erased_until"].map(unchanged).join(" AND ")
}

fn counted_meanwhile() -> StoreError {
    StoreError::TryAgain("something was counted meanwhile".to_owned())
}

fn conflict() -> StoreError {
    StoreError::TryAgain("another transaction holds the item".to_owned())
}

fn not_counted(why: &str) {
    tracing::warn!(event = "not_counted", why);
}

fn number(count: u64) -> AttributeValue {
    AttributeValue::N(count.to_string())
}

fn numbers(counts: BTreeMap<String, u64>) -> AttributeValue {
    AttributeValue::M(counts.into_iter().map(|(name, count)| (name, number(count))).collect())
}

/// The counts by chat type. `None`: there are none, or they are of an unknown form.
fn by_chat_type(item: &Item) -> Option<BTreeMap<String, u64>> {
    let counts = item.get(BY_CHAT_TYPE)?.as_m().ok()?;
    let number = |count: &AttributeValue| count.as_n().ok()?.parse().ok();
    counts.iter().map(|(name, count)| Some((name.clone(), number(count)?))).collect()
}

/// Whether a chat type is counted by name however many others are.
fn has_a_place(chat_type: &str) -> bool {
    chat_type == OTHER_CHAT_TYPES || ChatType::from(chat_type).is_known()
}

/// The known chat types and the first others by name, and the rest together.
fn bounded(mut counts: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let unknown = counts.keys().filter(|name| !has_a_place(name));
    let surplus: Vec<String> = unknown.skip(MOST_CHAT_TYPES).cloned().collect();
    let count: u64 = surplus.iter().filter_map(|name| counts.remove(name)).sum();
    if count > 0 {
        *counts.entry(OTHER_CHAT_TYPES.to_owned()).or_default() += count;
    }
    counts
}

/// The attributes that say whose counter it is.
fn owner(subject: &Subject) -> impl Iterator<Item = (String, AttributeValue)> {
    subject.attributes().into_iter().map(|(name, value)| (name.to_owned(), text(value)))
}

fn counter_key(subject: &Subject) -> Item {
    items::key(subject.partition_key(), SHARES)
}

/// Whether a counter that has its map can count this by name, as far as what was read of it says.
fn may_have_room(before: &Item, counted: &CountedShare) -> bool {
    let chat_type = &counted.chat_type;
    by_chat_type(before).is_some_and(|counts| {
        has_a_place(chat_type) || counts.contains_key(chat_type) || counts.len() < MOST_CHAT_TYPES
    })
}

/// One added to a counter, with the conditions that hold on every path.
struct Addition {
    update: UpdateBuilder,
    set: Vec<String>,
    add: Vec<&'static str>,
    conditions: Vec<&'static str>,
}

impl Addition {
    /// Under its chat type's name, too, in a map that is there or is not: the write fails if that is wrong.
    fn of(counted: &CountedShare, received_at: Time, has_map: bool) -> Self {
        let update = Update::builder()
            .set_key(Some(counter_key(&counted.subject)))
            .expression_attribute_values(":received_at", text(received_at.to_string()))
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", number(1));
        let addition = Self { update, set: vec![], add: vec!["#count :one"], conditions: vec![NOT_ERASED] };
        if has_map { addition.by_name(&counted.chat_type) } else { addition.with_first(&counted.chat_type) }
    }

    fn by_name(mut self, chat_type: &str) -> Self {
        self.add.push("by_chat_type.#chat_type :one");
        self.update = self.update.expression_attribute_names("#chat_type", chat_type);
        if !has_a_place(chat_type) {
            self.conditions.push(HAS_ROOM);
            self.update = self.update.expression_attribute_values(":most", number(MOST_CHAT_TYPES as u64));
        }
        self
    }

    fn with_first(mut self, chat_type: &str) -> Self {
        self.set.push("by_chat_type = :first".to_owned());
        self.conditions.push("attribute_not_exists(by_chat_type)");
        let first = numbers([(chat_type.to_owned(), 1)].into());
        self.update = self.update.expression_attribute_values(":first", first);
        self
    }

    /// The same write moves the counter's newest time and its expiry forwards.
    fn moving(mut self, subject: &Subject, expires_at: Time) -> Self {
        self.set.extend(["last_at = :received_at".to_owned(), "expires_at = :expires_at".to_owned()]);
        self.conditions.push("attribute_not_exists(last_at) OR last_at <= :received_at");
        self.update = self.update.expression_attribute_values(":expires_at", seconds(expires_at));
        for (name, value) in owner(subject) {
            self.set.push(format!("{name} = :{name}"));
            self.update = self.update.expression_attribute_values(format!(":{name}"), value);
        }
        self
    }

    fn update(self) -> UpdateBuilder {
        let set = if self.set.is_empty() { String::new() } else { format!("SET {} ", self.set.join(", ")) };
        self.update
            .update_expression(format!("{set}ADD {}", self.add.join(", ")))
            .condition_expression(format!("({})", self.conditions.join(") AND (")))
    }
}

impl DynamoStore {
    /// Writes a line of history and adds one to a counter, both or neither. A counter that cannot be written costs no
    /// event: its history is written alone, from which it can be counted again.
    pub(super) async fn count(&self, entry: &HistoryEntry, counted: &CountedShare) -> Result<Written, StoreError> {
        // A read costs a thirtieth of a transaction that is cancelled. It may be late: the conditions decide.
        let before = self.read_counter(&counter_key(&counted.subject), false).await?;
        // An erasure is never taken back.
        if text_of(&before, "erased_until").is_some_and(|until| until >= entry.received_at.to_string().as_str()) {
            return self.put_history_of(entry, Some(counted)).await;
        }
        if let Some(update) = self.whole_update(&before, counted, entry.received_at) {
            match self.transact(entry, counted, update).await? {
                Transacted::Done => return Ok(Written::First),
                Transacted::Known => {
                    // A delivery that was received later counts nothing, and moves the newest time in any order.
                    if text_of(&before, "last_at").is_none_or(|last| last < entry.received_at.to_string().as_str()) {
                        self.touch(counted, entry.received_at).await?;
                    }
                    return Ok(Written::Again);
                }
                Transacted::Conflict => return Err(conflict()),
                Transacted::Uncounted | Transacted::Unusable => {}
            }
        }
        self.count_in_steps(entry, counted).await
    }

    /// The same for a counter that one update cannot bring up to date.
    async fn count_in_steps(&self, entry: &HistoryEntry, counted: &CountedShare) -> Result<Written, StoreError> {
        let mut outcome = self.transact_by_name(entry, counted).await?;
        if matches!(outcome, Transacted::Unusable) && self.prepare_counter(counted).await? {
            outcome = self.transact_by_name(entry, counted).await?;
        }
        if matches!(outcome, Transacted::Unusable) {
            // Again in any case: another worker may have bounded it just now.
            self.bound_counter(counted).await?;
            outcome = self.transact_by_name(entry, counted).await?;
        }
        let written = match outcome {
            Transacted::Done => Written::First,
            Transacted::Known => Written::Again,
            Transacted::Uncounted => return self.put_history_of(entry, Some(counted)).await,
            Transacted::Unusable => {
                not_counted("the item is full, or of an unknown form");
                return self.put_history_of(entry, Some(counted)).await;
            }
            Transacted::Conflict => return Err(conflict()),
        };
        self.touch(counted, entry.received_at).await?;
        Ok(written)
    }

    /// As [`Self::touch_counter`]; a counter that cannot be written costs no event.
    async fn touch(&self, counted: &CountedShare, at: Time) -> Result<(), StoreError> {
        match self.touch_counter(counted, at).await {
            Err(StoreError::Never(error)) => {
                not_counted(&error);
                Ok(())
            }
            touched => touched,
        }
    }

    /// As [`Self::transact`], under the chat type's name while there is room for it.
    async fn transact_by_name(&self, entry: &HistoryEntry, counted: &CountedShare) -> Result<Transacted, StoreError> {
        let outcome = self.transact(entry, counted, self.counter_update(counted, entry.received_at)).await?;
        let Transacted::Uncounted = outcome else { return Ok(outcome) };
        let other = CountedShare { subject: counted.subject.clone(), chat_type: OTHER_CHAT_TYPES.to_owned() };
        self.transact(entry, counted, self.counter_update(&other, entry.received_at)).await
    }

    /// Writes a line of history alone, unless it is there.
    pub(super) async fn put_history_of(
        &self,
        entry: &HistoryEntry,
        counted: Option<&CountedShare>,
    ) -> Result<Written, StoreError> {
        let item = items::history(entry, counted, self.retention)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).condition_expression(NOT_THERE);
        match put.send().await {
            Ok(_) => Ok(Written::First),
            Err(error) if is_condition(&error) => Ok(Written::Again),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Writes the history of what is `counted`, and updates a counter.
    async fn transact(
        &self,
        entry: &HistoryEntry,
        counted: &CountedShare,
        update: UpdateBuilder,
    ) -> Result<Transacted, StoreError> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(items::history(entry, Some(counted), self.retention)?))
            .condition_expression(NOT_THERE)
            .build();
        let never = |error: aws_sdk_dynamodb::error::BuildError| StoreError::Never(error.to_string());
        let written = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put.map_err(never)?).build())
            .transact_items(TransactWriteItem::builder().update(update.build().map_err(never)?).build())
            .send()
            .await;
        match written {
            Ok(_) => Ok(Transacted::Done),
            Err(error) => Transacted::of(&error).ok_or_else(|| fault(&error)),
        }
    }

    /// Adds one to a counter that has its map, and nothing else.
    fn counter_update(&self, counted: &CountedShare, received_at: Time) -> UpdateBuilder {
        Addition::of(counted, received_at, true).update().table_name(&self.table)
    }

    /// Adds one to a counter, and moves its newest time and its expiry forwards, in one write. `None`: what was read of
    /// the counter says that it can't be done so.
    fn whole_update(&self, before: &Item, counted: &CountedShare, received_at: Time) -> Option<UpdateBuilder> {
        let is_late = text_of(before, "last_at").is_some_and(|last| last > received_at.to_string().as_str());
        let has_map = before.contains_key(BY_CHAT_TYPE);
        if is_late || (has_map && !may_have_room(before, counted)) {
            return None;
        }
        let expires_at = received_at.plus_days(self.retention.history_days);
        let addition = Addition::of(counted, received_at, has_map).moving(&counted.subject, expires_at);
        Some(addition.update().table_name(&self.table))
    }

    /// Adds to a map that isn't there are refused, so the map comes first. Whether it is there now.
    async fn prepare_counter(&self, counted: &CountedShare) -> Result<bool, StoreError> {
        let prepared = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(counter_key(&counted.subject)))
            .update_expression("SET by_chat_type = if_not_exists(by_chat_type, :empty)")
            .expression_attribute_values(":empty", AttributeValue::M([].into()))
            .send()
            .await;
        match prepared.map_err(|error| fault(&error)) {
            Ok(_) => Ok(true),
            // The item is too full even for that.
            Err(StoreError::Never(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Counts the surplus chat types of a counter together: an item from before they were bounded may be full of them.
    async fn bound_counter(&self, counted: &CountedShare) -> Result<(), StoreError> {
        let before = self.read_counter(&counter_key(&counted.subject), true).await?;
        let Some(counts) = by_chat_type(&before) else { return Ok(()) };
        let bounded = bounded(counts.clone());
        if bounded == counts {
            return Ok(());
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(counter_key(&counted.subject)))
            .update_expression("SET by_chat_type = :bounded")
            .condition_expression(unchanged(&before))
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#erased_until", "erased_until")
            .set_expression_attribute_values(expected(&before))
            .expression_attribute_values(":bounded", numbers(bounded));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition(&error) => Err(counted_meanwhile()),
            Err(error) => Err(fault(&error)),
        }
    }

    async fn read_counter(&self, key: &Item, is_consistent: bool) -> Result<Item, StoreError> {
        let read = self.client.get_item().table_name(&self.table).set_key(Some(key.clone()));
        let read = read.consistent_read(is_consistent);
        Ok(read.send().await.map_err(|error| fault(&error))?.item.unwrap_or_default())
    }

    /// Moves the counter's newest time forwards, and its expiry with it. Harmless twice.
    async fn touch_counter(&self, counted: &CountedShare, at: Time) -> Result<(), StoreError> {
        let owner: Vec<_> = owner(&counted.subject).collect();
        let set_owner: String = owner.iter().map(|(name, _)| format!(", {name} = :{name}")).collect();
        let touched = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(counter_key(&counted.subject)))
            .set_expression_attribute_values(Some(
                owner.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
            ))
            .update_expression(format!("SET last_at = :received_at, expires_at = :expires_at{set_owner}"))
            .condition_expression(format!(
                "({NOT_ERASED}) AND (attribute_not_exists(last_at) OR last_at < :received_at)"
            ))
            .expression_attribute_values(":received_at", text(at.to_string()))
            .expression_attribute_values(":expires_at", seconds(at.plus_days(self.retention.history_days)))
            .send()
            .await;
        match touched {
            Err(error) if !is_condition(&error) => Err(fault(&error)),
            _ => Ok(()),
        }
    }

    /// Counts a user's shares again, from history, without those received until then.
    pub(super) async fn recount_shares(&self, subject: &Subject, until: Time) -> Result<(), StoreError> {
        let key = counter_key(subject);
        let before = self.read_counter(&key, true).await?;
        let erased_until = text_of(&before, "erased_until");
        if erased_until.is_some_and(|erased| erased >= until.to_string().as_str()) {
            return Ok(());
        }
        let counts = self.shares_since(subject, until).await?;
        let total: u64 = counts.values().sum();
        let mut item = key;
        item.extend(owner(subject));
        item.insert("count".to_owned(), number(total));
        item.insert(BY_CHAT_TYPE.to_owned(), numbers(bounded(counts)));
        item.insert("erased_until".to_owned(), text(until.to_string()));
        let newest = before.get("last_at").filter(|last| last.as_s().is_ok_and(|last| *last > until.to_string()));
        item.extend(newest.map(|last| ("last_at".to_owned(), last.clone())));
        item.insert("expires_at".to_owned(), seconds(until.plus_days(self.retention.history_days)));
        self.replace_counter(item, &before).await
    }

    /// Writes a counter again unless something was counted or erased meanwhile.
    async fn replace_counter(&self, item: Item, before: &Item) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(unchanged(before))
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#erased_until", "erased_until")
            .set_expression_attribute_values(expected(before));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition(&error) => Err(counted_meanwhile()),
            Err(error) => Err(fault(&error)),
        }
    }

    async fn shares_since(&self, subject: &Subject, until: Time) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :partition AND begins_with(sk, :shares)")
            .filter_expression("received_at > :until")
            .expression_attribute_values(":partition", text(subject.partition_key()))
            .expression_attribute_values(":shares", text("EVENT#talk-share#"))
            .expression_attribute_values(":until", text(until.to_string()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut counts = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| fault(&error))?;
            if let Some(Ok(chat_type)) = item.get(CHAT_TYPE).map(AttributeValue::as_s) {
                *counts.entry(chat_type.clone()).or_insert(0) += 1;
            }
        }
        Ok(counts)
    }
}
