//! A long history must stay fluid: no page may take a time that grows with its square.

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

/// Twice as many as are kept by default.
const COUNT: usize = 20_000;

#[test]
fn the_users_and_chats_of_twenty_thousand_requests_are_listed_at_once() {
    let folder = Folder::new();
    let history = History::open(&folder.0, Bounds { exchanges: COUNT, ..Bounds::default() });
    for number in 0..COUNT {
        history.add(exchange(number));
    }
    let users = |history: &History| users::seen(history, "").len();
    let chats = |history: &History| Chat::recorded(history).len();
    for (name, work) in [("users", &users as &dyn Fn(&History) -> usize), ("chats", &chats)] {
        let once = || {
            let begun = Instant::now();
            assert_eq!(work(&history), COUNT);
            begun.elapsed()
        };
        let fastest = (0..3).map(|_| once()).min().unwrap();
        // Each compared with each would take about ten times as long.
        assert!(fastest < Duration::from_secs(2), "{name}: {fastest:?}");
    }
}
