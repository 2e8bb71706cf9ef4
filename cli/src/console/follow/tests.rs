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

fn change(user: &str, version: i64, written_at: i64) -> Value {
    let time = jiff::Timestamp::from_millisecond(written_at).unwrap().to_string();
    json!({"app_id": "1", "user_id": user, "version": version, "written_at": time, "changed": ["link"]})
}

const WHOLE_WAY: [Place; 5] = [Place::Queue, Place::Recorded, Place::Applied, Place::Published, Place::Delivered];

#[test]
fn an_event_is_followed_from_the_queue_to_its_delivery() {
    let set = Set::new();
    let id = set.request("r", 100);
    set.take(&[kept("r", 110), processed("recorded", "r", 150), applied(150)]);
    set.follower.take_change(change("7", 33, 140), 160);
    let published = line("publisher", 170, &json!({"event": "published", "version": 33}));
    let delivered = line("deliverer", 190, &json!({"event": "delivered", "version": 33, "attempt": 1, "status": 204}));
    set.take(&[published, delivered]);
    assert_eq!(set.places(id), WHOLE_WAY);
    assert_eq!(set.history.get(id).unwrap().lines.len(), 4);
}

#[test]
fn what_is_known_in_another_order_gives_the_same_way() {
    let set = Set::new();
    let published = line("publisher", 170, &json!({"event": "published", "version": 33}));
    let delivered = line("deliverer", 190, &json!({"event": "delivered", "version": 33, "attempt": 1, "status": 204}));
    set.follower.take_change(change("7", 33, 140), 160);
    set.take(&[published, delivered]);
    set.take(&[processed("recorded", "r", 150), applied(150)]);
    set.take(&[kept("r", 110)]);
    let id = set.request("r", 100);
    set.take(&[line("janitor", 200, &json!({"event": "key_set_kept"}))]);
    assert_eq!(set.places(id), WHOLE_WAY);
}

#[test]
fn a_change_belongs_to_no_request_of_another_user_or_after_it_or_without_effect() {
    let set = Set::new();
    let (mine, later, unchanged) = (set.request("r", 100), set.request("later", 200), set.request("unchanged", 100));
    set.take(&[processed("recorded", "r", 150), applied(150), processed("recorded", "later", 250), applied(250)]);
    set.take(&[processed("recorded", "unchanged", 151)]);
    set.follower.take_change(change("8", 34, 141), 160);
    set.follower.take_change(change("7", 33, 140), 160);
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
    set.follower.take_change(change("7", 33, 140), 160);
    set.take(&[line("publisher", 170, &json!({"event": "published", "version": 33}))]);
    set.follower.take_change(change("7", 34, 240), 260);
    let versions = [first, second].map(|id| version_of(&set.history.get(id).unwrap().changes[0]));
    assert_eq!(versions, [Some(33), Some(34)]);
    assert_eq!(set.places(first), [Place::Recorded, Place::Applied, Place::Published]);
    assert_eq!(set.places(second), [Place::Recorded, Place::Applied]);
}

#[test]
fn events_that_were_merged_into_one_write_share_its_change() {
    let set = Set::new();
    let (one, other) = (set.request("one", 100), set.request("other", 101));
    set.take(&[processed("recorded", "one", 150), processed("recorded", "other", 150), applied(150)]);
    set.follower.take_change(change("7", 33, 140), 160);
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
    set.follower.take_change(change("7", 33, 140), 160);
    let published = line("publisher", 170, &json!({"event": "published", "version": 33}));
    let delivered = line("deliverer", 190, &json!({"event": "delivered", "version": 33, "attempt": 1, "status": 204}));
    set.follower.take(&[kept("r", 110), processed("recorded", "r", 150), applied(150), published, delivered], 200_000);
    assert_eq!(set.places(id), WHOLE_WAY);
}

#[test]
fn what_belongs_to_no_request_does_not_wait_for_ever() {
    let set = Set::new();
    set.take(&[kept("none", 100)]);
    set.follower.take_change(change("7", 33, 140), 100);
    let later = 100 + PATIENCE_FOR_CHANGES_MILLIS;
    set.follower.take(&[line("janitor", later, &json!({"event": "key_set_kept"}))], later);
    let waiting = set.follower.waiting.lock().unwrap();
    assert_eq!((waiting.lines.len(), waiting.changes.len()), (0, 0));
}
