use serde_json::json;

use super::*;
use crate::console::{
    explain::{ExplainedEvent, Explanation},
    history::{Bounds, Folder, RecordedRequest},
};

struct Set {
    history: Arc<History>,
    follower: Follower,
    _folder: Folder,
}

impl Set {
    fn new() -> Self {
        let folder = Folder::new();
        let history = Arc::new(History::open(&folder.0, Bounds::default()));
        Self { follower: Follower::of(Arc::clone(&history)), history, _folder: folder }
    }

    /// A request of user 7 that was taken at this time.
    fn request(&self, request_id: &str, at: i64) -> u64 {
        let event = ExplainedEvent { partition: Some("USER#1#7".into()), ..ExplainedEvent::default() };
        self.history.add(Exchange {
            id: 0,
            at,
            request: RecordedRequest::default(),
            answer: None,
            ms: 1,
            request_id: Some(request_id.to_owned()),
            explanation: Explanation { events: vec![event], ..Explanation::default() },
            outcome: Outcome { what: What::Taken, reason: None },
            steps: vec![],
            lines: vec![],
            changes: vec![],
        })
    }

    fn take(&self, lines: &[LogLine]) {
        self.follower.take(lines, lines.first().map_or(0, |line| line.at));
    }

    fn places(&self, id: u64) -> Vec<Place> {
        self.history.get(id).unwrap().steps.iter().map(|step| step.place).collect()
    }

    fn outcome(&self, id: u64) -> (What, Option<String>) {
        let outcome = self.history.get(id).unwrap().outcome;
        (outcome.what, outcome.reason)
    }
}

fn line(function: &str, at: i64, fields: &Value) -> LogLine {
    LogLine { function: function.to_owned(), at, fields: fields.as_object().unwrap().clone() }
}

fn kept(request_id: &str, at: i64) -> LogLine {
    let fields = json!({"event": "kept", "event_id": "e", "destination": "queue", "request_id": request_id});
    line("unlink", at, &fields)
}

fn processed(event: &str, request_id: &str, at: i64) -> LogLine {
    line("processor", at, &json!({"event": event, "event_id": "e", "request_id": request_id}))
}

fn applied(at: i64) -> LogLine {
    line("processor", at, &json!({"event": "applied", "subject": "user", "destination": "stream"}))
}

/// A version is the time of its write in milliseconds; the table's stream dates a write in whole seconds.
fn change(user: &str, version: i64) -> Value {
    let time = jiff::Timestamp::from_second(version / 1_000).unwrap().to_string();
    json!({"app_id": "1", "user_id": user, "version": version, "written_at": time, "changed": ["link"]})
}

const WHOLE_WAY: [Place; 5] = [Place::Queue, Place::Recorded, Place::Applied, Place::Published, Place::Delivered];

#[test]
fn an_event_is_followed_from_the_queue_to_its_delivery() {
    let set = Set::new();
    let id = set.request("r", 100);
    set.take(&[kept("r", 110), processed("recorded", "r", 150), applied(150)]);
    set.follower.take_change(change("7", 140), 160);
    let published = line("publisher", 170, &json!({"event": "published", "version": 140}));
    let delivered = line("deliverer", 190, &json!({"event": "delivered", "version": 140, "attempt": 1, "status": 204}));
    set.take(&[published, delivered]);
    assert_eq!(set.places(id), WHOLE_WAY);
    assert_eq!(set.history.get(id).unwrap().lines.len(), 4);
}

/// Each order of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let longer = |last: usize, order: &[usize]| {
        (0..=order.len()).map(|at| [&order[..at], &[last], &order[at..]].concat()).collect::<Vec<_>>()
    };
    (0..count).fold(vec![vec![]], |orders, last| orders.iter().flat_map(|order| longer(last, order)).collect())
}

#[test]
fn whatever_is_known_first_the_way_is_the_same() {
    let published = line("publisher", 170, &json!({"event": "published", "version": 140}));
    let delivered = line("deliverer", 190, &json!({"event": "delivered", "version": 140, "attempt": 1, "status": 204}));
    let arrivals = orders(6);
    assert_eq!(arrivals.len(), 720);
    for order in arrivals {
        let (set, mut id) = (Set::new(), 0);
        for arrival in &order {
            match arrival {
                0 => id = set.request("r", 100),
                1 => set.follower.take_change(change("7", 140), 200),
                2 => set.follower.take(&[processed("recorded", "r", 150), applied(150)], 200),
                3 => set.follower.take(&[kept("r", 110)], 200),
                4 => set.follower.take(std::slice::from_ref(&published), 200),
                _ => set.follower.take(std::slice::from_ref(&delivered), 200),
            }
        }
        set.follower.take(&[], 210);
        let exchange = set.history.get(id).unwrap();
        assert_eq!(
            (set.places(id), exchange.changes.len(), exchange.lines.len()),
            (WHOLE_WAY.to_vec(), 1, 4),
            "{order:?}"
        );
    }
}

#[test]
fn a_change_is_joined_wherever_in_its_second_it_was_written() {
    for at in [1_000, 1_001, 1_500, 1_990, 1_999] {
        let set = Set::new();
        let id = set.request("r", at);
        set.take(&[processed("recorded", "r", at + 50), applied(at + 50)]);
        set.follower.take_change(change("7", at + 40), at + 60);
        assert_eq!(set.history.get(id).unwrap().changes.len(), 1, "{at}");
    }
}

#[test]
fn a_version_that_is_no_time_leaves_the_second_of_the_write() {
    let counted = json!({"version": 7, "written_at": "2026-01-01T00:00:01.000Z"});
    let timed = json!({"version": 1_767_225_601_234_i64, "written_at": "2026-01-01T00:00:01.000Z"});
    assert_eq!([counted, timed].map(|change| written_at(&change)), [Some(1_767_225_601_000), Some(1_767_225_601_234)]);
}

#[test]
fn a_change_belongs_to_no_request_of_another_user_or_after_it_or_without_effect() {
    let set = Set::new();
    let (mine, later, unchanged) = (set.request("r", 100), set.request("later", 200), set.request("unchanged", 100));
    set.take(&[processed("recorded", "r", 150), applied(150), processed("recorded", "later", 250), applied(250)]);
    set.take(&[processed("recorded", "unchanged", 151)]);
    set.follower.take_change(change("8", 141), 160);
    set.follower.take_change(change("7", 140), 160);
    let changes = |id| set.history.get(id).unwrap().changes.len();
    assert_eq!((changes(mine), changes(later), changes(unchanged)), (1, 0, 0));
    assert_eq!(set.places(unchanged), [Place::Recorded, Place::Unchanged]);
}

#[test]
fn of_two_writes_a_request_has_the_one_of_its_own_invocation() {
    let set = Set::new();
    let (first, second) = (set.request("first", 100), set.request("second", 101));
    set.take(&[processed("recorded", "first", 150), applied(150)]);
    set.take(&[processed("recorded", "second", 250), applied(250)]);
    set.follower.take_change(change("7", 140), 160);
    set.take(&[line("publisher", 170, &json!({"event": "published", "version": 140}))]);
    set.follower.take_change(change("7", 240), 260);
    let versions = [first, second].map(|id| version_of(&set.history.get(id).unwrap().changes[0]));
    assert_eq!(versions, [Some(140), Some(240)]);
    assert_eq!(set.places(first), [Place::Recorded, Place::Applied, Place::Published]);
    assert_eq!(set.places(second), [Place::Recorded, Place::Applied]);
}

#[test]
fn events_that_were_merged_into_one_write_share_its_change() {
    let set = Set::new();
    let (one, other) = (set.request("one", 100), set.request("other", 101));
    set.take(&[processed("recorded", "one", 150), processed("recorded", "other", 150), applied(150)]);
    set.follower.take_change(change("7", 140), 160);
    let changes = |id| set.history.get(id).unwrap().changes.len();
    assert_eq!((changes(one), changes(other)), (1, 1));
}

#[test]
fn the_logs_say_what_became_of_a_request() {
    let set = Set::new();
    let ids = ["duplicate", "redelivered", "quarantined", "refused"].map(|name| (name, set.request(name, 100)));
    let refused = json!({"event": "refused", "reason": "token_signature", "request_id": "refused"});
    let quarantined =
        json!({"event": "quarantined", "event_id": "e", "reason": "missing_field", "request_id": "quarantined"});
    set.take(&[
        processed("duplicate", "duplicate", 150),
        processed("recorded", "redelivered", 150),
        processed("duplicate", "redelivered", 160),
        line("processor", 150, &quarantined),
        line("account-status", 150, &refused),
    ]);
    let outcomes = ids.map(|(_, id)| set.outcome(id));
    let why = |reason: &str| Some(reason.to_owned());
    assert_eq!(
        outcomes,
        [
            (What::Duplicate, None),
            (What::Taken, None),
            (What::Quarantined, why("missing_field")),
            (What::Refused, why("token_signature")),
        ]
    );
}

#[test]
fn logs_that_are_read_long_afterwards_give_the_same_way() {
    let set = Set::new();
    let id = set.request("r", 100);
    set.follower.take_change(change("7", 140), 160);
    let published = line("publisher", 170, &json!({"event": "published", "version": 140}));
    let delivered = line("deliverer", 190, &json!({"event": "delivered", "version": 140, "attempt": 1, "status": 204}));
    set.follower.take(&[kept("r", 110), processed("recorded", "r", 150), applied(150), published, delivered], 200_000);
    assert_eq!(set.places(id), WHOLE_WAY);
}

#[test]
fn what_belongs_to_no_request_does_not_wait_for_ever() {
    let set = Set::new();
    set.take(&[kept("none", 100)]);
    set.follower.take_change(change("7", 140), 100);
    let later = 100 + PATIENCE_FOR_CHANGES_MILLIS;
    set.follower.take(&[line("janitor", later, &json!({"event": "key_set_kept"}))], later);
    let waiting = set.follower.waiting.lock().unwrap();
    assert_eq!((waiting.lines.len(), waiting.changes.len()), (0, 0));
}
