//! The skeleton behind `dlq`, `inbox`, `quarantine` and `undelivered`: list, show, replay and drop what waits for an operator.

pub mod letter;
pub mod messages;
pub mod replayed;
mod stored;
#[cfg(test)]
mod tests;
pub mod which;

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::{Error, Result, bail};
use kakao_webhooks::wire::Time;
use runtime::edges::Queue;
use serde_json::Value;

use crate::ui::{
    ask,
    count::{counted, plural},
    local_time::Zone,
    output::{self, TextTable},
    progress::Progress,
};

pub use stored::StoredItem;
pub(crate) use stored::{find_each, work_through};

/// What a backlog calls its items, and how it describes itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    /// One item: `dead letter`.
    pub(crate) noun: &'static str,
    /// Printed when there are none.
    pub(crate) empty: &'static str,
    /// What happens to an item that is not sent: `stays in the inbox`.
    pub(crate) stays: &'static str,
    /// Where a replay sends: `event queue`.
    pub(crate) target: &'static str,
    /// Why an item that was asked for may not be found.
    pub(crate) gone: &'static str,
    /// What an operator should know before deleting.
    pub(crate) before_drop: &'static str,
}

/// What waits for an operator: dead letters, the inbox, the quarantine, undelivered changes.
pub(crate) trait Backlog {
    type Item;
    const WORDS: Words;
    /// The columns of `list`. The first is the id.
    const COLUMNS: &'static [&'static str];
    /// A replay ends when the queue has refused this many items in a row.
    const REFUSALS: usize;

    fn id(item: &Self::Item) -> &str;
    /// What `list` sorts by, before the id.
    fn since(item: &Self::Item) -> Option<Time>;
    fn row(item: &Self::Item, now: Time) -> Vec<String>;
    /// A member of `list --json`.
    fn described(item: &Self::Item, now: Time) -> Value;
    /// What `show` prints, personal data included.
    fn shown(item: &Self::Item, now: Time) -> Value;

    /// Passes each chosen item to `visit` once and does what it returns.
    async fn sweep(
        &self,
        chosen: Chosen<Self::Item>,
        limit: usize,
        visit: impl AsyncFnMut(Self::Item) -> Result<Fate>,
    ) -> Result<Swept>;

    /// What a replay at this time sends of an item; `None`, after a warning, if it is kept.
    async fn text_to_send(&self, item: &Self::Item, at: &str, anyway: bool) -> Result<Option<String>>;

    /// What `list` prints if there are none.
    async fn nothing(&self) -> String {
        Self::WORDS.empty.to_owned()
    }

    /// Fails if a backlog that looks empty is not.
    async fn confirm_empty(&self) -> Result<()> {
        Ok(())
    }

    /// Why there may be more than was read, and how to read the rest.
    fn more(reach: Reach, limit: usize) -> Option<String>;
}

/// What happens to an item that was visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Kept,
    /// It is deleted.
    Dropped,
    /// It was sent to the queue at this time, and is deleted here.
    Replayed {
        /// The time of the replay.
        at: String,
    },
}

/// Which items an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    All,
    /// Those with these ids.
    These(BTreeSet<String>),
}

/// Which items a sweep works on.
pub(crate) enum Chosen<I> {
    /// Those that it finds.
    Wanted(Wanted),
    /// Those that an earlier sweep found.
    Found(Vec<I>),
}

/// How a sweep ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Ids that were asked for and not found.
    pub missing: BTreeSet<String>,
    /// How much of the backlog it covered.
    pub reach: Reach,
}

/// How much of the backlog a sweep covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To the end, or to the last item that was asked for.
    #[default]
    Whole,
    /// To its limit: there may be more.
    Limit,
    /// Until the queue returned only messages that had been seen: there may be more.
    Circle,
}

impl Wanted {
    pub(crate) fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(id),
        }
    }

    /// Those that weren't seen yet; `None` where that is unknown.
    pub(crate) fn missing(&self, seen: &BTreeSet<String>) -> Option<BTreeSet<String>> {
        match self {
            Self::All => None,
            Self::These(ids) => Some(ids.difference(seen).cloned().collect()),
        }
    }
}

impl<I> Chosen<I> {
    /// The same by id.
    pub(crate) fn into_wanted(self, id: impl Fn(&I) -> &str) -> Wanted {
        match self {
            Self::Wanted(wanted) => wanted,
            Self::Found(items) => Wanted::These(items.iter().map(|item| id(item).to_owned()).collect()),
        }
    }
}

impl<I> Chosen<I> {
    /// The chosen items of a table, and how far that reached. `all` reads so many of them, `these` those with these ids,
    /// beside the ids that it does not find.
    pub(crate) async fn items(
        self,
        limit: usize,
        all: impl AsyncFnOnce(usize) -> Result<Vec<I>>,
        these: impl AsyncFnOnce(BTreeSet<String>) -> Result<(Vec<I>, BTreeSet<String>)>,
    ) -> Result<(Vec<I>, Swept)> {
        match self {
            Self::Wanted(Wanted::All) => {
                let items = all(limit).await?;
                let reach = if items.len() >= limit { Reach::Limit } else { Reach::Whole };
                Ok((items, Swept { reach, ..Swept::default() }))
            }
            Self::Wanted(Wanted::These(ids)) => {
                let (items, missing) = these(ids).await?;
                Ok((items, Swept { missing, ..Swept::default() }))
            }
            Self::Found(items) => Ok((items, Swept::default())),
        }
    }
}

/// Finds the wanted items, oldest first. All of them stay. `note` is told how many there are so far.
pub(crate) async fn find<P: Backlog>(
    backlog: &P,
    wanted: Wanted,
    limit: usize,
    mut note: impl FnMut(usize),
) -> Result<(Vec<P::Item>, Swept)> {
    let mut found = Vec::new();
    let swept = backlog
        .sweep(Chosen::Wanted(wanted), limit, async |item| {
            found.push(item);
            note(found.len());
            Ok(Fate::Kept)
        })
        .await?;
    found.sort_by(|one, other| (P::since(one), P::id(one)).cmp(&(P::since(other), P::id(other))));
    Ok((found, swept))
}

/// The same for a terminal. Fails if none is found in a backlog that is not empty.
async fn look<P: Backlog>(backlog: &P, wanted: Wanted, limit: usize) -> Result<(Vec<P::Item>, Swept)> {
    let mut step = Progress::of_stderr().step(format!("Looking for {}", plural(P::WORDS.noun)));
    let (found, swept) = find(backlog, wanted, limit, |count| step.note(&format!("{count} found"))).await?;
    step.done(&format!("{} found", found.len()));
    if found.is_empty() && swept.missing.is_empty() {
        backlog.confirm_empty().await?;
    }
    Ok((found, swept))
}

/// `list`.
pub(crate) async fn list<P: Backlog>(backlog: &P, limit: usize, json: bool, zone: &Zone) -> Result<ExitCode> {
    let (found, swept) = look(backlog, Wanted::All, limit).await?;
    let now = runtime::clock::now();
    if json {
        output::json(&found.iter().map(|item| P::described(item, now)).collect())?;
    } else if found.is_empty() {
        output::line(backlog.nothing().await)?;
    } else {
        output::print_table(&table::<P>(&found, now, zone))?;
    }
    warn_of_more::<P>(swept.reach, limit);
    Ok(ExitCode::SUCCESS)
}

fn table<P: Backlog>(found: &[P::Item], now: Time, zone: &Zone) -> TextTable {
    let mut table = output::table(P::COLUMNS);
    for item in found {
        table.add_row(P::row(item, now).iter().map(|cell| zone.beside(cell)));
    }
    table
}

/// `show`.
pub(crate) async fn show<P: Backlog>(backlog: &P, id: String, limit: usize) -> Result<ExitCode> {
    let (found, swept) = look(backlog, Wanted::These([id].into()), limit).await?;
    complete::<P>(&swept, limit)?;
    found.iter().try_for_each(|item| output::json(&P::shown(item, runtime::clock::now())))?;
    Ok(ExitCode::SUCCESS)
}

/// What a replay did.
#[derive(Debug)]
pub(crate) struct Resent {
    /// How many were sent.
    pub(crate) sent: usize,
    /// How many stay where they are.
    pub(crate) kept: usize,
    /// How it ended. What was sent before an error stays sent.
    pub(crate) swept: Result<Swept>,
}

/// Sends the wanted items to the queue and deletes those that it accepts. `note` is told how many were sent so far.
pub(crate) async fn resend<P: Backlog>(
    backlog: &P,
    queue: &impl Queue,
    wanted: Wanted,
    (limit, anyway): (usize, bool),
    mut note: impl FnMut(usize),
) -> Resent {
    let (mut sent, mut kept, mut refused_in_a_row) = (0_usize, 0_usize, 0_usize);
    let swept = backlog
        .sweep(Chosen::Wanted(wanted), limit, async |item| {
            let at = runtime::clock::now().to_string();
            let Some(text) = backlog.text_to_send(&item, &at, anyway).await? else {
                kept += 1;
                return Ok(Fate::Kept);
            };
            if let Err(error) = queue.send(&text).await {
                kept += 1;
                refused_in_a_row += 1;
                refused::<P>(&item, error.into(), refused_in_a_row)?;
                return Ok(Fate::Kept);
            }
            refused_in_a_row = 0;
            sent += 1;
            note(sent);
            Ok(Fate::Replayed { at })
        })
        .await;
    Resent { sent, kept, swept }
}

/// `replay`. The exit status says whether all that was asked for was sent.
pub(crate) async fn replay<P: Backlog>(
    (backlog, service): (&P, &str),
    queue: &impl Queue,
    wanted: Wanted,
    limit: usize,
    anyway: bool,
) -> Result<ExitCode> {
    let mut step = Progress::of_stderr().step(format!("Sending {} to the {}", plural(P::WORDS.noun), P::WORDS.target));
    let all_wanted = wanted == Wanted::All;
    let note = |sent| step.note(&format!("{sent} sent"));
    let Resent { sent, kept, swept } = resend(backlog, queue, wanted, (limit, anyway), note).await;
    let swept = swept.map_err(|error| if sent == 0 { error } else { error.context(format!("{sent} sent, then")) })?;
    step.done("");
    if all_wanted && sent + kept == 0 {
        backlog.confirm_empty().await?;
    }
    output::line(format!("{sent} sent to the {} ({service})", P::WORDS.target))?;
    complete::<P>(&swept, limit)?;
    warn_of_more::<P>(swept.reach, limit);
    Ok(if kept == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Warns of an item that the queue refused, and fails when it has refused too many in a row.
fn refused<P: Backlog>(item: &P::Item, error: Error, in_a_row: usize) -> Result<()> {
    let what = format!("the {} did not accept `{}`; it {}", P::WORDS.target, P::id(item), P::WORDS.stays);
    if in_a_row < P::REFUSALS {
        output::warn(&format!("{what}: {error:#}"));
        return Ok(());
    }
    let in_a_row = if in_a_row > 1 {
        format!("{in_a_row} in a row were refused. The rest {}: ", P::WORDS.stays)
    } else {
        String::new()
    };
    Err(error.context(format!("{in_a_row}{what}")))
}

/// `drop`, after a question.
pub(crate) async fn drop_for_good<P: Backlog>(
    (backlog, service): (&P, &str),
    wanted: Wanted,
    limit: usize,
    yes: bool,
) -> Result<ExitCode> {
    let all_wanted = wanted == Wanted::All;
    let mut before = Swept::default();
    let chosen = if yes {
        Chosen::Wanted(wanted)
    } else {
        // What arrives while we wait for the answer is not deleted.
        let (found, swept) = look(backlog, wanted, limit).await?;
        warn_of_more::<P>(swept.reach, limit);
        if found.is_empty() {
            complete::<P>(&swept, limit)?;
            output::line(P::WORDS.empty)?;
            return Ok(ExitCode::SUCCESS);
        }
        let items = counted(found.len(), P::WORDS.noun);
        ask::whether(&format!("Delete {items} ({service}) for good? {}", P::WORDS.before_drop), yes).await?;
        before = swept;
        Chosen::Found(found)
    };
    let mut step = Progress::of_stderr().step(format!("Deleting {}", plural(P::WORDS.noun)));
    let mut deleted = 0_usize;
    let swept = backlog
        .sweep(chosen, limit, async |_| {
            deleted += 1;
            step.note(&format!("{deleted} deleted"));
            Ok(Fate::Dropped)
        })
        .await?;
    step.done("");
    if all_wanted && yes && deleted == 0 {
        backlog.confirm_empty().await?;
    }
    output::line(format!("{deleted} deleted ({service})"))?;
    complete::<P>(&before, limit)?;
    complete::<P>(&swept, limit)?;
    warn_of_more::<P>(swept.reach, limit);
    Ok(ExitCode::SUCCESS)
}

/// Fails if an id that was asked for was not found.
fn complete<P: Backlog>(swept: &Swept, limit: usize) -> Result<()> {
    if swept.missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = swept.missing.iter().map(|id| format!("`{id}`")).collect();
    let hint = P::more(swept.reach, limit).unwrap_or_else(|| P::WORDS.gone.to_owned());
    bail!("not among the {}: {}; {hint}", plural(P::WORDS.noun), missing.join(", "))
}

fn warn_of_more<P: Backlog>(reach: Reach, limit: usize) {
    if let Some(more) = P::more(reach, limit) {
        output::warn(&more);
    }
}
