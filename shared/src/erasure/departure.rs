use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Fact, Said, What, fact::earliest};
use crate::wire::{Time, UserId};

/// A member's departure: everything between being linked and, perhaps, being linked again.
#[derive(Clone, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub user: UserId,
    /// When the member left, by the first event that said so.
    pub left_at: Time,
    /// The events that said so, by their own times. Kakao reports one departure by up to two webhooks.
    pub said: Vec<(Time, Said)>,
    /// When the member's state was first written accordingly. `None`: never, or it isn't known.
    pub effective_at: Option<Time>,
    /// When the service's endpoint first accepted a change that reports it.
    pub acknowledged_at: Option<Time>,
    /// When the service first said that it erased what it had.
    pub confirmed_at: Option<Time>,
    /// When the member was linked again.
    pub returned_at: Option<Time>,
}

impl Departure {
    /// The event that said so first, by its own time.
    #[must_use]
    pub fn first_said(&self) -> Option<&Said> {
        self.said.first().map(|(_, said)| said)
    }
}

/// No member number.
impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departure")
            .field("left_at", &self.left_at)
            .field("said", &self.said)
            .field("effective_at", &self.effective_at)
            .field("acknowledged_at", &self.acknowledged_at)
            .field("confirmed_at", &self.confirmed_at)
            .field("returned_at", &self.returned_at)
            .finish_non_exhaustive()
    }
}

/// What is known of one member.
#[derive(Default)]
struct Known {
    left: BTreeMap<Time, (BTreeSet<Said>, Option<Time>)>,
    returned: BTreeSet<Time>,
    /// Until when something was erased, and when that was received.
    confirmed: BTreeSet<(Time, Time)>,
    acknowledged: BTreeMap<Time, Time>,
}

/// The departures that these facts are about, by time and then by member. The same facts in another order, or more than
/// once, are the same departures.
#[must_use]
pub fn departures(facts: impl IntoIterator<Item = Fact>) -> Vec<Departure> {
    let mut members: BTreeMap<UserId, Known> = BTreeMap::new();
    for Fact { user, at, what } in facts {
        let known = members.entry(user).or_default();
        match what {
            What::Left { said, effective_at } => {
                let (all_said, first) = known.left.entry(at).or_default();
                all_said.extend(said);
                *first = earliest(*first, effective_at);
            }
            What::Returned => {
                known.returned.insert(at);
            }
            What::Confirmed { received_at } => {
                known.confirmed.insert((at, received_at));
            }
            What::Acknowledged { acknowledged_at } => {
                let first = known.acknowledged.entry(at).or_insert(acknowledged_at);
                *first = acknowledged_at.min(*first);
            }
        }
    }
    let mut all: Vec<_> = members.into_iter().flat_map(|(user, known)| known.departures(user)).collect();
    all.sort_by_key(|departure| (departure.left_at, departure.user));
    all
}

impl Known {
    fn departures(&self, user: UserId) -> Vec<Departure> {
        let mut all: Vec<Departure> = vec![];
        let mut last: Option<Time> = None;
        for (at, (said, effective_at)) in &self.left {
            // Without a return in between it is another word on the same departure.
            let is_new = last.is_none_or(|last| self.returned_after(last).is_some_and(|returned| returned <= *at));
            if is_new {
                all.push(Self::begin(user, *at));
            }
            last = Some(*at);
            let Some(departure) = all.last_mut() else { continue };
            departure.said.extend(said.iter().map(|said| (*at, said.clone())));
            departure.effective_at = earliest(departure.effective_at, *effective_at);
            let acknowledged = self.acknowledged.get(at).copied();
            departure.acknowledged_at = earliest(departure.acknowledged_at, acknowledged);
            departure.returned_at = self.returned_after(*at);
            departure.confirmed_at = self.confirmed_between(departure.left_at, departure.returned_at);
        }
        all
    }

    const fn begin(user: UserId, left_at: Time) -> Departure {
        Departure {
            user,
            left_at,
            said: vec![],
            effective_at: None,
            acknowledged_at: None,
            confirmed_at: None,
            returned_at: None,
        }
    }

    fn returned_after(&self, time: Time) -> Option<Time> {
        self.returned.iter().find(|returned| **returned > time).copied()
    }

    fn confirmed_between(&self, left: Time, returned: Option<Time>) -> Option<Time> {
        let is_of_it = |at: Time| at >= left && returned.is_none_or(|returned| at < returned);
        self.confirmed.iter().filter(|(at, _)| is_of_it(*at)).map(|(_, received)| *received).min()
    }
}
