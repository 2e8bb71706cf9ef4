//! What goes on after a command is interrupted, and how to end it.

use std::sync::{Mutex, PoisonError};

/// What dropped commands left running.
static LEFT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Something outside this process that goes on unless [`ended`](Self::ended) is called before this is dropped.
#[derive(Debug)]
pub struct GoesOn(Option<String>);

impl GoesOn {
    /// It goes on, as this sentence says, which names how to see and to end it.
    #[must_use]
    pub fn saying(sentence: String) -> Self {
        Self(Some(sentence))
    }

    /// It came to its end, or the command ended otherwise than by an interruption.
    pub fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for GoesOn {
    fn drop(&mut self) {
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).extend(self.0.take());
    }
}

/// What an interrupted command says at its end. That nothing is left running is worth saying of a command that
/// started processes.
#[must_use]
pub fn last_words(has_processes: bool) -> Vec<String> {
    let left = std::mem::take(&mut *LEFT.lock().unwrap_or_else(PoisonError::into_inner));
    match has_processes {
        _ if !left.is_empty() => left,
        true => vec!["Ended; nothing is left running.".to_owned()],
        false => vec!["Interrupted.".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_before_its_end_is_said_to_go_on() {
        GoesOn::saying("first".to_owned()).ended();
        assert_eq!(last_words(true), ["Ended; nothing is left running."]);
        assert_eq!(last_words(false), ["Interrupted."]);
        drop(GoesOn::saying("second".to_owned()));
        assert_eq!(last_words(false), ["second"]);
    }
}
