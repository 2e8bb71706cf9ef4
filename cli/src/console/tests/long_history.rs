//! Ten thousand requests must stay fluid: no page may take a time that grows with their square.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::console::{
    chat::Chat,
    explain::{ExplainedEvent, Explanation},
    history::{Bounds, Exchange, Folder, History, Outcome, RecordedRequest},
    users,
};

/// A message of a chat and an event of a member that no other request is about.
fn exchange(number: usize) -> Exchange {
    let event = ExplainedEvent { partition: Some(format!("USER#1#{}", number + 1)), ..ExplainedEvent::default() };
    Exchange {
        id: 0,
        at: 0,
        request: RecordedRequest::default(),
        answer: None,
        ms: 0,
        request_id: None,
        explanation: Explanation {
            kind: Some("skill".to_owned()),
            events: vec![event],
            decoded: json!({"userRequest": {"utterance": "hi", "user": {"id": format!("user-{number}")}}}),
            ..Explanation::default()
        },
        outcome: Outcome::default(),
        steps: vec![],
        lines: vec![],
        changes: vec![],
    }
}

/// How long this takes of so many requests, at its fastest.
fn takes(count: usize, work: impl Fn(&History) -> usize) -> Duration {
    let folder = Folder::new();
    let history = History::open(&folder.0, Bounds::default());
    for number in 0..count {
        history.add(exchange(number));
    }
    let once = || {
        let begun = Instant::now();
        assert_eq!(work(&history), count);
        begun.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn users_and_chats_are_found_in_a_time_that_grows_with_the_requests_and_not_with_their_square() {
    let users = |history: &History| users::seen(history, "").len();
    let chats = |history: &History| Chat::recorded(history).len();
    for (name, work) in [("users", &users as &dyn Fn(&History) -> usize), ("chats", &chats)] {
        let (few, many) = (takes(500, work), takes(10_000, work));
        // Twenty times as much; the square would be four hundred times as much.
        assert!(many < few * 100, "{name}: {few:?} of 500, {many:?} of 10,000");
    }
}
