use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Bound::{Excluded, Included, Unbounded},
};

use super::{Fact, FactKind, Report, fact::earliest};
use crate::wire::{Time, UserId};

/// How far apart the events of one departure may be, in days. Kakao reports a departure by up to two webhooks and
/// repeats one of them for two hours; what both missed, the next daily comparison finds. A later event is another departure,
/// even if no link in between was heard of: it must not look confirmed by what was confirmed before.
pub const REPORTED_WITHIN_DAYS: u32 = 2;

const DAY_MILLIS: i64 = 86_400_000;

/// A member's departure: everything between being linked and, perhaps, being linked again.
#[derive(Clone, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub user: UserId,
    /// When the member left, by the first event that reports it.
    pub left_at: Time,
    /// The events that report it, by their own times. Kakao reports one departure by up to two webhooks.
    pub reports: Vec<(Time, Report)>,
    /// When the member's state was first written accordingly. `None`: never, or it isn't known.
    pub effective_at: Option<Time>,
    /// When the service's endpoint first accepted a change that reports it.
    pub acknowledged_at: Option<Time>,
    /// When the service first confirmed that it erased what it had.
    pub confirmed_at: Option<Time>,
    /// When the member was linked again, before they left anew.
    pub returned_at: Option<Time>,
}

impl Departure {
    /// The first report, by the event's own time.
    #[must_use]
    pub fn first_report(&self) -> Option<&Report> {
        self.reports.first().map(|(_, report)| report)
    }
}

/// No member number.
impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departure")
            .field("left_at", &self.left_at)
            .field("reports", &self.reports)
            .field("effective_at", &self.effective_at)
            .field("acknowledged_at", &self.acknowledged_at)
            .field("confirmed_at", &self.confirmed_at)
            .field("returned_at", &self.returned_at)
            .finish_non_exhaustive()
    }
}

/// The departures of members who left at `since` or later, of facts that include all that are recorded on
/// [`first_day`] and later.
#[must_use]
pub fn departures_since(facts: impl IntoIterator<Item = Fact>, since: Time) -> Vec<Departure> {
    let mut all = departures(facts);
    all.retain(|departure| departure.left_at >= since);
    all
}

/// The first day whose record may be about members who left at `since` or later. Which events are of one departure depends
/// on those of [`REPORTED_WITHIN_DAYS`] before, and no fact is recorded on a day before its own. The day more is for clocks
/// that differ: an event's time may be some minutes after its receipt.
#[must_use]
pub fn first_day(since: Time) -> Time {
    since.minus_days(REPORTED_WITHIN_DAYS + 1)
}

/// The reports of a moment at which a member left, and when the state was first written accordingly.
type Left = (BTreeSet<Report>, Option<Time>);

/// What is known of one member.
#[derive(Default)]
struct Known {
    left: BTreeMap<Time, Left>,
    linked: BTreeSet<Time>,
    /// Until when something was erased, and when that was received.
    confirmed: BTreeSet<(Time, Time)>,
    acknowledged: BTreeMap<Time, Time>,
}

/// The departures that these facts are about, by time and then by member. The same facts in another order, or more than
/// once, are the same departures.
#[must_use]
pub fn departures(facts: impl IntoIterator<Item = Fact>) -> Vec<Departure> {
    let mut members: BTreeMap<UserId, Known> = BTreeMap::new();
    for fact in facts {
        members.entry(fact.user).or_default().take(fact);
    }
    let mut all: Vec<_> = members.into_iter().flat_map(|(user, known)| known.departures(user)).collect();
    all.sort_by_key(|departure| (departure.left_at, departure.user));
    all
}

impl Known {
    fn take(&mut self, Fact { at, kind, .. }: Fact) {
        match kind {
            FactKind::Left { report, effective_at } => {
                let (all_reports, first) = self.left.entry(at).or_default();
                all_reports.extend(report);
                *first = earliest(*first, effective_at);
            }
            FactKind::Linked => {
                self.linked.insert(at);
            }
            FactKind::Confirmed { received_at } => {
                self.confirmed.insert((at, received_at));
            }
            FactKind::Acknowledged { acknowledged_at } => {
                let first = self.acknowledged.entry(at).or_insert(acknowledged_at);
                *first = acknowledged_at.min(*first);
            }
        }
    }

    fn departures(&self, user: UserId) -> Vec<Departure> {
        let left: Vec<_> = self.left.iter().map(|(at, left)| (*at, left)).collect();
        let events: Vec<_> = left.chunk_by(|(before, _), (at, _)| !self.is_another(*before, *at)).collect();
        let next = events.iter().skip(1).map(|events| events.first().map(|(at, _)| *at)).chain([None]);
        events.iter().zip(next).filter_map(|(events, next)| self.departure(user, events, next)).collect()
    }

    /// Whether the member who left `before` left anew, and no event of the same departure follows. It depends on nothing
    /// that is more than [`REPORTED_WITHIN_DAYS`] older, so that a part of the record shows the same departures as all of it.
    fn is_another(&self, before: Time, at: Time) -> bool {
        let is_linked_between = self.linked.range((Excluded(before), Included(at))).next().is_some();
        is_linked_between || at.millis_since(before) > i64::from(REPORTED_WITHIN_DAYS) * DAY_MILLIS
    }

    /// The departure of these events, where `next` begins the one after.
    fn departure(&self, user: UserId, events: &[(Time, &Left)], next: Option<Time>) -> Option<Departure> {
        let ((left_at, _), (last, _)) = (*events.first()?, *events.last()?);
        let linked = self.linked.range((Excluded(last), Unbounded)).next().copied();
        let returned_at = linked.filter(|linked| next.is_none_or(|next| *linked <= next));
        let ends_at = returned_at.or(next);
        let is_of_it = |at: Time| at >= left_at && ends_at.is_none_or(|end| at < end);
        let confirmed = self.confirmed.iter().filter(|(until, _)| is_of_it(*until));
        let reports = events.iter().flat_map(|(at, (reports, _))| reports.iter().map(|report| (*at, report.clone())));
        Some(Departure {
            user,
            left_at,
            reports: reports.collect(),
            effective_at: events.iter().filter_map(|(_, (_, effective_at))| *effective_at).min(),
            acknowledged_at: events.iter().filter_map(|(at, _)| self.acknowledged.get(at)).min().copied(),
            confirmed_at: confirmed.map(|(_, received_at)| *received_at).min(),
            returned_at,
        })
    }
}
