//! What is recorded of departures: by the day of its record, so that a listing reads a day at a time and nothing else.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use kakao_webhooks::{
    erasure::{DepartureChange, Fact, FactKind, from_text, to_text},
    wire::{AppId, Time},
};

use super::{
    DynamoStore, Retention, StoreError,
    dynamo::{NOT_THERE, fault, is_condition},
    items::{Item, key, seconds, text, text_of},
};
use crate::edges::{Acknowledgements, EdgeError};

/// The facts, as text.
const FACTS: &str = "facts";
/// When the endpoint accepted the change.
const ACKNOWLEDGED_AT: &str = "acknowledged_at";

/// How long departures are proven, in days: a year and a month, so that a yearly audit finds all of its year.
const PROVEN_DAYS: u32 = 400;

impl Retention {
    /// How many days a record of a departure is kept: never less than what it is about.
    #[must_use]
    pub fn erasure_days(self) -> u32 {
        PROVEN_DAYS.max(self.gone_days).max(self.history_days)
    }

    fn proven_until(self, from: Time) -> Time {
        from.plus_days(self.erasure_days())
    }
}

/// Facts that are recorded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureRecord {
    /// The day of the record: it is in that day's partition.
    pub day: Time,
    /// The app that the members left.
    pub app: AppId,
    /// What no other record of the day has: the same each time that this one is written.
    pub name: String,
    /// The facts. No acknowledgements.
    pub facts: Vec<Fact>,
    /// Until when it is kept at least, if what it is from is kept longer than the day of the record would have it.
    pub kept_until: Option<Time>,
}

impl ErasureRecord {
    /// How many facts it has at most: of some 20 KB, far below the most that an item may have.
    pub const MOST_FACTS: usize = 200;

    fn expires_at(&self, retention: Retention) -> Time {
        let proven_until = retention.proven_until(self.day);
        self.kept_until.map_or(proven_until, |kept| kept.max(proven_until))
    }
}

/// What is recorded in a day's partition.
#[derive(Clone, Debug, Default)]
pub struct ErasureDay {
    /// The facts, each with its app.
    pub facts: Vec<(AppId, Fact)>,
    /// Records of an unknown form.
    pub unreadable: usize,
}

fn partition_of(day: Time) -> String {
    format!("ERASURES#{}", day.day())
}

impl DynamoStore {
    /// Writes a record. Harmless twice.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_erasures(&self, record: &ErasureRecord) -> Result<(), StoreError> {
        let mut item = key(partition_of(record.day), format!("{}#FACTS#{}", record.app, record.name));
        item.insert(FACTS.to_owned(), text(to_text(&record.facts)));
        item.insert("expires_at".to_owned(), seconds(record.expires_at(self.retention)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| fault(&error))
    }

    /// What is recorded in the partition of a day, of one app or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn erasures_of(&self, day: Time, app: Option<&AppId>) -> Result<ErasureDay, StoreError> {
        let query = of_app(self.partition(partition_of(day)), app);
        let (mut pages, mut all) = (query.into_paginator().send(), ErasureDay::default());
        while let Some(page) = pages.next().await {
            page.map_err(|error| fault(&error))?.items().iter().for_each(|item| all.take(item));
        }
        Ok(all)
    }
}

fn of_app(query: QueryFluentBuilder, app: Option<&AppId>) -> QueryFluentBuilder {
    let Some(app) = app else { return query };
    query
        .key_condition_expression("pk = :pk AND begins_with(sk, :app)")
        .expression_attribute_values(":app", text(format!("{app}#")))
}

impl ErasureDay {
    fn take(&mut self, item: &Item) {
        match facts_of(item) {
            Some(facts) => self.facts.extend(facts),
            None => self.unreadable += 1,
        }
    }
}

/// `None`: of an unknown form.
fn facts_of(item: &Item) -> Option<Vec<(AppId, Fact)>> {
    let sort: Vec<&str> = text_of(item, "sk")?.split('#').collect();
    match *sort.as_slice() {
        [app, "FACTS", _] => {
            let app: AppId = app.parse().ok()?;
            Some(from_text(text_of(item, FACTS)?).ok()?.into_iter().map(|fact| (app.clone(), fact)).collect())
        }
        [app, "ACK", user, at] => {
            let acknowledged_at = text_of(item, ACKNOWLEDGED_AT)?.parse().ok()?;
            let kind = FactKind::Acknowledged { acknowledged_at };
            Some(vec![(app.parse().ok()?, Fact { user: user.parse().ok()?, at: at.parse().ok()?, kind })])
        }
        _ => None,
    }
}

impl Acknowledgements for DynamoStore {
    async fn note(&self, departure: &DepartureChange, acknowledged_at: Time) -> Result<(), EdgeError> {
        let sort = format!("{}#ACK#{}#{}", departure.app, departure.user.digits(), departure.at);
        let mut item = key(partition_of(departure.written_at), sort);
        item.insert(ACKNOWLEDGED_AT.to_owned(), text(acknowledged_at.to_string()));
        item.insert("expires_at".to_owned(), seconds(self.retention.proven_until(departure.written_at)));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        // The first time is the one that counts.
        match put.condition_expression(NOT_THERE).send().await {
            Err(error) if !is_condition(&error) => Err(EdgeError(fault(&error).to_string())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_at_least_as_long_as_what_it_is_about() {
        let days = |gone_days, history_days| Retention { gone_days, history_days, quarantine_days: 30 }.erasure_days();
        assert_eq!([days(90, 90), days(500, 90), days(90, 3_650)], [400, 500, 3_650]);
        let day: Time = "2026-01-01T00:00:00Z".parse().unwrap();
        let expires_at = |kept_until| {
            let app = "123456".parse().unwrap();
            let record = ErasureRecord { day, app, name: String::new(), facts: vec![], kept_until };
            record.expires_at(Retention::default())
        };
        assert_eq!(expires_at(None), day.plus_days(400));
        assert_eq!(expires_at(Some(day.plus_days(90))), day.plus_days(400));
        assert_eq!(expires_at(Some(day.plus_days(3_650))), day.plus_days(3_650));
    }

    #[test]
    fn what_is_not_of_a_known_form_is_counted_and_hides_nothing_else() {
        let item = |sort: &str, name: &str, value: &str| {
            let mut item = key("ERASURES#2026-11-28", sort);
            item.insert(name.to_owned(), text(value));
            item
        };
        let mut day = ErasureDay::default();
        day.take(&item("123456#FACTS#1-2-0", FACTS, r#"[["left","7",1764381060000,null]]"#));
        day.take(&item("123456#ACK#7#2025-11-29T01:51:00.000Z", ACKNOWLEDGED_AT, "2025-11-29T01:52:00.000Z"));
        for (sort, name, value) in [
            ("123456#FACTS#1-2-0", FACTS, "{}"),
            ("123456#FACTS#1-2-0", "other", "[]"),
            ("123456#ACK#0#2025-11-29T01:51:00.000Z", ACKNOWLEDGED_AT, "2025-11-29T01:52:00.000Z"),
            ("123456#ACK#7#soon", ACKNOWLEDGED_AT, "2025-11-29T01:52:00.000Z"),
            ("123456#ACK#7#2025-11-29T01:51:00.000Z", ACKNOWLEDGED_AT, "soon"),
            ("123456#NEW#1", FACTS, "[]"),
            ("", FACTS, "[]"),
        ] {
            day.take(&item(sort, name, value));
        }
        assert_eq!((day.facts.len(), day.unreadable), (2, 7));
    }
}
