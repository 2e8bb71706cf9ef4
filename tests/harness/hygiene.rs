//! The search of all logs for what must not be there: keys, tokens and personal data.
//! Every [`Pipeline`](crate::Pipeline) makes it when it ends, with the values of everything that was sent through it.

mod collect;
mod forms;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use crate::{lambda::events, service};

pub use forms::Form;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that a service's functions wrote, metrics and panics included, and the values of all events that they
/// received.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<LogContents>);

#[derive(Debug, Default)]
struct LogContents {
    lines: Mutex<Vec<Line>>,
    secrets: Mutex<Secrets>,
}

/// A line as received, and whose it is.
#[derive(Clone, Debug)]
pub struct Line {
    /// The function.
    pub function: String,
    /// The text.
    pub text: String,
}

impl Log {
    /// One more line.
    pub fn add(&self, function: &str, text: &str) {
        lock(&self.0.lines).push(Line { function: function.to_owned(), text: text.to_owned() });
    }

    /// A function is handed this event: from now on no line may hold its values.
    pub fn forbid_values_of(&self, event: &Value) {
        lock(&self.0.secrets).add_event(event);
    }

    /// From now on no line may hold this value.
    pub fn keep_out(&self, value: &str) {
        lock(&self.0.secrets).add(value);
    }

    /// How many lines hold this.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        lock(&self.0.lines).iter().filter(|line| line.text.contains(text)).count()
    }
}

/// A shorter text could stand in a line by chance.
const SHORTEST_TEXT: usize = 6;
/// So could a shorter number.
const SHORTEST_NUMBER: usize = 7;
/// Of a longer text each end is searched for by itself: a part of a token is a find, too.
const FRAGMENT: usize = 32;

/// What must be in no log.
#[derive(Debug, Default)]
pub struct Secrets {
    /// Found as whole numbers only: a time or an event's id may hold the same digits.
    numbers: HashSet<Vec<u8>>,
    /// By how they begin.
    texts: HashMap<[u8; SHORTEST_TEXT], BTreeSet<Vec<u8>>>,
    /// The ids of events, by which log lines name them: what is a part of one may be there.
    ids: BTreeSet<String>,
}

impl Secrets {
    /// Adds a value. One that is so short that it could occur by chance is left out.
    pub fn add(&mut self, value: &str) {
        let bytes = value.trim().as_bytes();
        if bytes.iter().all(u8::is_ascii_digit) {
            if bytes.len() >= SHORTEST_NUMBER {
                self.numbers.insert(bytes.to_vec());
            }
            return;
        }
        let ends = [bytes.get(..FRAGMENT), bytes.get(bytes.len().saturating_sub(FRAGMENT)..)];
        for text in ends.into_iter().map(|end| end.unwrap_or(bytes)) {
            if let Some(beginning) = text.first_chunk() {
                self.texts.entry(*beginning).or_default().insert(text.to_vec());
            }
        }
    }

    /// The id of an event, which may be in the log, whatever else has the same value.
    pub fn allow(&mut self, id: &str) {
        self.ids.insert(id.to_owned());
    }

    /// The first of them in some bytes.
    fn first_in(&self, bytes: &[u8]) -> Option<String> {
        let is_secret = |found: &&[u8]| !self.is_allowed(found);
        let numbers = bytes.split(|byte| !byte.is_ascii_digit()).filter(|digits| self.numbers.contains(*digits));
        let texts = bytes.windows(SHORTEST_TEXT).enumerate().filter_map(|(at, window)| {
            let (begin_so, rest) = (self.texts.get(window)?, bytes.get(at..)?);
            begin_so.iter().map(Vec::as_slice).find(|text| rest.starts_with(text))
        });
        numbers.chain(texts).find(is_secret).map(|found| String::from_utf8_lossy(found).into_owned())
    }

    fn is_allowed(&self, value: &[u8]) -> bool {
        let value = String::from_utf8_lossy(value);
        self.ids.iter().any(|id| id.contains(value.as_ref()))
    }
}

/// Something in a line that must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// What, or the end of it.
    pub value: String,
    /// How it was written.
    pub form: Form,
    /// The line.
    pub line: String,
    /// Who wrote it.
    pub function: String,
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, form, line, function } = self;
        write!(f, "{function} wrote {value:?} ({form:?}): {line}")
    }
}

/// What was searched, so that a search of nothing isn't taken for a clean log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// How many lines.
    pub lines: usize,
    /// How many by function and what they are: an event's name, `metrics`, or `text`.
    pub kinds: BTreeMap<(String, String), usize>,
}

impl Searched {
    /// Those of these events of which no function wrote a line.
    #[must_use]
    pub fn lacks<'k>(&self, kinds: &[&'k str]) -> Vec<&'k str> {
        let is_there = |kind: &str| self.kinds.keys().any(|(_, searched)| searched == kind);
        kinds.iter().copied().filter(|kind| !is_there(kind)).collect()
    }
}

/// How many lines of each kind.
impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds = BTreeMap::<&str, usize>::new();
        for ((_, kind), lines) in &self.kinds {
            *kinds.entry(kind).or_default() += lines;
        }
        for (kind, lines) in kinds.into_iter().chain([("in all", self.lines)]) {
            writeln!(f, "{kind:<46} {lines:>8}")?;
        }
        Ok(())
    }
}

/// What a line has: the names of its events, `metrics`, or `text`.
fn kinds(line: &str) -> Vec<String> {
    let kind = |value: Value| {
        let event = value.get("event").and_then(Value::as_str);
        let other = if value.get("_aws").is_some() { "metrics" } else { "text" };
        event.unwrap_or(other).to_owned()
    };
    events(serde_json::from_str(line).unwrap_or_default()).into_iter().map(kind).collect()
}

/// Searches lines for secrets, in every form. What was searched, and what was found.
#[must_use]
pub fn search(lines: &[Line], secrets: &Secrets) -> (Searched, Vec<Find>) {
    let (mut searched, mut finds) = (Searched::default(), vec![]);
    for Line { function, text } in lines {
        searched.lines += 1;
        for kind in kinds(text) {
            *searched.kinds.entry((function.clone(), kind)).or_default() += 1;
        }
        let found = forms::of(text).into_iter().find_map(|(form, bytes)| Some((form, secrets.first_in(&bytes)?)));
        finds.extend(found.map(|(form, value)| Find { value, form, line: text.clone(), function: function.clone() }));
    }
    (searched, finds)
}

/// Searches the log of a service when the service ends, for its keys and for the values of what it was handed.
#[derive(Debug)]
pub struct Watch {
    log: Log,
    /// How many lines were searched already.
    done: Mutex<usize>,
}

impl Default for Watch {
    fn default() -> Self {
        let log = Log::default();
        let keys = [service::ADMIN_KEY, service::OTHER_ADMIN_KEY, service::SKILL_KEY.1];
        for key in keys.into_iter().chain([service::REST_API_KEY, service::OTHER_REST_API_KEY]) {
            lock(&log.0.secrets).add(key);
        }
        Self { log, done: Mutex::default() }
    }
}

impl Watch {
    /// What the functions write, and are handed.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// Searches all that was written and not searched yet.
    #[must_use]
    pub fn search(&self) -> (Searched, Vec<Find>) {
        let (lines, mut done) = (lock(&self.log.0.lines), lock(&self.done));
        let (searched, finds) = search(lines.get(*done..).unwrap_or_default(), &lock(&self.log.0.secrets));
        *done = lines.len();
        (searched, finds)
    }
}

impl Drop for Watch {
    #[expect(clippy::panic, reason = "a log that says too much fails the test that made it say so")]
    fn drop(&mut self) {
        // A test that fails already must show its own error.
        if std::thread::panicking() {
            return;
        }
        let (_, finds) = self.search();
        if !finds.is_empty() {
            let finds: Vec<_> = finds.iter().map(Find::to_string).collect();
            panic!("{} lines say what no log may say:\n{}", finds.len(), finds.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests;
