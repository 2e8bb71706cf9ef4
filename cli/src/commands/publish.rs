//! `khook publish`: publishes users' states again, for a consumer that is new or has lost changes.

use std::{process::ExitCode, str::FromStr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use kakao_webhooks::{
    state::{Members, ProfileValues, Subject, UserItem},
    wire::Time,
};
use runtime::{
    edges::Queue,
    publish::{Bus, EventBridge, Publisher, Write},
    queue::SqsQueue,
};
use tokio::time::Instant;

use crate::{
    aws::{
        stack::StackTarget,
        table::{Table, text},
        target::{BusTarget, TableTarget, same_service},
    },
    ui::{ask, count::counted as counted_noun, output, progress::Progress, usage::Usage},
};

/// Whose state is published again.
#[derive(Debug, Args)]
#[group(id = "whose", required = true, multiple = false)]
pub struct Whose {
    /// One user: the app's number and the member number
    #[arg(long, num_args = 2, value_names = ["APP_ID", "MEMBER_NUMBER"])]
    user: Option<Vec<String>>,
    /// A user whom a channel knows by open id only: the app's number and the open id
    #[arg(long, num_args = 2, value_names = ["APP_ID", "OPEN_ID"])]
    open_id: Option<Vec<String>>,
    /// All users with an event at this time (RFC 3339) or later. The events' own time counts, not their arrival
    #[arg(long, value_name = "TIME")]
    since: Option<Time>,
}

impl Whose {
    /// The named user, if there is one, and the option that names the user.
    fn named(&self) -> Result<Option<(Subject, String)>> {
        let (subject, app_id, id) = match (self.user.as_deref(), self.open_id.as_deref()) {
            (Some([app_id, user_id]), _) => (Subject::User(read(app_id)?, read(user_id)?), app_id, user_id),
            (_, Some([app_id, open_id])) => (Subject::OpenId(read(app_id)?, read(open_id)?), app_id, open_id),
            _ => return Ok(None),
        };
        let words = format!("{subject} {id} of app {app_id}");
        Ok(Some((subject, words)))
    }
}

fn read<T>(text: &str) -> Result<T>
where
    T: FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error| Usage::error(format!("`{text}`: {error}")))
}

/// Publishes again.
#[derive(Debug, Args)]
pub struct Publish {
    #[command(flatten)]
    whose: Whose,
    /// Only count what would be published
    #[arg(long)]
    dry_run: bool,
    /// Publish profile values, too, as the stack does with PublishProfileValues=true
    #[arg(long)]
    profile_values: bool,
    /// Don't ask, however many users there are
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    table: TableTarget,
    #[command(flatten)]
    bus: BusTarget,
    #[command(flatten)]
    stack: StackTarget,
}

pub(crate) const EXAMPLES: &str = "\
The whole state of each user is published as one `user-changed` event with the version that is stored. A consumer that \
keeps the greatest version takes what it missed and ignores the rest.

Examples:
  khook publish --user 123456 9007199254740993
  khook publish --open-id 123456 mBWwUmRSYFVl…
  khook publish --since 2026-11-01T00:00:00Z --dry-run
  khook publish --since 2026-11-01T00:00:00Z --yes --stack kakao-webhooks

Permissions on AWS: dynamodb:GetItem and dynamodb:Scan on the table, events:PutEvents on the bus.";

/// How many users are published without a question.
const MOST_UNASKED: usize = 100;

/// How many users are published at once: a page of the table may have thousands, more than a slow bus takes in time.
const SLICE: usize = 100;
/// How long the bus may refuse a slice before it is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was found.
#[derive(Debug, Default)]
struct Counted {
    /// Users, each of whom is one event.
    users: usize,
    /// Items of another form, which are left out.
    unreadable: usize,
}

impl Counted {
    fn add(&mut self, items: &[Members]) {
        let readable = items.iter().filter(|item| is_readable(item)).count();
        self.users += readable;
        self.unreadable += items.len() - readable;
    }
}

fn is_readable(item: &Members) -> bool {
    UserItem::read(item.clone()).is_ok()
}

impl Publish {
    /// Runs it. The exit code says whether everything could be read.
    ///
    /// # Errors
    /// An unknown user, a table that cannot be read, a bus that refuses an entry, or no confirmation.
    pub async fn run(self) -> Result<ExitCode> {
        self.whose.named()?;
        if !self.dry_run {
            same_service(("TABLE_NAME", self.table.is_named()), ("EVENT_BUS_NAME", self.bus.is_named()))?;
        }
        let table = self.table.table(&self.stack).await?;
        if self.dry_run {
            let counted = self.each_page(&table, None).await?;
            output::line(format!("{}; nothing was published", counted_noun(counted.users, "user")))?;
            return Ok(exit_code(&counted));
        }
        let (bus, service) = (self.bus.bus(&self.stack).await?, self.bus.service(&self.stack));
        if !self.yes && self.whose.since.is_some() {
            let users = self.each_page(&table, None).await?.users;
            ask::whether(
                &format!("Publish through {service} the state of {} again?", counted_noun(users, "user")),
                users <= MOST_UNASKED,
            )
            .await?;
        }
        let published = self.each_page(&table, Some(&Publisher::new(bus, self.values(), None))).await?;
        output::line(format!("{} published ({service})", counted_noun(published.users, "user")))?;
        Ok(exit_code(&published))
    }

    const fn values(&self) -> ProfileValues {
        if self.profile_values { ProfileValues::Published } else { ProfileValues::Withheld }
    }

    /// Reads the selected states page by page, and publishes them if there is a publisher.
    async fn each_page(&self, table: &Table, publisher: Option<&Publisher<EventBridge, SqsQueue>>) -> Result<Counted> {
        let doing = if publisher.is_some() { "Publishing" } else { "Counting" };
        let mut step = Progress::of_stderr().step(doing);
        let written_at = before_it_is_read()?;
        let mut counted = Counted::default();
        let page = async |items: Vec<Members>| -> Result<()> {
            let done = |slice: &[Members]| {
                counted.add(slice);
                step.note(&counted_noun(counted.users, "user"));
            };
            let Some(publisher) = publisher else {
                items.chunks(SLICE).for_each(done);
                return Ok(());
            };
            let put = put(publisher, &items, written_at, done).await;
            put.with_context(|| format!("{}, then", counted_noun(counted.users, "user")))
        };
        self.pages(table, page).await?;
        step.done(&counted_noun(counted.users, "user"));
        if counted.unreadable > 0 {
            output::warn(&format!(
                "{} of an unknown form left out: use the version of khook that matches the processor",
                counted_noun(counted.unreadable, "item")
            ));
        }
        Ok(counted)
    }

    async fn pages(&self, table: &Table, mut page: impl AsyncFnMut(Vec<Members>) -> Result<()>) -> Result<()> {
        if let Some((subject, words)) = self.whose.named()? {
            let Some(item) = table.get(&subject.partition_key(), "STATE").await? else {
                bail!("nothing is known of {words}")
            };
            return page(vec![item]).await;
        }
        let Some(since) = self.whose.since else { return Ok(()) };
        table.states_since(&since.to_string(), page).await
    }
}

/// What is published again was written before it was read. In whole seconds, as the stream has it: whatever is written
/// from now on is dated no earlier.
fn before_it_is_read() -> Result<Time> {
    Time::from_seconds(runtime::clock::now().as_seconds()).context("this machine's clock is out of any range")
}

/// Publishes the items, each slice within its own time limit, and returns what was published.
async fn put<B: Bus, K: Queue>(
    publisher: &Publisher<B, K>,
    items: &[Members],
    written_at: Time,
    mut done: impl FnMut(&[Members]),
) -> Result<()> {
    for slice in items.chunks(SLICE) {
        let readable = slice.iter().filter(|item| is_readable(item));
        let writes: Vec<Write> =
            readable.map(|item| Write::of_members(text(item, "pk").to_owned(), item.clone(), written_at)).collect();
        let left = publisher.publish(&writes, runtime::clock::now(), Instant::now() + PATIENCE).await;
        ensure!(
            left.is_none(),
            "the bus doesn't take them. Are its name (EVENT_BUS_NAME), the region and the permission events:PutEvents \
             right? Run it again: consumers ignore what they have"
        );
        done(slice);
    }
    Ok(())
}

fn exit_code(counted: &Counted) -> ExitCode {
    if counted.unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kakao_webhooks::state::UserChange;
    use runtime::{edges::EdgeError, publish::Refused};
    use serde_json::{Value, json};
    use tokio::time::sleep;

    use super::*;

    fn item(link: &Value) -> Members {
        let item = json!({"pk": "USER#1#2", "sk": "STATE", "version": 3, "link": link,
            "sessions_valid_from": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z"});
        item.as_object().unwrap().clone()
    }

    fn linked() -> Members {
        item(&json!({"status": "linked", "at": "2026-01-01T00:00:00.000Z"}))
    }

    #[test]
    fn users_are_counted_and_what_cannot_be_read_apart() {
        let mut counted = Counted::default();
        counted.add(&[linked(), item(&json!(7)), linked()]);
        assert_eq!((counted.users, counted.unreadable), (2, 1));
    }

    /// A bus that takes this long for each call and accepts a limited number of entries.
    struct SlowBus {
        pause: Duration,
        room: AtomicUsize,
    }

    impl Bus for SlowBus {
        async fn put(&self, changes: &[UserChange]) -> Result<Vec<Result<(), Refused>>, EdgeError> {
            sleep(self.pause).await;
            let less = |room: usize| room.checked_sub(changes.len());
            match self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
                Ok(_) => Ok(changes.iter().map(|_| Ok(())).collect()),
                Err(_) => Err(EdgeError("full".to_owned())),
            }
        }
    }

    /// Whether 400 users were published on such a bus, and of how many that was said.
    async fn published(room: usize) -> (bool, usize) {
        let bus = SlowBus { pause: PATIENCE / 6, room: room.into() };
        let publisher = Publisher::new(bus, ProfileValues::Withheld, None::<SqsQueue>);
        let mut done = 0;
        let put = put(&publisher, &vec![linked(); 400], runtime::clock::now(), |slice| done += slice.len()).await;
        (put.is_ok(), done)
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_may_take_longer_than_the_bus_is_waited_for() {
        let start = Instant::now();
        assert_eq!(published(usize::MAX).await, (true, 400));
        assert!(start.elapsed() > PATIENCE, "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_published_before_a_bus_gave_up_is_known() {
        assert_eq!(published(220).await, (false, 200));
    }
}
