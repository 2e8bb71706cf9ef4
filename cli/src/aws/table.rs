//! Reads the table: states, shares, history.

use std::collections::{HashMap, VecDeque};

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::query::{builders::QueryFluentBuilder, paginator::QueryPaginator},
    types::AttributeValue,
};
use kakao_webhooks::state::{Members, user_view};
use serde_json::Value;

use super::fault::sentence;

/// The table of a stack.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
}

/// How many items are read at once of a partition that takes turns with others.
const PAGE: i32 = 25;

/// The code of a write whose condition does not hold.
const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

type Item = HashMap<String, AttributeValue>;

impl Table {
    /// The table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: Client::new(aws), name: name.into() }
    }

    /// An item.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn get(&self, partition: &str, sort: &str) -> Result<Option<Members>> {
        let read = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(partition.to_owned()))
            .key("sk", AttributeValue::S(sort.to_owned()))
            .consistent_read(true)
            .send()
            .await;
        let item = read.map_err(|error| self.fault("dynamodb:GetItem", &error))?.item;
        item.map(members).transpose()
    }

    /// The state of whomever a partition is about, in the contract's shape; `None` if nothing is known.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn view(&self, partition: &str) -> Result<Option<Value>> {
        let state = self.get(partition, "STATE").await?;
        let shares = self.get(partition, "SHARES").await?;
        if state.is_none() && shares.is_none() {
            return Ok(None);
        }
        Ok(Some(user_view(state.unwrap_or_default(), shares)))
    }

    /// The history of a partition, oldest first.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn history(&self, partition: &str) -> Result<Vec<Members>> {
        let query = self
            .client
            .query()
            .key_condition_expression("pk = :pk AND begins_with(sk, :events)")
            .expression_attribute_values(":events", AttributeValue::S("EVENT#".to_owned()));
        let mut entries = self.items(query, partition).await?;
        // Keys of undated events don't sort by time.
        entries.sort_by_key(|entry| (text(entry, "occurred_at").to_owned(), text(entry, "received_at").to_owned()));
        Ok(entries)
    }

    /// All items of a partition, by key.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn partition(&self, partition: &str) -> Result<Vec<Members>> {
        self.items(self.client.query().key_condition_expression("pk = :pk"), partition).await
    }

    /// The first items of a partition, by key, at most so many.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn first_of(&self, partition: &str, limit: usize) -> Result<Vec<Members>> {
        let mut query = self.paged(self.client.query().key_condition_expression("pk = :pk"), partition);
        if let Ok(limit) = i32::try_from(limit) {
            query = query.page_size(limit);
        }
        self.read(query, limit).await
    }

    /// The first items of several partitions: one of each in turn, so that none has to wait for the end of another.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn in_turn(&self, partitions: impl Iterator<Item = String>, limit: usize) -> Result<Vec<Members>> {
        let query = self.client.query().key_condition_expression("pk = :pk");
        let mut turns: VecDeque<_> =
            partitions.map(|partition| self.paged(query.clone(), &partition).page_size(PAGE).items().send()).collect();
        let mut items = Vec::new();
        while items.len() < limit
            && let Some(mut found) = turns.pop_front()
        {
            if let Some(item) = found.next().await {
                items.push(members(item.map_err(|error| self.fault("dynamodb:Query", &error))?)?);
                turns.push_back(found);
            }
        }
        Ok(items)
    }

    /// All items that a query of a partition (`:pk`) finds.
    async fn items(&self, query: QueryFluentBuilder, partition: &str) -> Result<Vec<Members>> {
        self.read(self.paged(query, partition), usize::MAX).await
    }

    /// The first items that a query finds, at most so many.
    async fn read(&self, query: QueryPaginator, limit: usize) -> Result<Vec<Members>> {
        let mut found = query.items().send();
        let mut items = Vec::new();
        while items.len() < limit
            && let Some(item) = found.next().await
        {
            items.push(members(item.map_err(|error| self.fault("dynamodb:Query", &error))?)?);
        }
        Ok(items)
    }

    fn paged(&self, query: QueryFluentBuilder, partition: &str) -> QueryPaginator {
        let query = query.table_name(&self.name).consistent_read(true);
        query.expression_attribute_values(":pk", AttributeValue::S(partition.to_owned())).into_paginator()
    }

    /// Passes on the states with an event of that time or later, page by page: members' and open ids'.
    ///
    /// # Errors
    /// If the table can't be read, or `page` fails.
    pub async fn states_since(&self, since: &str, mut page: impl AsyncFnMut(Vec<Members>) -> Result<()>) -> Result<()> {
        let condition = "sk = :state AND updated_at >= :since AND (begins_with(pk, :user) OR begins_with(pk, :open))";
        let mut scan = self.client.scan().table_name(&self.name).filter_expression(condition).consistent_read(true);
        for (name, value) in [(":state", "STATE"), (":since", since), (":user", "USER#"), (":open", "OPENID#")] {
            scan = scan.expression_attribute_values(name, AttributeValue::S(value.to_owned()));
        }
        let mut pages = scan.into_paginator().send();
        while let Some(read) = pages.next().await {
            let items = read.map_err(|error| self.fault("dynamodb:Scan", &error))?.items.unwrap_or_default();
            page(items.into_iter().map(members).collect::<Result<_>>()?).await?;
        }
        Ok(())
    }

    /// Passes on members' states and those lines of their history that have effects, page by page, with the number of
    /// items read so far.
    ///
    /// # Errors
    /// If the table can't be read, or `page` fails.
    pub async fn departures(&self, mut page: impl AsyncFnMut(Vec<Members>, usize) -> Result<()>) -> Result<()> {
        let condition =
            "begins_with(pk, :user) AND (sk = :state OR (begins_with(sk, :event) AND attribute_exists(effects)))";
        let mut scan = self.client.scan().table_name(&self.name).filter_expression(condition).consistent_read(true);
        for (name, value) in [(":state", "STATE"), (":user", "USER#"), (":event", "EVENT#")] {
            scan = scan.expression_attribute_values(name, AttributeValue::S(value.to_owned()));
        }
        let (mut pages, mut seen) = (scan.into_paginator().send(), 0);
        while let Some(read) = pages.next().await {
            let read = read.map_err(|error| self.fault("dynamodb:Scan", &error))?;
            seen += usize::try_from(read.scanned_count).unwrap_or_default();
            page(read.items.unwrap_or_default().into_iter().map(members).collect::<Result<_>>()?, seen).await?;
        }
        Ok(())
    }

    /// Marks an item as being replayed; `false` if it is gone.
    ///
    /// # Errors
    /// If the table can't be written.
    pub async fn mark(&self, partition: &str, sort: &str, mark: &str) -> Result<bool> {
        let marked = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(partition.to_owned()))
            .key("sk", AttributeValue::S(sort.to_owned()))
            .update_expression("SET replayed_at = :mark")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":mark", AttributeValue::S(mark.to_owned()))
            .send()
            .await;
        match marked {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(CONDITION_FAILED) => Ok(false),
            Err(error) => Err(self.fault("dynamodb:UpdateItem", &error)),
        }
    }

    /// Deletes an item that still holds this envelope and, with a mark, still bears that. One that is gone is deleted.
    ///
    /// # Errors
    /// If the table can't be written.
    pub async fn delete(&self, partition: &str, sort: &str, envelope: &str, mark: Option<&str>) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.name)
            .key("pk", AttributeValue::S(partition.to_owned()))
            .key("sk", AttributeValue::S(sort.to_owned()));
        let values =
            [(":envelope", "envelope", Some(envelope).filter(|text| !text.is_empty())), (":mark", "replayed_at", mark)];
        let values = values.into_iter().filter_map(|(name, member, value)| Some((name, member, value?)));
        let conditions: Vec<_> = values.clone().map(|(name, member, _)| format!("{member} = {name}")).collect();
        let values = values.map(|(name, _, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
        let delete = delete
            .set_condition_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
            .set_expression_attribute_values((!conditions.is_empty()).then(|| values.collect()));
        match delete.send().await {
            Err(error) if error.code() != Some(CONDITION_FAILED) => Err(self.fault("dynamodb:DeleteItem", &error)),
            _ => Ok(()),
        }
    }

    /// The keys of all items. For a local cloud's table: a real one may have millions.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn keys(&self) -> Result<Vec<(String, String)>> {
        let scan = self.client.scan().table_name(&self.name).projection_expression("pk, sk").consistent_read(true);
        let mut pages = scan.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| self.fault("dynamodb:Scan", &error))?.items.unwrap_or_default() {
                let item = members(item)?;
                keys.push((text(&item, "pk").to_owned(), text(&item, "sk").to_owned()));
            }
        }
        Ok(keys)
    }

    fn fault<E, R>(&self, action: &str, error: &SdkError<E, R>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        anyhow::anyhow!("the table `{}` can't be used: {}", self.name, sentence(action, error))
    }
}

fn members(item: Item) -> Result<Members> {
    serde_dynamo::from_item(item).context("an item is of an unknown form")
}

/// A member that is a text; empty if it isn't there.
#[must_use]
pub fn text<'m>(members: &'m Members, name: &str) -> &'m str {
    members.get(name).and_then(Value::as_str).unwrap_or_default()
}
