//! Accounts for every event at the end of the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use kakao_webhooks::wire::EventId;

use crate::{
    delivery::{self, Deliveries},
    story::Story,
};

/// The counts during the run, and what was found at its end.
#[derive(Clone, Default)]
pub(crate) struct Account {
    /// Requests, each attempt.
    pub(crate) sent: usize,
    /// Of these: refused, because the sender was not authenticated.
    pub(crate) refused: usize,
    /// Of these: answered 503, because neither queue nor inbox stored them. They were sent again.
    pub(crate) put_off: usize,
    /// Of these: acknowledged.
    pub(crate) acknowledged: usize,
    /// How often each event was acknowledged.
    pub(crate) events: BTreeMap<EventId, usize>,
    /// Texts put straight into the queue.
    pub(crate) messages: usize,
    /// Processors killed at work.
    pub(crate) restarts: usize,
    /// Records that a processor could not apply, poison aside.
    pub(crate) failed: usize,
    /// Times that an event went into the inbox.
    pub(crate) into_inbox: usize,
    /// What happened to the changes on their way to the service.
    pub(crate) deliveries_of_changes: Deliveries,
    /// Changes on the bus, repeats aside.
    pub(crate) published: usize,
    /// Deliveries that the service's endpoint accepted, repeats included.
    pub(crate) accepted: usize,
    pub(crate) history: usize,
    pub(crate) quarantined: BTreeMap<(String, String), String>,
    pub(crate) dead: Vec<String>,
    pub(crate) in_inbox: usize,
    pub(crate) in_queue: usize,
}

impl Account {
    /// Events that were acknowledged or put into the queue, each delivery; poison is none.
    fn deliveries(&self, story: &Story) -> usize {
        self.events.values().sum::<usize>() + story.service.1
    }

    fn duplicates(&self, story: &Story) -> usize {
        self.deliveries(story) - self.events.len() - story.service.0
    }

    /// Asserts that all sums match.
    pub(crate) fn check(&self, story: &Story) {
        assert_eq!(self.sent, self.refused + self.put_off + self.acknowledged);
        assert_eq!(self.refused, story.forged);
        assert_eq!(self.acknowledged, story.posts.len() - story.forged);
        assert_eq!(self.messages, story.service.1 + story.poison.len());
        assert_eq!(self.history, story.events.len());
        assert_eq!(self.quarantined, story.quarantined);
        assert_eq!(
            self.deliveries(story) - self.duplicates(story),
            self.history + self.quarantined.len(),
            "an event is nowhere"
        );
        let [mut dead, mut poison] = [self.dead.clone(), story.poison.clone()];
        dead.sort();
        poison.sort();
        assert_eq!(dead, poison);
        assert_eq!((self.in_inbox, self.in_queue), (0, 0));
        self.check_trouble();
        self.check_names(story);
    }

    /// Asserts that each kind of fault occurred.
    fn check_trouble(&self) {
        for (what, times) in [
            ("put off", self.put_off),
            ("into the inbox", self.into_inbox),
            ("restarts", self.restarts),
            ("failed", self.failed),
            ("deliveries paused", self.deliveries_of_changes.paused),
            ("deliverers killed", self.deliveries_of_changes.killed),
        ] {
            assert!(times > 0, "{what}: never");
        }
        assert_eq!(
            self.deliveries_of_changes.faults,
            delivery::ENDPOINT.len(),
            "the endpoint did not fail in each way"
        );
    }

    /// Asserts that the story's events are those that were acknowledged, by their ids.
    fn check_names(&self, story: &Story) {
        let ids: BTreeSet<&EventId> = story.events.iter().map(|event| &event.id).collect();
        assert_eq!(ids.len(), story.events.len(), "two events have one id");
        let of_the_service = story.service.0;
        let usable = self.events.keys().filter(|id| ids.contains(id)).count();
        assert_eq!(usable, story.events.len() - of_the_service);
        assert_eq!(self.events.len() - usable, story.quarantined.len());
    }

    /// The table of sums.
    pub(crate) fn table(&self, story: &Story) -> String {
        let rows = [
            ("requests sent", self.sent),
            ("  refused: forged", self.refused),
            ("  put off: 503, sent again", self.put_off),
            ("  acknowledged", self.acknowledged),
            ("messages straight into the queue", self.messages),
            ("  poison", story.poison.len()),
            ("events in what was acknowledged or put there", self.deliveries(story)),
            ("  duplicates", self.duplicates(story)),
            ("  in history", self.history),
            ("  in quarantine", self.quarantined.len()),
            ("dead letters: poison", self.dead.len()),
            ("in the queue", self.in_queue),
            ("in the inbox", self.in_inbox),
            ("inbox used", self.into_inbox),
            ("processors killed at work", self.restarts),
            ("records that came again for a failure", self.failed),
            ("changes published", self.published),
            ("deliveries accepted", self.accepted),
            ("deliveries paused", self.deliveries_of_changes.paused),
            ("deliverers killed at work", self.deliveries_of_changes.killed),
            ("seconds on the delivery queue's clock", self.deliveries_of_changes.seconds),
        ];
        rows.iter().map(|(what, times)| format!("{what:<46} {times:>8}\n")).collect()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sent, {} acknowledged, {} put off", self.sent, self.acknowledged, self.put_off)
    }
}
