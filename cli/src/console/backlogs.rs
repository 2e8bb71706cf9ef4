//! What waits for an operator: the same that `khook inbox`, `quarantine`, `dlq` and `undelivered` list and replay.

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use serde::Serialize;
use serde_json::Value;
use tokio::{runtime::Handle, task::spawn_blocking};

use crate::{
    aws::{queue::StackQueue, table::Table},
    commands::{
        backlog::{Backlog, Reach, Wanted, find, messages::MessageQueue, resend},
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

/// What waits in a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Waiting {
    /// How many there are, as far as that is known.
    pub(super) count: u64,
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

/// How many were sent again, and how many stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Replayed {
    pub(super) sent: usize,
    pub(super) kept: usize,
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

    /// How many wait, without a look at them.
    ///
    /// # Errors
    /// If the place can't be read.
    pub(super) async fn count(&self, kind: BacklogKind) -> Result<u64> {
        match kind {
            BacklogKind::Inbox | BacklogKind::Quarantine => Ok(self.list(kind).await?.count),
            BacklogKind::DeadLetters => self.dead_letters().0.count().await,
            BacklogKind::Undelivered => self.undelivered()?.undelivered.count().await,
        }
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

    /// Sends what is wanted to its queue again.
    ///
    /// # Errors
    /// If one that is named is not there, or the queue does not take it.
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
    Ok(Waiting {
        count: count.unwrap_or(seen).max(seen),
        columns: P::COLUMNS,
        rows: found.iter().map(|item| P::row(item, now)).collect(),
        items: found.iter().map(|item| P::described(item, now)).collect(),
        has_more: swept.reach != Reach::Whole || count.is_some_and(|count| count > seen),
    })
}

async fn resent<P: Backlog>(backlog: &P, queue: &StackQueue, wanted: Wanted) -> Result<Replayed> {
    let resent = resend(backlog, queue, wanted, (LIMIT, false), |_| ()).await?;
    resent.complete::<P>(LIMIT)?;
    Ok(Replayed { sent: resent.sent, kept: resent.kept })
}
