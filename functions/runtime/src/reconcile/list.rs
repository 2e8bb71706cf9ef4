//! Walks Kakao's list beside the roster: both ascend by member number, so that each is read once.

use kakao_webhooks::wire::{
    AppId, Time, UserId,
    rest_api::{LinkedMember, MOST_MEMBERS},
};

use super::{
    Counts, Difference, KakaoApi, Note, Run, StoredLink, Table,
    roster::Roster,
    worker::{Stop, Worker, after},
};
use crate::{edges::Queue, store::StoreError};

/// The most members of a note: some twenty kilobytes of an item.
const MOST_NOTED: usize = 1_000;

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
    missing: Vec<UserId>,
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
        Self { roster, cursor: run.cursor, counts: run.counts, unknown: vec![], missing: vec![] }
    }

    /// Compares with the next member on Kakao's list; `None`: the list is at its end.
    async fn compare(&mut self, listed: Option<(UserId, Time)>) -> Result<Compared, StoreError> {
        while let Some(known) = self.roster.peek().await? {
            let is_before = listed.is_none_or(|(member, _)| known.user_id < member);
            if is_before && self.missing.len() == MOST_NOTED {
                return Ok(Compared::Full);
            }
            if is_before {
                self.missing.push(known.user_id);
                self.counts.missing += 1;
            } else if let Some(listed) = listed.filter(|(member, _)| *member == known.user_id) {
                self.counts.shared += 1;
                self.unknown.extend((!known.is_linked).then_some(listed));
            } else {
                break;
            }
            self.counts.known += 1;
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
            let is_last = !page.has_more || page.members.is_empty();
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
            if self.is_save_due() || walk.unknown.len() >= MOST_MEMBERS {
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
                walk.counts.linked += self.link(group).await?;
            }
            if !missing.is_empty() {
                let note = Note { behind: self.run.cursor, members: missing };
                self.reach.table.put_note(self.app, &self.run.run_id, &note).await?;
            }
        }
        (self.run.cursor, self.run.counts) = (walk.cursor, walk.counts);
        self.save().await
    }

    /// Members whom Kakao lists and who may not be linked here become so. Returns how many were not.
    async fn link(&mut self, listed: &[(UserId, Time)]) -> Result<u64, Stop> {
        let members: Vec<UserId> = listed.iter().map(|(member, _)| *member).collect();
        let links = self.reach.table.links(self.app, &members).await?;
        let open: Vec<_> = listed.iter().zip(links).filter(|(_, link)| !is_settled(*link)).collect();
        let asked: Vec<UserId> = open.iter().map(|((member, _), _)| *member).collect();
        if asked.is_empty() {
            return Ok(0);
        }
        let (api, key) = (self.reach.api, self.key);
        let linked = self.call(|| api.linked_members(key, &asked)).await?;
        let found = open.into_iter().filter_map(|((member, asked_at), link)| {
            let answer = linked.iter().find(|answer| answer.user_id == *member)?;
            let difference =
                Difference { user_id: *member, linked_at_kakao: true, at: linked_at(answer, link, *asked_at) };
            Some((difference, !matches!(link, StoredLink::Linked { .. })))
        });
        let (found, are_new): (Vec<_>, Vec<_>) = found.unzip();
        self.settle(found).await?;
        Ok(are_new.into_iter().map(u64::from).sum())
    }
}

/// Whether the state says already that the member is linked, and the roster will.
const fn is_settled(link: StoredLink) -> bool {
    matches!(link, StoredLink::Linked { in_roster: true })
}

/// Since when a listed member is linked: as Kakao says, or, if the state knows of an unlink at that time or later, since
/// the moment before Kakao was asked for the list. What happened since then is newer, and stays.
fn linked_at(answer: &LinkedMember, link: StoredLink, asked_at: Time) -> Time {
    let before_asked = after(asked_at, -1);
    let is_newer_than_unlink = |at: &Time| match link {
        StoredLink::Unlinked { at: unlinked_at } => *at > unlinked_at,
        _ => true,
    };
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
