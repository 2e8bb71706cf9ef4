//! The reconciler's runs in a stack's table, with errors for an operator.

use anyhow::{Result, anyhow};
use aws_config::SdkConfig;
use kakao_webhooks::wire::{AppId, Time};
use runtime::{
    reconcile::{Difference, Note, RosterFill, Run, RunTable, Table as _},
    store::{DynamoStore, Pace, Retention, Saved, StoreError},
};

use super::{
    fault::stored,
    table::{Table, text},
};

/// The runs of a stack.
#[derive(Clone, Debug)]
pub struct Runs {
    table: RunTable,
    items: Table,
    name: String,
}

impl Runs {
    /// Those in the table with this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        let store = DynamoStore::new(aws, name.clone(), Retention::default(), Pace::Background);
        Self { table: RunTable(store), items: Table::new(aws, &*name), name }
    }

    /// The apps that have runs.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn apps(&self) -> Result<Vec<AppId>> {
        let items = self.items.partition(RunTable::APPS).await?;
        Ok(items.iter().filter_map(|item| text(item, "sk").parse().ok()).collect())
    }

    /// The same, each with its run.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn all(&self) -> Result<Vec<(AppId, Run)>> {
        let mut all = vec![];
        for app in self.apps().await? {
            all.extend(self.run(&app).await?.map(|run| (app, run)));
        }
        Ok(all)
    }

    /// An app's run.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn run(&self, app: &AppId) -> Result<Option<Run>> {
        self.table.run(app).await.map_err(self.fault("dynamodb:GetItem"))
    }

    /// Writes an app's run; `false` if another process wrote it since it was read.
    ///
    /// # Errors
    /// If the table can't be written.
    pub async fn save(&self, app: &AppId, run: &Run) -> Result<bool> {
        let saved = self.table.save(app, run, None).await.map_err(self.fault("dynamodb:PutItem"))?;
        Ok(saved == Saved::Done)
    }

    /// The first differences that a comparison found.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn differences(&self, app: &AppId, run: &Run) -> Result<Vec<Difference>> {
        self.table.differences(app, &run.run_id).await.map_err(self.fault("dynamodb:Query"))
    }

    /// The first members that a run would ask for.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn first_note(&self, app: &AppId, run: &Run) -> Result<Option<Note>> {
        self.table.first_note(app, run).await.map_err(self.fault("dynamodb:Query"))
    }

    /// How far the roster is filled.
    ///
    /// # Errors
    /// If the table can't be read.
    pub async fn roster_fill(&self) -> Result<Option<RosterFill>> {
        self.table.roster_fill().await.map_err(self.fault("dynamodb:GetItem"))
    }

    /// Fills the roster of the next page of the table.
    ///
    /// # Errors
    /// If the table can't be read or written.
    pub async fn fill_roster(&self, before: Option<RosterFill>, now: Time) -> Result<RosterFill> {
        self.table.fill_roster(before, now).await.map_err(self.fault("dynamodb:Scan or dynamodb:UpdateItem"))
    }

    fn fault(&self, action: &'static str) -> impl FnOnce(StoreError) -> anyhow::Error {
        let name = self.name.clone();
        move |error| anyhow!("the table `{name}` can't be used: {}", stored(action, &error))
    }
}
