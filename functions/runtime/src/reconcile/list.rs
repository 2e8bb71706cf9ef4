//! Walks Kakao's list beside the roster: both ascend by member number, so that each is read once.

use kakao_webhooks::wire::{
    AppId, Time, UserId,
    rest_api::{LinkedMember, MOST_MEMBERS, RestError},
};

use super::{
    Counts, Difference, KakaoApi, Note, Purpose, RosterLink, RosterMember, Run, StoredLink, Table,
    roster::Roster,
    worker::{Stop, Worker, after},
};
use crate::{edges::Queue, store::StoreError};

/// The most members of a note: some twenty kilobytes of an item.
const MOST_NOTED: usize = 1_000;

/// So many pages at the most are read again after a worker was killed.
const PAGES_BETWEEN_SAVES: u32 = 20;

/// So many members of whom nothing is answered are rather a fault of the API than members who just left.
const MANY: usize = 10;

/// Calls that are kept back: for a page there must be as many left as its members may need.
const CALLS_FOR_A_PAGE: u32 = 3;

/// How far a list is read, and what was found since that was written down.
struct Walk<'t, T> {
    roster: Roster<'t, T>,
    /// The last member that was compared.
    cursor: Option<UserId>,
    counts: Counts,
    /// Members on Kakao's list that are not known to be linked, each with the time at which its page was asked for.
    unknown: Vec<(UserId, Time)>,
    /// Members of the roster that Kakao did not list.
    missing: Vec<RosterMember>,
    /// Pages that were read since that was written down.
    pages: u32,
}

/// Whether a comparison came to its end.
#[derive(PartialEq, Eq)]
enum Compared {
    Whole,
    /// What is missing must be written down first.
    Full,
}

impl<'t, T: Table> Walk<'t, T> {
    fn of(table: &'t T, app: &'t AppId, run: &Run) -> Self {
        let roster = Roster::behind(table, app, run.cursor);
        Self { roster, cursor: run.cursor, counts: run.counts, unknown: vec![], missing: vec![], pages: 0 }
    }

    /// Compares with the next member on Kakao's list; `None`: the list is at its end.
    async fn compare(&mut self, listed: Option<(UserId, Time)>) -> Result<Compared, StoreError> {
        while let Some(known) = self.roster.peek().await? {
            let is_before = listed.is_none_or(|(member, _)| known.user_id < member);
            if is_before && self.missing.len() == MOST_NOTED {
                return Ok(Compared::Full);
            }
            if is_before {
                self.missing.push(known);
            } else if let Some(listed) = listed.filter(|(member, _)| *member == known.user_id) {
                self.counts.known += 1;
                self.counts.shared += 1;
                self.counts.shared_reported += u64::from(known.link == RosterLink::Reported);
                self.unknown.extend((known.link == RosterLink::Unknown).then_some(listed));
            } else {
                break;
            }
            self.cursor = Some(known.user_id);
            self.roster.take(known);
        }
        if let Some((member, asked_at)) = listed {
            self.counts.listed += 1;
            if self.cursor != Some(member) {
                self.unknown.push((member, asked_at));
                self.cursor = Some(member);
            }
        }
        Ok(Compared::Whole)
    }

    /// The member from which on Kakao lists next; `None`: from the first.
    fn next(&self) -> Option<UserId> {
        let behind = |member: UserId| UserId::new(member.number().saturating_add(1));
        self.cursor.and_then(behind)
    }
}

impl<T: Table, A: KakaoApi, Q: Queue, C: Fn() -> Time + Sync> Worker<'_, T, A, Q, C> {
    /// Walks on from the run's cursor.
    pub(super) async fn list(&mut self, most_unlinks: u64) -> Result<(), Stop> {
        if !self.run.is_believed && self.run.cursor.is_none() {
            self.run.is_believed = self.has_in_common().await?;
        }
        let mut walk = Walk::of(self.reach.table, self.app, &self.run);
        loop {
            if !self.has_calls(CALLS_FOR_A_PAGE) {
                self.note(&mut walk).await?;
                return Err(Stop::Rest);
            }
            let (api, key, asked_at, from) = (self.reach.api, self.key, self.now(), walk.next());
            let page = match self.call(|| api.members(key, from, MOST_MEMBERS)).await {
                Ok(page) => page,
                Err(stop) => return self.keep(&mut walk, stop).await,
            };
            walk.pages += 1;
            // A full page is the last one only if the next one is empty, whatever Kakao says.
            let is_last = page.members.is_empty() || (!page.has_more && page.members.len() < MOST_MEMBERS);
            for member in page.members {
                self.compare(&mut walk, Some((member, asked_at))).await?;
            }
            if !self.run.is_believed && walk.counts.shared > 0 {
                // From the first again: nothing was sent of a list that might have been another app's.
                self.run.is_believed = true;
                self.run.restart();
                self.save().await?;
                walk = Walk::of(self.reach.table, self.app, &self.run);
                continue;
            }
            if is_last {
                self.compare(&mut walk, None).await?;
                self.note(&mut walk).await?;
                self.run.end_listing(most_unlinks);
                return Ok(());
            }
            if self.is_save_due() || walk.pages >= PAGES_BETWEEN_SAVES || walk.unknown.len() >= MOST_MEMBERS {
                self.note(&mut walk).await?;
            }
        }
    }

    /// Keeps what was read of a list, whatever stopped the rest: otherwise a run that is stopped each minute would never
    /// come to its end.
    async fn keep(&mut self, walk: &mut Walk<'_, T>, stop: Stop) -> Result<(), Stop> {
        match self.note(walk).await {
            // What stopped the list is the reason to report, unless another worker has the run.
            Err(Stop::Lost) => Err(Stop::Lost),
            _ => Err(stop),
        }
    }

    /// Whether Kakao's list has one of some members of the roster, or the roster has none: before something is sent of a
    /// list, it must be known to be this app's.
    async fn has_in_common(&mut self) -> Result<bool, Stop> {
        let mut roster = Roster::behind(self.reach.table, self.app, None);
        if roster.peek().await?.is_none() {
            return Ok(true);
        }
        let some: Vec<UserId> = roster.heads().map(|member| member.user_id).collect();
        for member in some {
            let (api, key) = (self.reach.api, self.key);
            let page = self.call(|| api.members(key, Some(member), 1)).await?;
            if page.members.first() == Some(&member) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn compare(&mut self, walk: &mut Walk<'_, T>, listed: Option<(UserId, Time)>) -> Result<(), Stop> {
        while walk.compare(listed).await? == Compared::Full {
            self.note(walk).await?;
        }
        Ok(())
    }

    /// Settles what is unknown, notes what is missing, and writes down how far the list is read: in this order, so that a
    /// worker that is killed leaves out nothing.
    async fn note(&mut self, walk: &mut Walk<'_, T>) -> Result<(), Stop> {
        let (unknown, missing) = (std::mem::take(&mut walk.unknown), std::mem::take(&mut walk.missing));
        if self.run.is_believed {
            for group in unknown.chunks(MOST_MEMBERS) {
                self.link(group, &mut walk.counts).await?;
            }
        }
        let missing = self.still_linked(missing).await?;
        walk.counts.count_missing(&missing);
        let note = Note { behind: self.run.cursor, members: missing.iter().map(|member| member.user_id).collect() };
        let before = (self.run.cursor, self.run.counts);
        (self.run.cursor, self.run.counts, walk.pages) = (walk.cursor, walk.counts, 0);
        let saved = self.save_with(Some(&note).filter(|note| self.run.is_believed && !note.members.is_empty())).await;
        if saved.is_err() {
            // The record is written once more when the minute ends, and must not be ahead of its notes.
            (self.run.cursor, self.run.counts) = before;
        }
        saved
    }

    /// Those whom the states have as linked, or of whose link they know nothing: the roster may be late.
    async fn still_linked(&self, missing: Vec<RosterMember>) -> Result<Vec<RosterMember>, Stop> {
        let mut still = vec![];
        for group in missing.chunks(MOST_MEMBERS) {
            let members: Vec<UserId> = group.iter().map(|member| member.user_id).collect();
            let links = self.reach.table.links(self.app, &members).await?;
            let is_linked = |link: &StoredLink| !matches!(link, StoredLink::Unlinked { .. } | StoredLink::Absent);
            still.extend(group.iter().zip(&links).filter(|(_, link)| is_linked(link)).map(|(member, _)| *member));
        }
        Ok(still)
    }

    /// Members whom Kakao lists and who may not be linked here become so.
    async fn link(&mut self, listed: &[(UserId, Time)], counts: &mut Counts) -> Result<(), Stop> {
        let members: Vec<UserId> = listed.iter().map(|(member, _)| *member).collect();
        let links = self.reach.table.links(self.app, &members).await?;
        let open: Vec<_> = listed.iter().zip(links).filter(|(_, link)| !self.is_settled(*link)).collect();
        let asked: Vec<UserId> = open.iter().map(|((member, _), _)| *member).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let (api, key) = (self.reach.api, self.key);
        let linked = self.call(|| api.linked_members(key, &asked)).await?;
        if linked.is_empty() && asked.len() >= MANY {
            return Err(RestError::Again("it lists members of whom it has no data".to_owned()).into());
        }
        let mut found = vec![];
        for ((member, asked_at), link) in open {
            let Some(answer) = linked.iter().find(|answer| answer.user_id == *member) else {
                // They left meanwhile, as a rule.
                counts.unclear += 1;
                continue;
            };
            let at = linked_at(answer, link, *asked_at);
            found.push(Difference { user_id: *member, linked_at_kakao: true, at });
            counts.linked += u64::from(!matches!(link, StoredLink::Linked { .. }));
        }
        self.settle(found).await
    }

    /// Whether nothing is to be done about a listed member. The item of an earlier release is written again by an event
    /// that says nothing new; a comparison has nothing to say of it.
    fn is_settled(&self, link: StoredLink) -> bool {
        matches!(link, StoredLink::Linked { in_roster, .. } if in_roster || self.run.purpose == Purpose::Compare)
    }
}

impl Counts {
    fn count_missing(&mut self, members: &[RosterMember]) {
        let count = |members: usize| u64::try_from(members).unwrap_or(u64::MAX);
        self.known += count(members.len());
        self.missing += count(members.len());
        self.missing_reported += count(members.iter().filter(|member| member.link == RosterLink::Reported).count());
    }
}

/// Since when a listed member is linked: as Kakao says, or, if the state knows of an unlink at that time or later, since
/// the moment before Kakao was asked for the list. What happened since then is newer, and stays. A link that is known
/// already does not move.
fn linked_at(answer: &LinkedMember, link: StoredLink, asked_at: Time) -> Time {
    let before_asked = after(asked_at, -1);
    let is_newer_than_unlink = |at: &Time| match link {
        StoredLink::Unlinked { at: unlinked_at } => *at > unlinked_at,
        _ => true,
    };
    if let StoredLink::Linked { at, .. } = link {
        return after(at, -1);
    }
    answer.connected_at.filter(|at| *at <= before_asked).filter(is_newer_than_unlink).unwrap_or(before_asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_linked_since_kakao_says_or_since_the_list_was_asked_for() {
        let at = |text: &str| -> Time { text.parse().unwrap() };
        let asked_at = at("2026-01-01T12:00:00.500Z");
        let before = at("2026-01-01T12:00:00.499Z");
        let unlinked = |text: &str| StoredLink::Unlinked { at: at(text) };
        for (connected, link, expected) in [
            (Some("2025-01-01T00:00:00Z"), StoredLink::Unknown, at("2025-01-01T00:00:00Z")),
            (Some("2025-01-01T00:00:00Z"), unlinked("2024-12-31T23:59:59.999Z"), at("2025-01-01T00:00:00Z")),
            (Some("2025-01-01T00:00:00Z"), unlinked("2025-01-01T00:00:00Z"), before),
            (Some("2025-01-01T00:00:00Z"), unlinked("2025-06-01T00:00:00Z"), before),
            (Some("2026-01-01T12:00:01Z"), StoredLink::Unknown, before),
            (None, StoredLink::Unknown, before),
        ] {
            let answer = LinkedMember { user_id: UserId::new(7).unwrap(), connected_at: connected.map(at) };
            assert_eq!(linked_at(&answer, link, asked_at), expected, "{connected:?} {link:?}");
        }
    }
}
