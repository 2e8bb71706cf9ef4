//! What waits for an operator: the same that `khook inbox`, `quarantine`, `dlq` and `undelivered` list and replay.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use futures_util::future::join_all;
use runtime::edges::Queue;
use serde::Serialize;
use serde_json::Value;
use tokio::{runtime::Handle, sync::Mutex, task::spawn_blocking, time::Instant};

use crate::{
    aws::{queue::StackQueue, table::Table},
    commands::{
        backlog::{Backlog, Reach, Resent, Swept, Wanted, find, messages::MessageQueue, resend},
        dlq::DeadLetters,
        inbox::InboxItems,
        quarantine::QuarantinedItems,
        undelivered::UndeliveredChanges,
    },
    local::Cloud,
};

/// So many items are read at once.
const LIMIT: usize = 200;

/// A place where something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BacklogKind {
    /// Acknowledged events that the queue did not accept.
    Inbox,
    /// Authentic events that could not be used.
    Quarantine,
    /// Messages that the processor could not process.
    DeadLetters,
    /// Changes that the service's endpoint did not accept.
    Undelivered,
}

impl BacklogKind {
    /// Each, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Inbox, Self::Quarantine, Self::DeadLetters, Self::Undelivered];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Quarantine => "quarantine",
            Self::DeadLetters => "dead-letters",
            Self::Undelivered => "undelivered",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where the backlogs of a service are.
#[derive(Clone, Debug)]
pub struct Backlogs {
    /// How AWS is reached.
    pub aws: SdkConfig,
    /// The table.
    pub table: String,
    /// The event queue.
    pub queue_url: String,
    /// The dead-letter queue.
    pub dead_letter_queue_url: String,
    /// The delivery queue and the queue of undelivered changes, of a service that delivers.
    pub delivery_urls: Option<(String, String)>,
}

/// How many wait in a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    #[serde(rename = "count")]
    pub(crate) number: u64,
    /// Whether there may be more: the reading ended at its limit.
    pub(crate) is_at_least: bool,
}

/// What waits in a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Waiting {
    #[serde(flatten)]
    pub(super) count: Count,
    /// What `list` of the command prints.
    #[serde(skip)]
    pub(super) columns: &'static [&'static str],
    #[serde(skip)]
    pub(super) rows: Vec<Vec<String>>,
    /// What `list --json` of the command prints.
    pub(super) items: Vec<Value>,
    /// Whether there may be more than are listed.
    pub(super) has_more: bool,
}

/// What a replay has done, also one that ended early.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Replayed {
    /// How many were sent again.
    pub(super) sent: usize,
    /// How many stay.
    pub(super) kept: usize,
    /// Those that were asked for and are not there.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) missing: BTreeSet<String>,
    /// Why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

impl Replayed {
    /// Whether none of what was asked for is there.
    pub(super) fn is_nothing(&self) -> bool {
        self.sent + self.kept == 0 && !self.missing.is_empty()
    }
}

/// The count that is asked for again every other second, and takes a request for each day of the quarantine.
#[derive(Debug, Default)]
pub(super) struct PolledCounts(Mutex<Option<(Instant, Count)>>);

/// So old a polled count of the quarantine may be.
const POLLED: Duration = Duration::from_secs(10);

impl PolledCounts {
    /// How many wait in each place, in the order of the page; none of one that can't be read. Pages that ask at the same
    /// time share one reading of the quarantine.
    pub(super) async fn of(&self, backlogs: &Backlogs) -> Vec<(BacklogKind, Option<Count>)> {
        join_all(backlogs.kinds().map(async |kind| {
            let count = match kind {
                BacklogKind::Quarantine => self.quarantine(backlogs).await,
                kind => backlogs.count(kind).await,
            };
            (kind, count.ok())
        }))
        .await
    }

    async fn quarantine(&self, backlogs: &Backlogs) -> Result<Count> {
        let mut last = self.0.lock().await;
        if let Some((_, count)) = last.filter(|(at, _)| at.elapsed() < POLLED) {
            return Ok(count);
        }
        let count = backlogs.count(BacklogKind::Quarantine).await?;
        *last = Some((Instant::now(), count));
        Ok(count)
    }

    /// Forgets what was counted: it was changed from here.
    pub(super) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

impl Backlogs {
    /// Those of a local cloud.
    #[must_use]
    pub fn of(cloud: &Cloud) -> Self {
        let urls = ["DeliveryQueueUrl", "UndeliveredQueueUrl"].map(|name| cloud.output(name).to_owned());
        let [delivery, undelivered] = urls;
        Self {
            aws: cloud.sdk_config(),
            table: cloud.table_name().to_owned(),
            queue_url: cloud.queue_url().to_owned(),
            dead_letter_queue_url: cloud.dead_letter_queue_url().to_owned(),
            delivery_urls: (!undelivered.is_empty()).then_some((delivery, undelivered)),
        }
    }

    /// Whether the service has this place.
    pub(super) const fn has(&self, kind: BacklogKind) -> bool {
        !matches!(kind, BacklogKind::Undelivered) || self.delivery_urls.is_some()
    }

    /// The places that the service has, in the order of the page.
    pub(super) fn kinds(&self) -> impl Iterator<Item = BacklogKind> {
        BacklogKind::ALL.into_iter().filter(|kind| self.has(*kind))
    }

    /// How many wait in each place now; none of one that can't be read.
    pub(super) async fn counts(&self) -> Vec<(BacklogKind, Option<Count>)> {
        join_all(self.kinds().map(async |kind| (kind, self.count(kind).await.ok()))).await
    }

    /// How many wait, without a look at the messages of a queue.
    ///
    /// # Errors
    /// If the place can't be read.
    pub(super) async fn count(&self, kind: BacklogKind) -> Result<Count> {
        let number = match kind {
            BacklogKind::Inbox | BacklogKind::Quarantine => return Ok(self.list(kind).await?.count),
            BacklogKind::DeadLetters => self.dead_letters().0.count().await?,
            BacklogKind::Undelivered => self.undelivered()?.undelivered.count().await?,
        };
        Ok(Count { number, is_at_least: false })
    }

    /// What waits, oldest first. Of a queue, it is received for that, if the queue has any.
    ///
    /// # Errors
    /// If the place can't be read.
    pub(super) async fn list(&self, kind: BacklogKind) -> Result<Waiting> {
        let this = self.clone();
        aside(move |on| match kind {
            BacklogKind::Inbox => on.block_on(listed(&InboxItems(this.table()), None)),
            BacklogKind::Quarantine => on.block_on(listed(&QuarantinedItems::whole(this.table()), None)),
            BacklogKind::DeadLetters => on.block_on(async {
                let letters = this.dead_letters();
                let count = letters.0.count().await?;
                listed(&letters, Some(count)).await
            }),
            BacklogKind::Undelivered => on.block_on(async {
                let changes = this.undelivered()?;
                let count = changes.undelivered.count().await?;
                listed(&changes, Some(count)).await
            }),
        })
        .await
    }

    /// Sends what is wanted to its queue again, at most [`LIMIT`] of them.
    ///
    /// # Errors
    /// If nothing was sent because the place can't be read or the queue doesn't take it.
    pub(super) async fn replay(&self, kind: BacklogKind, wanted: Wanted) -> Result<Replayed> {
        let this = self.clone();
        aside(move |on| {
            let events = StackQueue::new(&this.aws, this.queue_url.clone());
            match kind {
                BacklogKind::Inbox => on.block_on(resent(&InboxItems(this.table()), &events, wanted)),
                BacklogKind::Quarantine => on.block_on(resent(&QuarantinedItems::whole(this.table()), &events, wanted)),
                BacklogKind::DeadLetters => on.block_on(resent(&this.dead_letters(), &events, wanted)),
                BacklogKind::Undelivered => {
                    let deliveries = StackQueue::new(&this.aws, this.delivery_urls()?.0.clone());
                    on.block_on(resent(&this.undelivered()?, &deliveries, wanted))
                }
            }
        })
        .await
    }

    fn table(&self) -> Table {
        Table::new(&self.aws, self.table.clone())
    }

    fn dead_letters(&self) -> DeadLetters {
        DeadLetters(MessageQueue::new(&self.aws, self.dead_letter_queue_url.clone(), "dead-letter queue"))
    }

    fn delivery_urls(&self) -> Result<&(String, String)> {
        self.delivery_urls.as_ref().context("this service delivers no changes: start it with --deliver-to")
    }

    fn undelivered(&self) -> Result<UndeliveredChanges> {
        let undelivered = MessageQueue::new(&self.aws, self.delivery_urls()?.1.clone(), "undelivered queue");
        Ok(UndeliveredChanges { undelivered, deliveries: None })
    }
}

/// The skeleton's futures stay on their thread.
async fn aside<T: Send + 'static>(work: impl FnOnce(&Handle) -> Result<T> + Send + 'static) -> Result<T> {
    let handle = Handle::current();
    spawn_blocking(move || work(&handle)).await?
}

/// What a backlog lists; nothing, without a look, of one whose count is known to be 0.
async fn listed<P: Backlog>(backlog: &P, count: Option<u64>) -> Result<Waiting> {
    if count == Some(0) {
        return Ok(Waiting { columns: P::COLUMNS, ..Waiting::default() });
    }
    let (found, swept) = find(backlog, Wanted::All, LIMIT, |_| ()).await?;
    let now = runtime::clock::now();
    let seen = u64::try_from(found.len())?;
    let is_at_limit = swept.reach != Reach::Whole;
    Ok(Waiting {
        count: Count { number: count.unwrap_or(seen).max(seen), is_at_least: count.is_none() && is_at_limit },
        columns: P::COLUMNS,
        rows: found.iter().map(|item| P::row(item, now)).collect(),
        items: found.iter().map(|item| P::described(item, now)).collect(),
        has_more: is_at_limit || count.is_some_and(|count| count > seen),
    })
}

pub(super) async fn resent<P: Backlog>(backlog: &P, queue: &impl Queue, wanted: Wanted) -> Result<Replayed> {
    let Resent { sent, kept, swept } = resend(backlog, queue, wanted, (LIMIT, false), |_| ()).await;
    match swept {
        Ok(Swept { missing, .. }) => Ok(Replayed { sent, kept, missing, problem: None }),
        Err(error) if sent == 0 => Err(error),
        Err(error) => Ok(Replayed { sent, kept, problem: Some(format!("{error:#}")), ..Replayed::default() }),
    }
}
