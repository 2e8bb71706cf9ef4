use std::{fs, path::PathBuf};

use super::*;
use crate::{console::explain::Explanation, random};

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(std::env::temp_dir().join(format!("khook-console-{}", random::hex::<8>().unwrap())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exchange(body: &str) -> Exchange {
    let request = RecordedRequest { body: RecordedBody::of(body.as_bytes()), ..RecordedRequest::default() };
    Exchange {
        id: 0,
        at: 7,
        request,
        answer: None,
        ms: 1,
        request_id: Some(body.to_owned()),
        explanation: Explanation::default(),
        outcome: Outcome::default(),
        steps: vec![],
        lines: vec![],
        changes: vec![],
    }
}

fn bodies(history: &History) -> Vec<String> {
    history.newest(usize::MAX, None, |exchange| exchange.request.body.text.clone())
}

const TWO: Bounds = Bounds { exchanges: 2, bytes: usize::MAX };

#[test]
fn the_oldest_is_forgotten_where_there_are_too_many_or_too_much() {
    let folder = Folder::new();
    let history = History::open(&folder.0, TWO);
    for body in ["a", "b", "c"] {
        history.add(exchange(body));
    }
    assert_eq!(bodies(&history), ["c", "b"]);
    assert_eq!((history.get(1), history.get(3).map(|exchange| exchange.id)), (None, Some(3)));

    let folder = Folder::new();
    let history = History::open(&folder.0, Bounds { exchanges: 100, bytes: 5_000 });
    for body in ["a", &"b".repeat(1_000), &"c".repeat(1_000)] {
        history.add(exchange(body));
    }
    assert_eq!(bodies(&history).len(), 1);
}

#[test]
fn a_restart_finds_what_was_known_last_and_numbers_on() {
    let folder = Folder::new();
    let history = History::open(&folder.0, TWO);
    for body in ["a", "b", "c"] {
        history.add(exchange(body));
    }
    history.change(1, |exchange| {
        exchange.reach(Place::Queue, 9, String::new());
        true
    });
    drop(history);
    let again = History::open(&folder.0, TWO);
    assert_eq!(bodies(&again), ["c", "b"]);
    assert_eq!(again.get(3).unwrap().steps[0].place, Place::Queue);
    assert_eq!(again.add(exchange("d")), 4);
}

#[test]
fn a_line_that_was_cut_off_costs_no_other() {
    let folder = Folder::new();
    History::open(&folder.0, TWO).add(exchange("a"));
    let path = folder.0.join("history.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"id\":2,\"at\"");
    fs::write(&path, text).unwrap();
    let history = History::open(&folder.0, TWO);
    history.add(exchange("b"));
    drop(history);
    assert_eq!(bodies(&History::open(&folder.0, TWO)), ["b", "a"]);
}

#[test]
fn the_file_does_not_grow_without_end() {
    let folder = Folder::new();
    let history = History::open(&folder.0, TWO);
    for number in 0..3_000 {
        history.add(exchange(&number.to_string()));
    }
    let lines = fs::read_to_string(folder.0.join("history.jsonl")).unwrap().lines().count();
    assert!(lines < 1_100, "{lines}");
    assert_eq!(bodies(&History::open(&folder.0, TWO)), ["2999", "2998"]);
}

#[test]
fn clear_empties_the_file_too() {
    let folder = Folder::new();
    let history = History::open(&folder.0, TWO);
    let mut updates = history.watch();
    history.add(exchange("a"));
    history.clear();
    assert_eq!((updates.try_recv(), updates.try_recv()), (Ok(Update::Changed(1)), Ok(Update::Cleared)));
    history.add(exchange("b"));
    drop(history);
    assert_eq!(bodies(&History::open(&folder.0, TWO)), ["b"]);
}

#[test]
fn a_folder_that_cannot_be_written_costs_the_file_and_not_the_history() {
    let history = History::open(std::path::Path::new("/dev/null/console"), TWO);
    history.add(exchange("a"));
    assert_eq!(bodies(&history), ["a"]);
}
